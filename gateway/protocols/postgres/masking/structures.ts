import { ByteWriter, readInt32 } from './byte-writer.ts';

/**
 * Walks over values that hold values. Each hands every element to `leaf` and rebuilds the whole
 * around what comes back: `undefined` leaves an element as it is, null makes it NULL.
 * They return `undefined` when nothing changed, and null (SQL NULL) for what they cannot read:
 * a structure that is not understood is not let through.
 */
export type Replacement = Uint8Array | null | undefined;
export type Leaf = (value: Uint8Array, oid: number) => Replacement;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function isNullWord(bytes: Uint8Array): boolean {
  return (
    bytes.length === 4 &&
    (bytes[0]! | 0x20) === 0x6e &&
    (bytes[1]! | 0x20) === 0x75 &&
    (bytes[2]! | 0x20) === 0x6c &&
    (bytes[3]! | 0x20) === 0x6c
  );
}

/** As array_out quotes (Array Input and Output Syntax). */
function writeArrayElement(writer: ByteWriter, value: Uint8Array): void {
  let plain = value.length > 0 && !isNullWord(value);
  for (let i = 0; i < value.length && plain; i += 1) {
    const byte = value[i]!;
    plain = byte !== QUOTE && byte !== BACKSLASH && byte !== COMMA && byte !== 0x7b && byte !== 0x7d && !isSpace(byte);
  }
  if (plain) {
    writer.all(value);
    return;
  }
  writer.byte(QUOTE);
  for (const byte of value) {
    if (byte === QUOTE || byte === BACKSLASH) writer.byte(BACKSLASH);
    writer.byte(byte);
  }
  writer.byte(QUOTE);
}

/** An array as text, of any number of dimensions, with or without its bounds. */
export function mapArrayText(bytes: Uint8Array, start: number, end: number, oid: number, leaf: Leaf): Replacement {
  const writer = new ByteWriter(end - start + 64);
  const unescaped = new ByteWriter(64);
  let i = start;
  while (i < end && bytes[i] !== 0x7b) i += 1;
  if (i === end) return null;
  writer.range(bytes, start, i);
  let changed = false;
  let depth = 0;
  while (i < end) {
    const byte = bytes[i]!;
    if (byte === 0x7b || byte === 0x7d || byte === COMMA || isSpace(byte)) {
      depth += byte === 0x7b ? 1 : byte === 0x7d ? -1 : 0;
      if (depth < 0) return null;
      writer.byte(byte);
      i += 1;
      continue;
    }
    const from = i;
    const quoted = byte === QUOTE;
    if (quoted) i += 1;
    while (i < end && (quoted ? bytes[i] !== QUOTE : bytes[i] !== COMMA && bytes[i] !== 0x7d)) {
      if (bytes[i] === BACKSLASH) i += 1;
      if (i < end) unescaped.byte(bytes[i]!);
      i += 1;
    }
    if (i >= end) return null;
    if (quoted) i += 1;
    const value = unescaped.take();
    const next = !quoted && isNullWord(value) ? undefined : leaf(value, oid);
    if (next === undefined) writer.range(bytes, from, i);
    else {
      changed = true;
      if (next === null) for (const letter of 'NULL') writer.byte(letter.charCodeAt(0));
      else writeArrayElement(writer, next);
    }
  }
  if (depth !== 0) return null;
  return changed ? writer.take() : undefined;
}

/** An array as array_send writes it: dimensions, NULL flag, element type, bounds, elements. */
export function mapArrayBinary(bytes: Uint8Array, start: number, end: number, leaf: Leaf): Replacement {
  if (end - start < 12) return null;
  const dimensions = readInt32(bytes, start);
  const oid = readInt32(bytes, start + 8) >>> 0;
  // MAXDIM of the server.
  if (dimensions < 0 || dimensions > 6) return null;
  let i = start + 12 + dimensions * 8;
  if (i > end) return null;
  const writer = new ByteWriter(end - start + 64);
  writer.range(bytes, start, i);
  let changed = false;
  let nulls = readInt32(bytes, start + 4);
  while (i < end) {
    if (i + 4 > end) return null;
    const length = readInt32(bytes, i);
    i += 4;
    if (length < -1 || (length > 0 && i + length > end)) return null;
    const next = length === -1 ? undefined : leaf(bytes.subarray(i, i + length), oid);
    if (next === undefined) writer.range(bytes, i - 4, i + Math.max(0, length));
    else if (next === null) {
      changed = true;
      nulls = 1;
      writer.int32(-1);
    } else {
      changed = true;
      writer.int32(next.length);
      writer.all(next);
    }
    i += Math.max(0, length);
  }
  writer.patchInt32(4, nulls);
  return changed ? writer.take() : undefined;
}

/** As record_out quotes: quotes and backslashes are doubled; an empty field is NULL. */
function writeField(writer: ByteWriter, value: Uint8Array): void {
  let plain = value.length > 0;
  for (let i = 0; i < value.length && plain; i += 1) {
    const byte = value[i]!;
    plain = byte !== QUOTE && byte !== BACKSLASH && byte !== COMMA && byte !== 0x28 && byte !== 0x29 && !isSpace(byte);
  }
  if (plain) {
    writer.all(value);
    return;
  }
  writer.byte(QUOTE);
  for (const byte of value) {
    if (byte === QUOTE || byte === BACKSLASH) writer.byte(byte);
    writer.byte(byte);
  }
  writer.byte(QUOTE);
}

/** A composite value as text; the types of its fields are not in it, so `leaf` gets OID 0. */
export function mapRecordText(bytes: Uint8Array, start: number, end: number, leaf: Leaf): Replacement {
  if (end - start < 2 || bytes[start] !== 0x28 || bytes[end - 1] !== 0x29) return null;
  const writer = new ByteWriter(end - start + 64);
  const unescaped = new ByteWriter(64);
  writer.byte(0x28);
  let changed = false;
  let i = start + 1;
  const close = end - 1;
  for (;;) {
    const from = i;
    let quoted = false;
    let empty = true;
    while (i < close) {
      const byte = bytes[i]!;
      if (byte === QUOTE) {
        empty = false;
        if (quoted && bytes[i + 1] === QUOTE && i + 1 < close) {
          unescaped.byte(QUOTE);
          i += 2;
          continue;
        }
        quoted = !quoted;
        i += 1;
        continue;
      }
      if (byte === COMMA && !quoted) break;
      empty = false;
      if (byte === BACKSLASH) i += 1;
      if (i < close) unescaped.byte(bytes[i]!);
      i += 1;
    }
    if (quoted || i > close) return null;
    const value = unescaped.take();
    const next = empty ? undefined : leaf(value, 0);
    if (next === undefined) writer.range(bytes, from, i);
    else {
      changed = true;
      if (next !== null) writeField(writer, next);
    }
    if (i === close) break;
    writer.byte(COMMA);
    i += 1;
  }
  writer.byte(0x29);
  return changed ? writer.take() : undefined;
}

/** A composite value as record_send writes it: field count, then type OID, length and bytes of each. */
export function mapRecordBinary(bytes: Uint8Array, start: number, end: number, leaf: Leaf): Replacement {
  if (end - start < 4) return null;
  const writer = new ByteWriter(end - start + 64);
  writer.range(bytes, start, start + 4);
  let changed = false;
  let i = start + 4;
  while (i < end) {
    if (i + 8 > end) return null;
    const oid = readInt32(bytes, i) >>> 0;
    const length = readInt32(bytes, i + 4);
    i += 8;
    if (length < -1 || (length > 0 && i + length > end)) return null;
    const next = length === -1 ? undefined : leaf(bytes.subarray(i, i + length), oid);
    if (next === undefined) writer.range(bytes, i - 8, i + Math.max(0, length));
    else {
      changed = true;
      writer.range(bytes, i - 8, i - 4);
      writer.int32(next === null ? -1 : next.length);
      if (next !== null) writer.all(next);
    }
    i += Math.max(0, length);
  }
  return changed ? writer.take() : undefined;
}
