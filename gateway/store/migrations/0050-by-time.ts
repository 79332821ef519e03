import type { Migration } from './migration.ts';

/**
 * A statement's id is the microsecond it started at (or the next that was free), so that full text, which
 * knows no other order, gives the latest first whatever was indexed when. Its facets are words beside its
 * own. Full text gathers 4 MB before it writes, and merges 16 parts at a time: half the work of its defaults.
 *
 * Which tables a statement touched was not kept: the statements come again from the recordings, at the
 * gateway's next start or the next import. `rebuild` says so until then.
 */
export const migration: Migration = {
  version: 50,
  up(db) {
    db.exec(`
      DROP TABLE statements_fts;
      CREATE VIRTUAL TABLE statements_fts USING fts5 (
        text, parameters, message, facets,
        content = '', contentless_delete = 1, detail = full, tokenize = 'unicode61 remove_diacritics 2'
      );
      INSERT INTO statements_fts (statements_fts, rank) VALUES ('hashsize', 4194304);
      INSERT INTO statements_fts (statements_fts, rank) VALUES ('automerge', 16);
      CREATE TABLE string_ranges (
        first INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE
      ) STRICT;
      CREATE INDEX string_ranges_by_session ON string_ranges (session);
      CREATE TABLE rebuild (why TEXT NOT NULL) STRICT;
      INSERT INTO rebuild SELECT 'the index is from an older Countersign' WHERE EXISTS (SELECT 1 FROM sessions);
      DROP TABLE batches;
      DELETE FROM statements;
      DELETE FROM strings;
      DELETE FROM session_facets;
      DELETE FROM session_entities;
      DELETE FROM facets;
      UPDATE sessions SET statements = 0, asked = 0, denied = 0, errors = 0, rows = 0, bytes_up = 0, bytes_down = 0,
        next_unit = 0, last_exchange = -1, deriver = NULL, finished = 0;
    `);
  },
};
