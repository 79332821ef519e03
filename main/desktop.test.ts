import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MenuItemConstructorOptions } from 'electron';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testOperation, testVerdict } from '../gateway/approvals/test-operation.ts';
import type { AppQuestion } from '../gateway/contract/desktop.ts';
import type { GatewayStatus } from '../gateway/contract/status.ts';
import { startTestControl } from '../gateway/control/test-control.ts';
import { startDesktop } from './desktop.ts';
import type { DesktopOptions } from './electron-parts.ts';
import { electronDouble, NotificationDouble } from './test-electron.ts';

/** A busy machine may take its time. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });

/** The app on doubles of Electron, against the gateway's own control server over its socket. */
const STATUS: GatewayStatus = {
  version: '1',
  protection: 'protected',
  recorder: { ok: true, error: null, bytes: 0 },
  policy: { hash: 'a', staged: null, error: null },
  pinSet: true,
  waiting: 0,
  openSessions: 1,
  postgres: { host: '127.0.0.1', port: 1 },
  identity: 'Ada',
  device: { id: 'd', org: null, size: 0, checkpointAt: null, problem: null, warning: null },
  notifications: { ok: false, sentence: 'no desktop' },
  halt: null,
  administration: null,
  emergency: null,
  pauses: [],
};

let control: Awaited<ReturnType<typeof startTestControl>>;
let status: GatewayStatus;
let revoked: number;
let traysHeld: boolean[];
const HALT = {
  kind: 'pause',
  since: '2026-01-05T10:00:00.000Z',
  until: null,
  by: 'Ada',
  sentence: 'Ada paused',
} as const;
beforeEach(async () => {
  status = STATUS;
  revoked = 0;
  traysHeld = [];
  control = await startTestControl({
    handlers: {
      status: () => status,
      sessions: () => ({ items: [], total: 0 }),
      revokeGrants: () => ({ revoked: ++revoked }),
      holdTray: ({ held }) => {
        traysHeld.push(held);
        return {};
      },
      pauseAll: () => ({ ...HALT }),
      panic: () => ({ ...HALT, kind: 'panic' }),
    },
  });
});
afterEach(async () => {
  expect(control.unexpected).toEqual([]);
  await control.stop();
});

async function start(
  given: { platform?: NodeJS.Platform; argv?: string[]; isFirst?: boolean; own?: boolean; running?: boolean } = {},
) {
  const electron = electronDouble(given);
  const asked: string[] = [];
  const log: string[] = [];
  let autostart = false;
  const deaf = () => {};
  let hear: (message: unknown) => void = deaf;
  let gone: (sentence: string) => void = () => {};
  const folder = join(control.dir, 'dist');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.html'), 'the console');
  const options: DesktopOptions = {
    platform: given.platform ?? 'linux',
    argv: given.argv ?? ['--at-login'],
    places: { console: folder, icons: '/icons', preload: '/app/preload.cjs' },
    gateway: {
      where: async () => ({
        version: '1',
        home: control.dir,
        socket: given.running === false ? '/nowhere.sock' : control.socketPath,
        own: given.own ?? true,
      }),
      start: () => ({
        onMessage: (listener) => {
          hear = listener;
        },
        onEnd: (listener) => {
          gone = listener;
        },
        ask: ({ ask }: AppQuestion) => {
          asked.push(ask);
          if (ask === 'code') hear({ code: control.server.newLoginCode() });
          if (ask === 'stop') gone('Stopped.');
        },
        release: () => void asked.push('release'),
      }),
    },
    autostart: {
      get on() {
        return autostart;
      },
      set: (on) => {
        autostart = on;
      },
    },
    schedule: control.time.schedule,
    now: control.time.clock.now,
    log: (sentence) => log.push(sentence),
  };
  const desktop = await startDesktop(electron.parts, options);
  return {
    ...electron,
    asked,
    log,
    desktop,
    /** The gateway that the app started says that it serves. */
    ready: async () => {
      await soon(() => hear).not.toBe(deaf);
      hear({ ready: { socket: control.socketPath, code: control.server.newLoginCode() } });
    },
    popup: () => electron.windows.find(({ options: { frame } }) => frame === false)!,
    console: () => electron.windows.filter(({ options: { frame } }) => frame !== false).at(-1),
    tooltip: () => electron.state.tooltip,
    page: (path: string, init?: RequestInit) => electron.state.page(new Request(`app://countersign${path}`, init)),
  };
}
type Started = Awaited<ReturnType<typeof start>>;

const connected = (app: Started) => soon(app.tooltip).toContain('open session');
const flat = (menu: readonly MenuItemConstructorOptions[]): MenuItemConstructorOptions[] =>
  menu.flatMap((item) => [item, ...flat((item.submenu ?? []) as MenuItemConstructorOptions[])]);
function click(app: Started, label: string): void {
  const item = flat(app.state.menu).find((one) => one.label?.startsWith(label));
  if (item === undefined) throw new Error(`no ${label} in ${flat(app.state.menu).map((one) => one.label)}`);
  (item.click as () => void)();
}
function hold(level: 'click' | 'pin' = 'click') {
  const held = control.approvals.hold(testOperation(), testVerdict({ level }));
  return { ...held, state: () => control.approvals.get(held.approvalId) };
}

describe('starting', () => {
  it('is once: a second one ends, and the first opens what that was asked to', async () => {
    const second = await start({ isFirst: false });
    expect([second.desktop, second.told, second.windows]).toEqual([null, ['quit'], []]);
    const first = await start();
    first.app.emit('second-instance', {}, ['countersign', 'countersign://session/S1']);
    expect(first.console()?.urls).toEqual(['app://countersign/sessions/S1']);
    first.app.emit('second-instance', {}, ['countersign', 'countersign://approval/x?y', 'https://evil.example']);
    expect(first.console()?.urls.at(-1)).toBe('app://countersign/');
  });

  it('locks its pages in before there is one', async () => {
    const app = await start({ argv: [] });
    expect(app.told.slice(0, 4)).toEqual([
      'sandbox',
      expect.stringContaining('scheme [{"scheme":"app","privileges":{"standard":true,"secure":true'),
      'links countersign',
      'ready',
    ]);
    expect(app.told).toEqual(
      expect.arrayContaining(['permission checks', 'device permissions', 'requests', 'handles app']),
    );
    expect(app.windows.map(({ urls }) => urls)).toEqual([['app://countersign/popup'], ['app://countersign/']]);
    for (const { options, openHandler } of app.windows) {
      expect(options.webPreferences).toMatchObject({
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        devTools: false,
        preload: '/app/preload.cjs',
      });
      expect(openHandler({ url: 'https://evil.example' })).toEqual({ action: 'deny' });
    }
  });

  it('at login shows no window, and from a link its page only', async () => {
    expect((await start()).console()).toBeUndefined();
    const app = await start({ argv: ['countersign://approval/A1'] });
    expect(app.console()?.urls).toEqual(['app://countersign/approvals/A1']);
  });

  it('lets pages go nowhere', async () => {
    const app = await start();
    const { webContents } = app.popup();
    const goes = (event: string, url: string) => {
      let prevented = false;
      webContents.emit(event, {
        url,
        preventDefault: () => {
          prevented = true;
        },
      });
      return !prevented;
    };
    for (const event of ['will-navigate', 'will-frame-navigate']) {
      expect(goes(event, 'app://countersign/approvals')).toBe(true);
      for (const url of [
        'https://evil.example/',
        'file:///etc/passwd',
        'app://evil/',
        'javascript:1',
        'data:text/html,x',
      ]) {
        expect([event, url, goes(event, url)]).toEqual([event, url, false]);
      }
    }
    expect(goes('will-attach-webview', '')).toBe(false);
    const request = app.session.permission as (c: null, p: string, d: (ok: boolean) => void, x: object) => void;
    const given = (permission: string, requestingUrl: string) => {
      let answer: boolean | null = null;
      request(
        null,
        permission,
        (ok) => {
          answer = ok;
        },
        { requestingUrl },
      );
      return answer;
    };
    for (const permission of ['media', 'notifications', 'geolocation', 'openExternal', 'clipboard-read', 'hid']) {
      expect(given(permission, 'app://countersign/')).toBe(false);
    }
    expect(given('clipboard-sanitized-write', 'app://countersign/')).toBe(true);
    expect(given('clipboard-sanitized-write', 'https://evil.example/')).toBe(false);
  });
});

describe('the gateway', () => {
  it('that runs already is used; a person signs in once', async () => {
    const app = await start();
    await connected(app);
    expect((await app.page('/api/approvals')).status).toBe(401);
    const body = JSON.stringify({ code: control.server.newLoginCode() });
    expect((await app.page('/api/login', { method: 'POST', body })).status).toBe(200);
    expect((await app.page('/api/approvals')).status).toBe(200);
    expect(app.asked).toEqual([]);
  });

  it('that the app started signs it in, also when the session ends', async () => {
    const app = await start({ running: false });
    await app.ready();
    await connected(app);
    await soon(async () => (await app.page('/api/approvals')).status).toBe(200);
    control.time.sleep(13 * 60 * 60 * 1000);
    expect((await app.page('/api/approvals')).status).toBe(401);
    await soon(async () => (await app.page('/api/approvals')).status).toBe(200);
    expect(app.asked).toEqual(['code']);
  });

  it('is not signed in to again once a person signed out', async () => {
    const app = await start({ running: false });
    await app.ready();
    await soon(async () => (await app.page('/api/approvals')).status).toBe(200);
    await app.page('/api/logout', { method: 'POST', body: '{}' });
    expect([(await app.page('/api/approvals')).status, app.asked]).toEqual([401, []]);
  });

  it('that does not answer is said by the icon and in words', async () => {
    const app = await start({ running: false, own: false });
    await soon(app.tooltip).toContain('not running: This machine’s protected gateway does not run');
    expect(app.state.image).toBe('/icons/tray-stopped.png');
    expect((await app.page('/api/host')).status).toBe(502);
  });

  it('of another version is said to be that', async () => {
    status = { version: '0' } as GatewayStatus;
    const app = await start();
    await soon(app.tooltip).toContain('of another version than the app');
  });

  it('that goes away and comes back is found again', async () => {
    const app = await start();
    await connected(app);
    await control.server.close();
    await soon(app.tooltip).toContain('not running');
    control.time.pass(2000);
    await soon(app.tooltip).toContain('it starts');
  });
});

describe('what waits', () => {
  it('shows in the tray, and in the popup without taking what a person types', async () => {
    const app = await start();
    await connected(app);
    const { approvalId } = hold();
    await soon(app.tooltip).toContain('1 request waits for you');
    expect(app.state.image).toBe('/icons/tray-waiting.png');
    expect(app.popup()).toMatchObject({ visible: true, focused: false, alwaysOnTop: true });
    app.popup().emit('blur');
    expect(app.popup().visible).toBe(true);
    app.ipcMain.emit('hide-popup', senderOf(app));
    expect(app.popup().visible).toBe(false);
    expect(control.approvals.get(approvalId)?.state).toBe('waiting');
    click(app, 'Deny');
    await soon(app.tooltip).not.toContain('waits');
    expect(control.approvals.get(approvalId)).toMatchObject({ state: 'denied' });
    expect(app.popup().alwaysOnTop).toBe(false);
    app.tray.current?.emit('click');
    expect(app.popup()).toMatchObject({ visible: true, focused: true });
    app.popup().emit('blur');
    expect(app.popup().visible).toBe(false);
  });

  it('is left to the gateway’s own notifications on Linux, where they work', async () => {
    status = { ...STATUS, notifications: { ok: true, sentence: 'by Xfce' } };
    const app = await start();
    await connected(app);
    hold();
    await soon(app.tooltip).toContain('waits');
    expect([app.popup().visible, NotificationDouble.shown]).toEqual([false, []]);
  });
});

describe.each(['darwin', 'win32'] as const)('notifications on %s', (platform) => {
  const buttons = (one: NotificationDouble) => one.options.actions?.map(({ text }) => text);
  async function signedIn() {
    const app = await start({ platform });
    await connected(app);
    await app.page('/api/login', { method: 'POST', body: JSON.stringify({ code: control.server.newLoginCode() }) });
    return app;
  }
  const shown = async (count: number) => {
    await soon(() => NotificationDouble.shown.length).toBe(count);
    await Promise.resolve();
    control.time.pass(1000);
    return NotificationDouble.shown[count - 1]!;
  };

  it('approve and deny by a click, and say so in the record', async () => {
    await signedIn();
    for (const [button, state] of [
      [0, 'approved'],
      [1, 'denied'],
    ] as const) {
      const held = hold();
      const one = await shown(NotificationDouble.shown.length + 1);
      expect(buttons(one)).toEqual(['Approve', 'Deny']);
      one.emit('action', { actionIndex: button });
      await soon(() => held.state()?.state).toBe(state);
      expect(held.state()?.channel).toBe('notification');
    }
  });

  it('offer Deny and Open where a click is not enough', async () => {
    const app = await signedIn();
    const held = hold('pin');
    const one = await shown(1);
    expect(buttons(one)).toEqual(['Deny', 'Open']);
    one.emit('action', { actionIndex: 1 });
    expect(app.popup()).toMatchObject({ visible: true, focused: true });
    expect(held.state()?.state).toBe('waiting');
  });

  it('leave what is dismissed waiting, and go when it is decided elsewhere', async () => {
    await signedIn();
    const first = hold();
    (await shown(1)).emit('close');
    expect(first.state()?.state).toBe('waiting');
    const second = hold();
    const one = await shown(2);
    control.approvals.decide({
      approvalId: second.approvalId,
      digest: testOperation().digest,
      decision: 'deny',
      scope: { kind: 'once' },
      message: null,
      channel: 'terminal',
      level: 'click',
      decidedBy: 'Ada',
    });
    await soon(() => one.closed).toBe(true);
    one.emit('action', { actionIndex: 0 });
    expect(NotificationDouble.shown.length).toBe(2);
  });

  it('approve nothing while nobody is signed in: that shows instead', async () => {
    const app = await start({ platform });
    await connected(app);
    const held = hold();
    (await shown(1)).emit('action', { actionIndex: 0 });
    await soon(() => app.console()?.urls.at(-1)).toBe(`app://countersign/approvals/${held.approvalId}`);
    expect(held.state()?.state).toBe('waiting');
  });
});

const senderOf = (app: Started, changes: object = {}) => ({
  sender: { id: app.popup().webContents.id },
  senderFrame: { url: 'app://countersign/popup', parent: null },
  ...changes,
});

describe('messages of pages', () => {
  it('are taken from the app’s own main frames only, each checked', async () => {
    const app = await start();
    const urls = () => app.console()?.urls ?? [];
    const frames = [
      { senderFrame: null },
      { senderFrame: { url: 'https://evil.example/', parent: null } },
      { senderFrame: { url: 'app://countersign/popup', parent: {} } },
      { sender: { id: 999_999 } },
    ];
    for (const changes of frames) app.ipcMain.emit('open-console', senderOf(app, changes), '/sessions');
    for (const path of ['https://evil.example', '//evil', '/api/status', '/sessions/../x', '/x', 7, null, {}]) {
      app.ipcMain.emit('open-console', senderOf(app), path);
    }
    for (const height of ['1', -1, Number.NaN, Number.POSITIVE_INFINITY, 1e9, null]) {
      app.ipcMain.emit('set-popup-height', senderOf(app), height);
    }
    expect([urls(), app.popup().bounds]).toEqual([[], {}]);
    app.ipcMain.emit('open-console', senderOf(app), '/sessions/S1');
    app.ipcMain.emit('set-popup-height', senderOf(app), 300);
    expect(urls()).toEqual(['app://countersign/sessions/S1']);
    expect(app.popup().bounds).toMatchObject({ height: 300 });
    expect(app.ipcMain.eventNames().sort()).toEqual(['hide-popup', 'open-console', 'set-popup-height']);
  });

  it('tell and set whether the app starts at login, for its own pages only', async () => {
    const app = await start();
    await connected(app);
    const ask = (channel: string, sender: object, on?: unknown) => app.ipcMain.handled.get(channel)?.(sender, on);
    expect([...app.ipcMain.handled.keys()].sort()).toEqual(['autostart', 'set-autostart']);
    expect(ask('autostart', senderOf(app))).toBe(false);
    expect(ask('set-autostart', senderOf(app), 'yes')).toBe(false);
    expect(() => ask('set-autostart', senderOf(app, { senderFrame: null }), true)).toThrow('refused');
    expect(ask('set-autostart', senderOf(app), true)).toBe(true);
    expect(flat(app.state.menu).find(({ label }) => label === 'Start when I log in')).toMatchObject({ checked: true });
  });

  it('are the only icon of a gateway that has one of its own, on Linux', async () => {
    const app = await start();
    await connected(app);
    await soon(() => traysHeld).toEqual([true]);
    control.time.pass(60_000);
    await soon(() => traysHeld).toEqual([true, true]);
    await app.desktop?.quit();
    expect(traysHeld.at(-1)).toBe(false);
  });
});

describe('the menu', () => {
  it('pauses and cuts through the gateway, and says when that failed', async () => {
    const app = await start();
    await connected(app);
    click(app, 'For 15 minutes');
    click(app, 'Cut every connection now');
    await expect
      .poll(() => control.called.filter((name) => name === 'pauseAll' || name === 'panic').sort())
      .toEqual(['panic', 'pauseAll']);
    await control.server.close();
    click(app, 'Cut every connection now');
    await soon(() => app.boxes.at(-1)?.message).toBe('Connections are not cut.');
  });

  it('starts with the login where the person wants that', async () => {
    const app = await start();
    const box = () => flat(app.state.menu).find(({ label }) => label === 'Start when I log in');
    expect(box()).toMatchObject({ type: 'checkbox', checked: false });
    click(app, 'Start when I log in');
    expect(box()).toMatchObject({ checked: true });
  });
});

describe('leaving', () => {
  it.each(['lock-screen', 'suspend', 'shutdown', 'user-did-resign-active'])('%s ends grants', async (event) => {
    const app = await start();
    await connected(app);
    app.powerMonitor.emit(event);
    await soon(() => revoked).toBe(1);
  });

  it('ends them when nobody touched the machine for half an hour, once until somebody does', async () => {
    const app = await start();
    await connected(app);
    const pass = (minutes: number) => control.time.pass(minutes * 60_000);
    app.powerMonitor.idle = 29 * 60;
    pass(2);
    expect(app.log.join()).not.toContain('nobody touched');
    app.powerMonitor.idle = 31 * 60;
    pass(3);
    await soon(() => revoked).toBe(1);
    app.powerMonitor.idle = 0;
    pass(1);
    app.powerMonitor.idle = 31 * 60;
    pass(1);
    await soon(() => revoked).toBe(2);
  });

  it('asks first, says that the gateway goes on, and lets it', async () => {
    const app = await start({ running: false });
    await app.ready();
    await connected(app);
    app.answers.push(2);
    await app.desktop?.quit();
    expect(app.boxes[0]?.message).toBe('The gateway keeps running when you quit.');
    expect(app.boxes[0]?.detail).toContain('1 open session will go on.');
    expect(app.boxes[0]?.buttons).toEqual(['Quit, keep the gateway running', 'Quit and stop the gateway', 'Cancel']);
    expect(app.told).not.toContain('quit');
    app.answers.push(0);
    await app.desktop?.quit();
    expect([revoked, app.asked, app.told.filter((what) => what === 'quit').length]).toEqual([1, ['release'], 1]);
    expect(app.windows.every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('ends the gateway in order where the person wants that', async () => {
    status = { ...STATUS, pinSet: false };
    const app = await start({ running: false });
    await app.ready();
    await connected(app);
    app.answers.push(1);
    await app.desktop?.quit();
    expect(app.boxes[0]?.detail).toContain('No PIN is set');
    expect([app.asked[0], app.told.slice(-2)]).toEqual(['stop', ['tray destroyed', 'quit']]);
  });

  it('does not ask where the system ends it', async () => {
    const app = await start();
    await connected(app);
    app.app.emit('before-quit');
    await soon(() => revoked).toBe(1);
    expect(app.boxes).toEqual([]);
  });

  it('says nothing where no gateway runs', async () => {
    const app = await start({ running: false, own: false });
    await app.desktop?.quit();
    expect([app.boxes, app.told.includes('quit')]).toEqual([[], true]);
  });
});
