import type {
  App,
  BrowserWindow,
  BrowserWindowConstructorOptions,
  Dialog,
  IpcMain,
  NotificationConstructorOptions,
  PowerMonitor,
  Protocol,
  Screen,
  Session,
} from 'electron';
import type { GatewayProcess, SupervisorDeps } from './gateway/supervisor.ts';
import type { NativeNotification } from './notifications/native-service.ts';
import type { Autostart } from './system/autostart.ts';
import type { TrayParts } from './tray/app-tray.ts';

/** What is used of Electron's module, so that tests can put doubles in its place. */
export interface ElectronParts extends TrayParts {
  app: Pick<
    App,
    | 'requestSingleInstanceLock'
    | 'setAsDefaultProtocolClient'
    | 'setAppUserModelId'
    | 'enableSandbox'
    | 'whenReady'
    | 'on'
    | 'quit'
    | 'isPackaged'
  >;
  protocol: Pick<Protocol, 'registerSchemesAsPrivileged'>;
  session: { fromPartition(partition: string): Session };
  BrowserWindow: new (options: BrowserWindowConstructorOptions) => BrowserWindow;
  Notification: (new (options: NotificationConstructorOptions) => NativeNotification) & { isSupported(): boolean };
  Menu: TrayParts['Menu'] & {
    setApplicationMenu(menu: ReturnType<TrayParts['Menu']['buildFromTemplate']> | null): void;
  };
  powerMonitor: Pick<PowerMonitor, 'on' | 'getSystemIdleTime'>;
  dialog: Pick<Dialog, 'showMessageBox'>;
  screen: Pick<Screen, 'getPrimaryDisplay' | 'getDisplayMatching'>;
  ipcMain: Pick<IpcMain, 'on' | 'handle'>;
}

export interface DesktopOptions {
  platform: NodeJS.Platform;
  argv: readonly string[];
  /** The built console, the icons, and the preload's file. */
  places: { console: string; icons: string; preload: string };
  gateway: Pick<SupervisorDeps, 'where'> & { start(): GatewayProcess };
  autostart: Autostart | null;
  schedule(milliseconds: number, run: () => void): () => void;
  now(): number;
  log(sentence: string): void;
}
