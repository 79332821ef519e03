import type { Reply } from '../dbus/connection.ts';
import type { DBusValue, DBusVariant } from '../dbus/marshal.ts';
import type { DBusMessage } from '../dbus/message.ts';
import type { TrayAction, TrayItem } from '../text/tray.ts';

/** `com.canonical.dbusmenu` 3, as libdbusmenu's dbus-menu.xml has it. */
export const MENU_INTERFACE = 'com.canonical.dbusmenu';
export const MENU_PATH = '/MenuBar';

interface Node {
  id: number;
  properties: ReadonlyMap<string, DBusVariant>;
  children: readonly Node[];
  action: TrayAction | null;
}

const text = (value: string): DBusVariant => ({ signature: 's', value });
const flag = (value: boolean): DBusVariant => ({ signature: 'b', value });
const number = (value: number): DBusVariant => ({ signature: 'i', value });
/** An underscore marks a key. */
const label = (value: string): DBusVariant => text(value.replaceAll('_', '__'));

/**
 * The menu as other programs of the bus read and click it. Each revision has ids of its own, so that a
 * click on what was shown before does nothing instead of something else.
 */
export class TrayMenu {
  readonly #act: (action: TrayAction) => void;
  #root: Node = { id: 0, properties: new Map(), children: [], action: null };
  #nodes = new Map<number, Node>();
  #nextId = 1;
  revision = 0;

  constructor(act: (action: TrayAction) => void) {
    this.#act = act;
  }

  set(items: readonly TrayItem[]): void {
    this.#nodes = new Map();
    // Positive 32 bit numbers, of which 0 is the root.
    if (this.#nextId > 0x3fff_ffff) this.#nextId = 1;
    const properties = new Map([['children-display', text('submenu')]]);
    this.#root = { id: 0, properties, children: items.map((item) => this.#node(item)), action: null };
    this.#nodes.set(0, this.#root);
    this.revision = (this.revision + 1) % 0x7fff_ffff;
  }

  call({ member, signature, body }: DBusMessage): Reply {
    switch (`${member} ${signature}`) {
      case 'GetLayout iias': {
        const node = this.#nodes.get(Number(body[0]));
        if (node === undefined) return { error: `${MENU_INTERFACE}.Error` };
        const depth = Number(body[1]);
        return {
          signature: 'u(ia{sv}av)',
          body: [this.revision, layout(node, depth < 0 ? Number.POSITIVE_INFINITY : depth)],
        };
      }
      case 'GetGroupProperties aias': {
        const ids = body[0] as readonly number[];
        const wanted = ids.length === 0 ? [...this.#nodes.values()] : ids.flatMap((id) => this.#nodes.get(id) ?? []);
        return { signature: 'a(ia{sv})', body: [wanted.map((node): DBusValue => [node.id, entries(node)])] };
      }
      case 'GetProperty is': {
        const value = this.#nodes.get(Number(body[0]))?.properties.get(String(body[1]));
        return value === undefined ? { error: `${MENU_INTERFACE}.Error` } : { signature: 'v', body: [value] };
      }
      case 'Event isvu':
        this.#event(Number(body[0]), String(body[1]));
        return { signature: '', body: [] };
      case 'EventGroup a(isvu)': {
        const events = body[0] as readonly (readonly [number, string, DBusVariant, number])[];
        const unknown = events.map(([id]) => id).filter((id) => !this.#nodes.has(id));
        for (const [id, type] of events) this.#event(id, type);
        return { signature: 'ai', body: [unknown] };
      }
      case 'AboutToShow i':
        return { signature: 'b', body: [false] };
      case 'AboutToShowGroup ai':
        return { signature: 'aiai', body: [[], []] };
      default:
        return { error: 'org.freedesktop.DBus.Error.UnknownMethod' };
    }
  }

  #event(id: number, type: string): void {
    const action = type === 'clicked' ? this.#nodes.get(id)?.action : null;
    if (action) this.#act(action);
  }

  #node(item: TrayItem): Node {
    const id = this.#nextId++;
    const node: Node = {
      id,
      properties: new Map(propertiesOf(item)),
      children: item.kind === 'menu' ? item.items.map((child) => this.#node(child)) : [],
      action: item.kind === 'action' ? item.action : null,
    };
    this.#nodes.set(id, node);
    return node;
  }
}

function propertiesOf(item: TrayItem): [string, DBusVariant][] {
  switch (item.kind) {
    case 'separator':
      return [['type', text('separator')]];
    case 'words':
      return [
        ['label', label(item.label)],
        ['enabled', flag(false)],
      ];
    case 'menu':
      return [
        ['label', label(item.label)],
        ['children-display', text('submenu')],
      ];
    case 'action':
      return [
        ['label', label(item.label)],
        ...(item.checked === undefined
          ? []
          : ([
              ['toggle-type', text('checkmark')],
              ['toggle-state', number(item.checked ? 1 : 0)],
            ] as [string, DBusVariant][])),
      ];
  }
}

const entries = ({ properties }: Node): DBusValue => [...properties].map(([name, value]): DBusValue => [name, value]);

const layout = (node: Node, depth: number): DBusValue => [
  node.id,
  entries(node),
  depth === 0
    ? []
    : node.children.map((child): DBusValue => ({ signature: '(ia{sv}av)', value: layout(child, depth - 1) })),
];
