import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import type { Statement } from '../../contract/session.ts';
import type { DerivedStatement } from '../../pipeline/derive.ts';
import { UpstreamRefusal } from '../../protocols/postgres/handshake/upstream-error.ts';
import type { SimpleClient } from '../../protocols/postgres/wire/simple-client.ts';
import * as recordings from '../../recording/reader.ts';
import { walkSession } from '../../store/walk.ts';
import { textClassifier } from '../text-classifier.ts';
import { type Comparison, compare, type Outcome } from './compare.ts';
import { type Plan, type PlanOptions, planOf } from './plan.ts';

export interface ReplayAgainstOptions {
  /** Also what changes data; rolled back at the end unless `commit`. */
  writes: boolean;
  /** Keeps what was changed. */
  commit: boolean;
  /** For one statement. */
  timeoutMs: number;
  signal?: AbortSignal;
}

export interface ReplayedStatement {
  index: number;
  op: string;
  text: string;
  /** same: nothing differs. reordered: the same rows in another order. */
  status: 'same' | 'reordered' | 'different' | 'not-run';
  /** Why it was not run. */
  why: string | null;
  comparison: Comparison | null;
}

/** Rows of one result that are held on either side; of more, their number is compared. */
const MAX_ROWS = 10_000;
const MAX_CHARS = 16 * 1024 * 1024;
/** For the server to say that a statement took too long. */
const GRACE_MS = 5000;
/** A result above these ends the replay: the connection cannot be used behind it. */
const LIMITS = { maxRows: 1_000_000, maxBytes: 64 * 1024 * 1024 };

/**
 * Runs a session's statements on another database, in order, in one transaction, and tells for each how
 * its result differs. Unless `writes`, the transaction is READ ONLY and what changes data is left out.
 * The transaction is rolled back at the end, and when it is stopped or fails, unless `commit`.
 */
export async function* replayAgainst(
  folder: string,
  client: SimpleClient,
  options: ReplayAgainstOptions,
): AsyncGenerator<ReplayedStatement> {
  const classifier = await textClassifier();
  const run = new Run(client, options, classifier.classify);
  const stop = () => client.close();
  options.signal?.addEventListener('abort', stop, { once: true });
  let kept = false;
  try {
    await run.begin();
    let index = 0;
    for await (const recorded of statementsOf(folder)) {
      if (options.signal?.aborted) throw new CountersignError('STOPPED', 'stopped; nothing was kept');
      yield await run.one(recorded, index);
      index += 1;
    }
    await run.end();
    kept = options.commit;
  } catch (error) {
    // Whatever it was in the middle of.
    if (options.signal?.aborted && !isCountersignError(error, 'STOPPED'))
      throw new CountersignError('STOPPED', 'stopped; nothing was kept', { cause: error });
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', stop);
    // A connection that is closed has been rolled back by the server.
    if (!kept) await client.query('ROLLBACK').catch(() => client.close());
    await classifier.close();
  }
}

interface Recorded {
  statement: DerivedStatement;
  rows: (string | null)[][];
}

/** Statements with as many of their rows as are compared. */
async function* statementsOf(folder: string): AsyncGenerator<Recorded> {
  let rows: (string | null)[][] = [];
  let chars = 0;
  for await (const { told } of walkSession(recordings, folder, { unfinished: true, rows: () => true })) {
    for (const one of told) {
      if (one.type === 'row') {
        if (rows.length >= MAX_ROWS || chars > MAX_CHARS) continue;
        for (const value of one.values) chars += value?.length ?? 0;
        rows.push(one.values);
      } else if (one.type === 'statement') {
        yield { statement: one.statement, rows };
        rows = [];
        chars = 0;
      }
    }
  }
}

class Run {
  readonly #client: SimpleClient;
  readonly #options: ReplayAgainstOptions;
  readonly #classify: PlanOptions['classify'];
  /** A recorded transaction is open: it is a savepoint here. */
  #inside = false;

  constructor(client: SimpleClient, options: ReplayAgainstOptions, classify: PlanOptions['classify']) {
    this.#client = client;
    this.#options = options;
    this.#classify = classify;
  }

  async begin(): Promise<void> {
    // Ends a statement on the server too, also when nobody waits for it any more.
    const limit = `SET statement_timeout = ${Math.ceil(this.#options.timeoutMs)}`;
    await this.#client.query(`SET timezone = 'UTC'; SET datestyle = 'ISO'; SET bytea_output = 'hex'; ${limit}`);
    await this.#client.query(this.#options.writes ? 'BEGIN' : 'BEGIN READ ONLY');
    // From the first query on, a transaction cannot be made READ WRITE again.
    await this.#client.query('SELECT 1');
  }

  async end(): Promise<void> {
    if (this.#options.commit) await this.#client.query('COMMIT');
  }

  async one({ statement, rows }: Recorded, index: number): Promise<ReplayedStatement> {
    const { op, text } = statement;
    const plan = planOf(statement, { writes: this.#options.writes, classify: this.#classify });
    const told = { index, op, text, why: null, comparison: null };
    if (plan.do === 'skip') return { ...told, status: 'not-run', why: plan.why };
    if (plan.do !== 'run') {
      await this.#transaction(plan.do);
      return { ...told, status: 'same' };
    }
    const now = await this.#execute(plan, index);
    const recorded = {
      columns: statement.columns.map(({ name }) => name),
      fields: maskedFields(statement),
      rows,
      count: statement.rows,
      tag: statement.tag,
      sqlstate: statement.error?.sqlstate ?? null,
    };
    const comparison = compare(recorded, now);
    const status = comparison.differences.length > 0 ? 'different' : comparison.reordered ? 'reordered' : 'same';
    return { ...told, status, comparison };
  }

  async #transaction(what: 'begin' | 'commit' | 'rollback'): Promise<void> {
    if (what === 'begin') {
      if (!this.#inside) await this.#client.query('SAVEPOINT countersign_transaction');
      this.#inside = true;
      return;
    }
    if (!this.#inside) return;
    const release = 'RELEASE SAVEPOINT countersign_transaction';
    await this.#client.query(what === 'commit' ? release : `ROLLBACK TO SAVEPOINT countersign_transaction; ${release}`);
    this.#inside = false;
  }

  /** A savepoint before each: a failure is a result, and the next statement is run all the same. */
  async #execute({ sql, parameters, savepoint }: Plan & { do: 'run' }, index: number): Promise<Outcome> {
    const { timeoutMs } = this.#options;
    await this.#client.query('SAVEPOINT countersign_statement');
    try {
      const { columns, rows, tag } = await this.#client.execute(sql, parameters, [], {
        timeoutMs: timeoutMs + GRACE_MS,
        ...LIMITS,
      });
      const changed = rows.length === 0 ? countOf(tag) : rows.length;
      // Releasing ours would take a savepoint that was made behind it along.
      if (!savepoint) await this.#release();
      return { columns, rows: rows.slice(0, MAX_ROWS), count: changed, tag: tag === '' ? null : tag, sqlstate: null };
    } catch (error) {
      if (error instanceof UpstreamRefusal) {
        await this.#client.query(
          'ROLLBACK TO SAVEPOINT countersign_statement; RELEASE SAVEPOINT countersign_statement',
        );
        return { columns: [], rows: [], count: 0, tag: null, sqlstate: error.sqlstate };
      }
      if (this.#options.signal?.aborted)
        throw new CountersignError('STOPPED', 'stopped; nothing was kept', { cause: error });
      if (isCountersignError(error))
        throw new CountersignError(
          error.code,
          `statement #${index}: ${error.message}; the replay ended there and nothing was kept`,
          { cause: error },
        );
      throw error;
    }
  }

  async #release(): Promise<void> {
    try {
      await this.#client.query('RELEASE SAVEPOINT countersign_statement');
    } catch (error) {
      throw new CountersignError(
        'REPLAY_TRANSACTION',
        'a statement left the transaction in a way that cannot be followed; the replay ended there and nothing was kept',
        { cause: error },
      );
    }
  }
}

const countOf = (tag: string): number => Number(/ (\d+)$/.exec(tag)?.[1] ?? 0);

/** Where it is only known how many values were masked, none of them can be compared. */
function maskedFields({ columns, masked }: DerivedStatement): Statement['columns'] {
  const known = columns.some((column) => column.masked);
  const any = Object.values(masked).some((count) => count > 0);
  return any && !known ? columns.map((column) => ({ ...column, masked: true })) : columns;
}
