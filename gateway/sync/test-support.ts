import * as fs from 'node:fs';
import { join } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import { createRecorder } from '../recording/recorder.ts';
import { sessionInfo, statement } from '../recording/test-support.ts';
import { decryptPart } from './age.ts';
import { parsePartName, readPart } from './part.ts';
import type { ObjectBody, StoreObject, StoreTarget } from './ports.ts';

export const PREFIX = 'acme/01JTESTDEVCE00000000000001';

/** A store in memory that fails as told. */
export class MemoryStore implements StoreTarget {
  readonly description = 'a store in memory';
  readonly capabilities = null;
  readonly objects = new Map<string, Uint8Array>();
  /** Names in the order in which they were confirmed. */
  readonly order: string[] = [];
  /** Called before each upload; what it throws is what create() throws. */
  before: (name: string) => void = () => {};
  /** Called when an object is in the store, before that is known to the caller. */
  after: (name: string) => void = () => {};
  canRead = true;
  attempts = 0;

  async create(name: string, body: ObjectBody, signal: AbortSignal): Promise<'created' | 'exists'> {
    this.attempts += 1;
    signal.throwIfAborted();
    this.before(name);
    const chunks: Uint8Array[] = [];
    for await (const chunk of body.open()) chunks.push(chunk);
    signal.throwIfAborted();
    const bytes = Buffer.concat(chunks);
    const there = this.objects.get(name);
    if (there !== undefined) {
      if (this.canRead ? bytes.equals(there) : bytes.length === there.length) {
        this.order.push(name);
        return 'exists';
      }
      throw new CountersignError('SYNC_INTERRUPTED', `${name} has another content`);
    }
    this.objects.set(name, bytes);
    this.after(name);
    this.order.push(name);
    return 'created';
  }

  async read(name: string): Promise<AsyncIterable<Uint8Array> | null> {
    if (!this.canRead) throw new CountersignError('SYNC_WRITE_ONLY', 'nobody may read here');
    const bytes = this.objects.get(name);
    if (bytes === undefined) return null;
    return (async function* () {
      yield bytes;
    })();
  }

  async *list(prefix: string, _signal?: AbortSignal, after = ''): AsyncGenerator<StoreObject> {
    for (const name of [...this.objects.keys()].sort()) {
      const bytes = this.objects.get(name);
      if (name.startsWith(prefix) && name > after && bytes !== undefined)
        yield { name, size: bytes.length, version: null };
    }
  }

  async remove(name: string): Promise<void> {
    this.objects.delete(name);
  }

  probe(): never {
    throw new Error('not asked for');
  }

  async setUp(): Promise<void> {}
  async close(): Promise<void> {}
}

export const unreachable = () => {
  throw new CountersignError('SYNC_UNREACHABLE', 'the store does not answer');
};

/** Records a session that is done: `kilobytes` of noise, in as many exchanges. */
export async function recordSession(dir: string, id: string, kilobytes: number): Promise<void> {
  const recorder = createRecorder({ dir });
  const session = recorder.open(sessionInfo(id));
  const noise = Buffer.alloc(1024);
  for (let n = 0; n < kilobytes; n += 1) {
    for (let i = 0; i < noise.length; i += 4) noise.writeUInt32LE(Math.imul(i + n * 7919, 2654435761) >>> 0, i);
    session.request(n, Buffer.from(`SELECT ${n}`));
    session.response(n, noise);
    session.statement(n, statement({ own: n % 10 === 0, text: `SELECT ${n}`, digest: 'ab'.repeat(32) }));
    session.end(n);
    await session.drained();
  }
  await session.close('done');
  await recorder.close();
}

/** Follows the parts of one session, in order. */
export class PartChain {
  readonly #sid: string;
  readonly #lengths = new Map<string, number>();
  #next = 0;
  #prev = '';
  #complete = false;

  constructor(sid: string) {
    this.#sid = sid;
  }

  /** Number of the part that is to come. */
  get next(): number {
    return this.#next;
  }

  /** The part that says `last` has been followed. */
  get complete(): boolean {
    return this.#complete;
  }

  /** @returns what is wrong with it as the next part, as a sentence, and then nothing was taken; null: it follows. */
  follow(part: ReturnType<typeof readPart>): string | null {
    if (part.sid !== this.#sid) return `It is a part of session ${part.sid}.`;
    if (part.n !== this.#next) return `It is part ${part.n}, and part ${this.#next} is to come.`;
    if (part.prev !== this.#prev) return `It does not follow the part before: another part ${part.n - 1} was written.`;
    if (this.#complete) return 'It follows a part that said it was the last.';
    for (const { name, offset } of part.ranges) {
      const length = this.#lengths.get(name) ?? 0;
      if (offset !== length) return `It goes on with ${name} at ${offset}, which has ${length} bytes so far.`;
    }
    for (const { name, offset, bytes } of part.ranges) this.#lengths.set(name, offset + bytes.length);
    this.#next += 1;
    this.#prev = part.hash;
    this.#complete = part.last;
    return null;
  }
}

export interface Assembled {
  complete: boolean;
  /** Whole parts with one number and different content. */
  conflicts: number;
  parts: number;
}

/** What an auditor does: puts a session together from a store's objects. Throws where a part does not follow. */
export async function assemble(
  objects: ReadonlyMap<string, Uint8Array>,
  folder: string,
  into: string,
  identities: readonly string[] = [],
): Promise<Assembled> {
  const found = new Map<number, ReturnType<typeof readPart>[]>();
  for (const [name, bytes] of objects) {
    if (!name.startsWith(`${folder}/`)) continue;
    const parsed = parsePartName(name.slice(folder.length + 1));
    if (parsed === null) throw new Error(`${name} does not belong there`);
    try {
      const part = readPart(parsed.encrypted ? await decryptPart(bytes, identities) : bytes);
      found.set(parsed.n, [...(found.get(parsed.n) ?? []), part]);
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
    }
  }
  fs.mkdirSync(into, { recursive: true });
  const chain = new PartChain(folder.slice(folder.lastIndexOf('/') + 1));
  let conflicts = 0;
  while (found.has(chain.next)) {
    const same = found.get(chain.next)!;
    if (new Set(same.map(({ hash }) => hash)).size > 1) conflicts += 1;
    const part = same.at(-1)!;
    const wrong = chain.follow(part);
    if (wrong !== null) throw new Error(`part ${part.n}: ${wrong}`);
    for (const { name, bytes } of part.ranges) fs.appendFileSync(join(into, name), bytes);
  }
  return { complete: chain.complete, conflicts, parts: chain.next };
}
