import type { Statement } from '../contract/session.ts';
import type { DerivedStatement, DeriveSink, FieldShape, Notice, SessionDeriver } from '../pipeline/derive.ts';
import { deriverFor } from '../protocols/derivers.ts';
import type { ReadRange, RecordedExchange, RecordedSession, StreamedPiece } from '../recording/recorded.ts';

/** What the index and the commands need of recordings; gateway/recording/reader.ts has this shape. */
export interface RecordingSource {
  sessionFolders(recordingsDir: string): AsyncIterable<string>;
  findSession(recordingsDir: string, id: string): Promise<string | null>;
  readSession(folder: string): Promise<RecordedSession>;
  exchanges(folder: string, range?: ReadRange): AsyncIterable<RecordedExchange>;
  pieces(
    folder: string,
    range?: { fromUnit?: number; toUnit?: number; exchange?: number },
  ): AsyncIterable<StreamedPiece>;
}

/** How far a session was walked; the walk goes on behind it. */
export interface WalkCursor {
  nextUnit: number;
  lastExchange: number;
}

export const START: WalkCursor = { nextUnit: 0, lastExchange: -1 };

export type Told =
  | { type: 'columns'; ordinal: number; columns: Statement['columns'] }
  | { type: 'row'; ordinal: number; values: (string | null)[] }
  | { type: 'notice'; ordinal: number; notice: Notice }
  | { type: 'statement'; statement: DerivedStatement };

export interface WalkStep {
  exchange: RecordedExchange;
  told: Told[];
  /** The exchange is over; false for parts of one that is too large to hold. */
  ended: boolean;
  cursor: WalkCursor;
}

export interface WalkOptions {
  cursor?: WalkCursor;
  /** Carries state from one walk of the session to the next; default: a new one. */
  deriver?: SessionDeriver;
  /** Rows are decoded where this says so; default nowhere. */
  rows?: (exchange: number, ordinal: number) => boolean;
  /** Columns that the walked exchanges do not describe themselves. */
  knownFields?: (ordinal: number) => FieldShape[] | null;
  /** Exchanges that begin at this unit or behind are left out. */
  toUnit?: number;
  /** Also what has not ended: for sessions that will not go on. */
  unfinished: boolean;
}

/** Bytes of one exchange that are held; more are streamed. */
const MAX_HELD = 1024 * 1024;

const GAP = 'a part of this exchange was redacted or is damaged, so it cannot be shown as statements';

/** A session's exchanges in order, as statements and rows; memory does not grow with results. */
export async function* walkSession(
  source: RecordingSource,
  folder: string,
  options: WalkOptions,
): AsyncGenerator<WalkStep> {
  const { cursor = START, rows, toUnit, unfinished } = options;
  const deriver = options.deriver ?? deriverFor((await source.readSession(folder)).info.connection.kind);
  let { lastExchange } = cursor;
  let told: Told[] = [];
  const range: ReadRange = { fromUnit: cursor.nextUnit, maxBytes: MAX_HELD, unfinished };
  if (toUnit !== undefined) range.toUnit = toUnit;
  for await (const exchange of source.exchanges(folder, range)) {
    const { exchange: number } = exchange;
    if (number <= lastExchange) continue;
    lastExchange = number;
    const sink: DeriveSink = { statement: (statement) => told.push({ type: 'statement', statement }) };
    if (rows) {
      if (options.knownFields) sink.knownFields = options.knownFields;
      sink.wantsRows = (ordinal) => rows(number, ordinal);
      sink.columns = (ordinal, columns) => told.push({ type: 'columns', ordinal, columns });
      sink.row = (ordinal, values) => told.push({ type: 'row', ordinal, values });
      sink.notice = (ordinal, notice) => told.push({ type: 'notice', ordinal, notice });
    }
    // First units come in the order of exchanges, so the next exchange begins behind this one's.
    const next: WalkCursor = { nextUnit: Math.max(exchange.firstUnit + 1, cursor.nextUnit), lastExchange };
    deriver.begin(number, exchange.statements, sink);
    if (exchange.truncated) {
      const units = { fromUnit: exchange.firstUnit, toUnit: exchange.lastUnit + 1, exchange: number };
      for await (const { direction, bytes, at } of source.pieces(folder, units)) {
        feed(deriver, direction, bytes, at);
        if (told.length === 0) continue;
        yield { exchange, told, ended: false, cursor: next };
        told = [];
      }
    } else {
      for (const { bytes, at } of exchange.up) feed(deriver, 'up', bytes, at);
      for (const { bytes, at } of exchange.down) feed(deriver, 'down', bytes, at);
    }
    deriver.end();
    yield { exchange, told, ended: true, cursor: next };
    told = [];
  }
}

function feed(deriver: SessionDeriver, direction: 'up' | 'down', bytes: Uint8Array | null, atUs: number): void {
  if (bytes === null) deriver.gap(GAP);
  else deriver[direction](bytes, atUs / 1000);
}
