import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionFolders } from '../../gateway/recording/reader.ts';
import { closedFact, openedFact } from '../../gateway/recording/session-facts.ts';
import { component } from '../components.ts';
import { loggedEntries } from '../support/device-log.ts';
import { type RunningGateway, removeHome, runCountersign, startGateway } from '../support/gateway.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ALLOW_ALL, startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient } from '../support/side-by-side.ts';

/** What a real client does through a real gateway is in the device's log, and without that log it does nothing. */
const psql = component('psql');

const folders = (home: string) => Array.fromAsync(sessionFolders(join(home, 'recordings')));

describe.skipIf(psql.missing)('the device’s log of a gateway (needs psql)', () => {
  let postgres: TestPostgres;
  let home: string;
  const start = (): Promise<TestService> =>
    startTestService({ home, policy: ALLOW_ALL, connections: [superuserConnection(postgres)] });
  const query = async (service: TestService, sql: string) =>
    runClient(psql.path, ['-X', '-A', '-t', '-c', sql], (await service.connect()).env);

  beforeAll(async () => {
    postgres = await startPostgres();
    home = mkdtempSync(join(tmpdir(), 'cs-device-'));
  });
  afterAll(async () => {
    await postgres?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it('names every session at its opening and at its end, as its files are', async () => {
    const service = await start();
    for (const n of [1, 2]) expect((await query(service, `SELECT ${n}`)).out).toContain(String(n));
    const sessions = await eventually('two sessions in the log', async () => {
      const entries = (await loggedEntries(home)).filter(({ type }) => type.startsWith('session-'));
      return entries.length === 4 ? entries : null;
    });
    for (const folder of await folders(home)) {
      const { type: _, ...opened } = openedFact(folder);
      const { type: __, ...closed } = closedFact(folder);
      const of = sessions.filter((entry) => 'sid' in entry && entry.sid === opened.sid);
      expect(of).toMatchObject([
        { type: 'session-opened', ...opened, sync: 'all' },
        { type: 'session-closed', ...closed, state: 'closed' },
      ]);
    }
    expect(await service.control.call('status', {})).toMatchObject({ device: { org: null, problem: null } });
    await service.service.close('the test goes on');
    expect((await loggedEntries(home)).at(-1)).toMatchObject({ type: 'stopped', reason: 'the test goes on' });
  });

  it('that was changed lets no statement through, and the client is told why', async () => {
    const file = join(home, 'device', 'log', 'entries');
    const whole = readFileSync(file);
    const changed = Buffer.from(whole);
    changed[12] = changed[12]! ^ 1;
    writeFileSync(file, changed);
    await postgres.query('CREATE TABLE untouched (i int)');
    const service = await start();
    const run = await query(service, 'INSERT INTO untouched VALUES (1)');
    expect([run.code, run.out]).toEqual([2, expect.stringContaining("the device's log was changed")]);
    expect(await postgres.query('SELECT count(*) FROM untouched')).toEqual([{ count: '0' }]);
    const { device, recorder } = await service.control.call('status', {});
    expect(device.problem).toContain('were signed for');
    expect(recorder.ok).toBe(false);
    await service.service.close('the test goes on');
    writeFileSync(file, whole);
    const again = await start();
    expect((await query(again, 'INSERT INTO untouched VALUES (1)')).code).toBe(0);
    await again.service.close('the test is over');
  });
});

describe.skipIf(psql.missing)('a gateway that is killed (needs psql)', () => {
  let gateway: RunningGateway | undefined;
  afterAll(() => gateway?.remove());

  it('says at its next start that it did not run, and which session was cut', async () => {
    gateway = await startGateway();
    const { home } = gateway;
    const client = gateway.run(['connect', 'demo', '--exec', '--', psql.path, '-X', '-c', 'SELECT pg_sleep(60)']);
    await eventually('the session in the log', async () =>
      (await loggedEntries(home)).some(({ type }) => type === 'session-opened') ? true : null,
    );
    gateway.process.kill('SIGKILL');
    await client;
    gateway = await startGateway([], home);
    const entries = await loggedEntries(home);
    const opened = entries.find((entry) => entry.type === 'session-opened');
    const gap = entries.findIndex(({ type }) => type === 'gap');
    expect(entries.slice(gap, gap + 3)).toMatchObject([
      { type: 'gap', kind: 'unclean', detail: expect.stringContaining('without saying so') },
      { type: 'session-closed', sid: opened?.sid, state: 'incomplete' },
      { type: 'started' },
    ]);
    const shown = await runCountersign(home, ['device', 'log']);
    expect(shown.out).toContain(`session ${opened?.sid} ended (incomplete)`);
    await gateway.stop();
    removeHome(home);
  });
});
