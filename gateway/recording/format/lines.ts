import type { Decision } from '../../contract/decision.ts';
import type { OperationClass } from '../../contract/operation.ts';
import { fromUtf8 } from './bytes.ts';
import { FormatError } from './primitives.ts';

/** [first unit, count]. */
export type UnitRange = [first: number, count: number];

export interface LineCommon {
  v: 1;
  seq: number;
  /** Base64 of the leaf hash of the line before; empty for the first. */
  prev: string;
  /** Microseconds since the epoch. */
  t: number;
  /** Journalled records of the session that this line and those before it cover. */
  j: number;
}

/** What statements of a run have in common; named by number, defined in the line of its first use. */
export interface Shape {
  fingerprint: string;
  class: OperationClass;
  op: string;
  decision: Decision;
  /** The first ones of the objects touched, where the statement's own line does not say. */
  objects?: readonly string[];
  /** Effects.flags. */
  flags?: readonly string[];
}

/** Units and statements that a line binds. */
export interface RunPart {
  u: UnitRange;
  /** Base64 of SHA-256(h(first) ‖ … ‖ h(last)). */
  ud: string;
  /** Lowest and highest exchange with a unit, statement or end in the range; absent when there is none. */
  x?: [number, number];
  /** [shape, count, rows, errors] */
  sum?: [number, number, number, number][];
  shapes?: [number, Shape][];
  /** Texts of fingerprints at their first use: [fingerprint, first unit, count]. */
  texts?: [string, number, number][];
}

/** A statement with a line of its own. */
export interface OwnStatement {
  x: number;
  /** Number of a shape, or the shape itself when its decision is not shared with others. */
  shape: number | Shape;
  /** Where the text is; null when none was given, or it is longer than 64 KiB and in the request alone. */
  text: UnitRange | null;
  digest: string | null;
  rows: number;
  error: string | null;
  heldMs: number;
  masked: Readonly<Record<string, number>> | null;
  /** MaskedColumns; absent where there are none, and in recordings from before they were told. */
  maskedColumns?: unknown;
  objects: readonly string[];
  /** Objects left out of `objects`. */
  more?: number;
}

export interface OpenLine extends LineCommon {
  type: 'open';
  format: 'countersign-recording/1';
  sid: string;
  /** Base64 of the session's Ed25519 public key. */
  key: string;
  nonce: string;
  /** RecorderSessionInfo. */
  info: Record<string, unknown>;
}

export interface RunLine extends LineCommon, RunPart {
  type: 'run';
}

export interface StatementLine extends LineCommon, RunPart {
  type: 'statement';
  own: OwnStatement;
}

export interface EventLine extends LineCommon, Partial<RunPart> {
  type: 'event';
  name: string;
  /** The detail itself, or the units that hold it as JSON when it is longer than 16 KiB. */
  detail: Record<string, unknown> | null;
  at?: UnitRange;
  nonce: string;
}

/** Recovery goes on under a key of its own from here. */
export interface RecoveredLine extends LineCommon {
  type: 'recovered';
  key: string;
  nonce: string;
  /** The last signed head that was found, base64 root. */
  head: { size: number; root: string } | null;
  /** Lines found after that head: they rest on this device's word alone. */
  beyond: number;
  /** Bytes of torn tails that were cut from files. */
  cut: { lines: number; units: number; heads: number };
}

export interface CloseLine extends LineCommon {
  type: 'close';
  state: 'closed' | 'incomplete';
  reason: string;
  counts: {
    exchanges: number;
    statements: number;
    asked: number;
    denied: number;
    errors: number;
    rows: number;
    bytesUp: number;
    bytesDown: number;
    masked: Record<string, number>;
  };
  /** Lines before this one, and the root of the tree over them. */
  size: number;
  root: string;
  units: number;
  nonce: string;
}

export type Line = OpenLine | RunLine | StatementLine | EventLine | RecoveredLine | CloseLine;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isRange = (value: unknown): value is UnitRange =>
  Array.isArray(value) && value.length === 2 && isCount(value[0]) && isCount(value[1]);

/** Throws FormatError when the line is not one of SPEC.md's. Unknown members are kept. */
export function parseLine(bytes: Uint8Array): Line {
  let value: unknown;
  try {
    value = JSON.parse(fromUtf8(bytes));
  } catch {
    throw new FormatError('an event line is not JSON');
  }
  if (
    !isObject(value) ||
    value.v !== 1 ||
    !isCount(value.seq) ||
    !isCount(value.t) ||
    !isCount(value.j) ||
    typeof value.prev !== 'string'
  ) {
    throw new FormatError('an event line lacks what every line has');
  }
  if (value.u !== undefined || value.type === 'run' || value.type === 'statement') {
    if (!isRange(value.u) || typeof value.ud !== 'string' || (value.x !== undefined && !isRange(value.x))) {
      throw new FormatError('an event line binds units without saying which');
    }
  }
  const ok =
    value.type === 'run' ||
    (value.type === 'open' && typeof value.sid === 'string' && typeof value.key === 'string' && isObject(value.info)) ||
    (value.type === 'statement' && isObject(value.own) && isCount(value.own.x)) ||
    (value.type === 'event' && typeof value.name === 'string') ||
    (value.type === 'recovered' && typeof value.key === 'string' && isCount(value.beyond)) ||
    (value.type === 'close' &&
      (value.state === 'closed' || value.state === 'incomplete') &&
      isObject(value.counts) &&
      isCount(value.size));
  if (!ok) throw new FormatError(`an event line of type ${String(value.type).slice(0, 40)} is not complete`);
  return value as unknown as Line;
}
