import { ByteWriter } from './byte-writer.ts';
import type { Replacement } from './structures.ts';

/** What to do with the leaves of a JSON text; `undefined` leaves one as it is. */
export interface JsonLeaves {
  /** @param value the string's own UTF-8, escapes resolved. Returns the string to put instead. */
  string(value: Uint8Array, isKey: boolean): Uint8Array | undefined;
  /** A number or true or false, as written. Returns JSON to put instead. */
  scalar(value: Uint8Array): Uint8Array | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const QUOTE = 0x22;

function isStructure(byte: number): boolean {
  return (
    byte <= 0x20 || byte === 0x7b || byte === 0x7d || byte === 0x5b || byte === 0x5d || byte === 0x2c || byte === 0x3a
  );
}

/**
 * Rewrites the leaves of a JSON text (RFC 8259) and keeps the rest byte for byte. One pass, no recursion.
 * Returns null for a text whose strings do not end or do not parse.
 */
export function mapJson(bytes: Uint8Array, start: number, end: number, leaves: JsonLeaves): Replacement {
  const writer = new ByteWriter(end - start + 64);
  let changed = false;
  let i = start;
  while (i < end) {
    const from = i;
    const byte = bytes[i]!;
    if (isStructure(byte)) {
      while (i < end && isStructure(bytes[i]!)) i += 1;
      writer.range(bytes, from, i);
      continue;
    }
    if (byte !== QUOTE) {
      while (i < end && !isStructure(bytes[i]!) && bytes[i] !== QUOTE) i += 1;
      const next = leaves.scalar(bytes.subarray(from, i));
      if (next === undefined) writer.range(bytes, from, i);
      else writer.all(next);
      changed ||= next !== undefined;
      continue;
    }
    let escaped = false;
    i += 1;
    while (i < end && bytes[i] !== QUOTE) {
      if (bytes[i] === 0x5c) {
        escaped = true;
        i += 1;
      }
      i += 1;
    }
    if (i >= end) return null;
    i += 1;
    const value = escaped ? unescapedString(bytes, from, i) : bytes.subarray(from + 1, i - 1);
    if (value === null) return null;
    let after = i;
    while (after < end && bytes[after]! <= 0x20) after += 1;
    const next = leaves.string(value, bytes[after] === 0x3a && after < end);
    if (next === undefined) writer.range(bytes, from, i);
    else writer.all(quote(next));
    changed ||= next !== undefined;
  }
  return changed ? writer.take() : undefined;
}

function unescapedString(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  try {
    return encoder.encode(String(JSON.parse(decoder.decode(bytes.subarray(start, end)))));
  } catch {
    return null;
  }
}

/** A JSON string of UTF-8 text. */
export function quote(value: Uint8Array): Uint8Array {
  return encoder.encode(JSON.stringify(decoder.decode(value)));
}
