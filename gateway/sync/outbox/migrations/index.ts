import type Database from 'better-sqlite3';
import { CountersignError } from '../../../contract/errors.ts';
import { migration as outbox } from './0010-outbox.ts';

export type Db = Database.Database;

/** One step of the schema, one a file, numbered by tens. A step that was released never changes. */
export interface Migration {
  /** Becomes `PRAGMA user_version`. */
  version: number;
  up(db: Db): void;
}

const migrations: readonly Migration[] = [outbox];
const NEWEST = migrations.at(-1)!.version;

/** Throws SYNC_FROM_FUTURE when a newer program wrote the database, which is left as it is. */
export function migrate(db: Db): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > NEWEST) {
    throw new CountersignError(
      'SYNC_FROM_FUTURE',
      `the outbox was written by a newer Countersign (schema ${version}, this one knows ${NEWEST}); update this program`,
    );
  }
  for (const step of migrations) {
    if (step.version <= version) continue;
    db.transaction(() => {
      step.up(db);
      db.pragma(`user_version = ${step.version}`);
    }).immediate();
  }
}
