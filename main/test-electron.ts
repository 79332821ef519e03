import { EventEmitter } from 'node:events';
import type { BrowserWindowConstructorOptions, MenuItemConstructorOptions, MessageBoxOptions } from 'electron';
import type { ElectronParts } from './electron-parts.ts';

/** Doubles of the parts of Electron's module that the app uses: they note what they are told, and show nothing. */
export class WindowDouble extends EventEmitter {
  static next = 1;
  options: BrowserWindowConstructorOptions;
  openHandler: (details: object) => unknown = () => null;
  webContents = Object.assign(new EventEmitter(), {
    id: WindowDouble.next++,
    setWindowOpenHandler: (handler: (details: object) => unknown) => {
      this.openHandler = handler;
    },
  });
  urls: string[] = [];
  visible = false;
  focused = false;
  destroyed = false;
  alwaysOnTop: boolean;
  bounds: object = {};

  constructor(options: BrowserWindowConstructorOptions) {
    super();
    this.options = options;
    this.alwaysOnTop = options.alwaysOnTop ?? false;
  }
  async loadURL(url: string) {
    this.urls.push(url);
    this.emit('ready-to-show');
  }
  show() {
    this.visible = true;
  }
  showInactive() {
    this.visible = true;
  }
  hide() {
    this.visible = false;
  }
  focus() {
    this.focused = true;
  }
  restore() {}
  isMinimized() {
    return false;
  }
  isVisible() {
    return this.visible;
  }
  isDestroyed() {
    return this.destroyed;
  }
  setBounds(bounds: object) {
    this.bounds = bounds;
  }
  setAlwaysOnTop(on: boolean) {
    this.alwaysOnTop = on;
  }
  setVisibleOnAllWorkspaces() {}
  destroy() {
    this.destroyed = true;
    this.emit('closed');
  }
}

export class NotificationDouble extends EventEmitter {
  static shown: NotificationDouble[] = [];
  static isSupported = () => true;
  options: { title?: string; body?: string; actions?: { text?: string }[] };
  closed = false;

  constructor(options: object) {
    super();
    this.options = options;
  }
  show() {
    NotificationDouble.shown.push(this);
    queueMicrotask(() => this.emit('show'));
  }
  close() {
    this.closed = true;
  }
}

class ImageDouble {
  path: string;
  template = false;
  constructor(path: string) {
    this.path = path;
  }
  setTemplateImage(on: boolean) {
    this.template = on;
  }
}

export function electronDouble(options: { isFirst?: boolean } = {}) {
  const told: string[] = [];
  const windows: WindowDouble[] = [];
  const boxes: MessageBoxOptions[] = [];
  const answers: number[] = [];
  const app = Object.assign(new EventEmitter(), {
    requestSingleInstanceLock: () => options.isFirst !== false,
    setAsDefaultProtocolClient: (scheme: string) => {
      told.push(`links ${scheme}`);
      return true;
    },
    setAppUserModelId: (id: string) => told.push(`id ${id}`),
    enableSandbox: () => told.push('sandbox'),
    whenReady: async () => {
      told.push('ready');
    },
    quit: () => {
      told.push('quit');
      app.emit('before-quit');
    },
    isPackaged: true,
  });
  const session = Object.assign(new EventEmitter(), {
    permission: null as unknown,
    setPermissionRequestHandler(handler: unknown) {
      session.permission = handler;
    },
    setPermissionCheckHandler: () => told.push('permission checks'),
    setDevicePermissionHandler: () => told.push('device permissions'),
    webRequest: { onBeforeRequest: () => told.push('requests') },
    protocol: {
      handle: (scheme: string, handler: (request: Request) => Promise<Response>) => {
        told.push(`handles ${scheme}`);
        state.page = handler;
      },
    },
  });
  const state = {
    page: (() => Promise.reject(new Error('no handler'))) as (request: Request) => Promise<Response>,
    menu: [] as MenuItemConstructorOptions[],
    tooltip: '',
    image: '',
  };
  class TrayDouble extends EventEmitter {
    constructor(image: ImageDouble) {
      super();
      state.image = image.path;
      tray.current = this;
    }
    setImage(image: ImageDouble) {
      state.image = image.path;
    }
    setToolTip(text: string) {
      state.tooltip = text;
    }
    setContextMenu(menu: MenuItemConstructorOptions[]) {
      state.menu = menu;
    }
    getBounds() {
      return { x: 1000, y: 0, width: 20, height: 20 };
    }
    destroy() {
      told.push('tray destroyed');
    }
  }
  const tray: { current: EventEmitter | null } = { current: null };
  const powerMonitor = Object.assign(new EventEmitter(), { idle: 0, getSystemIdleTime: () => powerMonitor.idle });
  const handled = new Map<string, (event: unknown, argument?: unknown) => unknown>();
  const ipcMain = Object.assign(new EventEmitter(), {
    handled,
    handle: (channel: string, answer: (event: unknown, argument?: unknown) => unknown) => handled.set(channel, answer),
  });
  const display = { workArea: { x: 0, y: 25, width: 1440, height: 875 } };
  NotificationDouble.shown = [];
  const parts = {
    app,
    session: { fromPartition: () => session },
    protocol: { registerSchemesAsPrivileged: (schemes: object) => told.push(`scheme ${JSON.stringify(schemes)}`) },
    BrowserWindow: class extends WindowDouble {
      constructor(given: BrowserWindowConstructorOptions) {
        super(given);
        windows.push(this);
        app.emit('web-contents-created', {}, this.webContents);
      }
    },
    Notification: NotificationDouble,
    Tray: TrayDouble,
    nativeImage: { createFromPath: (path: string) => new ImageDouble(path) },
    Menu: { buildFromTemplate: (template: object) => template, setApplicationMenu: () => {} },
    powerMonitor,
    dialog: {
      showMessageBox: async (box: MessageBoxOptions) => {
        boxes.push(box);
        return { response: answers.shift() ?? 0, checkboxChecked: false };
      },
    },
    screen: { getPrimaryDisplay: () => display, getDisplayMatching: () => display },
    ipcMain,
  };
  return {
    parts: parts as unknown as ElectronParts,
    told,
    windows,
    boxes,
    answers,
    app,
    session,
    state,
    tray,
    powerMonitor,
    ipcMain,
  };
}
