import type { Migration } from './migration.ts';

/** Sessions with their counters, what they touched and what was masked in them, and how far each is indexed. */
export const migration: Migration = {
  version: 10,
  up(db) {
    db.exec(`
      CREATE TABLE sessions (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        connection_id TEXT NOT NULL,
        opened_at TEXT NOT NULL,
        closed_at TEXT,
        database TEXT NOT NULL,
        role TEXT NOT NULL,
        application_name TEXT NOT NULL,
        conversation_id TEXT,
        mode TEXT NOT NULL,
        identity TEXT NOT NULL,
        agent TEXT NOT NULL,
        statements INTEGER NOT NULL DEFAULT 0,
        asked INTEGER NOT NULL DEFAULT 0,
        denied INTEGER NOT NULL DEFAULT 0,
        errors INTEGER NOT NULL DEFAULT 0,
        rows INTEGER NOT NULL DEFAULT 0,
        bytes_up INTEGER NOT NULL DEFAULT 0,
        bytes_down INTEGER NOT NULL DEFAULT 0,
        next_unit INTEGER NOT NULL DEFAULT 0,
        last_exchange INTEGER NOT NULL DEFAULT -1,
        deriver TEXT,
        finished INTEGER NOT NULL DEFAULT 0,
        problem TEXT
      ) STRICT;
      CREATE INDEX sessions_by_time ON sessions (opened_at);
      CREATE INDEX sessions_by_connection ON sessions (connection_id, opened_at);
      CREATE TABLE session_entities (
        session INTEGER NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE,
        entity TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (session, entity)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE session_objects (
        object TEXT NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE,
        PRIMARY KEY (object, session)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX session_objects_by_session ON session_objects (session);
    `);
  },
};
