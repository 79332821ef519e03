import { readFileSync } from 'node:fs';
import { sessionBusPath } from '../dbus/address.ts';
import { BUS, type BusConnection, connectBus } from '../dbus/connection.ts';
import type { DBusValue } from '../dbus/marshal.ts';
import type { DBusMessage } from '../dbus/message.ts';
import type { TrayAction, TrayIcon, TrayState } from '../text/tray.ts';
import { ITEM_INTERFACE, ITEM_PATH, StatusNotifierItem } from './item.ts';
import { MENU_INTERFACE, MENU_PATH } from './menu.ts';
import { pixmapOf } from './pixmap.ts';

export interface Tray {
  /** Something of what it shows may be another; cheap, and shown a little later. */
  changed(): void;
  close(): void;
}

export interface TrayDeps {
  wanted: boolean;
  protection: 'protected' | 'unprotected';
  platform: NodeJS.Platform;
  env: NodeJS.ProcessEnv;
  uid: number;
  pid: number;
  /** Runs once after so many milliseconds; returns what cancels it. */
  schedule(milliseconds: number, run: () => void): () => void;
  state(): TrayState;
  act(action: TrayAction): void;
  log(level: 'info' | 'warn', sentence: string): void;
  /** For tests. */
  connect?: typeof connectBus;
}

const WATCHER = 'org.kde.StatusNotifierWatcher';
const SETTLE_MS = 200;
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/**
 * The icon in the panel of a Linux desktop, without the desktop app. Any program of the same user can
 * click its menu, which therefore has nothing in it that gives leave; nothing here throws or is waited for.
 */
export function createTray(deps: TrayDeps): Tray {
  // In protected mode the gateway is another user, whose programs have no desktop.
  const runs = deps.wanted && deps.platform === 'linux' && deps.protection === 'unprotected';
  return runs ? new PanelTray(deps) : { changed: () => {}, close: () => {} };
}

class PanelTray implements Tray {
  readonly #deps: TrayDeps;
  readonly #item: StatusNotifierItem;
  readonly #name: string;
  #bus: BusConnection | null = null;
  #cancelRetry: (() => void) | null = null;
  #cancelChange: (() => void) | null = null;
  #retryMs = FIRST_RETRY_MS;
  #registeredAt = '';
  #closed = false;

  constructor(deps: TrayDeps) {
    this.#deps = deps;
    this.#name = `${ITEM_INTERFACE}-${deps.pid}-1`;
    this.#item = new StatusNotifierItem({ pixmaps, act: (action) => this.#act(action) });
    // Whoever is told of what happens asks for the state here, so it has to have this first.
    queueMicrotask(() => {
      if (!this.#closed) this.#item.set(deps.state());
      void this.#connect();
    });
  }

  changed(): void {
    if (this.#closed || this.#cancelChange !== null) return;
    this.#cancelChange = this.#deps.schedule(SETTLE_MS, () => {
      this.#cancelChange = null;
      const changes = this.#item.set(this.#deps.state());
      for (const change of changes) {
        if (change === 'LayoutUpdated') {
          this.#emit(MENU_PATH, MENU_INTERFACE, change, 'ui', [this.#item.menu.revision, 0]);
        } else if (change === 'NewStatus') this.#emit(ITEM_PATH, ITEM_INTERFACE, change, 's', [this.#item.status]);
        else this.#emit(ITEM_PATH, ITEM_INTERFACE, change, '', []);
      }
      // Hosts show another icon while it needs attention.
      if (changes.includes('NewIcon')) this.#emit(ITEM_PATH, ITEM_INTERFACE, 'NewAttentionIcon', '', []);
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#cancelChange?.();
    this.#bus?.end();
    this.#bus = null;
  }

  #emit(path: string, name: string, member: string, signature: string, body: readonly DBusValue[]): void {
    this.#bus?.emit({ path, interface: name, member, signature, body });
  }

  #act(action: TrayAction): void {
    try {
      this.#deps.act(action);
    } catch (error) {
      this.#deps.log(
        'warn',
        `a click in the tray’s menu did nothing: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  async #connect(): Promise<void> {
    if (this.#closed) return;
    const { env, uid, connect = connectBus } = this.#deps;
    try {
      const bus = await connect(sessionBusPath(env, uid), uid, {
        signal: (message) => this.#hear(message),
        called: (message) => this.#item.call(message),
        closed: () => this.#lost(),
      });
      if (this.#closed) {
        bus.end();
        return;
      }
      this.#bus = bus;
      const ask = (member: string, signature: string, body: readonly DBusValue[]) =>
        bus.call({ ...BUS, interface: BUS.destination, member, signature, body });
      await ask('AddMatch', 's', [
        `type='signal',sender='${BUS.destination}',interface='${BUS.destination}',member='NameOwnerChanged',arg0='${WATCHER}'`,
      ]);
      await ask('RequestName', 'su', [this.#name, DO_NOT_QUEUE]);
      this.#retryMs = FIRST_RETRY_MS;
      const owner = await ask('GetNameOwner', 's', [WATCHER]).then(
        ({ body }) => String(body[0]),
        () => '',
      );
      await this.#register(owner);
    } catch {
      this.#lost();
    }
  }

  /** Only what the bus itself says counts. */
  #hear({ sender, member, signature, body }: DBusMessage): void {
    if (sender !== BUS.destination || member !== 'NameOwnerChanged' || signature !== 'sss' || body[0] !== WATCHER)
      return;
    void this.#register(String(body[2])).catch(() => {});
  }

  /** @param owner of the watcher; empty: this desktop has none now. */
  async #register(owner: string): Promise<void> {
    if (owner === this.#registeredAt || this.#bus === null) return;
    this.#registeredAt = owner;
    if (owner === '') return;
    await this.#bus.call({
      destination: owner,
      path: '/StatusNotifierWatcher',
      interface: WATCHER,
      member: 'RegisterStatusNotifierItem',
      signature: 's',
      body: [this.#name],
    });
    this.#deps.log('info', 'the icon is in the panel of this desktop');
  }

  #lost(): void {
    this.#bus?.end();
    this.#bus = null;
    this.#registeredAt = '';
    if (this.#closed || this.#cancelRetry !== null) return;
    this.#cancelRetry = this.#deps.schedule(this.#retryMs, () => {
      this.#cancelRetry = null;
      void this.#connect();
    });
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }
}

const DO_NOT_QUEUE = 4;

const drawn = new Map<TrayIcon, readonly DBusValue[]>();

/** Of both sizes; without them there is a menu and no icon. */
function pixmaps(icon: TrayIcon): readonly DBusValue[] {
  let made = drawn.get(icon);
  if (made === undefined) {
    try {
      const folder = new URL('../../../build/icons/', import.meta.url);
      made = ['', '@2x'].map((suffix) => pixmapOf(readFileSync(new URL(`tray-${icon}${suffix}.png`, folder))));
    } catch {
      made = [];
    }
    drawn.set(icon, made);
  }
  return made;
}
