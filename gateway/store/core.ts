import { CountersignError } from '../contract/errors.ts';
import type { InsightShapes, InsightShapesInput, Insights, InsightsInput } from '../contract/insights.ts';
import type { SessionFilter } from '../contract/routes/sessions.ts';
import type { StatementFilter } from '../contract/search.ts';
import type { ExchangeText, ResultPage, Session, Statement } from '../contract/session.ts';
import type { DaySummary } from '../contract/summary.ts';
import type { Db } from './migrations/migration.ts';
import { openForReading, openForWriting } from './open.ts';
import type { OfSubject } from './query.ts';
import { readExchange } from './readers/exchange.ts';
import { readInsightShapes, readInsights } from './readers/insights.ts';
import { readResult } from './readers/result.ts';
import { type Page, searchStatements } from './readers/search.ts';
import { findSession, listSessions, sessionsTouching } from './readers/sessions.ts';
import { findStatement, listStatements } from './readers/statements.ts';
import { summarise } from './readers/summary.ts';
import type { SharedFacts } from './rows.ts';
import type { RecordingSource } from './walk.ts';
import { Batch } from './writers/batch.ts';
import { FacetIds } from './writers/facet-ids.ts';
import { indexSession } from './writers/index-session.ts';
import { Interner } from './writers/interner.ts';
import { removeAll, removeSession } from './writers/remove-session.ts';

export interface CoreOptions {
  file: string;
  recordingsDir: string;
  role: 'read' | 'write';
  source: RecordingSource;
}

export interface RebuildProgress {
  /** Sessions that are done, and all there are. */
  sessions: number;
  of: number;
  /** Statements that were written so far. */
  statements: number;
}

export interface RebuildOutcome extends RebuildProgress {
  /** The signal stopped it; another call goes on from there. */
  stopped: boolean;
  /** Recordings that could not be read, as sentences; the rest is indexed. */
  problems: string[];
  /** Sessions that were in the index and not in the folder any more. */
  forgotten: number;
}

const MAX_PROBLEMS = 100;

/** The store's work on one database handle; runs in a worker (store.ts), or where a test wants it. */
export class StoreCore {
  readonly #db: Db;
  readonly #options: CoreOptions;
  readonly #interner: Interner | null;
  readonly #facets: FacetIds | null;

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#db = options.role === 'write' ? openForWriting(options.file) : openForReading(options.file);
    this.#interner = options.role === 'write' ? new Interner(this.#db) : null;
    this.#facets = options.role === 'write' ? new FacetIds(this.#db) : null;
  }

  sessions(filter: SessionFilter & OfSubject): { items: Session[]; total: number } {
    return listSessions(this.#db, filter);
  }

  session(id: string): Session | null {
    return findSession(this.#db, id);
  }

  touching(connectionId: string, object: string, limit: number): string[] {
    return sessionsTouching(this.#db, connectionId, object, limit);
  }

  statements(id: string, page: Page): { items: Statement[]; total: number } {
    const found = listStatements(this.#db, id, page);
    if (!found) throw unknownSession(id);
    return found;
  }

  search(filter: StatementFilter & OfSubject, page: Page): { items: Statement[]; total: number } {
    return searchStatements(this.#db, filter, page);
  }

  insights(input: InsightsInput & OfSubject, now: number): Insights {
    return readInsights(this.#db, input, now);
  }

  insightShapes(input: InsightShapesInput & OfSubject, now: number): InsightShapes {
    return readInsightShapes(this.#db, input, now);
  }

  summary(since: string, subject?: string): DaySummary {
    return summarise(this.#db, since, subject);
  }

  /** Why the index holds less than the recordings until rebuild(); null when it does not. */
  incomplete(): string | null {
    return (this.#db.prepare('SELECT why FROM rebuild LIMIT 1').pluck().get() as string | undefined) ?? null;
  }

  async result(id: string, index: number, page: Page): Promise<ResultPage> {
    const { source, recordingsDir } = this.#options;
    const statement = findStatement(this.#db, id, index);
    if (!statement) throw new CountersignError('STATEMENT_UNKNOWN', `session ${id} has no statement ${index}`);
    const folder = await source.findSession(recordingsDir, id);
    if (folder === null) throw new CountersignError('RECORDING_MISSING', `the recording of session ${id} is not there`);
    const { columns, copyIn, formats } = JSON.parse(statement.facts) as SharedFacts;
    const { exchange, ordinal, unit, rows } = statement;
    return readResult(source, folder, { exchange, ordinal, unit, rows, columns, copyIn, formats }, page);
  }

  async exchange(id: string, index: number): Promise<ExchangeText> {
    const { source, recordingsDir } = this.#options;
    const statement = findStatement(this.#db, id, index);
    if (!statement) throw new CountersignError('STATEMENT_UNKNOWN', `session ${id} has no statement ${index}`);
    if (findSession(this.#db, id)?.protocol === 'postgres')
      throw new CountersignError('EXCHANGE_NOT_TEXT', 'the bytes of this session are no text; ask for its results');
    const folder = await source.findSession(recordingsDir, id);
    if (folder === null) throw new CountersignError('RECORDING_MISSING', `the recording of session ${id} is not there`);
    return readExchange(source, folder, statement);
  }

  async indexSession(id: string, device: string | null = null, signal?: AbortSignal): Promise<void> {
    const folder = await this.#options.source.findSession(this.#options.recordingsDir, id);
    if (folder === null) throw new CountersignError('RECORDING_MISSING', `the recording of session ${id} is not there`);
    const batch = new Batch(this.#db, ...this.#writing);
    await indexSession(batch, this.#options.source, folder, { device, ...(signal ? { signal } : {}) });
    batch.write();
  }

  removeSession(id: string): boolean {
    return removeSession(this.#db, id, ...this.#writing);
  }

  /** Brings the index up to the recordings folder; `fresh` empties it first. */
  async rebuild(
    options: { fresh: boolean; devices?: ReadonlyMap<string, string> },
    progress: (progress: RebuildProgress) => void,
    signal: AbortSignal,
  ): Promise<RebuildOutcome> {
    const { source, recordingsDir } = this.#options;
    if (options.fresh) removeAll(this.#db, ...this.#writing);
    const folders: string[] = [];
    for await (const folder of source.sessionFolders(recordingsDir)) folders.push(folder);
    const outcome: RebuildOutcome = {
      sessions: 0,
      of: folders.length,
      statements: 0,
      stopped: false,
      problems: [],
      forgotten: 0,
    };
    const there = new Set<string>();
    const batch = new Batch(this.#db, ...this.#writing);
    const wrote = () => {
      outcome.statements = batch.written;
      progress(outcome);
    };
    for (const folder of folders) {
      if (signal.aborted) break;
      try {
        const { id } = await source.readSession(folder);
        there.add(id);
        const device = options.devices?.get(id) ?? null;
        await indexSession(batch, source, folder, { signal, device, progress: wrote });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        if (outcome.problems.length < MAX_PROBLEMS) outcome.problems.push(`${folder}: ${why}`);
      }
      if (signal.aborted) break;
      outcome.sessions++;
      if (batch.full) batch.write();
      wrote();
    }
    batch.write();
    wrote();
    outcome.stopped = signal.aborted;
    if (!outcome.stopped) this.#db.prepare('DELETE FROM rebuild').run();
    if (!outcome.stopped && outcome.problems.length === 0) outcome.forgotten = this.#forgetAllBut(there);
    return outcome;
  }

  #forgetAllBut(there: ReadonlySet<string>): number {
    const known = this.#db.prepare('SELECT id FROM sessions').pluck().all() as string[];
    return known.filter((id) => !there.has(id)).filter((id) => this.removeSession(id)).length;
  }

  close(): void {
    this.#db.close();
  }

  get #writing(): [Interner, FacetIds] {
    if (this.#interner && this.#facets) return [this.#interner, this.#facets];
    throw new CountersignError('STORE_READ_ONLY', 'the index is open for reading only');
  }
}

function unknownSession(id: string): CountersignError {
  return new CountersignError('SESSION_UNKNOWN', `there is no session ${id} in the index`);
}
