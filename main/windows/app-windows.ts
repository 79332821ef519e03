import type { BrowserWindow, BrowserWindowConstructorOptions, WebPreferences } from 'electron';
import { PAGE_ORIGIN } from '../pages/origin.ts';
import { POPUP_HEIGHT, POPUP_WIDTH, popupPlace, type Rectangle } from './popup-place.ts';

export type AppWindow = Pick<
  BrowserWindow,
  | 'loadURL'
  | 'show'
  | 'showInactive'
  | 'hide'
  | 'focus'
  | 'restore'
  | 'isMinimized'
  | 'isVisible'
  | 'isDestroyed'
  | 'setBounds'
  | 'setAlwaysOnTop'
  | 'setVisibleOnAllWorkspaces'
  | 'destroy'
  | 'on'
  | 'webContents'
>;

export interface WindowsDeps {
  create(options: BrowserWindowConstructorOptions): AppWindow;
  preferences: WebPreferences;
  platform: NodeJS.Platform;
  icon: string;
  /** Work area of the display that the popup belongs on. */
  workArea(tray: Rectangle | null): Rectangle;
  tray(): Rectangle | null;
}

const BACKGROUND = '#1f2328';

/** The popup at the tray and the console; each is there at most once. */
export class AppWindows {
  readonly #deps: WindowsDeps;
  #popup: AppWindow | null = null;
  #console: AppWindow | null = null;
  #waiting = 0;
  #height = POPUP_HEIGHT;

  constructor(deps: WindowsDeps) {
    this.#deps = deps;
  }

  /** Stays above other windows while something waits. */
  setWaiting(count: number): void {
    this.#waiting = count;
    if (this.#popup === null) return;
    this.#popup.setAlwaysOnTop(count > 0, 'floating');
  }

  /** Loads the popup, hidden, so that it is there at once when something is held. */
  preparePopup(): void {
    this.#popupWindow();
  }

  /** @param focus a person asked for it; otherwise what they type goes on going where it went. */
  showPopup(focus: boolean): void {
    const popup = this.#popupWindow();
    this.#place(popup);
    if (focus) {
      popup.show();
      popup.focus();
    } else if (!popup.isVisible()) popup.showInactive();
  }

  togglePopup(): void {
    if (this.#popup?.isVisible()) this.hidePopup();
    else this.showPopup(true);
  }

  hidePopup(): void {
    this.#popup?.hide();
  }

  setPopupHeight(pixels: number): void {
    this.#height = pixels;
    if (this.#popup !== null) this.#place(this.#popup);
  }

  openConsole(path: string): void {
    const existing = this.#console;
    const window = existing ?? this.#consoleWindow();
    void window.loadURL(PAGE_ORIGIN + path).catch(() => {});
    if (existing === null) return;
    if (window.isMinimized()) window.restore();
    window.show();
    window.focus();
  }

  /** @param contentsId of whoever sent a message. */
  isOwn(contentsId: number): boolean {
    return [this.#popup, this.#console].some((window) => window !== null && window.webContents.id === contentsId);
  }

  destroy(): void {
    this.#popup?.destroy();
    this.#console?.destroy();
  }

  #popupWindow(): AppWindow {
    if (this.#popup !== null) return this.#popup;
    const popup = this.#deps.create({
      width: POPUP_WIDTH,
      height: POPUP_HEIGHT,
      title: 'Countersign',
      icon: this.#deps.icon,
      show: false,
      frame: false,
      resizable: false,
      minimizable: false,
      maximizable: false,
      fullscreenable: false,
      skipTaskbar: true,
      alwaysOnTop: this.#waiting > 0,
      backgroundColor: BACKGROUND,
      webPreferences: { ...this.#deps.preferences, backgroundThrottling: false },
    });
    this.#popup = popup;
    popup.setVisibleOnAllWorkspaces(true, { visibleOnFullScreen: true });
    popup.on('blur', () => {
      if (this.#waiting === 0) popup.hide();
    });
    // A frameless window can still be closed by keys of the window manager: what waits goes on waiting.
    popup.on('close', (event) => {
      event.preventDefault();
      popup.hide();
    });
    popup.on('closed', () => {
      this.#popup = null;
    });
    void popup.loadURL(`${PAGE_ORIGIN}/popup`).catch(() => {});
    return popup;
  }

  #consoleWindow(): AppWindow {
    const window = this.#deps.create({
      width: 1280,
      height: 860,
      minWidth: 480,
      minHeight: 480,
      title: 'Countersign',
      icon: this.#deps.icon,
      show: false,
      autoHideMenuBar: true,
      backgroundColor: BACKGROUND,
      webPreferences: this.#deps.preferences,
    });
    this.#console = window;
    window.on('ready-to-show', () => window.show());
    window.on('closed', () => {
      this.#console = null;
    });
    return window;
  }

  #place(popup: AppWindow): void {
    const tray = this.#deps.tray();
    popup.setBounds(
      popupPlace({
        tray,
        workArea: this.#deps.workArea(tray),
        wantedHeight: this.#height,
        platform: this.#deps.platform,
      }),
    );
  }
}
