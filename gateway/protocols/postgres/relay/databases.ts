import type { Connection } from '../../../contract/connection.ts';
import type { CatalogSnapshot } from '../ports.ts';
import type { DatabaseContext } from './state.ts';

/** What the gateway's own connection to a database can tell; see wire/inspector.ts. */
export interface DatabaseInspector {
  catalog(): Promise<CatalogSnapshot>;
  invalidate(): void;
  estimate(sql: string, options: { searchPath: string; role: string }): Promise<number | null>;
  functionName(oid: number): Promise<string | null>;
  close(): Promise<void>;
}

/** A catalog older than this is read again when the next session opens: others change it too. */
const MAX_AGE_MS = 30_000;

/** access/transam.h: below it are the objects of PostgreSQL itself. */
const FIRST_NORMAL_OID = 16_384;

/** One context for each database of each connection, shared by its sessions. */
export class Databases {
  readonly #contexts = new Map<string, SharedContext>();
  readonly #inspect: (connection: Connection, database: string) => DatabaseInspector;
  readonly #now: () => number;

  constructor(inspect: (connection: Connection, database: string) => DatabaseInspector, now: () => number) {
    this.#inspect = inspect;
    this.#now = now;
  }

  /** Resolves when the catalog is there. Rejects when it cannot be read: then nothing can be decided. */
  async open(connection: Connection, database: string): Promise<DatabaseContext> {
    const key = `${connection.id}\n${database}`;
    let context = this.#contexts.get(key);
    // A connection that was edited (its tags, its target) is another one.
    if (context && context.connection !== connection) {
      this.#contexts.delete(key);
      context.release();
      context = undefined;
    }
    if (!context) {
      context = new SharedContext(connection, this.#inspect(connection, database), this.#now, () =>
        this.#invalidate(connection),
      );
      this.#contexts.set(key, context);
    }
    try {
      await context.fresh();
    } catch (error) {
      if (!context.loaded) this.#contexts.delete(key);
      throw error;
    }
    return context;
  }

  /** One database can drop and make another under its old name, so all of a connection are read again. */
  #invalidate(connection: Connection): void {
    for (const context of this.#contexts.values()) if (context.connection === connection) context.markStale();
  }

  async close(): Promise<void> {
    const all = [...this.#contexts.values()];
    this.#contexts.clear();
    await Promise.all(all.map((context) => context.release()));
  }
}

class SharedContext implements DatabaseContext {
  readonly connection: Connection;
  readonly #inspector: DatabaseInspector;
  readonly #now: () => number;
  #catalog: CatalogSnapshot | null = null;
  /** Names of functions of PostgreSQL itself, as of this catalog: large objects are read by one call for each piece. */
  #builtins = new Map<number, string>();
  #loadedAt = 0;
  #stale = false;
  #loading: Promise<void> | null = null;
  /** Begins when the one that runs has ended. */
  #next: Promise<void> | null = null;

  readonly #invalidateAll: () => void;

  constructor(connection: Connection, inspector: DatabaseInspector, now: () => number, invalidateAll: () => void) {
    this.connection = connection;
    this.#invalidateAll = invalidateAll;
    this.#inspector = inspector;
    this.#now = now;
  }

  get loaded(): boolean {
    return this.#catalog !== null;
  }

  get catalog(): CatalogSnapshot {
    if (!this.#catalog) throw new Error('the catalog was used before it was read');
    return this.#catalog;
  }

  get stale(): boolean {
    return this.#stale;
  }

  invalidate(): void {
    this.#invalidateAll();
  }

  markStale(): void {
    this.#stale = true;
  }

  async fresh(): Promise<void> {
    if (this.#catalog && !this.#stale && this.#now() - this.#loadedAt < MAX_AGE_MS) return;
    await this.refresh();
  }

  /** What is read began to be read after the last invalidate(). */
  refresh(): Promise<void> {
    if (this.#loading && this.#stale) {
      this.#next ??= this.#loading.then(
        () => this.#start(),
        () => this.#start(),
      );
      return this.#next;
    }
    return this.#loading ?? this.#start();
  }

  #start(): Promise<void> {
    this.#next = null;
    this.#loading = this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  estimate(sql: string, options: { searchPath: string; role: string }): Promise<number | null> {
    return this.#inspector.estimate(sql, options);
  }

  async functionName(oid: number): Promise<string | null> {
    if (oid >= FIRST_NORMAL_OID) return this.#inspector.functionName(oid);
    const names = this.#builtins;
    const known = names.get(oid) ?? (await this.#inspector.functionName(oid));
    if (known !== null) names.set(oid, known);
    return known;
  }

  async release(): Promise<void> {
    await this.#inspector.close();
  }

  async #load(): Promise<void> {
    this.#stale = false;
    this.#inspector.invalidate();
    this.#builtins = new Map();
    try {
      this.#catalog = await this.#inspector.catalog();
      this.#loadedAt = this.#now();
    } catch (error) {
      // What was known may be out of date: the next statement tries again.
      this.#stale = true;
      throw error;
    }
  }
}
