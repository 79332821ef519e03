import { CountersignError } from '../contract/errors.ts';
import type { TeamDb } from './connect.ts';
import { inTransaction, lockForWriting, monthsThere } from './schema.ts';

export interface TeamHold {
  /** `all`, a session's ID, or `connection:ID`. */
  what: string;
  why: string;
  by: string;
  at: Date;
}

const TARGET = /^(all|connection:[a-z0-9][a-z0-9-]{0,62}|[0-9A-Za-z][0-9A-Za-z_-]{0,63})$/;
const MAX_WHY = 500;

export async function listHolds(db: TeamDb): Promise<TeamHold[]> {
  const { rows } = await db.query<TeamHold>('SELECT what, why, by, at FROM holds ORDER BY what');
  return rows;
}

/** Throws HOLD_INVALID, HOLD_SET. */
export async function setHold(db: TeamDb, { what, why, by }: Omit<TeamHold, 'at'>): Promise<void> {
  if (!TARGET.test(what) || why.trim() === '' || why.length > MAX_WHY) {
    throw new CountersignError(
      'HOLD_INVALID',
      `a hold names a session, connection:ID or all, and has a reason of at most ${MAX_WHY} characters`,
    );
  }
  const { rowCount } = await db.query('INSERT INTO holds (what, why, by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
    what,
    why,
    by,
  ]);
  if (rowCount === 0) throw new CountersignError('HOLD_SET', `${what} is held already`);
}

/** Throws HOLD_UNKNOWN. */
export async function liftHold(db: TeamDb, what: string): Promise<void> {
  const { rowCount } = await db.query('DELETE FROM holds WHERE what = $1', [what]);
  if (rowCount === 0) throw new CountersignError('HOLD_UNKNOWN', `${what} is not held`);
}

export interface Forgotten {
  sessions: number;
  statements: number;
  /** Sessions that are old enough, and held. */
  held: number;
  /** Months of which nothing is left, so that their partitions went as a whole. */
  months: string[];
}

const HELD = `EXISTS (SELECT 1 FROM holds h
  WHERE h.what = 'all' OR h.what = s.id OR h.what = 'connection:' || s.connection_id)`;

/**
 * Forgets sessions whose last statement is older than `before`, unless they are held; they are not indexed
 * again. A month that nobody else has statements in goes as a whole partition, from the others rows are
 * deleted. A dry run only counts. Throws TEAM_INDEX_BUSY.
 */
export async function forgetBefore(
  db: TeamDb,
  before: Date,
  { why, dryRun }: { why: string; dryRun: boolean },
): Promise<Forgotten> {
  await lockForWriting(db);
  return inTransaction(db, async () => {
    // A hold that comes while this runs waits for it, and then finds what it is for gone or not.
    await db.query('LOCK TABLE holds IN SHARE MODE');
    const beforeUs = before.getTime() * 1000;
    await db.query(
      `CREATE TEMPORARY TABLE going ON COMMIT DROP AS
       SELECT s.seq, s.id, s.statements, s.first_us, s.last_us FROM sessions s WHERE s.last_us < $1 AND NOT ${HELD}`,
      [beforeUs],
    );
    const { rows } = await db.query<{ sessions: number; statements: number; held: number }>(
      `SELECT count(*) AS sessions, coalesce(sum(statements), 0)::bigint AS statements,
         (SELECT count(*) FROM sessions s WHERE s.last_us < $1 AND ${HELD}) AS held FROM going`,
      [beforeUs],
    );
    const outcome: Forgotten = { ...rows[0]!, months: [] };
    if (outcome.sessions === 0) return outcome;
    for (const { table, fromUs, toUs } of await monthsThere(db)) {
      if (fromUs >= beforeUs) continue;
      const others = await db.query(
        `SELECT 1 FROM sessions s WHERE s.first_us < $2 AND s.last_us >= $1
           AND NOT EXISTS (SELECT 1 FROM going g WHERE g.seq = s.seq) LIMIT 1`,
        [fromUs, toUs],
      );
      if (others.rowCount === 0) {
        outcome.months.push(table);
        if (!dryRun) await db.query(`DROP TABLE ${table}`);
      } else if (!dryRun) {
        await db.query(`DELETE FROM ${table} WHERE session IN (SELECT seq FROM going)`);
      }
    }
    if (dryRun) return outcome;
    await db.query('DELETE FROM statements_other WHERE session IN (SELECT seq FROM going)');
    await db.query('INSERT INTO forgotten (id, why) SELECT id, $1 FROM going ON CONFLICT DO NOTHING', [why]);
    await db.query('DELETE FROM sessions WHERE seq IN (SELECT seq FROM going)');
    await db.query('DELETE FROM facets f WHERE NOT EXISTS (SELECT 1 FROM session_facets l WHERE l.facet = f.id)');
    return outcome;
  });
}
