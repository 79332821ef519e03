import type { Migration } from './migration.ts';

/** Sessions of other protocols than PostgreSQL's; those that were there were all PostgreSQL's. */
export const migration: Migration = {
  version: 60,
  up(db) {
    db.exec("ALTER TABLE sessions ADD COLUMN protocol TEXT NOT NULL DEFAULT 'postgres'");
  },
};
