import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  Notification,
  nativeImage,
  powerMonitor,
  protocol,
  screen,
  session,
  Tray,
} from 'electron';
import { startDesktop } from './desktop.ts';
import { findGateway, type Program, startGateway } from './gateway/process.ts';
import { createAutostart } from './system/autostart.ts';

/** The app's composition root; the only file that Electron has to be there for. */
const { platform, env } = process;
const windowsSuffix = platform === 'win32' ? '.exe' : '';
// Packaged: beside the app's own files, unpacked, since a plain Node runs them. Else: the checkout.
const root = app.isPackaged ? join(process.resourcesPath, 'countersign') : join(app.getAppPath(), '..', '..');
const program: Program = {
  node: app.isPackaged
    ? join(root, 'bin', `node${windowsSuffix}`)
    : join(root, 'node_modules', 'node', 'bin', `node${windowsSuffix}`),
  entry: join(root, 'gateway', 'index.ts'),
  // What a gateway tells a person to type is what its launcher is called.
  env: app.isPackaged ? { COUNTERSIGN_COMMAND: 'countersign', ...env } : env,
};
const log = (sentence: string) => process.stderr.write(`countersign: ${sentence}\n`);

// Not awaited: Electron is not ready before this module has run to its end.
void startDesktop(
  {
    app,
    BrowserWindow,
    dialog,
    ipcMain,
    Menu,
    Notification,
    nativeImage,
    powerMonitor,
    protocol,
    screen,
    session,
    Tray,
  },
  {
    platform,
    argv: process.argv.slice(1),
    places: {
      console: join(root, 'renderer', 'dist'),
      icons: join(root, 'build', 'icons'),
      preload: join(app.getAppPath(), 'preload.cjs'),
    },
    gateway: {
      where: () => findGateway(program),
      start: () => startGateway(program, app.getPath('userData')),
    },
    autostart: app.isPackaged
      ? createAutostart({
          platform,
          app,
          env,
          home: homedir(),
          executable: env.APPIMAGE !== undefined && existsSync(env.APPIMAGE) ? env.APPIMAGE : process.execPath,
        })
      : null,
    schedule: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
    now: () => Date.now(),
    log,
  },
).catch((error: unknown) => {
  log(`the app could not start: ${error instanceof Error ? error.message : String(error)}`);
  app.exit(1);
});
