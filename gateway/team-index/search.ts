import type { StatementFilter } from '../contract/search.ts';
import type { Statement } from '../contract/session.ts';
import { FACETS_NAMED, facetToken } from '../store/facets.ts';
import { MAX_ALTERNATIVES, namesOf, queryOf } from '../store/query.ts';
import { assertNarrow, type Page } from '../store/readers/search.ts';
import { type StatementRow, statementOf } from '../store/rows.ts';
import type { TeamDb } from './connect.ts';
import { tsqueryOf } from './words.ts';

/** Matches are counted up to here, as in the other index. */
const MAX_COUNTED = 10_000;

/** As searchStatements() of gateway/store: the same filter finds the same. */
export async function searchTeamIndex(
  db: TeamDb,
  filter: StatementFilter,
  page: Page,
): Promise<{ items: Statement[]; total: number }> {
  const query = queryOf(filter, await tokensOf(db, filter));
  const words = query === null ? undefined : tsqueryOf(query);
  if (query === null || words === undefined) return { items: [], total: 0 };
  const where: string[] = [];
  const values: unknown[] = [];
  const add = (condition: string, value: unknown) => {
    values.push(value);
    where.push(condition.replace('?', `$${values.length}`));
  };
  if (words !== null) add('words @@ ?::tsquery', words);
  if (query.sinceUs !== null) add('started_us >= ?::bigint', query.sinceUs);
  if (query.untilUs !== null) add('started_us < ?::bigint', query.untilUs);
  const matching = `FROM statements ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}`;
  const counted = await db.query<{ total: number }>(
    `SELECT count(*) AS total FROM (SELECT 1 ${matching} LIMIT ${MAX_COUNTED}) AS counted`,
    values,
  );
  const found = await db.query<StatementRow>(
    `SELECT n.id AS session_id, s.*, f.value AS facts
     FROM (SELECT started_us, session, idx, exchange, ordinal, unit, duration_us, held_us, rows, facts AS n, text,
             parameters, tag, sqlstate, message, masked ${matching}
           ORDER BY started_us DESC, session DESC, idx DESC LIMIT ${Number(page.limit)} OFFSET ${Number(page.offset)}) s
     JOIN sessions n ON n.seq = s.session JOIN facts f ON f.session = s.session AND f.n = s.n
     ORDER BY s.started_us DESC, s.session DESC, s.idx DESC`,
    values,
  );
  return { items: found.rows.map(statementOf), total: counted.rows[0]!.total };
}

async function tokensOf(db: TeamDb, filter: StatementFilter): Promise<string[][]> {
  const tokens: string[][] = [];
  for (const { kind, name, prefix } of namesOf(filter)) {
    const { rows } = await db.query<{ id: number }>(FACETS_NAMED, [
      kind,
      name.replaceAll('\0', ' '),
      prefix ? 1 : 0,
      MAX_ALTERNATIVES + 1,
    ]);
    assertNarrow(kind, rows.length);
    tokens.push(rows.map(({ id }) => facetToken(id)));
  }
  return tokens;
}
