import type Database from 'better-sqlite3';

export type Db = Database.Database;

/**
 * One step of the schema, one a file, numbered by tens. A step that was released never changes: the
 * next step corrects it. It runs in a transaction of its own, over a database with rows in it.
 */
export interface Migration {
  /** Becomes `PRAGMA user_version`. */
  version: number;
  up(db: Db): void;
}
