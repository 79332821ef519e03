import type { Decision } from '../contract/decision.ts';
import type { OperationClass } from '../contract/operation.ts';
import type { MaskedColumns, Statement } from '../contract/session.ts';

/**
 * What the recording says of one message that ran statements (with PostgreSQL: a Query, Execute or FunctionCall),
 * in the order of the messages within their exchange. Where cheap exchanges share one recorded
 * line, what the line does not hold for each of them is absent.
 */
export interface StatementFacts {
  class?: OperationClass;
  op?: string;
  decision?: Decision;
  /** The message's text, where the recording keeps it beside the bytes. */
  text?: string | null;
  heldMs?: number;
  masked?: Readonly<Record<string, number>> | null;
  maskedColumns?: MaskedColumns | null;
  objects?: readonly string[];
  /** The code of the error it ended with. */
  error?: string | null;
  rows?: number;
}

/** A statement as derived; `sessionId` and `index` are its place, which the caller knows. */
export interface DerivedStatement extends Omit<Statement, 'sessionId' | 'index' | 'startedAt'> {
  /** Microseconds since the epoch: an index of millions has no use for a text of it. */
  startedUs: number;
  /** Order of the statement within its exchange, from 0; finds its result again. */
  ordinal: number;
  /** 0 for the first statement of a message: what is counted per message is counted there. */
  part: number;
  /** It is the n-th COPY FROM STDIN of its exchange (from 0), whose lines the client sent; else null. */
  copyIn: number | null;
  objects: readonly string[];
  /** By column: 1 where values are binary; empty when all are text. */
  formats: number[];
}

export interface Notice {
  severity: string;
  sqlstate: string;
  message: string;
}

/**
 * What derivation tells while it walks an exchange, in order. Rows are decoded only where `wantsRows`
 * says so; all others are counted.
 */
export interface DeriveSink {
  /** Asked once before the first row of the statement. */
  wantsRows?(ordinal: number): boolean;
  /** Columns that the exchange itself does not describe (a portal or statement of an earlier one), if known. */
  knownFields?(ordinal: number): FieldShape[] | null;
  /** Before the first row of a wanted statement, and for results without rows. */
  columns?(ordinal: number, columns: Statement['columns']): void;
  /** One row; a line of COPY is a row of one value. */
  row?(ordinal: number, values: (string | null)[]): void;
  notice?(ordinal: number, notice: Notice): void;
  statement?(statement: DerivedStatement): void;
}

export interface FieldShape {
  name: string;
  typeOid: number;
  format: 'text' | 'binary';
}

/**
 * Turns the recorded bytes of one session into its statements, exchange by exchange, in their order:
 *
 *   begin(exchange, facts, sink); up(bytes, ms) …; down(bytes, ms) …; end();
 *
 * Each direction comes in order. It never throws on what bytes hold; memory does not grow with results.
 */
export interface SessionDeriver {
  begin(exchange: number, facts: readonly StatementFacts[], sink: DeriveSink): void;
  /** @param atMs when the bytes came, milliseconds since the epoch. */
  up(bytes: Uint8Array, atMs: number): void;
  down(bytes: Uint8Array, atMs: number): void;
  /** Bytes are missing here (redacted or damaged): the rest of the exchange is told from its facts. */
  gap(why: string): void;
  end(): void;
  /** Everything that later exchanges need of the earlier ones, between exchanges; plain JSON. */
  snapshot(): unknown;
  /** Takes what snapshot() of the same protocol gave. */
  restore(snapshot: unknown): void;
}
