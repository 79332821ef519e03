import type { CopyShape } from '../ports.ts';
import { ByteWriter } from './byte-writer.ts';
import type { CopyRows } from './copy-masker.ts';
import { type CopyPlan, maskAt } from './plan.ts';
import { escapes, type ValueMasker } from './value-masker.ts';

const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
/** Delimiters next to which no detector decides differently: a row may be looked at as a whole first. */
const NEUTRAL = '\t,;|';

const ESCAPES: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };
const LETTERS = new Map(Object.entries(ESCAPES).map(([letter, byte]) => [byte, letter.charCodeAt(0)]));

/** COPY's text format (SQL COPY, File Formats): the server escapes every line end, so a line is a row. */
export function createTextRows(shape: CopyShape, plan: CopyPlan, values: ValueMasker): CopyRows {
  const encoder = new TextEncoder();
  const delimiter = shape.delimiter.charCodeAt(0);
  const nullText = encoder.encode(shape.null);
  const neutral = NEUTRAL.includes(shape.delimiter) && !plan.some;
  const writer = new ByteWriter(4096);
  const cell = new ByteWriter(1024);
  let header = shape.header;

  function unescaped(bytes: Uint8Array, start: number, end: number): Uint8Array {
    for (let i = start; i < end; i += 1) {
      if (bytes[i] !== BACKSLASH || i + 1 >= end) {
        cell.byte(bytes[i]!);
        continue;
      }
      i += 1;
      const byte = bytes[i]!;
      const known = ESCAPES[String.fromCharCode(byte)];
      cell.byte(known ?? byte);
    }
    return cell.take();
  }

  function writeEscaped(value: Uint8Array): void {
    for (const byte of value) {
      const letter = LETTERS.get(byte);
      if (letter !== undefined || byte === BACKSLASH || byte === delimiter) writer.byte(BACKSLASH);
      writer.byte(letter ?? byte);
    }
  }

  return {
    endOfRow(bytes, _start, from, end) {
      for (let i = from; i < end; i += 1) if (bytes[i] === NEWLINE) return i + 1;
      return -1;
    },
    mask(bytes, start, end) {
      if (header) {
        header = false;
        return undefined;
      }
      if (neutral && !escapes(bytes, start, end) && !values.finds(bytes, start, end)) return undefined;
      let kept = start;
      let position = 0;
      let at = start;
      writer.length = 0;
      const last = end - 1;
      for (;;) {
        let stop = at;
        let escaped = false;
        while (stop < last && bytes[stop] !== delimiter) {
          if (bytes[stop] === BACKSLASH) {
            escaped = true;
            stop += 1;
          }
          stop += 1;
        }
        stop = Math.min(stop, last);
        if (!equals(bytes, at, stop, nullText)) {
          const mask = maskAt(plan, position);
          const plain = escaped ? unescaped(bytes, at, stop) : null;
          const next =
            plain === null ? values.copied(mask, bytes, at, stop) : values.copied(mask, plain, 0, plain.length);
          if (next !== undefined) {
            writer.range(bytes, kept, at);
            if (next === null) writer.all(nullText);
            else writeEscaped(next);
            kept = stop;
          }
        }
        position += 1;
        if (stop === last) break;
        at = stop + 1;
      }
      if (kept === start) return undefined;
      writer.range(bytes, kept, end);
      return writer.take();
    },
  };
}

export function equals(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false;
  for (let i = 0; i < other.length; i += 1) if (bytes[start + i] !== other[i]) return false;
  return true;
}
