import type { Migration } from './migration.ts';

/** A page far down a list of a million sessions is found in the index alone, without reading the rows before it. */
export const migration: Migration = {
  version: 80,
  up(db) {
    db.exec(`
      CREATE INDEX sessions_in_order ON sessions (opened_at, id);
      DROP INDEX sessions_by_time;
    `);
  },
};
