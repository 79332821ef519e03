import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlClient, createControlClient } from '../../../gateway/control/client.ts';
import { parseCheckpoint } from '../../../gateway/evidence/format/checkpoint.ts';
import { sessionFolders } from '../../../gateway/recording/reader.ts';
import { verifySession } from '../../../gateway/recording/verify.ts';
import { type Service, startService } from '../../../gateway/service.ts';
import { assemble } from '../../../gateway/sync/test-support.ts';
import { component } from '../../components.ts';
import { devicePassphrase, enrolDevice } from '../../support/enrolled-device.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { superuserConnection } from '../../support/service.ts';
import { eventually, runClient, setTestPin, startClient, TEST_PIN } from '../../support/side-by-side.ts';

/** What a real client does through a real gateway is in the team's store while it does it, and stays there. */
const psql = component('psql');
describe.skipIf(psql.missing)('a gateway with a store (needs psql)', () => {
  let postgres: TestPostgres;
  let home: string;
  let store: string;
  let device: string;
  let auditor: string;
  let service: Service;
  let control: ControlClient;

  const start = async () => {
    service = await startService({ home, postgresPort: 0, controlPort: 0, devicePassphrase });
    control = createControlClient({ socketPath: service.control.socketPath });
  };
  beforeAll(async () => {
    postgres = await startPostgres();
    home = mkdtempSync(join(tmpdir(), 'cs-gateway-sync-'));
    store = join(home, 'store');
    mkdirSync(store);
    auditor = await generateX25519Identity();
    ({ device } = await enrolDevice(home, await identityToRecipient(auditor)));
    await start();
    for (const sync of ['all', 'local'] as const) {
      const { secret, ...connection } = superuserConnection(postgres, { id: sync, sync });
      await service.registerDemo(connection, secret);
    }
    await setTestPin({ control, service });
  });
  afterAll(async () => {
    await service?.close('the test is over');
    await postgres?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const objects = () =>
    new Map(
      readdirSync(store, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => {
          const file = join(entry.parentPath, entry.name);
          return [file.slice(store.length + 1), readFileSync(file)] as const;
        }),
    );
  const parts = () => [...objects().keys()].filter((name) => name.includes('/sessions/'));
  const envOf = async (id: string) => ({ ...process.env, ...(await control.call('mintToken', { id })).env });
  const upToDate = () =>
    eventually('everything in the store', async () =>
      (await control.call('syncStatus', {})).state === 'up-to-date' ? true : null,
    );

  it('takes it up with the PIN', async () => {
    const target = { kind: 'folder', path: store };
    await expect(control.call('setUpSync', { setup: { target }, pin: '000000' })).rejects.toMatchObject({
      code: 'PIN_WRONG',
    });
    expect(await control.call('setUpSync', { setup: { target }, pin: TEST_PIN })).toMatchObject({
      target: `folder ${store}`,
      organisation: 'acme',
      encryption: { on: true, recipients: 1 },
    });
  });

  it('sends a session while it runs, encrypted, and a log that knows it', async () => {
    const client = startClient(psql.path, ['-X', '-c', 'SELECT 1', '-c', 'SELECT pg_sleep(60)'], await envOf('all'));
    // The index and the store hear of a session each in their own time.
    const running = await eventually('the session', async () => {
      const { items } = await control.call('sessions', { connectionId: 'all', state: 'open' });
      return items[0] ?? null;
    });
    const ofIt = () => parts().filter((name) => name.includes(running.id));
    await eventually('a part', () => (ofIt().length > 0 ? true : null));
    expect(parts().every((name) => name.endsWith('.tar.age'))).toBe(true);
    await control.call('killSession', { id: running.id });
    await client.ended;
    await eventually('the whole session', async () => {
      const folder = ofIt()[0]!.slice(0, ofIt()[0]!.lastIndexOf('/'));
      const into = mkdtempSync(join(home, 'copy-'));
      const { complete, conflicts } = await assemble(objects(), folder, into, [auditor]);
      if (!complete) return null;
      expect(conflicts).toBe(0);
      expect(await verifySession(into)).toMatchObject({ ok: true, state: 'closed', sessionId: running.id });
      return true;
    });
    await upToDate();
    const sizes = [...objects()].flatMap(([name, bytes]) =>
      name.startsWith(`acme/${device}/log/checkpoint.`) ? [parseCheckpoint(bytes).size] : [],
    );
    expect(sizes.length).toBeGreaterThan(0);
    expect((await control.call('status', {})).device.size).toBeGreaterThanOrEqual(Math.max(...sizes));
  });

  it('keeps what is local, and deletes nothing without the PIN, a word in the log and no hold', async () => {
    expect((await runClient(psql.path, ['-X', '-A', '-t', '-c', 'SELECT 42'], await envOf('local'))).out).toContain(
      '42',
    );
    const local = await eventually('the local session', async () => {
      const { items } = await control.call('sessions', { connectionId: 'local', state: 'closed' });
      return items[0] ?? null;
    });
    await upToDate();
    expect(parts().some((name) => name.includes(local.id))).toBe(false);
    await eventually('the local session’s count', async () =>
      (await control.call('syncStatus', {})).localSessions > 0 ? true : null,
    );
    const remove = () => control.call('removeRecording', { id: local.id, why: 'a test', pin: TEST_PIN });
    await control.call('setHold', { what: 'connection:local', why: 'a lawsuit' });
    await expect(remove()).rejects.toMatchObject({ code: 'SESSION_HELD' });
    await control.call('liftHold', { what: 'connection:local', why: 'settled', pin: TEST_PIN });
    await remove();
    for await (const folder of sessionFolders(join(home, 'recordings'))) expect(folder).not.toContain(local.id);
    expect((await control.call('sessions', { connectionId: 'local' })).items).toEqual([]);
  });

  it('goes on after a restart, with what it was told before', async () => {
    await control.call('pauseSync', { pin: TEST_PIN });
    const before = parts().length;
    await runClient(psql.path, ['-X', '-c', 'SELECT 1'], await envOf('all'));
    await service.close('the test goes on');
    await start();
    expect(await control.call('syncStatus', {})).toMatchObject({ state: 'paused', target: `folder ${store}` });
    expect(parts()).toHaveLength(before);
    await control.call('resumeSync', {});
    await upToDate();
    expect(parts().length).toBeGreaterThan(before);
    expect(existsSync(join(home, 'outbox.db'))).toBe(true);
    expect(readdirSync(join(home, 'outbox'))).toEqual([]);
  });
});
