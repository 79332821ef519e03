import type { Migration } from './migration.ts';

/**
 * Operations counted by day (of UTC, from the epoch) as they are indexed, so that a year of millions is
 * summed up without reading them: by session, what they do and how they were decided; by shape; by table.
 * They go with their session. A shape is a string of its session, so no text outlives its recording.
 *
 * What was indexed before was not counted: it comes again from the recordings, as with 0050.
 */
export const migration: Migration = {
  version: 70,
  up(db) {
    db.exec(`
      CREATE TABLE tallies (
        day INTEGER NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE,
        class TEXT NOT NULL,
        verdict TEXT NOT NULL,
        n INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        held_us INTEGER NOT NULL,
        PRIMARY KEY (day, session, class, verdict)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX tallies_by_session ON tallies (session);
      CREATE TABLE shape_tallies (
        day INTEGER NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE,
        shape INTEGER NOT NULL,
        n INTEGER NOT NULL,
        asked INTEGER NOT NULL,
        approved INTEGER NOT NULL,
        denied INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        busy_us INTEGER NOT NULL,
        slowest_us INTEGER NOT NULL,
        slowest_idx INTEGER NOT NULL,
        PRIMARY KEY (day, session, shape)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX shape_tallies_by_session ON shape_tallies (session);
      CREATE TABLE table_tallies (
        day INTEGER NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE,
        facet INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (day, session, facet, verdict)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX table_tallies_by_session ON table_tallies (session);

      INSERT INTO rebuild SELECT 'the index is from an older Countersign'
        WHERE EXISTS (SELECT 1 FROM sessions) AND NOT EXISTS (SELECT 1 FROM rebuild);
      INSERT INTO statements_fts (statements_fts) VALUES ('delete-all');
      DELETE FROM string_ranges;
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
