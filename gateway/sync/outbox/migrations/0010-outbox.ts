import type { Migration } from './index.ts';

/** Times are milliseconds since the epoch. */
export const migration: Migration = {
  version: 10,
  up: (db) =>
    db.exec(`
      CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

      CREATE TABLE sessions (
        sid TEXT PRIMARY KEY,
        folder TEXT NOT NULL,
        connection TEXT NOT NULL,
        sync TEXT NOT NULL CHECK (sync IN ('all', 'local')),
        opened_at INTEGER NOT NULL,
        ended_at INTEGER,
        asked INTEGER NOT NULL DEFAULT 0,
        denied INTEGER NOT NULL DEFAULT 0,
        errors INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        rest INTEGER NOT NULL DEFAULT 0,
        next_part INTEGER NOT NULL DEFAULT 0,
        prev TEXT NOT NULL DEFAULT '',
        cursor TEXT NOT NULL,
        waiting_since INTEGER,
        complete INTEGER NOT NULL DEFAULT 0,
        confirmed_at INTEGER,
        problem TEXT,
        removed_at INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX sessions_unfinished ON sessions (sid) WHERE confirmed_at IS NULL AND removed_at IS NULL;

      -- A lane goes up in the order of ids, one object at a time.
      CREATE TABLE objects (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        lane TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('part', 'last-part', 'log', 'document')),
        name TEXT NOT NULL,
        retry INTEGER NOT NULL DEFAULT 0,
        file TEXT NOT NULL UNIQUE,
        size INTEGER NOT NULL,
        sha256 BLOB NOT NULL,
        staged_at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_at INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        undo TEXT
      ) STRICT;
      CREATE INDEX objects_lane ON objects (lane, id);

      CREATE TABLE published (name TEXT PRIMARY KEY, sha256 BLOB NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE findings (name TEXT PRIMARY KEY, at INTEGER NOT NULL, sentence TEXT NOT NULL) STRICT, WITHOUT ROWID;
    `),
};
