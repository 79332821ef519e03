import { randomUUID } from 'node:crypto';
import type { AuditJob } from '../../contract/audit.ts';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import type { Progress } from './tasks.ts';

const MAX_KEPT = 50;

export interface JobContext {
  signal: AbortSignal;
  progress(at: Progress): void;
}

type Outcome = Partial<Pick<AuditJob, 'sentences' | 'redaction' | 'file'>>;

/** Work that a person started and watches: one at a time, since each would read the whole workspace. */
export class Jobs {
  readonly #changed: (job: AuditJob) => void;
  readonly #unexpected: (error: unknown) => void;
  #jobs: AuditJob[] = [];
  #running: { id: string; abort: AbortController; ended: Promise<void> } | null = null;

  constructor(changed: (job: AuditJob) => void, unexpected: (error: unknown) => void) {
    this.#changed = changed;
    this.#unexpected = unexpected;
  }

  /** Newest first. */
  get list(): readonly AuditJob[] {
    return this.#jobs;
  }

  /** Throws AUDIT_BUSY. */
  start(kind: AuditJob['kind'], what: string, work: (context: JobContext) => Promise<Outcome>): AuditJob {
    if (this.#running !== null) {
      throw new CountersignError('AUDIT_BUSY', 'Something else is under way here; wait for it, or stop it.');
    }
    const abort = new AbortController();
    const job: AuditJob = {
      id: randomUUID(),
      kind,
      what,
      state: 'running',
      startedAt: new Date().toISOString(),
      endedAt: null,
      progress: { sentence: '', done: 0, of: null },
      sentences: [],
      error: null,
      redaction: null,
      file: null,
    };
    this.#jobs = [job, ...this.#jobs].slice(0, MAX_KEPT);
    const progress = (at: Progress) => this.#change(job.id, { progress: at });
    // In a later turn: whoever started it hears of it first.
    const ended = Promise.resolve()
      .then(() => work({ signal: abort.signal, progress }))
      .then(
        (outcome) => this.#end(job.id, { ...outcome, state: abort.signal.aborted ? 'stopped' : 'done' }),
        (error: unknown) => this.#end(job.id, this.#failed(error, abort.signal.aborted)),
      );
    this.#running = { id: job.id, abort, ended };
    this.#changed(job);
    return job;
  }

  #failed(error: unknown, aborted: boolean): Partial<AuditJob> {
    if (aborted && (isCountersignError(error, 'STOPPED') || !isCountersignError(error))) return { state: 'stopped' };
    if (!isCountersignError(error)) this.#unexpected(error);
    const { code, message } = isCountersignError(error)
      ? error
      : { code: 'INTERNAL', message: 'An unexpected error; the terminal in which this was started says more.' };
    return { state: 'failed', error: { code, message } };
  }

  /** Throws AUDIT_JOB_UNKNOWN. */
  stop(id: string): AuditJob {
    const job = this.#jobs.find((one) => one.id === id);
    if (job === undefined) throw new CountersignError('AUDIT_JOB_UNKNOWN', 'There is no such work.');
    if (this.#running?.id === id) this.#running.abort.abort();
    return job;
  }

  async close(): Promise<void> {
    this.#running?.abort.abort();
    await this.#running?.ended;
  }

  #end(id: string, change: Partial<AuditJob>): void {
    this.#running = null;
    this.#change(id, { ...change, endedAt: new Date().toISOString() });
  }

  #change(id: string, change: Partial<AuditJob>): void {
    const at = this.#jobs.findIndex((job) => job.id === id);
    const job = this.#jobs[at];
    if (job === undefined) return;
    const changed = { ...job, ...change };
    this.#jobs = this.#jobs.with(at, changed);
    this.#changed(changed);
  }
}
