import type { Entity } from '../../contract/connection.ts';

/** Something sensitive in a text: bytes [start, end) of the buffer that was scanned. */
export interface Finding {
  start: number;
  end: number;
  entity: Entity;
  /** 0 to 1. */
  score: number;
}

/** What is known of a value beside its bytes, mostly from its column's name; raises scores of bare numbers. */
export interface Hints {
  ssn: boolean;
  phone: boolean;
  card: boolean;
}

export const NO_HINTS: Hints = { ssn: false, phone: false, card: false };

export function hintsOfName(name: string): Hints {
  return {
    ssn: /ssn|social|tax_?id/i.test(name),
    phone: /phone|mobile|(^|_)(tel|cell|fax)/i.test(name),
    card: /card|credit|(^|_)(cc|pan)(_|$)/i.test(name),
  };
}

/** Where detectors put what they found. Findings come in order and never overlap. */
export interface Sink {
  add(entity: Entity, start: number, end: number, score: number): boolean;
  /** End of the last finding: nothing may begin before it. */
  readonly last: number;
}

/** The range that a detector may look at: `context` ≤ `start` ≤ `end`; what stands before `start` is context only. */
export interface Range {
  bytes: Uint8Array;
  context: number;
  start: number;
  end: number;
  hints: Hints;
}
