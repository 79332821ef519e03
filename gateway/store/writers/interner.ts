import type { Db } from '../migrations/migration.ts';

const MAX_SESSIONS = 64;
const MAX_STRINGS = 5_000;
/** Longer strings rarely repeat and would fill memory. */
const MAX_CHARS = 4_096;

/**
 * Ids of strings that were written, by session; another session never gets them, as they go with it. A string that was forgotten is written again: `strings`
 * then holds it twice, which is harmless.
 */
export class Interner {
  readonly #db: Db;
  readonly #sessions = new Map<number, Map<string, number>>();
  readonly #insert;

  constructor(db: Db) {
    this.#db = db;
    this.#insert = this.#db.prepare<[number, string]>('INSERT INTO strings (id, value) VALUES (?, ?)');
  }

  /** First id of the strings that follow; at the start of a transaction. */
  begin(): number {
    const last = this.#db.prepare('SELECT max(id) FROM strings').pluck().get() as number | null;
    this.#next = (last ?? 0) + 1;
    return this.#next;
  }
  #next = 0;

  id(session: number, value: string): number {
    let known = this.#sessions.get(session);
    if (!known) {
      known = new Map();
      if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
      this.#sessions.set(session, known);
    }
    const found = known.get(value);
    if (found !== undefined) return found;
    const id = this.#next++;
    this.#insert.run(id, value);
    if (value.length <= MAX_CHARS) {
      if (known.size >= MAX_STRINGS) known.delete(known.keys().next().value!);
      known.set(value, id);
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
