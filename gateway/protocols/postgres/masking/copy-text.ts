import type { CopyShape } from '../ports.ts';
import { ByteWriter } from './byte-writer.ts';
import { createPlainRows, equals } from './copy-fields.ts';
import type { CopyRows } from './copy-masker.ts';
import { type CopyPlan, maskAt } from './plan.ts';
import type { ValueMasker } from './value-masker.ts';

const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const CAPITAL_N = 0x4e;

const ESCAPES: Readonly<Record<string, number>> = { b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };
const LETTERS = new Map(Object.entries(ESCAPES).map(([letter, byte]) => [byte, letter.charCodeAt(0)]));

/** COPY's text format (SQL COPY, File Formats): the server escapes every line end, so a line is a row. */
export function createTextRows(shape: CopyShape, plan: CopyPlan, values: ValueMasker): CopyRows {
  const encoder = new TextEncoder();
  const delimiter = shape.delimiter.charCodeAt(0);
  const nullText = encoder.encode(shape.null);
  const writer = new ByteWriter(4096);
  const cell = new ByteWriter(1024);
  const plain = createPlainRows(shape.delimiter, nullText, plan, values, (value) => {
    writeEscaped(cell, value);
    return cell.take();
  });
  const usualNull = shape.null === '\\N';
  let header = shape.header;
  /** The row that is being read has an escape; the usual NULL is none. */
  let escaped = false;

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

  function writeEscaped(to: ByteWriter, value: Uint8Array): void {
    for (const byte of value) {
      const letter = LETTERS.get(byte);
      if (letter !== undefined || byte === BACKSLASH || byte === delimiter) to.byte(BACKSLASH);
      to.byte(letter ?? byte);
    }
  }

  return {
    endOfRow(bytes, _start, from, end) {
      for (let i = from; i < end; i += 1) {
        const byte = bytes[i]!;
        if (byte === NEWLINE) return i + 1;
        if (byte === BACKSLASH && !(usualNull && bytes[i + 1] === CAPITAL_N && i + 1 < end)) escaped = true;
      }
      return -1;
    },
    mask(bytes, start, end) {
      const hasEscape = escaped;
      escaped = false;
      if (header) {
        header = false;
        return undefined;
      }
      if (!hasEscape) {
        const masked = plain.mask(bytes, start, end - 1, end);
        if (masked !== null) return masked;
      }
      let kept = start;
      let changed = false;
      let position = 0;
      let at = start;
      writer.length = 0;
      const last = end - 1;
      for (;;) {
        let stop = at;
        let hasSlash = false;
        while (stop < last && bytes[stop] !== delimiter) {
          if (bytes[stop] === BACKSLASH) {
            hasSlash = true;
            stop += 1;
          }
          stop += 1;
        }
        stop = Math.min(stop, last);
        if (!equals(bytes, at, stop, nullText)) {
          values.column = position;
          const mask = maskAt(plan, position);
          const value = hasSlash ? unescaped(bytes, at, stop) : null;
          const next =
            value === null ? values.copied(mask, bytes, at, stop) : values.copied(mask, value, 0, value.length);
          if (next !== undefined) {
            writer.range(bytes, kept, at);
            if (next === null) writer.all(nullText);
            else writeEscaped(writer, next);
            kept = stop;
            changed = true;
          }
        }
        position += 1;
        if (stop === last) break;
        at = stop + 1;
      }
      if (!changed) return undefined;
      writer.range(bytes, kept, end);
      return writer.take();
    },
  };
}
