import type { StoreObject, StoreTarget } from '../../sync/ports.ts';
import type { Books } from '../books.ts';
import { type ObjectKind, parseObjectName } from '../object-names.ts';
import type { Workspace } from '../workspace.ts';
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
}

export interface ImportOptions {
  /** AGE-SECRET-KEY-1…; none: what is encrypted stays unread, and is opened by a later import. */
  identities: readonly string[];
  /** Reads everything again, so that what was replaced by something as long shows. */
  recheck?: boolean;
  progress?: (progress: ImportProgress) => void;
  signal: AbortSignal;
  now?: () => number;
}

/** How many objects are read ahead of the one that is put in its place. */
const AHEAD = 4;
const BATCH = 64;
const MAX_FOREIGN = 20;

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
  const waiting: Promise<Fetched | null>[] = [];
  const take = async () => {
    const fetched = await waiting.shift()!;
    if (fetched === null) return;
    if (intake.take(fetched)) {
      count.fresh += 1;
      count.bytes += fetched.bytes.length;
    }
    count.sessions = intake.touched.size;
    if ((count.seen & (BATCH - 1)) === 0) books.commit();
    options.progress?.(count);
  };
  books.begin();
  try {
    for await (const object of store.list(`${workspace.settings.org}/`, signal)) {
      if (signal.aborted) break;
      count.seen += 1;
      const kind = parseObjectName(object.name);
      if (kind === null) {
        if (foreign.length < MAX_FOREIGN) foreign.push(object.name);
      } else if (isNew(books, source, object, importId, options)) {
        const fetching = fetch(store, object, kind, options);
        // Its failure is told when its turn comes.
        fetching.catch(() => {});
        waiting.push(fetching);
        if (waiting.length >= AHEAD) await take();
      } else options.progress?.(count);
    }
    while (waiting.length > 0 && !signal.aborted) await take();
    if (!signal.aborted) books.endImport(importId, now());
  } finally {
    books.commit();
    books.end();
    await Promise.allSettled(waiting);
  }
  return { ...count, stopped: signal.aborted, touched: intake.touched, unusual: intake.unusual, foreign };
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
  const stream = await store.read(name, options.signal);
  // It was listed a moment ago: the next import finds that it has gone.
  if (stream === null) return null;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > limitOf(kind)) {
      const why = 'It is larger than any object of its kind; somebody else wrote it.';
      return { name, version, bytes: new Uint8Array(0), opened: { state: 'refused', why } };
    }
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks, size);
  return { name, version, bytes, opened: await openObject(name, bytes, options.identities) };
}
