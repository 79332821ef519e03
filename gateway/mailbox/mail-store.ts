import type { StoreTarget } from '../sync/ports.ts';
import { bytesBody } from '../sync/targets/body.ts';
import { folderOf, type MailKind, type MailName, parseMailName } from './names.ts';

/** Ciphertext of a document of 1 MiB at most. */
const MAX_OBJECT = 1_100_000;
/** Names that are looked at of one device: a flood of its own stops nobody else. */
const PER_DEVICE = 100;
const DEVICES = 2000;
/** Behind every name of a folder, in the order of names. */
const BEHIND = '~';

/** The mailbox as a store of objects, every answer of which is bounded and none of which is believed. */
export class MailStore {
  readonly #target: StoreTarget;
  readonly #org: string;

  constructor(target: StoreTarget, org: string) {
    this.#target = target;
    this.#org = org;
  }

  async put(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#target.create(name, bytesBody(bytes), signal);
  }

  /** null: it is not there, or longer than anything that belongs here. */
  async read(name: string, signal: AbortSignal): Promise<Uint8Array | null> {
    const source = await this.#target.read(name, signal);
    if (source === null) return null;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of source) {
      size += chunk.length;
      if (size > MAX_OBJECT) return null;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  remove(name: string, signal: AbortSignal): Promise<void> {
    return this.#target.remove(name, signal);
  }

  /** What lies there, by device; the first ones of each in the order of their ends. @param device only this one's. */
  async list(kind: MailKind, signal: AbortSignal, device?: string): Promise<Map<string, MailName[]>> {
    const found = new Map<string, MailName[]>();
    const prefix = folderOf(this.#org, kind, device);
    let after: string | undefined;
    do {
      const from: string | undefined = after;
      after = undefined;
      const gone = new Set<string>();
      let folder = '';
      let count = 0;
      for await (const { name, deleted } of this.#target.list(prefix, signal, from)) {
        const own = name.slice(0, name.lastIndexOf('/') + 1);
        if (own !== folder) [folder, count] = [own, 0];
        count += 1;
        const parsed = parseMailName(this.#org, kind, name);
        if (deleted === true) gone.add(name);
        else if (parsed !== null) add(found, parsed);
        if (count < PER_DEVICE) continue;
        after = `${folder}${BEHIND}`;
        break;
      }
      for (const [of, names] of found)
        found.set(
          of,
          names.filter(({ name }) => !gone.has(name)),
        );
    } while (after !== undefined && device === undefined && found.size < DEVICES);
    return found;
  }
}

function add(found: Map<string, MailName[]>, name: MailName): void {
  const names = found.get(name.device) ?? [];
  if (names.length < PER_DEVICE && !names.some((one) => one.name === name.name))
    found.set(name.device, [...names, name]);
}

/** One of each device in turn, so that nobody waits behind somebody else's many. */
export function* inTurn<T>(groups: Iterable<readonly T[]>): Generator<T> {
  const lists = [...groups];
  for (let at = 0; lists.some((list) => at < list.length); at += 1)
    for (const list of lists) if (at < list.length) yield list[at]!;
}
