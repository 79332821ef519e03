import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { startDesktop, type TestDesktop } from '../support/desktop.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, nextHeld, startClient } from '../support/side-by-side.ts';

const panel = component('xfce4-panel');
const notifyd = component('xfce4-notifyd');
const psql = component('psql');
const missing = panel.missing || notifyd.missing || psql.missing;

let desktop: TestDesktop;
let postgres: TestPostgres;
let gateway: TestService;
let client: NodeJS.ProcessEnv;
const before = { ...process.env };

beforeAll(async () => {
  if (missing) return;
  desktop = await startDesktop(notifyd.path);
  Object.assign(process.env, desktop.env);
  postgres = await startPostgres();
  await postgres.query('CREATE TABLE stock (i int)');
  gateway = await startTestService({ connections: [superuserConnection(postgres)], tray: true });
  ({ env: client } = await gateway.connect());
  // After the gateway, which waits for a panel and finds it when it comes.
  await desktop.startPanel(panel.path);
});
afterAll(async () => {
  await gateway?.stop();
  await postgres?.stop();
  await desktop?.stop();
  for (const name of ['DISPLAY', 'DBUS_SESSION_BUS_ADDRESS']) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

const run = (sql: string) => startClient(psql.path, ['-X', '-c', sql], client);
const menus = (many: number) =>
  eventually(`${many} menus`, async () => ((await desktop.trayMenus()) === many ? true : null));

async function openMenu(): Promise<void> {
  await eventually('the menu', async () => {
    await desktop.openTrayMenu();
    await new Promise((done) => setTimeout(done, 700));
    return (await desktop.trayMenus()) > 0 ? true : null;
  });
}

describe.skipIf(missing)('the icon in a real panel (needs xfce4-panel, Xvfb, xdotool, dbus)', () => {
  it('denies what waits by its menu', async () => {
    const held = run('INSERT INTO stock VALUES (1)');
    const { id } = await nextHeld(gateway.control);
    // What is drawn settles after what is held.
    await new Promise((done) => setTimeout(done, 1000));
    await openMenu();
    await desktop.key('Down');
    await desktop.key('Right');
    await menus(2);
    await desktop.key('Down');
    await desktop.key('Return');
    expect(await held.ended).toMatchObject({ code: 1, out: expect.stringContaining('denied') });
    expect(await gateway.control.call('approval', { id })).toMatchObject({ state: 'denied', channel: 'notification' });
    await menus(0);
    expect((await postgres.query('SELECT count(*) AS n FROM stock'))[0]?.n).toBe('0');
  });

  it('cuts every connection by its menu, and lets none in until a person resumes', async () => {
    const sleeping = run('SELECT pg_sleep(100)');
    await eventually('the session', async () => {
      const { openSessions } = await gateway.control.call('status', {});
      return openSessions > 0 ? true : null;
    });
    await new Promise((done) => setTimeout(done, 1000));
    await openMenu();
    // Pausing, then panic.
    for (const name of ['Down', 'Down', 'Right']) await desktop.key(name);
    await menus(2);
    await desktop.key('Return');
    const ended = await sleeping.ended;
    expect(ended.code).not.toBe(0);
    await eventually('the end of the session', async () => {
      const { halt, openSessions } = await gateway.control.call('status', {});
      return halt?.kind === 'panic' && openSessions === 0 ? true : null;
    });
    expect(await run('SELECT 1').ended).toMatchObject({
      code: 2,
      out: expect.stringContaining('cut every connection'),
    });
    await expect(gateway.control.call('resumeAll', { pin: '000000' })).rejects.toMatchObject({ code: 'PIN_NOT_SET' });
  });
});
