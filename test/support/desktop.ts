import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './side-by-side.ts';

/** A screen without a monitor and a session bus, on which a notification service can come and go. */
export interface TestDesktop {
  /** A folder of its own, removed at the end. */
  folder: string;
  /** What programs of this desktop find it by. */
  env: { DISPLAY: string; DBUS_SESSION_BUS_ADDRESS: string };
  startNotifyd(): Promise<void>;
  /** With nothing in it but a place for icons, at the top left. */
  startPanel(panel: string): Promise<void>;
  /** How many menus of an icon are open, one below the other. */
  trayMenus(): Promise<number>;
  /** Opens the menu of the only icon. */
  openTrayMenu(): Promise<void>;
  key(name: string): Promise<void>;
  /** Kills it, as by a crash. */
  killNotifyd(): Promise<void>;
  /** How many notifications are on the screen. */
  shown(): Promise<number>;
  /** Presses a button of the only notification, counted from the right: 0 is the last one. */
  press(fromRight: number): Promise<void>;
  /** Clicks on the text of the only notification. */
  clickText(): Promise<void>;
  /** Has another program of the bus say to this process that a button of any notification was pressed. */
  forgeClicks(action: string): Promise<void>;
  stop(): Promise<void>;
}

/** Without folders of services: only what the test starts is on this bus. */
const busConfig = (socket: string) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

const PANEL_SIZE = 32;
const PANEL = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="double" value="100"/>
      <property name="size" type="uint" value="${PANEL_SIZE}"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
  </property>
</channel>
`;

/** Where Xfce's service puts its buttons with its own theme, in pixels from the right and the bottom. */
const BUTTON = { right: 57, bottom: 31, pitch: 92 };

const run = promisify(execFile);

/** @param notifyd path of xfce4-notifyd; its settings service lies beside it. */
export async function startDesktop(notifyd: string): Promise<TestDesktop> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-desktop-'));
  const started: ChildProcess[] = [];
  const socket = join(folder, 'bus');
  writeFileSync(join(folder, 'bus.conf'), busConfig(socket));
  mkdirSync(join(folder, 'run'), { mode: 0o700 });

  function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    child.on('error', () => {});
    started.push(child);
    return child;
  }
  async function end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
  }

  const base = { PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: join(folder, 'run'), LC_ALL: 'C.UTF-8' };
  start('dbus-daemon', ['--nofork', `--config-file=${join(folder, 'bus.conf')}`], base);
  const screen = start('Xvfb', ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], base);
  let display = '';
  screen.stdio[3]?.on('data', (chunk: Buffer) => {
    display += chunk.toString();
  });
  await eventually('the screen', () => (display.endsWith('\n') ? true : null));
  await eventually('the session bus', () => (existsSync(socket) ? true : null));
  const env = { DISPLAY: `:${display.trim()}`, DBUS_SESSION_BUS_ADDRESS: `unix:path=${socket}` };
  const inside = { ...base, ...env, NO_AT_BRIDGE: '1', GSETTINGS_BACKEND: 'memory' };
  start(notifyd.replace('notifyd/xfce4-notifyd', 'xfconf/xfconfd'), [], inside);
  const settings = join(folder, '.config/xfce4/xfconf/xfce-perchannel-xml');
  mkdirSync(settings, { recursive: true });
  writeFileSync(join(settings, 'xfce4-panel.xml'), PANEL);
  let service: ChildProcess | null = null;

  const xdotool = async (...args: string[]) => (await run('xdotool', args, { env: inside })).stdout;
  const windows = async () => {
    // It fails where it finds none.
    const found = await xdotool('search', '--onlyvisible', '--class', 'notifyd').catch(() => '');
    return found.split('\n').filter((line) => line !== '');
  };
  /** Once there is exactly one, and it has stood still for longer than a click has to wait. */
  async function theOne(): Promise<Record<'X' | 'Y' | 'WIDTH' | 'HEIGHT', number>> {
    let before = '';
    let since = Date.now();
    return eventually('one notification that stands still', async () => {
      const [window, ...more] = await windows();
      const geometry =
        window === undefined || more.length > 0
          ? ''
          : await xdotool('getwindowgeometry', '--shell', window).catch(() => '');
      if (geometry !== before) since = Date.now();
      before = geometry;
      if (geometry === '' || Date.now() - since < 800) return null;
      const number = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(geometry)?.[1]);
      return { X: number('X'), Y: number('Y'), WIDTH: number('WIDTH'), HEIGHT: number('HEIGHT') };
    });
  }
  async function click(x: number, y: number): Promise<void> {
    await xdotool('mousemove', String(x), String(y), 'click', '1');
    // Away from where the next one appears.
    await xdotool('mousemove', '5', '890');
  }

  const send = async (...args: string[]) => (await run('dbus-send', ['--session', ...args], { env: inside })).stdout;
  const askBus = (member: string, ...args: string[]) =>
    send('--print-reply', '--dest=org.freedesktop.DBus', '/', `org.freedesktop.DBus.${member}`, ...args);

  return {
    folder,
    env,
    async forgeClicks(action) {
      const names = [...(await askBus('ListNames')).matchAll(/":[\d.]+"/g)].map(([name]) => name.slice(1, -1));
      const pids = await Promise.all(
        names.map((name) => askBus('GetConnectionUnixProcessID', `string:${name}`).catch(() => '')),
      );
      const own = names.filter((_, i) => pids[i]?.trim().endsWith(`uint32 ${process.pid}`));
      if (own.length === 0) throw new Error('this process is not on the bus');
      const signal = ['/org/freedesktop/Notifications', 'org.freedesktop.Notifications.ActionInvoked'];
      for (const name of own) {
        for (let id = 1; id <= 40; id++) {
          await send('--type=signal', `--dest=${name}`, ...signal, `uint32:${id}`, `string:${action}`);
        }
      }
    },
    async startNotifyd() {
      service = start(notifyd, [], inside);
    },
    async startPanel(panel) {
      start(panel, ['--disable-wm-check'], inside);
      await eventually('the panel', async () => {
        const found = await xdotool('search', '--onlyvisible', '--class', 'xfce4-panel').catch(() => '');
        return found === '' ? null : true;
      });
    },
    async openTrayMenu() {
      await xdotool('mousemove', String(PANEL_SIZE / 2 + 4), String(PANEL_SIZE / 2), 'click', '3');
      // Not over what opens, nor over the icon, whose words would show.
      await xdotool('mousemove', '900', '890');
    },
    async key(name) {
      await xdotool('key', name);
    },
    async trayMenus() {
      const found = await xdotool('search', '--onlyvisible', '--name', 'wrapper-2.0').catch(() => '');
      const windowsOfPlugin = found.split('\n').filter((line) => line !== '');
      const shapes = await Promise.all(
        windowsOfPlugin.map((window) => xdotool('getwindowgeometry', '--shell', window).catch(() => '')),
      );
      // Below the panel, and more than the pixel that GTK keeps for itself.
      return shapes.filter((shape) => /^Y=(2[89]|[3-9]\d|\d{3})$/m.test(shape) && /^WIDTH=\d{2,}$/m.test(shape)).length;
    },
    async killNotifyd() {
      if (service !== null) await end(service);
      service = null;
    },
    shown: async () => (await windows()).length,
    async press(fromRight) {
      const { X, Y, WIDTH, HEIGHT } = await theOne();
      await click(X + WIDTH - BUTTON.right - fromRight * BUTTON.pitch, Y + HEIGHT - BUTTON.bottom);
    },
    async clickText() {
      const { X, Y } = await theOne();
      await click(X + 40, Y + 45);
    },
    async stop() {
      for (const child of started.toReversed()) await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
