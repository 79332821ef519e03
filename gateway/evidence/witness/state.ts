import Database from 'better-sqlite3';
import { CountersignError } from '../../contract/errors.ts';

/** What a witness remembers of a log. */
export interface SeenHead {
  size: number;
  root: Uint8Array;
}

export interface KeptDocument {
  bytes: Uint8Array;
  /** When the witness first had it, RFC 3339. */
  seen: string;
}

/** A device has few; whoever sends more is not answered. */
const MAX_DOCUMENTS = 200;

/**
 * The witness' memory, in one SQLite file. Whoever loses it must not go on under the same key: it could
 * cosign what contradicts what it cosigned before.
 */
export class WitnessState {
  private readonly database: Database.Database;

  /** @param create only `witness init` makes one. Throws WITNESS_STATE. */
  constructor(file: string, create: boolean) {
    try {
      this.database = new Database(file, { fileMustExist: !create });
    } catch (cause) {
      throw new CountersignError(
        'WITNESS_STATE',
        `${file} cannot be opened; a witness that has lost its memory must not go on under its key: make another (countersign witness init) and let the root revoke this one`,
        { cause },
      );
    }
    this.database.pragma('journal_mode = WAL');
    // A head is on disk before its cosignature leaves.
    this.database.pragma('synchronous = FULL');
    this.database.exec(`
      CREATE TABLE IF NOT EXISTS heads (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,
        note BLOB NOT NULL, at TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS keys (origin TEXT NOT NULL, vkey TEXT NOT NULL, PRIMARY KEY (origin, vkey)) STRICT;
      CREATE TABLE IF NOT EXISTS documents (origin TEXT NOT NULL, kind TEXT NOT NULL, bytes BLOB NOT NULL,
        seen TEXT NOT NULL, PRIMARY KEY (origin, bytes)) STRICT;`);
  }

  head(origin: string): SeenHead | null {
    const row = this.database.prepare('SELECT size, root FROM heads WHERE origin = ?').get(origin) as
      | { size: number; root: Buffer }
      | undefined;
    return row === undefined ? null : { size: row.size, root: new Uint8Array(row.root) };
  }

  /** Puts a head in the place of the one of size `old`, on disk; false when that is not the newest any more. */
  advance(origin: string, old: number, next: SeenHead & { note: Uint8Array; at: string }): boolean {
    const set = this.database.transaction((): boolean => {
      if ((this.head(origin)?.size ?? 0) !== old) return false;
      this.database
        .prepare('INSERT OR REPLACE INTO heads (origin, size, root, note, at) VALUES (?, ?, ?, ?, ?)')
        .run(origin, next.size, next.root, next.note, next.at);
      return true;
    });
    return set.immediate();
  }

  /** Keys that a person named for a log. */
  keys(origin: string): string[] {
    const rows = this.database.prepare('SELECT vkey FROM keys WHERE origin = ?').all(origin) as { vkey: string }[];
    return rows.map(({ vkey }) => vkey);
  }

  addKey(origin: string, vkey: string): void {
    this.database.prepare('INSERT OR IGNORE INTO keys (origin, vkey) VALUES (?, ?)').run(origin, vkey);
  }

  /** What says whose key a log's is; judged anew each time. */
  documents(origin: string, kind: string): KeptDocument[] {
    return this.database
      .prepare('SELECT bytes, seen FROM documents WHERE origin = ? AND kind = ? ORDER BY seen')
      .all(origin, kind) as KeptDocument[];
  }

  /** False when there are too many of this log. */
  addDocument(origin: string, kind: string, bytes: Uint8Array, seen: string): boolean {
    const { count } = this.database.prepare('SELECT count(*) AS count FROM documents WHERE origin = ?').get(origin) as {
      count: number;
    };
    if (count >= MAX_DOCUMENTS) return false;
    this.database
      .prepare('INSERT OR IGNORE INTO documents (origin, kind, bytes, seen) VALUES (?, ?, ?, ?)')
      .run(origin, kind, bytes, seen);
    return true;
  }

  close(): void {
    this.database.close();
  }
}
