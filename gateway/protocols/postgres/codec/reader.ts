import { CountersignError } from '../../../contract/errors.ts';

// ignoreBOM: a byte order mark is part of the text that the server sees, so it must not vanish.
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** UTF-8 text; what is not UTF-8 becomes U+FFFD. For names, tags and messages that are only shown. */
export function decodeLenient(bytes: Uint8Array): string {
  return lenient.decode(bytes);
}

/** UTF-8 text, or null where the bytes are not UTF-8. */
export function decodeStrict(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

export function malformed(what: string): CountersignError {
  return new CountersignError('PG_MESSAGE_MALFORMED', `malformed message: ${what}`);
}

/** Names longer than this are decoded each time. */
const SHORT = 32;
const SLOTS = 256;
const slotBytes = new Uint8Array(SLOTS * SHORT);
const slotLength = new Uint8Array(SLOTS);
const slotText: string[] = new Array(SLOTS).fill('');

/** The same few names and tags come over and over: the last text of each slot is kept. */
function shortText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  let hash = length;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
  const at = slot * SHORT;
  if (slotLength[slot] === length) {
    let same = 0;
    while (same < length && slotBytes[at + same] === bytes[start + same]) same++;
    if (same === length) return slotText[slot]!;
  }
  for (let i = 0; i < length; i++) slotBytes[at + i] = bytes[start + i]!;
  slotLength[slot] = length;
  const text = lenient.decode(bytes.subarray(start, end));
  slotText[slot] = text;
  return text;
}

/**
 * Reads the fields of one message body, bytes[position, end). Numbers are big-endian.
 * Every method throws PG_MESSAGE_MALFORMED rather than read past the end.
 */
export class Reader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  #take(count: number): number {
    const at = this.position;
    if (count < 0 || this.end - at < count) throw malformed('it ends too early');
    this.position = at + count;
    return at;
  }

  uint8(): number {
    return this.bytes[this.#take(1)]!;
  }

  uint16(): number {
    const at = this.#take(2);
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  int32(): number {
    const at = this.#take(4);
    const b = this.bytes;
    return (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** Skips `count` bytes and returns where they begin. */
  skip(count: number): number {
    return this.#take(count);
  }

  /** A view, not a copy. */
  take(count: number): Uint8Array {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }

  /** Where the next NUL lies. */
  #nul(): number {
    const { bytes, end } = this;
    // indexOf has a price of its own, which names do not repay.
    const near = Math.min(end, this.position + 2 * SHORT);
    for (let i = this.position; i < near; i++) if (bytes[i] === 0) return i;
    const nul = bytes.indexOf(0, near);
    if (nul === -1 || nul >= end) throw malformed('a string has no end');
    return nul;
  }

  /** The bytes up to the next NUL, which is passed. A view, not a copy. */
  cstringBytes(): Uint8Array {
    const nul = this.#nul();
    const view = this.bytes.subarray(this.position, nul);
    this.position = nul + 1;
    return view;
  }

  cstring(): string {
    const start = this.position;
    const nul = this.#nul();
    this.position = nul + 1;
    if (nul === start) return '';
    if (nul - start <= SHORT) return shortText(this.bytes, start, nul);
    return lenient.decode(this.bytes.subarray(start, nul));
  }

  /** A message that goes on after its last field is not what it says it is. */
  finish(): void {
    if (this.position !== this.end) throw malformed(`${this.end - this.position} bytes follow its last field`);
  }
}
