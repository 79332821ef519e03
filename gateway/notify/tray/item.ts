import type { Reply } from '../dbus/connection.ts';
import type { DBusValue, DBusVariant } from '../dbus/marshal.ts';
import type { DBusMessage } from '../dbus/message.ts';
import { type TrayAction, type TrayIcon, type TrayState, trayIcon, trayMenu, trayTooltip } from '../text/tray.ts';
import { MENU_INTERFACE, MENU_PATH, TrayMenu } from './menu.ts';

/** "StatusNotifierItem" of freedesktop.org, under the name that hosts implement. */
export const ITEM_INTERFACE = 'org.kde.StatusNotifierItem';
export const ITEM_PATH = '/StatusNotifierItem';
const PROPERTIES = 'org.freedesktop.DBus.Properties';
const INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable';

/** What changed, by the signals that tell of it. */
export type ItemChange = 'NewIcon' | 'NewToolTip' | 'NewStatus' | 'LayoutUpdated';

export interface TrayItemDeps {
  /** As pixmapOf gives them, of two sizes. */
  pixmaps(icon: TrayIcon): readonly DBusValue[];
  act(action: TrayAction): void;
}

/** The icon and its menu as objects on a bus: state in, answers out. */
export class StatusNotifierItem {
  readonly #deps: TrayItemDeps;
  readonly menu: TrayMenu;
  #icon: TrayIcon = 'stopped';
  #tooltip = '';
  #menuText = '';

  constructor(deps: TrayItemDeps) {
    this.#deps = deps;
    this.menu = new TrayMenu(deps.act);
  }

  /** NeedsAttention makes hosts show what they would otherwise fold away. */
  get status(): 'Active' | 'NeedsAttention' {
    return this.#icon === 'waiting' || this.#icon === 'broken' ? 'NeedsAttention' : 'Active';
  }

  set(state: TrayState): ItemChange[] {
    const changes: ItemChange[] = [];
    const statusBefore = this.status;
    const icon = trayIcon(state);
    if (icon !== this.#icon) changes.push('NewIcon');
    this.#icon = icon;
    if (this.status !== statusBefore) changes.push('NewStatus');
    const tooltip = trayTooltip(state);
    if (tooltip !== this.#tooltip) changes.push('NewToolTip');
    this.#tooltip = tooltip;
    const items = trayMenu(state);
    const text = JSON.stringify(items);
    if (text !== this.#menuText) {
      this.#menuText = text;
      this.menu.set(items);
      changes.push('LayoutUpdated');
    }
    return changes;
  }

  /** Answers a call on any of the objects. */
  call(message: DBusMessage): Reply {
    const { path, interface: name, member, signature } = message;
    if (name === PROPERTIES) return this.#properties(message);
    if (name === INTROSPECTABLE && member === 'Introspect')
      return { signature: 's', body: [introspection(path ?? '')] };
    if (path === MENU_PATH && name === MENU_INTERFACE) return this.menu.call(message);
    if (path === ITEM_PATH && name === ITEM_INTERFACE) {
      // A click on the icon itself opens what waits; the menu is the host's to show.
      if (member === 'Activate' && signature === 'ii') {
        this.#deps.act({ do: 'open', path: '/approvals' });
        return NOTHING;
      }
      if (member === 'SecondaryActivate' || member === 'Scroll' || member === 'ContextMenu') return NOTHING;
    }
    return { error: 'org.freedesktop.DBus.Error.UnknownMethod' };
  }

  #properties({ path, member, signature, body }: DBusMessage): Reply {
    const all = path === ITEM_PATH ? this.#ofItem() : path === MENU_PATH ? OF_MENU : null;
    if (all === null) return { error: 'org.freedesktop.DBus.Error.UnknownObject' };
    if (member === 'GetAll' && signature === 's') {
      return { signature: 'a{sv}', body: [[...all].map(([name, value]): DBusValue => [name, value])] };
    }
    const value = member === 'Get' && signature === 'ss' ? all.get(String(body[1])) : undefined;
    if (value !== undefined) return { signature: 'v', body: [value] };
    return { error: `org.freedesktop.DBus.Error.${member === 'Set' ? 'PropertyReadOnly' : 'UnknownProperty'}` };
  }

  #ofItem(): Map<string, DBusVariant> {
    const text = (value: string): DBusVariant => ({ signature: 's', value });
    const pixmaps: DBusVariant = { signature: 'a(iiay)', value: this.#deps.pixmaps(this.#icon) };
    const none: DBusVariant = { signature: 'a(iiay)', value: [] };
    return new Map<string, DBusVariant>([
      ['Category', text('ApplicationStatus')],
      ['Id', text('countersign')],
      ['Title', text('Countersign')],
      ['Status', text(this.status)],
      ['WindowId', { signature: 'i', value: 0 }],
      ['IconName', text('')],
      ['IconPixmap', pixmaps],
      ['IconThemePath', text('')],
      ['OverlayIconName', text('')],
      ['OverlayIconPixmap', none],
      ['AttentionIconName', text('')],
      ['AttentionIconPixmap', pixmaps],
      ['AttentionMovieName', text('')],
      ['ToolTip', { signature: '(sa(iiay)ss)', value: ['', [], this.#tooltip, ''] }],
      ['ItemIsMenu', { signature: 'b', value: false }],
      ['Menu', { signature: 'o', value: MENU_PATH }],
    ]);
  }
}

const NOTHING: Reply = { signature: '', body: [] };

const OF_MENU: ReadonlyMap<string, DBusVariant> = new Map<string, DBusVariant>([
  ['Version', { signature: 'u', value: 3 }],
  ['TextDirection', { signature: 's', value: 'ltr' }],
  ['Status', { signature: 's', value: 'normal' }],
  ['IconThemePath', { signature: 'as', value: [] }],
]);

function introspection(path: string): string {
  const inside =
    path === ITEM_PATH
      ? `<interface name="${ITEM_INTERFACE}"/>`
      : path === MENU_PATH
        ? `<interface name="${MENU_INTERFACE}"/>`
        : `<node name="${ITEM_PATH.slice(1)}"/><node name="${MENU_PATH.slice(1)}"/>`;
  return `<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd">\n<node>${inside}</node>\n`;
}
