import type { Statement } from '../../contract/session.ts';
import type { Db } from '../migrations/migration.ts';
import { ftsQuery } from '../query.ts';
import { STATEMENT_COLUMNS, type StatementRow, statementOf } from '../rows.ts';

export interface Page {
  offset: number;
  limit: number;
}

/** Matches are counted up to here; a common word has millions. */
export const MAX_COUNTED = 10_000;
/** Ranges of statements looked at to find the sessions of a text. */
const MAX_PROBES = 20_000;

/** Statements that match, latest indexed first. `total` is exact below MAX_COUNTED and stays there. */
export function searchStatements(db: Db, typed: string, page: Page): { items: Statement[]; total: number } {
  const query = ftsQuery(typed);
  if (query === null) return { items: [], total: 0 };
  const ids = db
    .prepare('SELECT rowid FROM statements_fts WHERE statements_fts MATCH ? ORDER BY rowid DESC LIMIT ? OFFSET ?')
    .pluck()
    .all(query, page.limit, page.offset) as number[];
  const total = db
    .prepare(`SELECT count(*) FROM (SELECT 1 FROM statements_fts WHERE statements_fts MATCH ? LIMIT ${MAX_COUNTED})`)
    .pluck()
    .get(query) as number;
  const one = db.prepare<[number], StatementRow>(`SELECT ${STATEMENT_COLUMNS} WHERE s.id = ?`);
  const items = ids.flatMap((id) => {
    const row = one.get(id);
    return row ? [statementOf(row)] : [];
  });
  return { items, total };
}

/**
 * Sessions (seq) with a matching statement. It jumps from a match to the batch behind the one it lies
 * in, so a common word costs as much as there are batches, not matches.
 * FTS5 seeks to a bound on rowid only when it is an integer, and a number is bound as a real.
 */
export function sessionsMatching(db: Db, typed: string): number[] {
  const query = ftsQuery(typed);
  if (query === null) return [];
  const match = db
    .prepare('SELECT rowid FROM statements_fts WHERE statements_fts MATCH ? AND rowid >= ? ORDER BY rowid LIMIT 1')
    .pluck();
  const sessionAt = db.prepare('SELECT session FROM batches WHERE first <= ? ORDER BY first DESC LIMIT 1').pluck();
  const behind = db.prepare('SELECT first FROM batches WHERE first > ? ORDER BY first LIMIT 1').pluck();
  const found = new Set<number>();
  let from: number | undefined = 0;
  for (let probes = 0; probes < MAX_PROBES && from !== undefined; probes++) {
    const id = match.get(query, BigInt(from)) as number | undefined;
    if (id === undefined) break;
    const session = sessionAt.get(id) as number | undefined;
    if (session !== undefined) found.add(session);
    from = behind.get(id) as number | undefined;
  }
  return [...found];
}
