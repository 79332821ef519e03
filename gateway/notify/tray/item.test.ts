import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GatewayStatus } from '../../contract/status.ts';
import type { DBusValue, DBusVariant } from '../dbus/marshal.ts';
import { type DBusMessage, MESSAGE_TYPES, readMessage, writeMessage } from '../dbus/message.ts';
import { testApproval } from '../test-notifications.ts';
import type { TrayAction, TrayState } from '../text/tray.ts';
import { ITEM_INTERFACE, ITEM_PATH, StatusNotifierItem } from './item.ts';
import { MENU_INTERFACE, MENU_PATH } from './menu.ts';
import { pixmapOf } from './pixmap.ts';

const status = {
  protection: 'protected',
  recorder: { ok: true, error: null, bytes: 0 },
  policy: { hash: 'a', staged: null, error: null },
  openSessions: 0,
  halt: null,
} as GatewayStatus;
const state = (changes: Partial<TrayState> = {}): TrayState => ({
  status,
  sentence: '',
  waiting: [],
  sessions: [],
  host: { quits: false, hasPopup: false, autostart: null },
  ...changes,
});

function setup() {
  const acted: TrayAction[] = [];
  const item = new StatusNotifierItem({ pixmaps: () => [[1, 1, [255, 1, 2, 3]]], act: (action) => acted.push(action) });
  /** What a host of the icon gets, over the wire there and back. */
  const call = (path: string, name: string, member: string, signature = '', body: readonly DBusValue[] = []) => {
    const message: DBusMessage = {
      type: MESSAGE_TYPES.call,
      flags: 0,
      serial: 1,
      path,
      interface: name,
      member,
      signature,
      body,
    };
    const reply = item.call(readMessage(writeMessage(message)));
    if ('error' in reply) return reply.error;
    const answer = { type: MESSAGE_TYPES.return, flags: 1, serial: 2, replySerial: 1, ...reply };
    return readMessage(writeMessage(answer)).body;
  };
  const menu = (member: string, signature: string, body: readonly DBusValue[]) =>
    call(MENU_PATH, MENU_INTERFACE, member, signature, body);
  type Layout = [number, [string, DBusVariant][], { value: Layout }[]];
  const find = (wanted: string): number => {
    const walk = ([id, properties, children]: Layout): number | null =>
      properties.some(([name, { value }]) => name === 'label' && value === wanted)
        ? id
        : (children.map(({ value }) => walk(value)).find((found) => found !== null) ?? null);
    const found = walk((menu('GetLayout', 'iias', [0, -1, []]) as unknown as [number, Layout])[1]);
    if (found === null) throw new Error(`no ${wanted}`);
    return found;
  };
  const click = (id: number) => menu('Event', 'isvu', [id, 'clicked', { signature: 's', value: '' }, 0]);
  return { item, acted, call, menu, find, click };
}

describe('the menu on the bus', () => {
  it('is read whole or one level deep, and clicked', () => {
    const { item, acted, menu, find, click } = setup();
    const approval = testApproval({ id: 'A1' });
    item.set(state({ waiting: [approval] }));
    const [revision, [, , children]] = menu('GetLayout', 'iias', [0, 1, []]) as unknown as [
      number,
      [number, [], { value: [number, unknown, []] }[]],
    ];
    expect(revision).toBe(1);
    expect(children.length).toBeGreaterThan(3);
    expect(children.every(({ value }) => value[2].length === 0)).toBe(true);
    click(find('Deny'));
    click(find('For 15 minutes'));
    expect(acted).toEqual([
      { do: 'deny', approvalId: 'A1', digest: approval.operation.digest },
      { do: 'pause', minutes: 15 },
    ]);
  });

  it('does nothing at a click on what is gone, or on what is no action', () => {
    const { item, acted, menu, find, click } = setup();
    item.set(state({ waiting: [testApproval({ id: 'A1' })] }));
    const old = find('Deny');
    item.set(state({ waiting: [testApproval({ id: 'A2' })] }));
    for (const id of [old, 0, -1, 99_999, find('Panic')]) click(id);
    menu('Event', 'isvu', [find('Deny'), 'hovered', { signature: 'i', value: 1 }, 0]);
    const gone = menu('EventGroup', 'a(isvu)', [[[old, 'clicked', { signature: 's', value: '' }, 0]]]);
    expect([acted, gone]).toEqual([[], [[old]]]);
    expect(menu('GetLayout', 'iias', [old, -1, []])).toBe('com.canonical.dbusmenu.Error');
  });

  it('shows underscores as they are', () => {
    const { item, find } = setup();
    item.set(state({ status: null, sentence: 'no_such_file' }));
    expect(find('Countersign is not running: no__such__file')).toBeGreaterThan(0);
  });

  it('answers what else hosts ask', () => {
    const { item, call, menu } = setup();
    item.set(state());
    expect(menu('GetProperty', 'is', [0, 'children-display'])).toEqual([{ signature: 's', value: 'submenu' }]);
    expect((menu('GetGroupProperties', 'aias', [[], []]) as [unknown[]])[0].length).toBeGreaterThan(4);
    expect(menu('AboutToShow', 'i', [0])).toEqual([false]);
    expect(menu('AboutToShowGroup', 'ai', [[0]])).toEqual([[], []]);
    expect(call(MENU_PATH, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [MENU_INTERFACE, 'Version'])).toEqual([
      { signature: 'u', value: 3 },
    ]);
    for (const [member, signature, body] of [
      ['GetLayout', 's', ['x']],
      ['Delete', '', []],
      ['Event', 'is', [1, 'clicked']],
    ] as const) {
      expect(menu(member, signature, [...body])).toBe('org.freedesktop.DBus.Error.UnknownMethod');
    }
  });
});

describe('the icon on the bus', () => {
  it('tells what changed, and nothing when nothing did', () => {
    const { item } = setup();
    expect(item.set(state())).toEqual(['NewIcon', 'NewToolTip', 'LayoutUpdated']);
    expect(item.set(state())).toEqual([]);
    expect(item.set(state({ waiting: [testApproval()] }))).toEqual([
      'NewIcon',
      'NewStatus',
      'NewToolTip',
      'LayoutUpdated',
    ]);
    expect(item.status).toBe('NeedsAttention');
  });

  it('has its properties, one by one and all, and lets none be set', () => {
    const { item, call } = setup();
    item.set(state({ waiting: [testApproval()] }));
    const [all] = call(ITEM_PATH, 'org.freedesktop.DBus.Properties', 'GetAll', 's', [ITEM_INTERFACE]) as [
      [string, DBusVariant][],
    ];
    const properties = Object.fromEntries(all);
    expect(properties).toMatchObject({
      Id: { value: 'countersign' },
      Status: { value: 'NeedsAttention' },
      IconPixmap: { signature: 'a(iiay)', value: [[1, 1, [255, 1, 2, 3]]] },
      Menu: { signature: 'o', value: '/MenuBar' },
      ToolTip: { value: ['', [], 'Countersign: 1 request waits for you, 0 open sessions', ''] },
    });
    const one = (member: string, signature: string, body: DBusValue[]) =>
      call(ITEM_PATH, 'org.freedesktop.DBus.Properties', member, signature, body);
    expect(one('Get', 'ss', [ITEM_INTERFACE, 'Title'])).toEqual([{ signature: 's', value: 'Countersign' }]);
    expect(one('Get', 'ss', [ITEM_INTERFACE, 'None'])).toContain('UnknownProperty');
    expect(one('Set', 'ssv', [ITEM_INTERFACE, 'Title', { signature: 's', value: 'x' }])).toContain('ReadOnly');
    expect(call('/elsewhere', 'org.freedesktop.DBus.Properties', 'GetAll', 's', [''])).toContain('UnknownObject');
  });

  it('opens what waits at a click on it', () => {
    const { call, acted } = setup();
    expect(call(ITEM_PATH, ITEM_INTERFACE, 'Activate', 'ii', [1, 2])).toEqual([]);
    expect(acted).toEqual([{ do: 'open', path: '/approvals' }]);
  });

  it('is drawn from the files that are committed, and from no other PNG', () => {
    const png = readFileSync(new URL('../../../build/icons/tray-waiting.png', import.meta.url));
    const [width, height, bytes] = pixmapOf(png) as [number, number, number[]];
    expect([width, height, bytes.length]).toEqual([22, 22, 22 * 22 * 4]);
    // The middle of its rim: opaque and white.
    expect(bytes.slice(4 * (22 * 10 + 11), 4 * (22 * 10 + 11) + 1)).toEqual([255]);
    for (const at of [0, 12, 16, 25, 28, 37]) {
      const damaged = Buffer.from(png);
      damaged[at] = 0x7f;
      expect(() => pixmapOf(damaged)).toThrow();
    }
  });
});
