import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { startDesktop, type TestDesktop } from '../support/desktop.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, nextHeld, startClient } from '../support/side-by-side.ts';

/** Changes to data ask for a click and dropping for the PIN, as the shipped policy has it. */
const notifyd = component('xfce4-notifyd');
const psql = component('psql');
const missing = notifyd.missing || psql.missing;

let desktop: TestDesktop;
let postgres: TestPostgres;
let gateway: TestService;
let client: NodeJS.ProcessEnv;
const before = { ...process.env };

/** Buttons from the right: what takes a click has Approve, Deny, Open; what takes more Deny, Open. */
const OPEN = 0;
const DENY = 1;
const APPROVE = 2;

beforeAll(async () => {
  if (missing) return;
  desktop = await startDesktop(notifyd.path);
  const bin = join(desktop.folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\necho "$@" >> ${desktop.folder}/opened\n`, { mode: 0o755 });
  Object.assign(process.env, desktop.env, { PATH: `${bin}:${process.env.PATH}` });
  postgres = await startPostgres();
  await postgres.query('CREATE TABLE stock (i int)');
  gateway = await startTestService({ connections: [superuserConnection(postgres)], notifications: true });
  ({ env: client } = await gateway.connect());
});
afterAll(async () => {
  await gateway?.service.close('the test is over');
  await gateway?.stop();
  await postgres?.stop();
  await desktop?.stop();
  for (const name of ['DISPLAY', 'DBUS_SESSION_BUS_ADDRESS', 'PATH']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

const run = (sql: string) => startClient(psql.path, ['-X', '-c', sql], client);
const status = async () => (await gateway.control.call('status', {})).notifications;
const approval = (id: string) => gateway.control.call('approval', { id });
const count = async () => Number((await postgres.query('SELECT count(*) AS n FROM stock'))[0]?.n);
const shows = (many: number) =>
  eventually(`${many} notifications on the screen`, async () => ((await desktop.shown()) === many ? true : null));
const works = (ok: boolean) =>
  eventually(`notifications that work: ${ok}`, async () => ((await status()).ok === ok ? true : null), 60);

async function deny(id: string): Promise<void> {
  const { operation } = await approval(id);
  await gateway.control.call('decide', { id, digest: operation.digest, decision: 'deny' });
}

describe.skipIf(missing)('notifications of a real desktop (needs xfce4-notifyd, Xvfb, xdotool, dbus)', () => {
  it('are not there without a service, which status says; they are as soon as one is', async () => {
    expect(
      await eventually('the status', async () => ((await status()).sentence.includes('service') ? status() : null)),
    ).toEqual({
      ok: false,
      sentence: 'there is no notification service on the session bus',
    });
    const held = run('INSERT INTO stock VALUES (0)');
    const { id } = await nextHeld(gateway.control);
    await desktop.startNotifyd();
    await shows(1);
    expect(await status()).toEqual({ ok: true, sentence: expect.stringMatching(/^by Xfce Notify Daemon [\d.]+$/) });
    await deny(id);
    expect((await held.ended).code).toBe(1);
    await shows(0);
  });

  it('let a held statement through by a click on Approve', async () => {
    const rows = await count();
    const held = run('INSERT INTO stock VALUES (1)');
    const { id } = await nextHeld(gateway.control);
    await desktop.press(APPROVE);
    expect(await held.ended).toEqual({ code: 0, out: 'INSERT 0 1\n' });
    expect(await approval(id)).toMatchObject({ state: 'approved', channel: 'notification', grantId: null });
    expect(await count()).toBe(rows + 1);
    await shows(0);
  });

  it('deny by a click on Deny', async () => {
    const rows = await count();
    const held = run('INSERT INTO stock VALUES (2)');
    const { id } = await nextHeld(gateway.control);
    await desktop.press(DENY);
    expect((await held.ended).code).toBe(1);
    expect(await approval(id)).toMatchObject({ state: 'denied', channel: 'notification' });
    expect(await count()).toBe(rows);
  });

  it('close when it is decided elsewhere, or the client goes away', async () => {
    const denied = run('INSERT INTO stock VALUES (3)');
    const { id } = await nextHeld(gateway.control);
    await shows(1);
    await deny(id);
    await shows(0);
    await denied.ended;
    const left = run('INSERT INTO stock VALUES (4)');
    await nextHeld(gateway.control);
    await shows(1);
    left.process.kill('SIGINT');
    await left.ended;
    await shows(0);
  });

  it('offer Deny and Open where policy asks for more, open the console without a code, and leave it waiting', async () => {
    const held = run('DROP TABLE stock');
    const { id, verdict } = await nextHeld(gateway.control);
    expect(verdict.level).toBe('pin');
    await desktop.press(OPEN);
    const opened = join(desktop.folder, 'opened');
    await eventually('the browser', () => (existsSync(opened) ? true : null));
    expect(readFileSync(opened, 'utf8')).toBe(`${new URL('/approvals', gateway.service.control.url).href}\n`);
    await shows(0);
    expect((await approval(id)).state).toBe('waiting');
    await deny(id);
    await held.ended;
    const other = run('DROP TABLE stock');
    await nextHeld(gateway.control);
    await desktop.press(DENY);
    expect((await other.ended).out).toContain('ERROR');
    expect(await count()).toBeGreaterThan(0);
  });

  it('are clicked by nobody but their service: what other programs on the bus say counts for nothing', async () => {
    const held = run('INSERT INTO stock VALUES (6)');
    const { id } = await nextHeld(gateway.control);
    await shows(1);
    await new Promise((done) => setTimeout(done, 1000));
    await desktop.forgeClicks('approve');
    await desktop.forgeClicks('deny');
    expect((await approval(id)).state).toBe('waiting');
    await desktop.press(DENY);
    expect((await held.ended).code).toBe(1);
    expect((await approval(id)).state).toBe('denied');
  });

  it('that a person dismisses leave it waiting', async () => {
    const held = run('DROP TABLE stock');
    const { id } = await nextHeld(gateway.control);
    await desktop.clickText();
    await shows(0);
    expect((await approval(id)).state).toBe('waiting');
    await deny(id);
    await held.ended;
  });

  it('are bounded, and count the rest', async () => {
    const all = Array.from({ length: 8 }, (_, i) => run(`INSERT INTO stock VALUES (10${i})`));
    await eventually('eight requests', async () => {
      const { total } = await gateway.control.call('approvals', { state: 'waiting' });
      return total === 8 ? true : null;
    });
    await shows(6);
    for (const { id } of (await gateway.control.call('approvals', { state: 'waiting' })).items) await deny(id);
    await Promise.all(all.map(({ ended }) => ended));
    await shows(0);
  });

  it('come back with the service after it was killed, and nothing else minds', async () => {
    const rows = await count();
    const held = run('INSERT INTO stock VALUES (5)');
    await nextHeld(gateway.control);
    await shows(1);
    await desktop.killNotifyd();
    await works(false);
    expect((await run('SELECT 1').ended).code).toBe(0);
    await desktop.startNotifyd();
    await works(true);
    await desktop.press(APPROVE);
    expect((await held.ended).code).toBe(0);
    expect(await count()).toBe(rows + 1);
  });
});
