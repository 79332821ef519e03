import { statfsSync } from 'node:fs';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import type { StoreObject, StoreTarget } from '../../sync/ports.ts';
import type { Books } from '../books.ts';
import { type ObjectKind, parseObjectName } from '../object-names.ts';
import type { Workspace } from '../workspace.ts';
import { settleClaims } from './claims.ts';
import { type Fetched, Intake, openObject } from './intake.ts';

export interface ImportProgress {
  /** Objects that the source named so far, and those of them that were not here yet. */
  seen: number;
  fresh: number;
  bytes: number;
  sessions: number;
}

export interface ImportOutcome extends ImportProgress {
  stopped: boolean;
  touched: ReadonlySet<string>;
  unusual: Readonly<Record<'unread' | 'torso' | 'changed' | 'refused', number>>;
  /** Names that no object of this organisation has, as far as there is room. */
  foreign: string[];
  /** What the store lists and does not give, as far as there is room; the next import asks again. */
  notGiven: { name: string; why: string }[];
  /** Names that somebody deleted in the store, which kept what was there, as far as there is room. */
  deleted: string[];
}

export interface ImportOptions {
  /** AGE-SECRET-KEY-1…; none: what is encrypted stays unread, and is opened by a later import. */
  identities: readonly string[];
  /** Reads everything again, so that what was replaced by something as long shows. */
  recheck?: boolean;
  progress?: (progress: ImportProgress) => void;
  signal: AbortSignal;
  now?: () => number;
  /** How long one object may take to come, in milliseconds. */
  objectMs?: number;
  /** Bytes that the workspace's disk has left. */
  room?: () => number;
}

/** How many objects are read ahead of the one that is put in its place. */
const AHEAD = 4;
const BATCH = 64;
const MAX_FOREIGN = 20;
/** Of one name; what came later says no more than that there is more. */
const MAX_VERSIONS = 16;
/** So many in a row that cannot be reached: then it is the store, and not an object of it. */
const MAX_IN_A_ROW = 8;
/** The largest object at some 30 kB a second. */
const MAX_OBJECT_MS = 15 * 60_000;
/** What is left on the disk for everything else, however much a store lists. */
const MIN_ROOM = 256 * 1024 * 1024;

/** By kind, in bytes: no object of a store is larger. */
function limitOf(kind: ObjectKind): number {
  if (kind.kind === 'part') return 24 * 1024 * 1024;
  if (kind.kind === 'tile') return kind.level === 'entries' ? 256 * 65_537 : 256 * 32;
  return kind.kind === 'checkpoint' ? 256 * 1024 : 1024 * 1024;
}

/**
 * Takes over what a store has and the workspace has not. One that was stopped or killed is simply started
 * again. Memory holds a few objects at a time.
 */
export async function importStore(
  workspace: Workspace,
  books: Books,
  store: StoreTarget,
  options: ImportOptions,
): Promise<ImportOutcome> {
  const { signal, now = Date.now } = options;
  const source = store.description;
  const importId = books.beginImport(source, now());
  const intake = new Intake(workspace, books, source, importId, now);
  const count: ImportProgress = { seen: 0, fresh: 0, bytes: 0, sessions: 0 };
  const foreign: string[] = [];
  const deleted = new Set<string>();
  const waiting: { name: string; fetching: Promise<Fetched | null> }[] = [];
  const refusals = new Refusals();
  const room = options.room ?? (() => roomIn(workspace.folder));
  const take = async () => {
    const { name, fetching } = waiting.shift()!;
    const fetched = await fetching.catch((error: unknown) => refusals.take(name, error, signal));
    if (fetched === 'refused') return;
    refusals.given();
    if (fetched === null) return;
    if (intake.take(fetched)) {
      count.fresh += 1;
      count.bytes += fetched.bytes.length;
    }
    count.sessions = intake.touched.size;
    if ((count.seen & (BATCH - 1)) === 0) {
      books.commit();
      assertRoom(room());
    }
    options.progress?.(count);
  };
  books.begin();
  try {
    for await (const object of oldestFirst(store.list(`${workspace.settings.org}/`, signal))) {
      if (signal.aborted) break;
      if (object.deleted === true) {
        if (deleted.size < MAX_FOREIGN) deleted.add(object.name);
        continue;
      }
      count.seen += 1;
      const kind = parseObjectName(object.name);
      if (kind === null) {
        if (foreign.length < MAX_FOREIGN) foreign.push(object.name);
      } else if (isNew(books, source, object, importId, options)) {
        const fetching = fetch(store, object, kind, options);
        // Its failure is told when its turn comes.
        fetching.catch(() => {});
        waiting.push({ name: object.name, fetching });
        if (waiting.length >= AHEAD) await take();
      } else {
        refusals.known();
        options.progress?.(count);
      }
    }
    while (waiting.length > 0 && !signal.aborted) await take();
    refusals.assertNotAll();
    const read = async (name: string, version: string) => {
      const kind = parseObjectName(name);
      const bytes = kind && (await readInTime(store, { name, version: version || null }, limitOf(kind), options));
      return bytes instanceof Uint8Array ? bytes : null;
    };
    if (!signal.aborted) {
      await settleClaims({ workspace, books, intake, identities: options.identities, now: now(), fetch: read });
      books.endImport(importId, now());
    }
  } finally {
    books.commit();
    books.end();
    await Promise.allSettled(waiting.map(({ fetching }) => fetching));
  }
  return {
    ...count,
    stopped: signal.aborted,
    touched: intake.touched,
    unusual: intake.unusual,
    foreign,
    notGiven: refusals.told,
    deleted: [...deleted],
  };
}

/** What was written first under a name counts, and stores list what was written last before it. */
async function* oldestFirst(listed: AsyncIterable<StoreObject>): AsyncGenerator<StoreObject> {
  let versions: StoreObject[] = [];
  for await (const object of listed) {
    if (object.deleted === true) {
      yield object;
      continue;
    }
    if (versions.length > 0 && versions[0]?.name !== object.name) {
      yield* versions.reverse();
      versions = [];
    }
    versions.push(object);
    if (versions.length > MAX_VERSIONS) versions.shift();
  }
  yield* versions.reverse();
}

function roomIn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function assertRoom(room: number): void {
  if (room >= MIN_ROOM) return;
  throw new CountersignError(
    'AUDIT_DISK_FULL',
    'the disk of the workspace is almost full; what was imported stays, and the same command goes on when there is room',
  );
}

/** One object that somebody made unreadable keeps nobody from the rest of the store. */
class Refusals {
  readonly told: { name: string; why: string }[] = [];
  #first: unknown = null;
  #given = 0;
  #inARow = 0;

  /** What came at an earlier import says that the store can be read. */
  known(): void {
    this.#given += 1;
  }

  given(): void {
    this.#given += 1;
    this.#inARow = 0;
  }

  take(name: string, error: unknown, signal: AbortSignal): 'refused' {
    if (signal.aborted || !isCountersignError(error)) throw error;
    if (isCountersignError(error, 'SYNC_UNREACHABLE')) this.#inARow += 1;
    if (this.#inARow >= MAX_IN_A_ROW) throw error;
    this.#first ??= error;
    if (this.told.length < MAX_FOREIGN) this.told.push({ name, why: error.message });
    return 'refused';
  }

  /** A store that gives nothing of what it lists is none that can be read. */
  assertNotAll(): void {
    if (this.#first !== null && this.#given === 0) throw this.#first;
  }
}

/** Books an object that was imported before as seen again. */
function isNew(books: Books, source: string, object: StoreObject, importId: number, options: ImportOptions): boolean {
  const all = books.objects(source, object.name);
  const known = all.find(({ version }) => version === (object.version ?? ''));
  if (known === undefined || known.size !== object.size) return true;
  if (options.recheck === true) return true;
  if (known.state === 'unread' && options.identities.length > 0) return true;
  books.seenAgain(source, object.name, known.version, importId);
  return false;
}

async function fetch(
  store: StoreTarget,
  object: StoreObject,
  kind: ObjectKind,
  options: ImportOptions,
): Promise<Fetched | null> {
  const { name } = object;
  const version = object.version ?? '';
  const bytes = await readInTime(store, object, limitOf(kind), options);
  // It was listed a moment ago: the next import finds that it has gone.
  if (bytes === null) return null;
  if (bytes === 'too large') {
    const why = 'It is larger than any object of its kind; somebody else wrote it.';
    return { name, version, bytes: new Uint8Array(0), opened: { state: 'refused', why } };
  }
  return { name, version, bytes, opened: await openObject(name, bytes, options.identities) };
}

/** A store that drips an object byte by byte never stands still, and would hold up the import for ever. */
async function readInTime(
  store: StoreTarget,
  { name, version }: Pick<StoreObject, 'name' | 'version'>,
  limit: number,
  { signal, objectMs = MAX_OBJECT_MS }: ImportOptions,
): Promise<Uint8Array | 'too large' | null> {
  const late = AbortSignal.timeout(objectMs);
  try {
    const stream = await store.read(name, AbortSignal.any([signal, late]), version);
    if (stream === null) return null;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of stream) {
      late.throwIfAborted();
      size += chunk.length;
      if (size > limit) return 'too large';
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error;
    const minutes = Math.round(objectMs / 60_000);
    throw new CountersignError('AUDIT_OBJECT_SLOW', `it did not come whole within ${minutes} minutes`, {
      cause: error,
    });
  }
}
