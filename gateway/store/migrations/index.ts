import { CountersignError } from '../../contract/errors.ts';
import { migration as sessions } from './0010-sessions.ts';
import { migration as statements } from './0020-statements.ts';
import { migration as search } from './0030-search.ts';
import { migration as facets } from './0040-facets.ts';
import { migration as byTime } from './0050-by-time.ts';
import { migration as protocol } from './0060-protocol.ts';
import { migration as tallies } from './0070-tallies.ts';
import { migration as sessionsInOrder } from './0080-sessions-in-order.ts';
import { migration as conversations } from './0090-conversations.ts';
import type { Db, Migration } from './migration.ts';

/** In order of version. */
export const migrations: readonly Migration[] = [
  sessions,
  statements,
  search,
  facets,
  byTime,
  protocol,
  tallies,
  sessionsInOrder,
  conversations,
];

export const SCHEMA_VERSION = migrations.at(-1)!.version;

export function schemaVersion(db: Db): number {
  return db.pragma('user_version', { simple: true }) as number;
}

/**
 * Brings the database to `target`. Errors: STORE_FROM_FUTURE when a newer program wrote it (it is
 * left as it is).
 */
export function migrate(db: Db, target: number = SCHEMA_VERSION): void {
  assertNotFromFuture(db);
  for (const { version, up } of migrations) {
    if (version <= schemaVersion(db) || version > target) continue;
    db.transaction(() => {
      // Another process may have been here first.
      if (version <= schemaVersion(db)) return;
      up(db);
      db.pragma(`user_version = ${version}`);
    }).immediate();
  }
}

export function assertNotFromFuture(db: Db): void {
  const version = schemaVersion(db);
  if (version > SCHEMA_VERSION) {
    throw new CountersignError(
      'STORE_FROM_FUTURE',
      `the index was written by a newer Countersign (schema ${version}, this one knows ${SCHEMA_VERSION}); update this program, or move the index away and run "countersign sessions reindex"`,
    );
  }
}
