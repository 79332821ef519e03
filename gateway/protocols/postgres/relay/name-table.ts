/**
 * What a name of the session (prepared statement, portal) may mean to the server right now.
 *
 * Messages are pipelined, so a definition is in effect before the server has confirmed it, and may
 * turn out to have failed. The table keeps every candidate that may still be the one the server
 * holds; a decision on a name takes the worst of them. It is a superset of the truth at all times:
 * dropping a candidate too early would let a statement run under another one's verdict.
 */
export class NameTable<T> {
  readonly #entries = new Map<string, Candidate<T>[]>();
  readonly #maxNames: number;
  #sequence = 0;

  constructor(maxNames: number) {
    this.#maxNames = maxNames;
  }

  /** @returns a ticket for confirm() or fail(). `batch` numbers the runs between two Syncs. */
  define(name: string, value: T, batch: number): number {
    const sequence = ++this.#sequence;
    const list = this.#entries.get(name);
    if (list) {
      list.push({ sequence, batch, value });
      // A flood of redefinitions: forget the name, so that it is unknown (and asked) from now on.
      if (list.length > 64) this.#entries.set(name, [{ sequence, batch: -1, value: null }]);
    } else {
      if (this.#entries.size >= this.#maxNames) {
        const oldest = this.#entries.keys().next().value;
        if (oldest !== undefined) this.#entries.delete(oldest);
      }
      this.#entries.set(name, [{ sequence, batch, value }]);
    }
    return sequence;
  }

  /** The server holds this definition now: older ones are gone. */
  confirm(name: string, ticket: number): void {
    const list = this.#entries.get(name);
    if (!list || list[0]?.sequence === ticket) return;
    const rest = list.filter((c) => c.sequence >= ticket || c.value === null);
    this.#set(name, rest);
  }

  /** The server refused or skipped the definition. */
  fail(name: string, ticket: number): void {
    const list = this.#entries.get(name);
    if (!list) return;
    this.#set(
      name,
      list.filter((c) => c.sequence !== ticket),
    );
  }

  /** A Close was confirmed: what was defined before it is gone. */
  closed(name: string, ticket: number): void {
    const list = this.#entries.get(name);
    if (!list) return;
    this.#set(
      name,
      list.filter((c) => c.sequence > ticket),
    );
  }

  /** For Close: a ticket that separates what was defined before from what comes after. */
  mark(): number {
    return this.#sequence;
  }

  /**
   * What the name may mean to a message of `batch`. Defined earlier in the same batch: exactly that,
   * because had it failed, the server would skip this message too. null: unknown.
   */
  lookup(name: string, batch: number): readonly T[] | null {
    const list = this.#entries.get(name);
    if (!list || list.length === 0) return null;
    const last = list[list.length - 1]!;
    if (last.batch === batch && last.value !== null) return [last.value];
    const values: T[] = [];
    for (const candidate of list) {
      if (candidate.value === null) return null;
      values.push(candidate.value);
    }
    return values;
  }

  clear(): void {
    this.#entries.clear();
  }

  #set(name: string, list: Candidate<T>[]): void {
    if (list.length === 0) this.#entries.delete(name);
    else this.#entries.set(name, list);
  }
}

interface Candidate<T> {
  sequence: number;
  batch: number;
  /** null: more definitions than are kept; the name is unknown. */
  value: T | null;
}
