import { chmodSync, existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CountersignError } from '../contract/errors.ts';
import { assertNotFromFuture, migrate, SCHEMA_VERSION, schemaVersion } from './migrations/index.ts';
import type { Db } from './migrations/migration.ts';

/**
 * Opens the index for writing, made and migrated where needed; only its owner may read the file,
 * since statements hold what people and agents typed. Errors: STORE_FROM_FUTURE, STORE_UNREADABLE.
 */
export function openForWriting(file: string): Db {
  const isNew = file !== ':memory:' && !existsSync(file);
  const db = open(file, {});
  try {
    if (isNew) chmodSync(file, 0o600);
    db.pragma('journal_mode = WAL');
    // The index can be rebuilt from the recordings: the last transactions may be lost with the power.
    db.pragma('synchronous = NORMAL');
    db.pragma('foreign_keys = ON');
    db.pragma('journal_size_limit = 67108864');
    // A batch dirties about a thousand pages: the defaults would spill and checkpoint within each.
    db.pragma('cache_size = -16384');
    db.pragma('wal_autocheckpoint = 8192');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw readable(error, file);
  }
}

/** Opens the index for reading beside a writer. Errors: as above, and STORE_MISSING, STORE_OUTDATED. */
export function openForReading(file: string): Db {
  if (!existsSync(file)) throw new CountersignError('STORE_MISSING', `there is no index at ${file} yet`);
  const db = open(file, { readonly: true });
  try {
    assertNotFromFuture(db);
    if (schemaVersion(db) < SCHEMA_VERSION) {
      throw new CountersignError('STORE_OUTDATED', 'the index is from an older Countersign and was not migrated yet');
    }
    return db;
  } catch (error) {
    db.close();
    throw readable(error, file);
  }
}

function open(file: string, options: Database.Options): Db {
  try {
    return new Database(file, { timeout: 5000, ...options });
  } catch (error) {
    throw readable(error, file);
  }
}

function readable(error: unknown, file: string): CountersignError {
  if (error instanceof CountersignError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new CountersignError('STORE_UNREADABLE', `the index ${file} cannot be used: ${why}`, { cause: error });
}
