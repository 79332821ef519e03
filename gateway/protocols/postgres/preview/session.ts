import { CountersignError } from '../../../contract/errors.ts';
import type { ErrorSummary } from '../codec/backend.ts';
import type { OwnAnswer, OwnResult } from '../relay/own-answers.ts';
import type { OwnLane } from '../relay/own-lane.ts';
import { type Bound, ownBound, ownClose, ownStatement } from './messages.ts';

const LITTLE = { maxRows: 1, maxBytes: 4 * 1024 * 1024 };
/** How often what was begun is tried to be undone before the session ends. */
const TRIES = 3;

/** The server refused a statement of the preview's; the session is to be cleaned up. */
export class Refused extends Error {
  readonly summary: ErrorSummary;

  constructor(summary: ErrorSummary) {
    super(summary.message);
    this.summary = summary;
  }
}

/** It was decided meanwhile. */
export class Stopped extends Error {}

/**
 * Statements in the client's session, all of which is undone: in its transaction behind a savepoint, else in one of
 * the preview's own. Names of statements and of the savepoint are `name`, which nobody else has.
 */
export class PreviewSession {
  readonly #lane: OwnLane;
  readonly #name: string;
  readonly #sent: (sql: readonly string[]) => void;
  #transaction: 'idle' | 'in-transaction' = 'idle';
  #begun = false;

  constructor(lane: OwnLane, name: string, sent: (sql: readonly string[]) => void) {
    this.#lane = lane;
    this.#name = name;
    this.#sent = sent;
  }

  /** @returns why nothing can be looked at, or null. */
  async begin(limits: { statementMs: number; lockMs: number }): Promise<string | null> {
    const state = await this.#lane.open();
    if ('why' in state) return state.why;
    this.#transaction = state.transaction;
    this.#begun = true;
    // SHOW and SET take no snapshot: a transaction that has none yet has none afterwards.
    const [isolation] = await this.all([
      ...(state.transaction === 'idle' ? ['BEGIN'] : []),
      `SAVEPOINT "${this.#name}"`,
      `SET LOCAL statement_timeout = ${limits.statementMs}`,
      `SET LOCAL lock_timeout = ${limits.lockMs}`,
      'SHOW transaction_isolation',
    ]);
    if (isolation === 'read committed') return null;
    return state.transaction === 'idle' && isolation === 'repeatable read'
      ? null
      : `Its transaction is ${isolation ?? 'unknown'}: looking would change what it sees.`;
  }

  /** Runs statements in order. @returns the first value of the last result's first row. */
  async all(sql: readonly string[]): Promise<(string | null)[]> {
    const messages = sql.flatMap((text) => ownStatement(this.#name, text));
    const { results } = await this.#ask(sql, messages, LITTLE);
    const last = results.at(-1)?.rows[0];
    return last ? valuesOf(last) : [];
  }

  async bound(bound: Bound, limits: { maxRows: number; maxBytes: number }): Promise<OwnResult> {
    const { results } = await this.#ask([bound.sql], ownBound(this.#name, bound), limits);
    return results.at(-1) ?? { fields: [], rows: [], count: 0, tag: '' };
  }

  /** As all(), and back to where begin() left it at once: no setting is changed when the server is ready again. */
  async apart(sql: readonly string[]): Promise<(string | null)[]> {
    const inner = `${this.#name} apart`;
    const texts = [`SAVEPOINT "${inner}"`, ...sql, `ROLLBACK TO SAVEPOINT "${inner}"`, `RELEASE SAVEPOINT "${inner}"`];
    const messages = texts.flatMap((text) => ownStatement(this.#name, text));
    const { results } = await this.#ask(texts, messages, LITTLE);
    const row = results.at(-3)?.rows[0];
    return row ? valuesOf(row) : [];
  }

  /** Back to where begin() left it, with the same limits. */
  async back(limits: { statementMs: number; lockMs: number }): Promise<void> {
    const sql = [
      `ROLLBACK TO SAVEPOINT "${this.#name}"`,
      `SET LOCAL statement_timeout = ${limits.statementMs}`,
      `SET LOCAL lock_timeout = ${limits.lockMs}`,
    ];
    // A statement that was refused is still there under the name.
    await this.#ask(sql, [...ownClose(this.#name), ...sql.flatMap((text) => ownStatement(this.#name, text))], LITTLE);
  }

  /** Undoes everything. Throws where that does not succeed: then the session cannot go on. */
  async end(): Promise<void> {
    if (!this.#begun) return;
    const idle = this.#transaction === 'idle';
    const sql = idle ? ['ROLLBACK'] : [`ROLLBACK TO SAVEPOINT "${this.#name}"`, `RELEASE SAVEPOINT "${this.#name}"`];
    const wanted = idle ? 'idle' : 'transaction';
    for (let left = TRIES; left > 0; left--) {
      this.#sent(sql);
      const messages = [...ownClose(this.#name), ...sql.flatMap((text) => ownStatement(this.#name, text))];
      const { error, status } = await this.#lane.send(messages, LITTLE);
      if (error === null && status === wanted) return;
      // BEGIN itself did not succeed.
      if (idle && status === 'idle') return;
    }
    throw new CountersignError('PG_PREVIEW_STUCK', 'what was looked at for a preview could not be rolled back');
  }

  async #ask(sql: readonly string[], messages: readonly Uint8Array[], limits: typeof LITTLE): Promise<OwnAnswer> {
    if (this.#lane.stopped) throw new Stopped();
    this.#sent(sql);
    const answer = await this.#lane.send(messages, limits);
    if (this.#lane.stopped) throw new Stopped();
    if (answer.error) throw new Refused(answer.error);
    return answer;
  }
}

const decoder = new TextDecoder();

/** Values of a DataRow's body, in text format. */
export function valuesOf(row: Uint8Array): (string | null)[] {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const values: (string | null)[] = [];
  let at = 2;
  for (let left = view.getUint16(0); left > 0; left--) {
    const length = view.getInt32(at);
    at += 4;
    values.push(length < 0 ? null : decoder.decode(row.subarray(at, at + length)));
    at += Math.max(length, 0);
  }
  return values;
}
