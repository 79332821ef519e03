import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CountersignError } from '../contract/errors.ts';

/**
 * One gateway a home: two would write the same recordings. The lock is the operating system's own, held
 * through an SQLite transaction, so it ends with the process however that ends and is never stale.
 *
 * @returns the function that gives it back.
 */
export function lockHome(home: string): () => void {
  const database = new Database(join(home, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if ((cause as { code?: string }).code !== 'SQLITE_BUSY') throw cause;
    throw new CountersignError(
      'HOME_IN_USE',
      `a gateway already runs with the home ${home}; stop it with ^C where it was started, or give this one another --home`,
      { cause },
    );
  }
  return () => database.close();
}
