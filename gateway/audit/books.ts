import { chmodSync, existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CountersignError } from '../contract/errors.ts';

const SCHEMA_VERSION = 1;

const SCHEMA = `
CREATE TABLE imports (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  began INTEGER NOT NULL,
  -- Null while it runs, and for one that was stopped before it had seen everything.
  ended INTEGER
) STRICT;
CREATE TABLE objects (
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  -- '' where the store keeps one version of a name.
  version TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('kept', 'applied', 'unread', 'torso', 'changed', 'refused')),
  detail TEXT NOT NULL,
  -- Milliseconds by the auditor's clock: evidence that it existed by then.
  first_seen INTEGER NOT NULL,
  last_import INTEGER NOT NULL,
  PRIMARY KEY (source, name, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX objects_by_name ON objects (name);
CREATE TABLE sessions (
  sid TEXT PRIMARY KEY,
  org TEXT NOT NULL,
  device TEXT NOT NULL,
  folder TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE parts (
  sid TEXT NOT NULL,
  n INTEGER NOT NULL,
  -- SHA-256 of the plaintext.
  sha256 BLOB NOT NULL,
  prev TEXT NOT NULL,
  last INTEGER NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (sid, n)
) STRICT, WITHOUT ROWID;
CREATE TABLE ranges (
  sid TEXT NOT NULL,
  file TEXT NOT NULL,
  start INTEGER NOT NULL,
  length INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (sid, file, start)
) STRICT, WITHOUT ROWID;
`;

/** Sorts behind everything that a name can have. */
const LAST = '\u{10ffff}';

export type ObjectState = 'kept' | 'applied' | 'unread' | 'torso' | 'changed' | 'refused';

/** One object as it was found. */
export interface BookedObject {
  source: string;
  name: string;
  version: string;
  size: number;
  sha256: Uint8Array;
  state: ObjectState;
  /** Why it is not `kept` or `applied`, as a sentence. */
  detail: string;
  firstSeen: number;
  lastImport: number;
}

export interface BookedPart {
  n: number;
  sha256: Uint8Array;
  prev: string;
  last: boolean;
  name: string;
}

export interface BookedSession {
  sid: string;
  org: string;
  device: string;
  /** Relative to the workspace's recordings. */
  folder: string;
}

const COLUMNS =
  'source, name, version, size, sha256, state, detail, first_seen AS firstSeen, last_import AS lastImport';

/**
 * Which objects were imported from where, what became of each, and when it was first seen. The files are
 * written before their rows, so after a kill an object is at worst read again.
 */
export class Books {
  readonly db: Database.Database;

  constructor(file: string, mode: 'read' | 'write') {
    if (mode === 'read' && !existsSync(file)) {
      throw new CountersignError('AUDIT_EMPTY', 'nothing was imported yet; do it with: countersign audit import');
    }
    this.db = new Database(file, { timeout: 5000, readonly: mode === 'read' });
    if (mode === 'write') chmodSync(file, 0o600);
    const version = this.db.pragma('user_version', { simple: true }) as number;
    if (version > SCHEMA_VERSION) {
      this.db.close();
      throw new CountersignError(
        'AUDIT_FROM_FUTURE',
        'this workspace was written by a newer Countersign; update this one',
      );
    }
    if (mode === 'read') return;
    this.db.pragma('journal_mode = WAL');
    this.db.pragma('synchronous = FULL');
    if (version === 0) {
      this.db.transaction(() => {
        this.db.exec(SCHEMA);
        this.db.pragma(`user_version = ${SCHEMA_VERSION}`);
      })();
    }
  }

  /** From here to end() rows are on disk at each commit(): a row each would cost a sync each. */
  begin(): void {
    this.db.exec('BEGIN IMMEDIATE');
  }

  commit(): void {
    this.db.exec('COMMIT; BEGIN IMMEDIATE');
  }

  end(): void {
    this.db.exec('COMMIT');
  }

  beginImport(source: string, at: number): number {
    const { lastInsertRowid } = this.db.prepare('INSERT INTO imports (source, began) VALUES (?, ?)').run(source, at);
    return Number(lastInsertRowid);
  }

  endImport(id: number, at: number): void {
    this.db.prepare('UPDATE imports SET ended = ? WHERE id = ?').run(at, id);
  }

  /** The last one of each source that had seen everything. */
  imports(): { id: number; source: string; ended: number }[] {
    return this.db
      .prepare('SELECT max(id) AS id, source, max(ended) AS ended FROM imports WHERE ended IS NOT NULL GROUP BY source')
      .all() as { id: number; source: string; ended: number }[];
  }

  /** Newest first, with how many objects each was the last to see. */
  pastImports(limit: number): { id: number; source: string; began: number; ended: number | null; objects: number }[] {
    return this.db
      .prepare(
        `SELECT id, source, began, ended,
           (SELECT count(*) FROM objects WHERE last_import = imports.id) AS objects
         FROM imports ORDER BY id DESC LIMIT ?`,
      )
      .all(limit) as { id: number; source: string; began: number; ended: number | null; objects: number }[];
  }

  /** All that is known of a name in a source, its first version first. */
  objects(source: string, name: string): BookedObject[] {
    return this.db
      .prepare(`SELECT ${COLUMNS} FROM objects WHERE source = ? AND name = ? ORDER BY first_seen, version`)
      .all(source, name) as BookedObject[];
  }

  /** When what is kept under this name, or came as a further attempt of it, was here first. */
  firstSeen(name: string): number | null {
    return this.db
      .prepare("SELECT min(first_seen) FROM objects WHERE (name = ? OR name GLOB ? || '.r*') AND state = 'kept'")
      .pluck()
      .get(name, name) as number | null;
  }

  /** @param below the beginning of their names. */
  byState(states: ObjectState | readonly ObjectState[], below = ''): BookedObject[] {
    const all = [states].flat();
    return this.db
      .prepare(
        `SELECT ${COLUMNS} FROM objects WHERE name >= ? AND name < ? AND state IN (${all.map(() => '?').join(', ')})
         ORDER BY name, first_seen`,
      )
      .all(below, `${below}${LAST}`, ...all) as BookedObject[];
  }

  /** Objects that an earlier import of their source had seen, and the last whole one had not. */
  vanished(below = ''): BookedObject[] {
    return this.db
      .prepare(
        `SELECT ${COLUMNS} FROM objects WHERE name >= ? AND name < ? AND last_import <
           (SELECT max(id) FROM imports WHERE imports.source = objects.source AND ended IS NOT NULL)
           AND instr(version, '~') = 0 ORDER BY name`,
      )
      .all(below, `${below}${LAST}`) as BookedObject[];
  }

  put(object: BookedObject): void {
    this.db
      .prepare(
        `INSERT INTO objects VALUES (@source, @name, @version, @size, @sha256, @state, @detail, @firstSeen, @lastImport)
         ON CONFLICT DO UPDATE SET size = excluded.size, sha256 = excluded.sha256, state = excluded.state,
           detail = excluded.detail, last_import = excluded.last_import`,
      )
      .run(object);
  }

  seenAgain(source: string, name: string, version: string, importId: number): void {
    this.db
      .prepare('UPDATE objects SET last_import = ? WHERE source = ? AND name = ? AND version = ?')
      .run(importId, source, name, version);
  }

  session(sid: string): BookedSession | null {
    return (this.db.prepare('SELECT * FROM sessions WHERE sid = ?').get(sid) as BookedSession | undefined) ?? null;
  }

  sessions(device?: string): BookedSession[] {
    const where = device === undefined ? '' : 'WHERE device = @device';
    return this.db.prepare(`SELECT * FROM sessions ${where} ORDER BY sid`).all({ device }) as BookedSession[];
  }

  putSession(session: BookedSession): void {
    this.db.prepare('INSERT OR IGNORE INTO sessions VALUES (@sid, @org, @device, @folder)').run(session);
  }

  /** To who it came from now; for a session of which nothing was applied. */
  moveSession(session: BookedSession): void {
    this.db.prepare('INSERT OR REPLACE INTO sessions VALUES (@sid, @org, @device, @folder)').run(session);
  }

  /** As if no part of it had come. */
  forgetParts(sid: string): void {
    this.db.prepare('DELETE FROM parts WHERE sid = ?').run(sid);
    this.db.prepare('DELETE FROM ranges WHERE sid = ?').run(sid);
  }

  parts(sid: string): BookedPart[] {
    const rows = this.db
      .prepare('SELECT n, sha256, prev, last, name FROM parts WHERE sid = ? ORDER BY n')
      .all(sid) as (Omit<BookedPart, 'last'> & { last: number })[];
    return rows.map((row) => ({ ...row, last: row.last === 1 }));
  }

  /** A part and what it said of files, as one. */
  putPart(sid: string, part: BookedPart, ranges: readonly (readonly [string, number, number, string])[]): void {
    this.db.transaction(() => {
      this.db
        .prepare('INSERT OR IGNORE INTO parts VALUES (@sid, @n, @sha256, @prev, @last, @name)')
        .run({ ...part, sid, last: part.last ? 1 : 0 });
      const add = this.db.prepare('INSERT OR IGNORE INTO ranges VALUES (?, ?, ?, ?, ?, ?)');
      for (const [file, start, length, sha256] of ranges) add.run(sid, file, start, length, sha256, part.n);
    })();
  }

  /** Ranges of a file that touch [start, start + length), in order. */
  rangesAt(
    sid: string,
    file: string,
    start: number,
    length: number,
  ): { start: number; length: number; sha256: string }[] {
    return this.db
      .prepare(
        'SELECT start, length, sha256 FROM ranges WHERE sid = ? AND file = ? AND start < ? AND start + length > ? ORDER BY start',
      )
      .all(sid, file, start + length, start) as { start: number; length: number; sha256: string }[];
  }

  /** Every range of a session, by file and offset. */
  ranges(sid: string): { file: string; start: number; length: number; n: number }[] {
    return this.db.prepare('SELECT file, start, length, n FROM ranges WHERE sid = ? ORDER BY file, start').all(sid) as {
      file: string;
      start: number;
      length: number;
      n: number;
    }[];
  }

  close(): void {
    this.db.close();
  }
}
