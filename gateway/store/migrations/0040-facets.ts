import type { Migration } from './migration.ts';

/**
 * Names that statements are found by, each under a number: persons, agents, connections, devices, tables,
 * approvers, entities. A number is never used again, since full text holds it. Objects of sessions are such
 * names too.
 */
export const migration: Migration = {
  version: 40,
  up(db) {
    db.exec(`
      CREATE TABLE facets (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        folded TEXT NOT NULL,
        also TEXT NOT NULL,
        UNIQUE (kind, value, also)
      ) STRICT;
      CREATE TABLE session_facets (
        facet INTEGER NOT NULL REFERENCES facets (id),
        session INTEGER NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE,
        PRIMARY KEY (facet, session)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX session_facets_by_session ON session_facets (session);
      ALTER TABLE sessions ADD COLUMN device TEXT;
    `);
    const add = db.prepare<[string, string, string]>(
      "INSERT INTO facets (kind, value, folded, also) VALUES ('table', ?, ?, ?)",
    );
    const link = db.prepare<[number | bigint, string]>(
      'INSERT INTO session_facets (facet, session) SELECT ?, session FROM session_objects WHERE object = ?',
    );
    for (const object of db.prepare('SELECT DISTINCT object FROM session_objects').pluck().all() as string[]) {
      const folded = object.toLowerCase();
      link.run(add.run(object, folded, folded.slice(folded.lastIndexOf('.') + 1)).lastInsertRowid, object);
    }
    db.exec('DROP TABLE session_objects');
  },
};
