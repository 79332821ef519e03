import { CountersignError } from '../../contract/errors.ts';
import type { StatementFilter } from '../../contract/search.ts';
import type { Statement } from '../../contract/session.ts';
import { FACETS_NAMED, facetToken, sessionToken } from '../facets.ts';
import type { Db } from '../migrations/migration.ts';
import { ftsQuery, MAX_ALTERNATIVES, namesOf, type OfSubject, parseTerms, type Query, queryOf } from '../query.ts';
import { STATEMENT_COLUMNS, type StatementRow, statementOf } from '../rows.ts';

export interface Page {
  offset: number;
  limit: number;
}

/** Matches are counted up to here; a common word has millions. */
const MAX_COUNTED = 10_000;
/** Latest matches whose sessions are looked up one by one; of a word with more, sessions are asked instead. */
const MAX_SCANNED = 5_000;
const MAX_SESSIONS_ASKED = 20_000;
/** How far behind its time a statement's id may lie (µs). */
const MAX_DRIFT = 2 ** 22;

/** Statements that match, latest first. `total` is exact below MAX_COUNTED and stays there. */
export function searchStatements(
  db: Db,
  filter: StatementFilter & OfSubject,
  page: Page,
): { items: Statement[]; total: number } {
  const query = queryOf(filter, tokensOf(db, filter));
  if (query === null) return { items: [], total: 0 };
  const { sql, values } = matches(query);
  const ids = db
    .prepare(`${sql} ORDER BY id DESC LIMIT ? OFFSET ?`)
    .pluck()
    .all(...values, page.limit, page.offset) as number[];
  const total = db
    .prepare(`SELECT count(*) FROM (${sql} LIMIT ${MAX_COUNTED})`)
    .pluck()
    .get(...values) as number;
  const one = db.prepare<[number], StatementRow>(`SELECT ${STATEMENT_COLUMNS} WHERE s.id = ?`);
  const items = ids.flatMap((id) => {
    const row = one.get(id);
    return row ? [statementOf(row)] : [];
  });
  return { items, total };
}

/** What each name of the filter stands for. Throws SEARCH_TOO_WIDE. */
function tokensOf(db: Db, filter: StatementFilter & OfSubject): string[][] {
  const find = db.prepare(FACETS_NAMED).pluck();
  const subject = filter.subject === undefined ? [] : [subjectTokens(db, filter.subject)];
  const named = namesOf(filter).map(({ kind, name, prefix }) => {
    const ids = find.all({ 1: kind, 2: name, 3: prefix ? 1 : 0, 4: MAX_ALTERNATIVES + 1 }) as number[];
    assertNarrow(kind, ids.length);
    return ids.map(facetToken);
  });
  return [...subject, ...named];
}

/** A person who was displayed by several names has a facet of each. */
function subjectTokens(db: Db, subject: string): string[] {
  const ids = db.prepare("SELECT id FROM facets WHERE kind = 'person' AND value = ? LIMIT ?").pluck();
  return (ids.all(subject, MAX_ALTERNATIVES) as number[]).map(facetToken);
}

export function assertNarrow(kind: string, names: number): void {
  if (names <= MAX_ALTERNATIVES) return;
  throw new CountersignError(
    'SEARCH_TOO_WIDE',
    `more than ${MAX_ALTERNATIVES} names of a ${kind} begin so; give more of the name`,
  );
}

/** Ids of statements (`id`), without an order. */
function matches(query: Query): { sql: string; values: (string | bigint | number)[] } {
  const { sinceUs, untilUs } = query;
  const fts = ftsQuery(query);
  const timed = sinceUs !== null || untilUs !== null;
  const from = sinceUs ?? 0;
  const to = untilUs ?? Number.MAX_SAFE_INTEGER;
  // FTS5 seeks to a bound on rowid only when it is an integer, and a number is bound as a real.
  const ids = [BigInt(Math.max(0, from)), BigInt(Math.min(Number.MAX_SAFE_INTEGER, to + MAX_DRIFT))];
  const exact = 's.started_us >= ? AND s.started_us < ?';
  if (fts === null) {
    const where = timed ? `WHERE s.id >= ? AND s.id < ? AND ${exact}` : '';
    return { sql: `SELECT s.id AS id FROM statements s ${where}`, values: timed ? [...ids, from, to] : [] };
  }
  if (!timed) {
    return { sql: 'SELECT rowid AS id FROM statements_fts WHERE statements_fts MATCH ?', values: [fts] };
  }
  return {
    sql: `SELECT f.rowid AS id FROM statements_fts f CROSS JOIN statements s ON s.id = f.rowid
      WHERE f.statements_fts MATCH ? AND f.rowid >= ? AND f.rowid < ? AND ${exact}`,
    values: [fts, ...ids, from, to],
  };
}

/**
 * Sessions (seq) with a matching statement. Of a rare word every match is looked at; of a common one each
 * session is asked, the latest first, so that it costs as much as there are sessions, not matches.
 */
export function sessionsMatching(db: Db, typed: string): number[] {
  const terms = parseTerms(typed);
  if (terms.length === 0) return [];
  const latest = db
    .prepare(
      `SELECT s.session FROM statements_fts f CROSS JOIN statements s ON s.id = f.rowid
       WHERE f.statements_fts MATCH ? ORDER BY f.rowid DESC LIMIT ${MAX_SCANNED}`,
    )
    .pluck()
    .all(ftsQuery({ terms, tokens: [] })) as number[];
  const found = new Set(latest);
  if (latest.length < MAX_SCANNED) return [...found];
  const sessions = db
    .prepare(`SELECT seq FROM sessions ORDER BY opened_at DESC LIMIT ${MAX_SESSIONS_ASKED}`)
    .pluck()
    .all() as number[];
  const ask = db.prepare('SELECT 1 FROM statements_fts WHERE statements_fts MATCH ? LIMIT 1').pluck();
  for (const seq of sessions) {
    if (!found.has(seq) && ask.get(ftsQuery({ terms, tokens: [[sessionToken(seq)]] })) !== undefined) found.add(seq);
  }
  return [...found];
}
