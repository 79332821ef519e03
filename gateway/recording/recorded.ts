import type { z } from 'zod';
import type { SessionState } from '../contract/session.ts';
import type { RecorderSessionInfo, StatementSummary } from '../pipeline/ports.ts';

/** What the reader gives back of a recording. Times are microseconds since the epoch, as the gateway's clock had them. */

export type RecordedState = z.infer<typeof SessionState>;

export interface RecordedCounts {
  exchanges: number;
  statements: number;
  asked: number;
  denied: number;
  errors: number;
  rows: number;
  bytesUp: number;
  bytesDown: number;
  /** Masked values by entity. */
  masked: Readonly<Record<string, number>>;
}

export interface RecordedClose {
  at: number;
  reason: string;
  counts: RecordedCounts;
}

export interface RecordedSession {
  id: string;
  folder: string;
  /** incomplete: closed by recovery after a crash. open: no close event (yet). */
  state: RecordedState;
  info: RecorderSessionInfo;
  /** null while the session is open. */
  close: RecordedClose | null;
}

/** One unit: bytes of one direction of one exchange as they were handed to the recorder, at most 32 KiB. */
export interface RecordedPiece {
  /** Index of the unit in the session. */
  unit: number;
  at: number;
  /** null: redacted, or damaged. */
  bytes: Uint8Array | null;
}

/** A statement as recorded. `text` is null where it is neither own nor the first of its fingerprint, or was redacted. */
export interface RecordedStatement extends StatementSummary {
  exchange: number;
}

export interface RecordedExchange {
  /** Number given by the protocol, from 0. */
  exchange: number;
  up: RecordedPiece[];
  down: RecordedPiece[];
  statements: RecordedStatement[];
  startedAt: number;
  endedAt: number;
  /** false: still running, or cut off by a crash. */
  complete: boolean;
  /** First and last unit, for `ReadRange.fromUnit`. */
  firstUnit: number;
  lastUnit: number;
  /** Bytes were left out because of `maxBytes`; `pieces` streams all of them. */
  truncated: boolean;
  /** A unit, or the line that binds it, does not match its digest or cannot be read. */
  damaged: boolean;
  bytesUp: number;
  bytesDown: number;
}

/** Something that is not an exchange, as given to SessionRecorder.event(); in the order of the log. */
export interface RecordedEvent {
  seq: number;
  at: number;
  type: string;
  detail: Record<string, unknown>;
}

export interface ReadRange {
  /** Start at the exchange whose first unit this is (or the next that begins after it). Default 0. */
  fromUnit?: number;
  /** Give exchanges that begin before this unit only. */
  toUnit?: number;
  /** Bytes kept per exchange, both directions together; default 64 MiB. */
  maxBytes?: number;
  /** Also give exchanges that have not ended (at the end of the recording). Default true. */
  unfinished?: boolean;
}

/** A piece with the exchange and direction it belongs to, for streams too large to hold. */
export interface StreamedPiece extends RecordedPiece {
  exchange: number;
  direction: 'up' | 'down';
}
