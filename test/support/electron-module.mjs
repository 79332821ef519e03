// A double of Electron's module for a plain Node: it shows nothing, and says on standard output what it is told.
import { EventEmitter } from 'node:events';

const say = (what, value) => process.stdout.write(`${JSON.stringify({ [what]: value })}\n`);
process.resourcesPath = process.env.DOUBLE_RESOURCES;

class Window extends EventEmitter {
  webContents = Object.assign(new EventEmitter(), { id: 1, setWindowOpenHandler() {} });
  constructor(options) {
    super();
    say('window', options.webPreferences.preload);
  }
  async loadURL(url) {
    say('load', url);
  }
  isVisible() {
    return false;
  }
}
for (const name of 'show hide focus setBounds showInactive setAlwaysOnTop setVisibleOnAllWorkspaces destroy'.split(
  ' ',
)) {
  Window.prototype[name] = () => {};
}

let handler = null;
let menu = [];
const partition = Object.assign(new EventEmitter(), {
  setPermissionRequestHandler() {},
  setPermissionCheckHandler() {},
  setDevicePermissionHandler() {},
  webRequest: { onBeforeRequest() {} },
  protocol: {
    handle(_scheme, given) {
      handler = given;
    },
  },
});

export const app = Object.assign(new EventEmitter(), {
  isPackaged: true,
  requestSingleInstanceLock: () => true,
  enableSandbox() {},
  whenReady: async () => {},
  getAppPath: () => process.env.DOUBLE_APP,
  getPath: () => process.env.DOUBLE_USER_DATA,
  setAsDefaultProtocolClient() {},
  setAppUserModelId() {},
  getLoginItemSettings: () => ({ openAtLogin: false }),
  quit() {
    say('quit', true);
    app.emit('before-quit');
    setTimeout(() => process.exit(0), 100);
  },
  exit: (code) => process.exit(code),
});
export const BrowserWindow = Window;
export const Notification = { isSupported: () => false };
export const Menu = { buildFromTemplate: (template) => template, setApplicationMenu() {} };
export const nativeImage = { createFromPath: (path) => ({ path, setTemplateImage() {} }) };
export const powerMonitor = Object.assign(new EventEmitter(), { getSystemIdleTime: () => 0 });
export const ipcMain = Object.assign(new EventEmitter(), { handle() {} });
export const protocol = { registerSchemesAsPrivileged: (schemes) => say('schemes', schemes) };
export const session = { fromPartition: () => partition };
const display = { workArea: { x: 0, y: 0, width: 1000, height: 800 } };
export const screen = { getPrimaryDisplay: () => display, getDisplayMatching: () => display };
export const dialog = {
  async showMessageBox({ message, buttons }) {
    say('asked', message);
    return { response: buttons.indexOf('Quit and stop the gateway') };
  },
};
export class Tray extends EventEmitter {
  constructor({ path }) {
    super();
    say('icon', path);
  }
  setImage({ path }) {
    say('icon', path);
  }
  setToolTip(text) {
    say('tooltip', text);
  }
  setContextMenu(template) {
    menu = template;
  }
  getBounds() {
    return { x: 0, y: 0, width: 0, height: 0 };
  }
  destroy() {}
}

// Commands of the test, a line each: `get PATH` through the page handler, or the label of a menu's entry.
let typed = '';
process.stdin.on('data', async (chunk) => {
  const lines = (typed + chunk).split('\n');
  typed = lines.pop();
  for (const line of lines) {
    if (line.startsWith('get ')) {
      const answer = await handler(new Request(`app://countersign${line.slice(4)}`));
      say('answer', [answer.status, (await answer.text()).slice(0, 200)]);
    } else menu.find(({ label }) => label === line)?.click();
  }
});
