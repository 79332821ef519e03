import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import type { AdministrationView } from '../contract/administration.ts';
import type { Connection } from '../contract/connection.ts';
import { CountersignError } from '../contract/errors.ts';
import type { AdminLock, TrustNote } from '../evidence/format/documents.ts';
import type { NewLogEntry } from '../evidence/format/log-entries.ts';
import { fromBase64 } from '../recording/format/bytes.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { type AdministrationSet, judgeSet } from './judge.ts';

type Entry = Extract<NewLogEntry, { type: 'administration' }>;

export interface AdministrationDeps {
  /** `<home>/administration.json`: the set in force, and the number that none goes below. */
  file: string;
  now(): number;
  trust(): TrustNote | null;
  /** Sets that an installer or a store holds, in any order. Rejects where the store cannot be asked. */
  fetch(): Promise<readonly Uint8Array[]>;
  /** Puts a set in force, again and again to the same end. Rejects, and then nothing of it was. @param before ids of the set before. */
  apply(set: AdministrationSet, before: readonly string[]): Promise<void>;
  log(entry: Entry): Promise<void>;
  onChanged(): void;
  onProblem(sentence: string): void;
}

export interface AdministrationKeeper {
  readonly set: AdministrationSet | null;
  view(): AdministrationView;
  /** Takes up what was kept. Never rejects. */
  start(): Promise<void>;
  /** Never rejects: an unreachable store leaves the last good set in force. */
  refresh(): Promise<void>;
  /** Throws ADMINISTRATION_LOCKED, which names who fixed it. */
  assertOpen(what: AdminLock, name: string): void;
  /** Of a connection; `to` is what it would be, null where it would be none. */
  assertConnection(id: string, to: Connection | null): void;
}

const Kept = z.strictObject({ n: z.number().int().min(1), hash: z.string(), note: z.string(), expired: z.boolean() });
type Kept = z.infer<typeof Kept>;

/** Refusals that were told already. */
const MAX_TOLD = 200;

export function createAdministration(deps: AdministrationDeps): AdministrationKeeper {
  let kept = read();
  let set: AdministrationSet | null = null;
  let problem: string | null = null;
  let turn: Promise<void> = Promise.resolve();
  const told = new Set<string>();
  const nowText = () => new Date(deps.now()).toISOString();

  function read(): Kept | null {
    try {
      const text = readFileIfThere(deps.file);
      return text === null ? null : Kept.parse(JSON.parse(text));
    } catch {
      // Without it an older set could be played: whoever removes the file decides that.
      throw new CountersignError(
        'CONFIG_BROKEN',
        `${deps.file} cannot be read, and says which settings the organisation signed last; restore it, or remove it to begin anew.`,
      );
    }
  }

  function save(next: Kept): void {
    writeFileAtomic(deps.file, `${JSON.stringify(next)}\n`);
    kept = next;
  }

  async function refuse(n: number, hash: string, why: string): Promise<void> {
    const key = `${hash} ${why}`;
    problem = `Set ${n === 0 ? 'without a number' : n} of the organisation was refused: ${why}`;
    if (told.has(key)) return;
    if (told.size >= MAX_TOLD) told.clear();
    told.add(key);
    deps.onProblem(problem);
    await deps.log({ type: 'administration', state: 'refused', set: n, hash, by: '', detail: why.slice(0, 2000) });
  }

  async function take(bytes: Uint8Array, next: AdministrationSet): Promise<void> {
    const before = set?.connections.map(({ id }) => id) ?? [];
    await deps.apply(next, before);
    const isNew = kept?.hash !== next.hash;
    set = next;
    if (!isNew) return;
    save({ n: next.n, hash: next.hash, note: Buffer.from(bytes).toString('base64'), expired: false });
    const detail = next.locked.length === 0 ? '' : `locked: ${next.locked.join(', ')}`;
    await deps.log({ type: 'administration', state: 'applied', set: next.n, hash: next.hash, by: next.by, detail });
  }

  /** The highest good one counts; what is refused is said once. */
  async function consider(notes: readonly Uint8Array[]): Promise<void> {
    const context = { trust: deps.trust(), newest: kept, now: nowText() };
    const judged = notes.map((bytes) => ({ bytes, found: judgeSet(p, bytes, context) }));
    const good = judged.flatMap(({ bytes, found }) => (found.ok ? [{ bytes, set: found.set }] : []));
    good.sort((a, b) => b.set.n - a.set.n);
    // A store keeps every set: those before the one in force are no attempt at anything.
    for (const { found } of judged)
      if (!found.ok && !(kept !== null && found.n > 0 && found.n < kept.n && found.why.startsWith('it is older')))
        await refuse(found.n, found.hash, found.why);
    for (const one of good) {
      if (set !== null && set.hash === one.set.hash) return;
      try {
        await take(one.bytes, one.set);
        return;
      } catch (error) {
        await refuse(one.set.n, one.set.hash, error instanceof Error ? error.message : String(error));
      }
    }
  }

  async function sayExpired(): Promise<void> {
    if (set === null || kept === null || set.validUntil > nowText() || kept.expired) return;
    save({ ...kept, expired: true });
    const { n, hash, by, validUntil } = set;
    await deps.log({ type: 'administration', state: 'expired', set: n, hash, by, detail: `it ended on ${validUntil}` });
  }

  async function look(): Promise<void> {
    problem = null;
    let notes: readonly Uint8Array[] = [];
    try {
      notes = await deps.fetch();
    } catch (error) {
      problem = `The organisation’s settings cannot be looked for: ${(error as Error).message}`;
    }
    await consider(notes);
    await sayExpired();
  }

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work).then(deps.onChanged, (error: unknown) => {
      problem = `The organisation’s settings could not be taken up: ${(error as Error).message}`;
      deps.onProblem(problem);
      deps.onChanged();
    });
    return turn;
  };

  const expiredAt = (one: AdministrationSet) => one.validUntil <= nowText();

  function locked(by: string, what: string): never {
    throw new CountersignError(
      'ADMINISTRATION_LOCKED',
      `${what} is fixed for the organisation by ${by} (set ${set!.n}); it is changed there, by a new set, and not on this machine.`,
    );
  }

  return {
    get set() {
      return set;
    },
    view: () => ({
      set: set && {
        n: set.n,
        by: set.by,
        issuedAt: set.issuedAt,
        validUntil: set.validUntil,
        expired: expiredAt(set),
        locked: [...set.locked],
        connections: set.connections.map(({ id }) => id),
      },
      problem:
        problem ??
        (set !== null && expiredAt(set)
          ? `Set ${set.n} of the organisation ended on ${set.validUntil}; it stays in force until there is a newer one`
          : null),
    }),
    start: () =>
      inTurn(async () => {
        if (kept !== null) await consider([fromBase64(kept.note) ?? new Uint8Array()]);
      }),
    refresh: () => inTurn(look),
    assertOpen(what, name) {
      if (set?.locked.includes(what)) locked(set.by, name);
    },
    assertConnection(id, to) {
      const fixed = set?.connections.find((one) => one.id === id);
      if (set === null) return;
      if (fixed === undefined) {
        if (to !== null && set.locked.includes('new-connections')) locked(set.by, 'which connections there are');
      } else if (set.locked.includes('connections') && JSON.stringify(fixed) !== JSON.stringify(to)) {
        // The same with its password is this machine's to enter.
        locked(set.by, `the connection ${id}`);
      }
    },
  };
}
