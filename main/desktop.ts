import { join } from 'node:path';
import { isCountersignError } from '../gateway/contract/errors.ts';
import type { TrayAction, TrayState } from '../gateway/notify/text/tray.ts';
import { deepLinkAmong, parseDeepLink, pathOf, SCHEME } from './deep-link.ts';
import type { DesktopOptions, ElectronParts } from './electron-parts.ts';
import { createGatewayClient } from './gateway/client.ts';
import { createConsoleSession } from './gateway/console-session.ts';
import { createSocketCall } from './gateway/socket.ts';
import { Supervisor } from './gateway/supervisor.ts';
import { Watch } from './gateway/watch.ts';
import { Attention } from './notifications/attention.ts';
import { createPageHandler } from './pages/handler.ts';
import { PAGE_SCHEME } from './pages/origin.ts';
import { quitQuestion } from './quit.ts';
import { AT_LOGIN } from './system/autostart.ts';
import { watchLeaving } from './system/leaving.ts';
import { AppTray } from './tray/app-tray.ts';
import { macMenu } from './tray/mac-menu.ts';
import { createOneIcon } from './tray/one-icon.ts';
import { type AppWindow, AppWindows } from './windows/app-windows.ts';
import { hardenApp, hardenSession, webPreferences } from './windows/hardening.ts';
import { listenToPages } from './windows/ipc.ts';

const AGAIN_MS = 2000;
const LEAVING_MS = 3000;

/** Registered before the app is ready: without this, pages would have no origin. */
const PRIVILEGES = { standard: true, secure: true, supportFetchAPI: true, stream: true, corsEnabled: false };

/**
 * The desktop app. It decides nothing: it shows what the gateway says, and passes on what a person does.
 * @returns once it runs; null where another one runs already.
 */
export async function startDesktop(
  electron: ElectronParts,
  options: DesktopOptions,
): Promise<{ quit(): Promise<void> } | null> {
  const { app } = electron;
  const { platform, log, schedule, now } = options;
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return null;
  }
  app.enableSandbox();
  hardenApp(app);
  electron.protocol.registerSchemesAsPrivileged([{ scheme: PAGE_SCHEME, privileges: PRIVILEGES }]);
  if (platform === 'win32') app.setAppUserModelId('dev.countersign.desktop');
  if (app.isPackaged) app.setAsDefaultProtocolClient(SCHEME);

  /** A link may come before there is a window. */
  let early: string | null = null;
  const go = (path: string) => {
    if (windows === null) early = path;
    else windows.openConsole(path);
  };
  app.on('open-url', (event, url) => {
    event.preventDefault();
    const link = parseDeepLink(url);
    if (link !== null) go(pathOf(link));
  });
  app.on('second-instance', (_event, argv) => {
    const link = deepLinkAmong(argv);
    go(link === null ? '/' : pathOf(link));
  });
  // Without a window it goes on in the tray.
  app.on('window-all-closed', () => {});
  let windows: AppWindows | null = null;
  await app.whenReady();

  const call = createSocketCall(() => supervisor.socket);
  const session = createConsoleSession(call);
  const client = createGatewayClient(call, session);

  const supervisor = new Supervisor({
    ...options.gateway,
    schedule,
    now,
    answers: () =>
      client.call('status', {}).then(
        () => true,
        (error) => isCountersignError(error) && error.code !== 'GATEWAY_UNREACHABLE',
      ),
    onState: (state) => {
      if (state.kind === 'running') watch.start();
      else session.forget();
      if (state.kind === 'stopped') log(state.sentence);
      show();
    },
    onCode: (code) =>
      void session.open(code).catch((error: Error) => log(`the app could not sign in: ${error.message}`)),
  });
  // The gateway's session ends by itself after some hours; where the app may have another, it asks.
  session.onChange(() => {
    if (!session.isOpen && !session.hasLeft) supervisor.askCode();
  });

  const watch = new Watch({
    client,
    onLost,
    onSnapshot: (snapshot, event) => {
      attention.changed(snapshot, event);
      if (snapshot.status !== null) oneIcon.connected();
      show();
    },
  });
  const oneIcon = createOneIcon({ platform, client, schedule });
  const decide = (id: string, digest: string, decision: 'approve' | 'deny') =>
    client.call('decide', { id, digest, decision, via: 'notification' });
  const attention = new Attention({
    electron,
    platform,
    now,
    schedule,
    log,
    decide,
    showPopup: (focus) => windows?.showPopup(focus),
    openConsole: go,
  });

  /** Why nothing is known of a gateway that runs. */
  let trouble = '';
  function onLost(error: unknown): void {
    const isOther = isCountersignError(error, 'GATEWAY_BAD_ANSWER');
    trouble = isOther
      ? 'the gateway that runs is of another version than the app: stop it, and the app starts its own'
      : '';
    attention.lost();
    oneIcon.lost();
    session.forget();
    show();
    schedule(AGAIN_MS, () => {
      // A gateway that this app started and that is still there is asked again; it is not started twice.
      if (supervisor.state.kind === 'running' && supervisor.state.started) watch.start();
      else void supervisor.look();
    });
  }

  const trayState = (): TrayState => ({
    ...watch.snapshot,
    sentence: supervisor.state.kind === 'stopped' ? supervisor.state.sentence : trouble || 'it starts',
    host: { quits: true, hasPopup: true, autostart: options.autostart?.on ?? null },
  });
  function show(): void {
    tray?.show(trayState());
    windows?.setWaiting(watch.snapshot.waiting.length);
  }

  async function tell(title: string, error: unknown): Promise<void> {
    const detail = isCountersignError(error) ? error.message : 'Something unexpected happened.';
    log(`${title} ${detail}`);
    await electron.dialog.showMessageBox({ type: 'error', title: 'Countersign', message: title, detail });
  }

  function act(action: TrayAction): void {
    switch (action.do) {
      case 'open':
        go(action.path);
        break;
      case 'popup':
        windows?.togglePopup();
        break;
      case 'deny':
        decide(action.approvalId, action.digest, 'deny').catch((error) => tell('It was not denied.', error));
        break;
      case 'pause':
        client.call('pauseAll', { minutes: action.minutes }).catch((error) => tell('It is not paused.', error));
        break;
      case 'panic':
        client.call('panic', {}).catch((error) => tell('Connections are not cut.', error));
        break;
      case 'autostart':
        try {
          options.autostart?.set(action.on);
        } catch (error) {
          void tell('This could not be changed.', error);
        }
        show();
        break;
      case 'quit':
        void quit();
        break;
    }
  }

  /** What is told on leaving holds nobody up. */
  async function atMost(told: Promise<unknown>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = schedule(LEAVING_MS, resolve);
    await Promise.race([told, late]);
    cancel();
  }

  async function endGrants(why: string): Promise<void> {
    const ended = client.call('revokeGrants', { leaving: true }).then(
      ({ revoked }) => {
        if (revoked > 0) log(`${revoked} grants ended: ${why}`);
      },
      (error: Error) => log(`grants were not ended, though ${why}: ${error.message}`),
    );
    await atMost(ended);
  }

  let leaving = false;
  async function quit(): Promise<void> {
    const question = quitQuestion(supervisor.state, watch.snapshot);
    let choice = 'keep';
    if (question !== null) {
      const { response } = await electron.dialog.showMessageBox(question.box);
      choice = question.choices[response] ?? 'stay';
    }
    if (choice === 'stay' || leaving) return;
    leaving = true;
    await atMost(Promise.all([endGrants('the app ended'), oneIcon.release()]));
    watch.stop();
    if (choice === 'stop') await supervisor.stop();
    end();
    app.quit();
  }

  /** Also where the system ends the app without asking. */
  let ended = false;
  function end(): void {
    if (ended) return;
    ended = true;
    if (!leaving) {
      void endGrants('the app ended');
      void oneIcon.release();
    }
    watch.stop();
    supervisor.release();
    attention.close();
    windows?.destroy();
    tray?.destroy();
    tray = null;
  }
  app.on('before-quit', end);

  const pages = electron.session.fromPartition('persist:countersign');
  hardenSession(pages);
  pages.protocol.handle(PAGE_SCHEME, createPageHandler({ folder: options.places.console, call, session }));
  let tray: AppTray | null = new AppTray(electron, { folder: options.places.icons, platform, act }, trayState());
  windows = new AppWindows({
    create: (given) => new electron.BrowserWindow(given) as AppWindow,
    preferences: webPreferences(pages, options.places.preload),
    platform,
    icon: join(options.places.icons, 'icon.png'),
    tray: () => tray?.bounds ?? null,
    workArea: (at) =>
      (at === null ? electron.screen.getPrimaryDisplay() : electron.screen.getDisplayMatching(at)).workArea,
  });
  electron.Menu.setApplicationMenu(platform === 'darwin' ? electron.Menu.buildFromTemplate(macMenu(act)) : null);
  const shown = windows;
  listenToPages(electron.ipcMain, {
    hidePopup: () => shown.hidePopup(),
    openConsole: (path) => shown.openConsole(path),
    setPopupHeight: (pixels) => shown.setPopupHeight(pixels),
    autostart: () => options.autostart?.on ?? null,
    setAutostart(on) {
      options.autostart?.set(on);
      show();
    },
    isOwnWindow: (id) => shown.isOwn(id),
  });
  watchLeaving({ powerMonitor: electron.powerMonitor, schedule, endGrants });
  windows.preparePopup();
  const link = deepLinkAmong(options.argv);
  if (link !== null) early = pathOf(link);
  if (early !== null) go(early);
  else if (!options.argv.includes(AT_LOGIN)) go('/');
  void supervisor.look();
  return { quit };
}
