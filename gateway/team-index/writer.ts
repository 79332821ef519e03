import { type RecordingSource, walkSession } from '../store/walk.ts';
import { TeamBatch, type TeamSession } from './batch.ts';
import type { TeamDb } from './connect.ts';
import { lockForWriting } from './schema.ts';

export interface TeamProgress {
  /** Sessions that were looked at, and those of them that were written. */
  seen: number;
  written: number;
  statements: number;
}

export interface TeamOutcome extends TeamProgress {
  stopped: boolean;
  /** Recordings that could not be read, as sentences. */
  problems: string[];
}

const MAX_PROBLEMS = 100;
/** As many new statements as make PostgreSQL's statistics wrong. */
const ANALYZE_AFTER = 10_000;

/**
 * Brings a team's index up to the sessions given: what it has with the same stamp is passed over, what was
 * forgotten there stays so. A stop or a kill leaves whole transactions; the session that was being written
 * has no stamp yet, and is written again. Throws TEAM_INDEX_BUSY.
 */
export async function indexTeam(
  db: TeamDb,
  source: RecordingSource,
  sessions: Iterable<TeamSession> | AsyncIterable<TeamSession>,
  options: { signal: AbortSignal; progress?: (progress: TeamProgress) => void },
): Promise<TeamOutcome> {
  await lockForWriting(db);
  // What is lost with the power is written again: the stamp goes with its rows.
  await db.query('SET synchronous_commit = off');
  const outcome: TeamOutcome = { seen: 0, written: 0, statements: 0, stopped: false, problems: [] };
  const batch = new TeamBatch(db);
  let failed = false;
  const flush = async () => {
    failed = true;
    outcome.statements += await batch.write();
    failed = false;
    options.progress?.(outcome);
  };
  for await (const some of chunks(sessions)) {
    const there = await whatIsThere(db, some);
    for (const session of some) {
      if (options.signal.aborted) break;
      outcome.seen++;
      if (there.has(session.id)) continue;
      try {
        await addSession(source, session, batch, flush, options.signal);
        if (!options.signal.aborted) outcome.written++;
      } catch (error) {
        // Only what is wrong with one recording is passed over.
        if (failed) throw error;
        batch.give();
        const why = error instanceof Error ? error.message : String(error);
        if (outcome.problems.length < MAX_PROBLEMS) outcome.problems.push(`${session.id}: ${why}`);
      }
    }
    if (options.signal.aborted) break;
  }
  outcome.stopped = options.signal.aborted;
  await flush();
  if (outcome.statements >= ANALYZE_AFTER) await db.query('ANALYZE statements');
  return outcome;
}

const CHUNK = 500;

async function* chunks<T>(all: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T[]> {
  let some: T[] = [];
  for await (const one of all) {
    some.push(one);
    if (some.length < CHUNK) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/** Sessions whose rows are there as they should be, or are to stay away. */
async function whatIsThere(db: TeamDb, sessions: readonly TeamSession[]): Promise<Set<string>> {
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM sessions JOIN unnest($1::text[], $2::text[]) AS w (id, stamp) USING (id, stamp)
     UNION ALL SELECT id FROM forgotten WHERE id = ANY($1)`,
    [sessions.map(({ id }) => id), sessions.map(({ stamp }) => stamp)],
  );
  return new Set(rows.map(({ id }) => id));
}

async function addSession(
  source: RecordingSource,
  session: TeamSession,
  batch: TeamBatch,
  flush: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { info, state } = await source.readSession(session.folder);
  batch.begin(session, { state, info });
  let index = 0;
  for await (const { exchange, told } of walkSession(source, session.folder, { unfinished: true })) {
    if (signal.aborted) return;
    for (const one of told) {
      if (one.type !== 'statement') continue;
      batch.add({ statement: one.statement, index: index++, unit: exchange.firstUnit });
    }
    if (batch.full) await flush();
  }
  batch.end();
  if (batch.full) await flush();
}
