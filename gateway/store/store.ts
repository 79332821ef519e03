import { Worker } from 'node:worker_threads';
import { CountersignError } from '../contract/errors.ts';
import type { InsightShapes, InsightShapesInput, Insights, InsightsInput } from '../contract/insights.ts';
import type { SessionFilter } from '../contract/routes/sessions.ts';
import type { StatementFilter } from '../contract/search.ts';
import type { ExchangeText, ResultPage, Session, Statement } from '../contract/session.ts';
import type { DaySummary } from '../contract/summary.ts';
import type { RebuildOutcome, RebuildProgress } from './core.ts';
import { openForReading, openForWriting } from './open.ts';
import type { OfSubject } from './query.ts';
import type { Page } from './readers/search.ts';
import type { FromWorker, ReadMethod, ToWorker, WorkerSetup, WriteMethod } from './worker-protocol.ts';

export type { RebuildOutcome, RebuildProgress } from './core.ts';

export interface StoreOptions {
  /** The SQLite file; made where it is missing unless `readOnly`. */
  file: string;
  recordingsDir: string;
  /** No writes, no migration: for commands beside a running gateway. */
  readOnly?: boolean;
}

/**
 * The index of the recordings: what was run, found quickly. It holds nothing that the recordings do
 * not; results are read from them. Calls reject with a CountersignError: SESSION_UNKNOWN,
 * STATEMENT_UNKNOWN, RECORDING_MISSING, RESULT_UNREADABLE, STORE_READ_ONLY, STORE_CLOSED, STORE_FAILED.
 */
export interface Store {
  /** Latest opened first. `total` counts what the filter lets through. */
  sessions(filter: SessionFilter & OfSubject): Promise<{ items: Session[]; total: number }>;
  session(id: string): Promise<Session | null>;
  /** Ids of sessions that changed, asked or failed on `object` (schema.table), latest first. */
  touching(connectionId: string, object: string, limit: number): Promise<string[]>;
  statements(id: string, page: Page): Promise<{ items: Statement[]; total: number }>;
  /** Reads the recording; a page may end early at 8 MiB of text. */
  result(id: string, index: number, page: Page): Promise<ResultPage>;
  /** Reads the recording. Rejects with EXCHANGE_NOT_TEXT for PostgreSQL's. */
  exchange(id: string, index: number): Promise<ExchangeText>;
  /** Latest first. `total` stops at 10,000. Syntax: query.ts. Rejects with SEARCH_TOO_WIDE. */
  search(filter: StatementFilter & OfSubject, page: Page): Promise<{ items: Statement[]; total: number }>;
  /** What happened since then, of the latest 200,000 statements. */
  summary(since: string, subject?: string): Promise<DaySummary>;
  /** Counts by day, up to the day of `now` (milliseconds since the epoch). */
  insights(input: InsightsInput & OfSubject, now: number): Promise<Insights>;
  insightShapes(input: InsightShapesInput & OfSubject, now: number): Promise<InsightShapes>;
  /** Brings one session up to its recording; goes on where it stopped. */
  indexSession(id: string, device?: string | null): Promise<void>;
  /** Why it holds less than the recordings until rebuild(), as a sentence; null when it does not. */
  incomplete(): Promise<string | null>;
  /** Forgets a session (retention); the recording is the caller's. Resolves to whether it was known. */
  removeSession(id: string): Promise<boolean>;
  /** Brings the index up to the recordings folder; `fresh` empties it first. A stopped one can be called again. */
  rebuild(options?: {
    fresh?: boolean;
    /** Device of each session, where the auditor knows. */
    devices?: ReadonlyMap<string, string>;
    progress?: (progress: RebuildProgress) => void;
    signal?: AbortSignal;
  }): Promise<RebuildOutcome>;
  close(): Promise<void>;
}

/**
 * Opens the index with one worker for reading and one for writing, so that a search does not wait for
 * a batch. Errors, thrown at once: STORE_FROM_FUTURE, STORE_UNREADABLE; with `readOnly` also
 * STORE_MISSING, STORE_OUTDATED.
 */
export function createStore({ file, recordingsDir, readOnly = false }: StoreOptions): Store {
  // Opened here once so that errors are the caller's, and the schema is there before the workers are.
  (readOnly ? openForReading(file) : openForWriting(file)).close();
  const reading = new StoreWorker({ file, recordingsDir, role: 'read' });
  const writing = readOnly ? null : new StoreWorker({ file, recordingsDir, role: 'write' });

  const read = <T>(method: ReadMethod, ...args: unknown[]) => reading.call<T>(method, args);
  const write = <T>(method: WriteMethod | 'rebuild', args: unknown[], options: CallOptions = {}) => {
    if (writing) return writing.call<T>(method, args, options);
    return Promise.reject(new CountersignError('STORE_READ_ONLY', 'the index is open for reading only'));
  };

  return {
    sessions: (filter) => read('sessions', filter),
    session: (id) => read('session', id),
    touching: (connectionId, object, limit) => read('touching', connectionId, object, limit),
    statements: (id, page) => read('statements', id, page),
    exchange: (id, index) => read('exchange', id, index),
    result: (id, index, page) => read('result', id, index, page),
    search: (filter, page) => read('search', filter, page),
    summary: (since, subject) => read('summary', since, subject),
    insights: (input, now) => read('insights', input, now),
    insightShapes: (input, now) => read('insightShapes', input, now),
    incomplete: () => read('incomplete'),
    indexSession: (id, device = null) => write('indexSession', [id, device]),
    removeSession: (id) => write('removeSession', [id]),
    rebuild: ({ fresh = false, devices, ...options } = {}) =>
      write('rebuild', [{ fresh, ...(devices ? { devices } : {}) }], options),
    close: async () => {
      await Promise.all([reading.close(), writing?.close()]);
    },
  };
}

interface CallOptions {
  progress?: (progress: RebuildProgress) => void;
  signal?: AbortSignal;
}

interface Waiting extends CallOptions {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Statements pass through by the million; left to itself, V8 takes 100 MB more for what is soon forgotten. */
const YOUNG_MB = 24;

class StoreWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ended: CountersignError | null = null;

  constructor(setup: WorkerSetup) {
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    this.#worker.on('message', (message: FromWorker) => this.#answered(message));
    this.#worker.on('error', (cause) =>
      this.#end(
        new CountersignError('STORE_FAILED', cause instanceof Error ? cause.message : String(cause), { cause }),
      ),
    );
    this.#worker.on('exit', () => this.#end(new CountersignError('STORE_CLOSED', 'the index was closed')));
    // An idle index keeps no process alive; calls under way do.
    this.#worker.unref();
  }

  call<T>(
    method: ReadMethod | WriteMethod | 'rebuild' | 'close',
    args: unknown[],
    options: CallOptions = {},
  ): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended);
        return;
      }
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject, ...options });
      this.#worker.ref();
      this.#worker.postMessage({ id, method, args } satisfies ToWorker);
      const cancel = () => this.#worker.postMessage({ id, cancel: true } satisfies ToWorker);
      if (options.signal?.aborted) cancel();
      options.signal?.addEventListener('abort', cancel, { once: true });
    }) as Promise<T>;
  }

  /** Waits for writes under way: they end at the next batch where they were told to. */
  async close(): Promise<void> {
    if (this.#ended) return;
    await this.call('close', []);
    await this.#worker.terminate();
  }

  #answered(message: FromWorker): void {
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    if ('progress' in message) {
      waiting.progress?.(message.progress);
      return;
    }
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ('error' in message) waiting.reject(new CountersignError(message.error.code, message.error.message));
    else waiting.resolve(message.value);
  }

  #end(why: CountersignError): void {
    this.#ended ??= why;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}
