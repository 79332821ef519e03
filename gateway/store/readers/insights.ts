import type {
  InsightDimension,
  InsightShape,
  InsightShapes,
  InsightShapesInput,
  Insights,
  InsightsInput,
} from '../../contract/insights.ts';
import type { Db } from '../migrations/migration.ts';
import { OF_SUBJECT, type OfSubject } from '../query.ts';

/**
 * Counts that were added up by day while statements were indexed; statements themselves are not read. A row is
 * one day, session and kind of operation. So many of them are read at most, the latest days first: about half
 * a second.
 */
const MAX_ROWS = 400_000;
const MAX_SHAPE_ROWS = 100_000;
/** Names that get a series of their own. */
const MAX_SERIES = 8;
const DAY_MS = 86_400_000;

const isDenied = (verdict: string) => verdict === 'denied' || verdict === 'asked-denied' || verdict === 'asked-expired';

interface Row {
  day: number;
  name: string;
  verdict: string;
  n: number;
}

/** The names of one dimension; each query reads the same rows of the same days. */
const NAMES: Readonly<Record<Exclude<InsightDimension, 'table'>, string>> = {
  verdict: 'c.verdict',
  class: 'c.class',
  agent: "json_extract(s.agent, '$.name')",
  connection: 's.connection_id',
};

/** Rows of `table` from a day on, latest first; `?` are the day, connection and subject (each twice) and the limit. */
const counted = (table: string) =>
  `(SELECT * FROM ${table} WHERE day >= ?
     AND (? IS NULL OR session IN (SELECT seq FROM sessions WHERE connection_id = ?))
     AND ${OF_SUBJECT('session')}
     ORDER BY day DESC LIMIT ?)`;

/** @param now milliseconds since the epoch. */
export function readInsights(
  db: Db,
  { days, by, connectionId, subject }: InsightsInput & OfSubject,
  now: number,
): Insights {
  const today = Math.floor(now / DAY_MS);
  const first = today - days + 1;
  const only = connectionId ?? null;
  const person = subject ?? null;
  const given = [first, only, only, person, person, MAX_ROWS] as const;
  const rows = (
    by === 'table'
      ? db.prepare<unknown[], Row>(
          `SELECT c.day, f.value AS name, c.verdict, sum(c.n) AS n FROM ${counted('table_tallies')} c
           JOIN facets f ON f.id = c.facet GROUP BY 1, 2, 3`,
        )
      : db.prepare<unknown[], Row>(
          `SELECT c.day, ${NAMES[by]} AS name, c.verdict, sum(c.n) AS n FROM ${counted('tallies')} c
           JOIN sessions s ON s.seq = c.session GROUP BY 1, 2, 3`,
        )
  ).all(...given);
  const whole = db
    .prepare<unknown[], { read: number; n: number | null; errors: number | null; held: number | null }>(
      `SELECT count(*) AS read, sum(n) AS n, sum(errors) AS errors, sum(held_us) AS held FROM ${counted('tallies')}`,
    )
    .get(...given)!;

  const series = new Map<string, Insights['series'][number]>();
  for (const { day, name, verdict, n } of rows) {
    // A clock that was wrong must not widen the page.
    if (day > today) continue;
    let one = series.get(name);
    if (one === undefined) {
      one = { name, counts: new Array<number>(days).fill(0), total: 0, asked: 0, denied: 0 };
      series.set(name, one);
    }
    one.counts[day - first]! += n;
    one.total += n;
    if (verdict.startsWith('asked')) one.asked += n;
    if (isDenied(verdict)) one.denied += n;
  }
  const sorted = [...series.values()].sort((a, b) => b.total - a.total || (a.name < b.name ? -1 : 1));
  const rest = sorted.slice(MAX_SERIES);
  const restCounts = new Array<number>(days).fill(0);
  for (const { counts } of rest) for (const [i, n] of counts.entries()) restCounts[i]! += n;
  return {
    days: Array.from({ length: days }, (_, i) => new Date((first + i) * DAY_MS).toISOString().slice(0, 10)),
    series: sorted.slice(0, MAX_SERIES),
    others: { names: rest.length, counts: restCounts, total: restCounts.reduce((sum, n) => sum + n, 0) },
    operations: whole.n ?? 0,
    errors: whole.errors ?? 0,
    heldMs: (whole.held ?? 0) / 1000,
    more: whole.read >= MAX_ROWS,
  };
}

const ORDER: Readonly<Record<InsightShapesInput['order'], { by: string; having: string }>> = {
  asked: { by: 'asked', having: 'sum(c.asked) > 0' },
  slowest: { by: 'slowest_us', having: 'max(c.slowest_us) > 0' },
  repeated: { by: 'n', having: 'sum(c.n) > 1' },
};

interface ShapeRow {
  shape: string;
  n: number;
  asked: number;
  approved: number;
  denied: number;
  errors: number;
  busy: number;
  slowest_us: number;
  slowest_idx: number;
  session_id: string;
  sessions: number;
}

export function readInsightShapes(db: Db, input: InsightShapesInput & OfSubject, now: number): InsightShapes {
  const first = Math.floor(now / DAY_MS) - input.days + 1;
  const only = input.connectionId ?? null;
  const person = input.subject ?? null;
  const { by, having } = ORDER[input.order];
  // Of the columns that are no sums, SQLite gives those of the row that max() took.
  const rows = db
    .prepare<unknown[], ShapeRow>(
      `SELECT t.value AS shape, sum(c.n) AS n, sum(c.asked) AS asked, sum(c.approved) AS approved,
         sum(c.denied) AS denied, sum(c.errors) AS errors, sum(c.busy_us) AS busy, max(c.slowest_us) AS slowest_us,
         c.slowest_idx, s.id AS session_id, count(DISTINCT c.session) AS sessions
       FROM ${counted('shape_tallies')} c
       JOIN strings t ON t.id = c.shape JOIN sessions s ON s.seq = c.session
       GROUP BY t.value HAVING ${having}
       ORDER BY ${by} DESC, n DESC, shape LIMIT ?`,
    )
    .all(first, only, only, person, person, MAX_SHAPE_ROWS, input.limit);
  const read = db
    .prepare(`SELECT count(*) FROM ${counted('shape_tallies')}`)
    .pluck()
    .get(first, only, only, person, person, MAX_SHAPE_ROWS) as number;
  return { items: rows.map(shapeRow), more: read >= MAX_SHAPE_ROWS };
}

function shapeRow(row: ShapeRow): InsightShape {
  return {
    shape: row.shape,
    count: row.n,
    asked: row.asked,
    approved: row.approved,
    denied: row.denied,
    errors: row.errors,
    meanMs: row.busy / row.n / 1000,
    slowestMs: row.slowest_us / 1000,
    sessionId: row.session_id,
    index: row.slowest_idx,
    sessions: row.sessions,
  };
}
