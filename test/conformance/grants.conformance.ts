import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceFolder } from '../../gateway/evidence/device/device-file.ts';
import { readFrames } from '../../gateway/evidence/device/entry-frames.ts';
import { LogEntry } from '../../gateway/evidence/format/log-entries.ts';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, nextHeld, setTestPin, startClient, TEST_PIN } from '../support/side-by-side.ts';

const psql = component('psql');
const DAY = 24 * 60;

/** Leave for more than one statement, as psql meets it. */
describe.skipIf(psql.missing)('grants (needs psql)', () => {
  let postgres: TestPostgres;
  let gateway: TestService;
  let env: NodeJS.ProcessEnv;
  const home = mkdtempSync(join(tmpdir(), 'cs-grants-'));
  const start = () => startTestService({ connections: [superuserConnection(postgres)], home });
  const run = (sql: string) => startClient(psql.path, ['-X', '-c', sql], env).ended;

  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.query('CREATE TABLE stock (i int)');
    gateway = await start();
    await setTestPin(gateway);
    ({ env } = await gateway.connect());
  });
  afterAll(async () => {
    await gateway?.stop();
    await postgres?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  async function entries(): Promise<LogEntry[]> {
    const file = await open(join(deviceFolder(home), 'log', 'entries'), 'r');
    try {
      const found: LogEntry[] = [];
      for await (const frame of readFrames(file, 0, (await file.stat()).size)) {
        for (const bytes of frame.entries) found.push(LogEntry.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))));
      }
      return found;
    } finally {
      await file.close();
    }
  }

  it('for exactly this let the same through unasked, and nothing else', async () => {
    const first = run('INSERT INTO stock VALUES (1)');
    const { id, operation } = await nextHeld(gateway.control);
    const scope = { kind: 'minutes', minutes: 7 * DAY, reach: 'exact' } as const;
    const given = { id, digest: operation.digest, decision: 'approve', scope } as const;
    await expect(gateway.control.call('decide', given)).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
    await gateway.control.call('decide', { ...given, pin: TEST_PIN });
    expect(await first).toMatchObject({ code: 0, out: expect.stringContaining('INSERT 0 1') });
    expect(await run('INSERT INTO stock VALUES (1)')).toMatchObject({ code: 0 });
    const other = run('INSERT INTO stock VALUES (2)');
    const held = await nextHeld(gateway.control);
    await gateway.control.call('decide', { id: held.id, digest: held.operation.digest, decision: 'deny' });
    expect((await other).code).not.toBe(0);
    expect((await postgres.query('SELECT count(*) AS n FROM stock'))[0]?.n).toBe('2');
  });

  it('for days are there after a restart, do not end when the person leaves, and are in the device’s log', async () => {
    await gateway.service.close('a restart');
    gateway = await start();
    ({ env } = await gateway.connect());
    await gateway.control.call('revokeGrants', { leaving: true });
    expect(await run('INSERT INTO stock VALUES (1)')).toMatchObject({ code: 0 });
    const [grant] = (await gateway.control.call('grants', {})).items;
    expect(grant).toMatchObject({ standing: true, reach: 'exact', uses: 2 });
    await gateway.control.call('revokeGrant', { id: grant!.id });
    const again = run('INSERT INTO stock VALUES (1)');
    const held = await nextHeld(gateway.control);
    await gateway.control.call('decide', { id: held.id, digest: held.operation.digest, decision: 'deny' });
    expect((await again).code).not.toBe(0);
    const logged = await eventually('the end in the log', async () => {
      const of = (await entries()).filter((entry) => entry.type === 'grant');
      return of.length === 2 ? of : null;
    });
    expect(logged).toMatchObject([
      { state: 'given', id: grant!.id, reach: 'exact', approval: grant!.approvalId },
      { state: 'revoked', id: grant!.id, uses: 2 },
    ]);
    expect(JSON.stringify(logged)).not.toContain('INSERT');
  });
});
