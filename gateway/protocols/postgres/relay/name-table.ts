/** The server tells names apart by their first 63 bytes (NAMEDATALEN - 1). */
const NAME_BYTES = 63;
const MAX_CANDIDATES = 64;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * What a name of the session (prepared statement, portal) may mean to the server right now.
 *
 * Messages are pipelined, so a definition is in effect before the server has confirmed it, and may
 * turn out to have failed. The table keeps every candidate that may still be the one the server
 * holds; a decision on a name takes the worst of them. It is a superset of the truth at all times:
 * dropping a candidate too early would let a statement run under another one's verdict. What had to
 * be forgotten for want of room leaves its name unknown, never free.
 */
export class NameTable<T> {
  readonly #entries = new Map<string, Candidate<T>[]>();
  readonly #maxNames: number;
  readonly #maxWeight: number;
  #weight = 0;
  #sequence = 0;
  /** Names were forgotten: one that is not in the table may still mean something to the server. */
  #forgot = false;

  /** @param maxWeight of all values together; what define() is told of each. */
  constructor(maxNames: number, maxWeight = Number.POSITIVE_INFINITY) {
    this.#maxNames = maxNames;
    this.#maxWeight = maxWeight;
  }

  /** @returns a ticket for confirm() or fail(). `batch` numbers the runs between two Syncs. */
  define(name: string, value: T, batch: number, weight = 0): number {
    const sequence = ++this.#sequence;
    const { key, cut } = keyOf(name);
    const before: Candidate<T>[] = this.#entries.get(key) ?? (this.#forgot ? [{ ...UNKNOWN, sequence: 0 }] : []);
    // Names that the server cuts are one to this server and may be two to one that was built to cut later.
    const candidate = { sequence, batch: cut ? -1 : batch, value, weight, cut };
    // A flood of redefinitions: the older ones are unknown (and asked) until the server confirms a newer one.
    const older = before.length < MAX_CANDIDATES ? before : [{ ...UNKNOWN, sequence: before.at(-1)!.sequence }];
    this.#set(key, [...older, candidate]);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxNames && this.#weight <= this.#maxWeight) break;
      if (oldest === key && this.#entries.size === 1) break;
      this.#set(oldest, []);
      this.#forgot = true;
    }
    return sequence;
  }

  /** The server holds this definition now: older ones are gone. */
  confirm(name: string, ticket: number): void {
    const { key, cut } = keyOf(name);
    const list = this.#entries.get(key);
    if (!list || cut || list[0]?.sequence === ticket) return;
    this.#set(
      key,
      list.filter((c) => c.sequence >= ticket || c.cut),
    );
  }

  /** The server refused or skipped the definition. */
  fail(name: string, ticket: number): void {
    const { key } = keyOf(name);
    const list = this.#entries.get(key);
    if (!list) return;
    this.#set(
      key,
      list.filter((c) => c.sequence !== ticket || c.value === null),
    );
  }

  /** A Close was confirmed: what was defined before it is gone. */
  closed(name: string, ticket: number): void {
    const { key, cut } = keyOf(name);
    const list = this.#entries.get(key);
    if (!list || cut) return;
    this.#set(
      key,
      list.filter((c) => c.sequence > ticket || c.cut),
    );
  }

  /** For Close: a ticket that separates what was defined before from what comes after. Taken when it is sent. */
  mark(): number {
    return this.#sequence;
  }

  /** False: the name means nothing to the server, as far as this table goes. */
  has(name: string): boolean {
    return this.#forgot || this.#entries.has(keyOf(name).key);
  }

  /**
   * What the name may mean to a message of `batch`. Defined earlier in the same batch: exactly that,
   * because had it failed, the server would skip this message too. null: unknown.
   */
  lookup(name: string, batch: number): readonly T[] | null {
    const list = this.#entries.get(keyOf(name).key);
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

  /** Nothing of the kind is left on the server but what `keep` says may be. */
  prune(keep: (value: T) => boolean): void {
    for (const [key, list] of this.#entries) {
      this.#set(
        key,
        list.filter((c) => c.value === null || keep(c.value)),
      );
    }
  }

  /** Nothing of the kind is left on the server. */
  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
    this.#forgot = false;
  }

  #set(key: string, list: Candidate<T>[]): void {
    for (const candidate of this.#entries.get(key) ?? []) this.#weight -= candidate.weight;
    for (const candidate of list) this.#weight += candidate.weight;
    if (list.length === 0) this.#entries.delete(key);
    else this.#entries.set(key, list);
  }
}

interface Candidate<T> {
  sequence: number;
  batch: number;
  /** null: more definitions than are kept; the name is unknown. */
  value: T | null;
  weight: number;
  /** Its name is longer than what the server keeps of it. */
  cut: boolean;
}

const UNKNOWN = { batch: -1, value: null, weight: 0, cut: false } as const;

function keyOf(name: string): { key: string; cut: boolean } {
  if (name.length * 3 <= NAME_BYTES) return { key: name, cut: false };
  const bytes = encoder.encode(name);
  return bytes.length <= NAME_BYTES
    ? { key: name, cut: false }
    : { key: decoder.decode(bytes.subarray(0, NAME_BYTES)), cut: true };
}
