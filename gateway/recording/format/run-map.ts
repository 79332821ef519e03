import { FormatError } from './primitives.ts';

/**
 * A run's map (SPEC.md, "Run maps"): for each unit of the run, in order and without the map itself,
 * the exchange it belongs to, and between them what statements the exchanges had and where they ended.
 * It is a unit, so the run's digest binds it.
 */
export type MapEntry =
  | { kind: 'up' | 'down'; exchange: number; begins: boolean }
  | { kind: 'detail' }
  | { kind: 'end'; exchange: number }
  | {
      kind: 'statement';
      exchange: number;
      shape: number;
      rows: number;
      /** JSON of what is rarely there: {error, heldMs, masked, maskedColumns, digest}. */
      extra: string | null;
    };

const UP = 0;
const DOWN = 1;
const BEGIN_UP = 2;
const STATEMENT = 3;
const STATEMENT_EXTRA = 4;
const END = 5;
const DETAIL = 6;
const BEGIN_DOWN = 7;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Appends entries to one reused buffer; the caller cuts the run before `capacity` is reached. */
export class MapWriter {
  bytes: Uint8Array;
  length = 0;
  private last = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
  }

  reset(): void {
    this.length = 0;
    this.last = 0;
  }

  private room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  private varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  private tag(exchange: number, code: number): void {
    this.room(32);
    const delta = exchange - this.last;
    this.last = exchange;
    this.varint((delta < 0 ? -2 * delta - 1 : 2 * delta) * 8 + code);
  }

  unit(exchange: number, down: boolean, begins: boolean): void {
    this.tag(exchange, begins ? (down ? BEGIN_DOWN : BEGIN_UP) : down ? DOWN : UP);
  }

  detail(): void {
    this.tag(this.last, DETAIL);
  }

  end(exchange: number): void {
    this.tag(exchange, END);
  }

  statement(exchange: number, shape: number, rows: number, extra: string | null): void {
    this.tag(exchange, extra === null ? STATEMENT : STATEMENT_EXTRA);
    this.varint(shape);
    this.varint(rows);
    if (extra === null) return;
    const bytes = encoder.encode(extra);
    this.room(bytes.length + 16);
    this.varint(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}

/** What a map says, entry by entry; `extra` is JSON in UTF-8, or null. */
export interface MapVisitor {
  unit(exchange: number, direction: 'up' | 'down', begins: boolean): void;
  detail(): void;
  statement(exchange: number, shape: number, rows: number, extra: string | null): void;
  end(exchange: number): void;
}

/** Reads the whole map; throws FormatError on what is not in the form that SPEC.md gives it. */
export function walkMap(bytes: Uint8Array, visitor: MapVisitor): void {
  const { length } = bytes;
  let offset = 0;
  let last = 0;
  const varint = (): number => {
    const first = bytes[offset];
    if (first !== undefined && first < 128) {
      offset += 1;
      return first;
    }
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = bytes[offset++];
      if (byte === undefined) throw new FormatError('a map is cut short');
      value += (byte & 127) * factor;
      if (value > Number.MAX_SAFE_INTEGER) throw new FormatError('a map holds a number out of range');
      if (byte < 128) {
        if (byte === 0 && factor > 1) throw new FormatError('a map holds a number that is not in shortest form');
        return value;
      }
      factor *= 128;
    }
  };
  while (offset < length) {
    const tag = varint();
    const code = tag % 8;
    const zigzag = Math.floor(tag / 8);
    last += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    if (last < 0) throw new FormatError('a map names an exchange below zero');
    if (code === UP || code === BEGIN_UP) visitor.unit(last, 'up', code === BEGIN_UP);
    else if (code === DOWN || code === BEGIN_DOWN) visitor.unit(last, 'down', code === BEGIN_DOWN);
    else if (code === END) visitor.end(last);
    else if (code === DETAIL) visitor.detail();
    else {
      const shape = varint();
      const rows = varint();
      let extra: string | null = null;
      if (code === STATEMENT_EXTRA) {
        const size = varint();
        if (offset + size > length) throw new FormatError('a map is cut short');
        try {
          extra = decoder.decode(bytes.subarray(offset, offset + size));
        } catch {
          throw new FormatError('a map holds bytes that are not UTF-8');
        }
        offset += size;
      }
      visitor.statement(last, shape, rows, extra);
    }
  }
}

/** Throws FormatError. */
export function parseMap(bytes: Uint8Array): MapEntry[] {
  const entries: MapEntry[] = [];
  walkMap(bytes, {
    unit: (exchange, kind, begins) => entries.push({ kind, exchange, begins }),
    detail: () => entries.push({ kind: 'detail' }),
    statement: (exchange, shape, rows, extra) => entries.push({ kind: 'statement', exchange, shape, rows, extra }),
    end: (exchange) => entries.push({ kind: 'end', exchange }),
  });
  return entries;
}

/** How many units a map names; throws FormatError where parseMap does. */
export function countMapped(bytes: Uint8Array): number {
  let units = 0;
  const one = () => {
    units += 1;
  };
  walkMap(bytes, { unit: one, detail: one, statement: ignore, end: ignore });
  return units;
}

function ignore(): void {}
