import type { Migration } from './migration.ts';

/**
 * Statements in the order they were indexed. Texts and what statements share (operation, verdict,
 * columns) are stored once per session in `strings`. `batches` tells which session a range of ids
 * belongs to: statements from `first` and strings from `first_string` up to those of the next batch.
 * An index over strings by session would cost as much as the strings.
 */
export const migration: Migration = {
  version: 20,
  up(db) {
    db.exec(`
      CREATE TABLE strings (
        id INTEGER PRIMARY KEY,
        value TEXT NOT NULL
      ) STRICT;
      CREATE TABLE statements (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE,
        idx INTEGER NOT NULL,
        exchange INTEGER NOT NULL,
        ordinal INTEGER NOT NULL,
        unit INTEGER NOT NULL,
        started_us INTEGER NOT NULL,
        duration_us INTEGER NOT NULL,
        held_us INTEGER NOT NULL,
        text INTEGER NOT NULL,
        facts INTEGER NOT NULL,
        parameters TEXT,
        rows INTEGER NOT NULL,
        tag TEXT,
        sqlstate TEXT,
        message TEXT,
        masked TEXT
      ) STRICT;
      CREATE UNIQUE INDEX statements_by_session ON statements (session, idx);
      CREATE TABLE batches (
        first INTEGER PRIMARY KEY,
        first_string INTEGER NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE
      ) STRICT;
      CREATE INDEX batches_by_session ON batches (session);
    `);
  },
};
