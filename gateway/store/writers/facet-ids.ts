import { type Facet, facetKey, facetToken, tableFacet } from '../facets.ts';
import type { Db } from '../migrations/migration.ts';

const MAX_KNOWN = 20_000;

/** Tokens of names, and which of them a session has. */
export class FacetIds {
  readonly #db: Db;
  readonly #known = new Map<string, number>();
  /** By the name alone: a statement names few tables, and each again and again. */
  readonly #tables = new Map<string, number>();
  /** Linked to the session that was last, so that most statements cost no row. */
  #linked = new Set<number>();
  #session = -1;
  #version = -1;
  readonly #find;
  readonly #add;
  readonly #link;

  constructor(db: Db) {
    this.#db = db;
    this.#find = db
      .prepare<[string, string, string], number>('SELECT id FROM facets WHERE kind = ? AND value = ? AND also = ?')
      .pluck();
    this.#add = db.prepare<[string, string, string, string]>(
      'INSERT INTO facets (kind, value, folded, also) VALUES (?, ?, ?, ?)',
    );
    this.#link = db.prepare<[number, number]>('INSERT OR IGNORE INTO session_facets (facet, session) VALUES (?, ?)');
  }

  /** At the start of a transaction: what another process changed is looked up again. */
  begin(session: number): void {
    const version = this.#db.pragma('data_version', { simple: true }) as number;
    if (version !== this.#version) this.forgetAll();
    this.#version = version;
    if (session === this.#session) return;
    this.#session = session;
    this.#linked = new Set();
  }

  readonly token = (one: Facet): string => facetToken(this.id(one));
  readonly tableToken = (object: string): string => facetToken(this.table(object));

  /** Its number, made where it has none yet, and linked to the session. */
  id(one: Facet): number {
    const key = facetKey(one);
    let id = this.#known.get(key);
    if (id === undefined) {
      id = this.#find.get(one.kind, one.value, one.also);
      id ??= Number(this.#add.run(one.kind, one.value, one.folded, one.also).lastInsertRowid);
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(key, id);
    }
    this.#linkTo(id);
    return id;
  }

  table(object: string): number {
    const known = this.#tables.get(object);
    if (known !== undefined) {
      this.#linkTo(known);
      return known;
    }
    const id = this.id(tableFacet(object));
    if (this.#tables.size >= MAX_KNOWN) this.#tables.clear();
    this.#tables.set(object, id);
    return id;
  }

  #linkTo(id: number): void {
    if (!this.#linked.has(id)) {
      this.#link.run(id, this.#session);
      if (this.#linked.size >= MAX_KNOWN) this.#linked.clear();
      this.#linked.add(id);
    }
  }

  /** Rows were rolled back or deleted. */
  forgetAll(): void {
    this.#known.clear();
    this.#tables.clear();
    this.#linked.clear();
    this.#session = -1;
  }
}
