import { join } from 'node:path';
import type { Menu, MenuItemConstructorOptions, NativeImage, Tray } from 'electron';
import {
  type TrayAction,
  type TrayItem,
  type TrayState,
  trayIcon,
  trayMenu,
  trayTooltip,
} from '../../gateway/notify/text/tray.ts';
import type { Rectangle } from '../windows/popup-place.ts';

/** What is used of Electron. */
export interface TrayParts {
  Tray: new (
    image: NativeImage,
  ) => Pick<Tray, 'setImage' | 'setToolTip' | 'setContextMenu' | 'on' | 'getBounds' | 'destroy'>;
  Menu: Pick<typeof Menu, 'buildFromTemplate'>;
  nativeImage: { createFromPath(path: string): NativeImage };
}

/** An ampersand in a label would mark a key. */
const shown = (label: string) => label.replaceAll('&', '&&');

export function menuTemplate(
  items: readonly TrayItem[],
  act: (action: TrayAction) => void,
): MenuItemConstructorOptions[] {
  return items.map((item) => itemTemplate(item, act));
}

function itemTemplate(item: TrayItem, act: (action: TrayAction) => void): MenuItemConstructorOptions {
  if (item.kind === 'separator') return { type: 'separator' };
  const label = shown(item.label);
  if (item.kind === 'words') return { label, enabled: false };
  if (item.kind === 'menu') return { label, submenu: menuTemplate(item.items, act) };
  return {
    label,
    ...(item.checked === undefined ? {} : { type: 'checkbox', checked: item.checked }),
    click: () => act(item.action),
  };
}

/** The icon, what it says, and its menu, which Linux wants anew after each change. */
export class AppTray {
  readonly #parts: TrayParts;
  readonly #folder: string;
  readonly #platform: NodeJS.Platform;
  readonly #act: (action: TrayAction) => void;
  readonly #tray: InstanceType<TrayParts['Tray']>;
  #shown = '';
  #icon = '';

  /** @param folder of the icons. */
  constructor(
    parts: TrayParts,
    options: { folder: string; platform: NodeJS.Platform; act(action: TrayAction): void },
    state: TrayState,
  ) {
    this.#parts = parts;
    this.#folder = options.folder;
    this.#platform = options.platform;
    this.#act = options.act;
    this.#tray = new parts.Tray(this.#image(trayIcon(state)));
    this.#icon = trayIcon(state);
    this.#tray.on('click', () => this.#act({ do: 'popup' }));
    this.show(state);
  }

  show(state: TrayState): void {
    const icon = trayIcon(state);
    const items = trayMenu(state);
    const text = JSON.stringify([icon, items]);
    if (text === this.#shown) return;
    this.#shown = text;
    if (icon !== this.#icon) this.#tray.setImage(this.#image(icon));
    this.#icon = icon;
    this.#tray.setToolTip(trayTooltip(state));
    this.#tray.setContextMenu(this.#parts.Menu.buildFromTemplate(menuTemplate(items, this.#act)));
  }

  /** null on Linux, where nobody says where it is. */
  get bounds(): Rectangle | null {
    return this.#platform === 'linux' ? null : this.#tray.getBounds();
  }

  destroy(): void {
    this.#tray.destroy();
  }

  #image(icon: string): NativeImage {
    const template = this.#platform === 'darwin';
    const image = this.#parts.nativeImage.createFromPath(
      join(this.#folder, `tray-${icon}${template ? 'Template' : ''}.png`),
    );
    if (template) image.setTemplateImage(true);
    return image;
  }
}
