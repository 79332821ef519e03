import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, nextHeld, startClient } from '../support/side-by-side.ts';

const psql = component('psql');
const PIN = '739281';
const home = mkdtempSync(join(tmpdir(), 'cs-halt-'));

let postgres: TestPostgres;
let gateway: TestService;
let client: NodeJS.ProcessEnv;

async function begin(): Promise<void> {
  gateway = await startTestService({ connections: [superuserConnection(postgres)], home });
  ({ env: client } = await gateway.connect());
}
beforeAll(async () => {
  if (psql.missing) return;
  postgres = await startPostgres();
  await postgres.query('CREATE TABLE stock (i int)');
  await begin();
  await gateway.control.call('setPin', { pin: PIN, code: gateway.service.loginCode });
});
afterAll(async () => {
  await gateway?.service.close('the test is over');
  await postgres?.stop();
  rmSync(home, { recursive: true, force: true });
});

const run = (sql: string) => startClient(psql.path, ['-X', '-c', sql], client);
const INSERT = 'INSERT INTO stock VALUES (1)';

describe.skipIf(psql.missing)('a gateway that a person stopped (needs psql)', () => {
  it('paused, denies what waits and what needs a person, and runs the rest', async () => {
    const held = run(INSERT);
    await nextHeld(gateway.control);
    const { sentence } = await gateway.control.call('pauseAll', { minutes: 5 });
    expect(await held.ended).toMatchObject({ code: 1, out: expect.stringContaining(sentence) });
    expect(await run(INSERT).ended).toMatchObject({ code: 1, out: expect.stringContaining(sentence) });
    expect(await run('SELECT 1').ended).toMatchObject({ code: 0 });
    await gateway.control.call('resumeAll', { pin: PIN });
    const again = run(INSERT);
    const { id, operation } = await nextHeld(gateway.control);
    await gateway.control.call('decide', { id, digest: operation.digest, decision: 'approve', pin: PIN });
    expect(await again.ended).toMatchObject({ code: 0, out: 'INSERT 0 1\n' });
  });

  it('cut off, ends what runs, lets nothing in, and does so still after a restart', async () => {
    const running = run('SELECT pg_sleep(100)');
    await eventually('the session', async () =>
      (await gateway.control.call('status', {})).openSessions > 0 ? true : null,
    );
    const { sentence } = await gateway.control.call('panic', {});
    expect((await running.ended).code).not.toBe(0);
    expect(await run('SELECT 1').ended).toMatchObject({ code: 2, out: expect.stringContaining(sentence) });
    await gateway.service.close('restarted');
    await begin();
    expect(await run('SELECT 1').ended).toMatchObject({ code: 2, out: expect.stringContaining(sentence) });
    await expect(gateway.control.call('resumeAll', { pin: '000001' })).rejects.toMatchObject({ code: 'PIN_WRONG' });
    await gateway.control.call('resumeAll', { pin: PIN });
    expect(await run('SELECT 1').ended).toMatchObject({ code: 0 });
  });
});
