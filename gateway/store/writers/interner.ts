import type { Db } from '../migrations/migration.ts';

const MAX_SESSIONS = 64;
/** In each of two generations. */
const MAX_STRINGS = 2_500;
/** Longer strings rarely repeat and would fill memory. */
const MAX_CHARS = 4_096;

interface Known {
  young: Map<string, number>;
  /** What was young before; what is used again goes back. */
  old: Map<string, number>;
}

/**
 * Ids of strings that were written, by session; another session never gets them, as they go with it. A string that was forgotten is written again: `strings`
 * then holds it twice, which is harmless.
 */
export class Interner {
  readonly #db: Db;
  readonly #sessions = new Map<number, Known>();
  readonly #insert;
  readonly #last;

  constructor(db: Db) {
    this.#db = db;
    this.#insert = this.#db.prepare<[number, string]>('INSERT INTO strings (id, value) VALUES (?, ?)');
    this.#last = this.#db.prepare('SELECT max(id) FROM strings').pluck();
  }

  /** At the start of a transaction: another process may have written. */
  begin(): void {
    this.#next = ((this.#last.get() as number | null) ?? 0) + 1;
  }
  #next = 0;

  /** Id of the string that comes next. */
  get next(): number {
    return this.#next;
  }

  id(session: number, value: string): number {
    let known = this.#sessions.get(session);
    if (!known) {
      known = { young: new Map(), old: new Map() };
      if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
      this.#sessions.set(session, known);
    }
    const young = known.young.get(value);
    if (young !== undefined) return young;
    let id = known.old.get(value);
    if (id === undefined) {
      id = this.#next++;
      this.#insert.run(id, value);
    }
    if (value.length <= MAX_CHARS) {
      // Whole generations are dropped: taking the oldest key out of a Map walks over those taken out before it.
      if (known.young.size >= MAX_STRINGS) {
        known.old = known.young;
        known.young = new Map();
      }
      known.young.set(value, id);
    }
    return id;
  }

  /** Its rows were rolled back or deleted. */
  forget(session: number): void {
    this.#sessions.delete(session);
  }

  forgetAll(): void {
    this.#sessions.clear();
  }
}
