import { CountersignError } from '../../contract/errors.ts';

/**
 * DER (ITU-T X.690, section 10) as far as timestamps need it. Strict: one encoding for each value, so
 * that what was signed cannot be read in two ways; BER's other forms are refused.
 */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** [n], constructed. */
  context: (n: number) => 0xa0 | n,
  /** [n], primitive. */
  implicit: (n: number) => 0x80 | n,
} as const;

export interface Element {
  tag: number;
  /** With its header. */
  raw: Uint8Array;
  content: Uint8Array;
}

const MAX_CHILDREN = 1000;

function broken(sentence: string): CountersignError {
  return new CountersignError('DER_BROKEN', sentence);
}

function elementAt(bytes: Uint8Array, start: number): Element {
  const first = bytes[start];
  const length = bytes[start + 1];
  if (first === undefined || length === undefined) throw broken('it ends in the middle of a value');
  if ((first & 0x1f) === 0x1f) throw broken('it has a tag that no timestamp has');
  let size = length;
  let at = start + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 4) throw broken('it has a length that DER does not allow');
    size = 0;
    for (let i = 0; i < count; i += 1) size = size * 256 + (bytes[at++] ?? Number.NaN);
    if (Number.isNaN(size)) throw broken('it ends in the middle of a length');
    if (size < 0x80 || size < 256 ** (count - 1)) throw broken('it has a length that is not in its shortest form');
  }
  if (at + size > bytes.length) throw broken('it is cut short');
  return { tag: first, raw: bytes.subarray(start, at + size), content: bytes.subarray(at, at + size) };
}

/** The one element that the bytes are. */
export function readElement(bytes: Uint8Array): Element {
  const element = elementAt(bytes, 0);
  if (element.raw.length !== bytes.length) throw broken('bytes follow its end');
  return element;
}

/** The elements of a constructed value, in order. */
export function children(element: Element): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < element.content.length; ) {
    if (found.length >= MAX_CHILDREN) throw broken('it has more parts than any timestamp');
    const child = elementAt(element.content, at);
    found.push(child);
    at += child.raw.length;
  }
  return found;
}

/** The fields of a SEQUENCE, taken in order; what is left over at the end is refused. */
export class Fields {
  readonly #what: string;
  readonly #elements: Element[];
  #at = 0;

  constructor(element: Element, what: string, expected: number = tag.sequence) {
    if (element.tag !== expected) throw broken(`${what} is not what stands there`);
    this.#what = what;
    this.#elements = children(element);
  }

  take(expected: number): Element {
    const element = this.optional(expected);
    if (!element) throw broken(`a field of ${this.#what} is missing or out of order`);
    return element;
  }

  any(): Element {
    const element = this.#elements[this.#at++];
    if (!element) throw broken(`a field of ${this.#what} is missing`);
    return element;
  }

  optional(expected: number): Element | null {
    const element = this.#elements[this.#at];
    if (element?.tag !== expected) return null;
    this.#at += 1;
    return element;
  }

  /** The rest, whatever it is. */
  rest(): Element[] {
    const rest = this.#elements.slice(this.#at);
    this.#at = this.#elements.length;
    return rest;
  }

  end(): void {
    if (this.#at < this.#elements.length) throw broken(`${this.#what} has a field that does not belong there`);
  }
}

/** Dotted, as in "2.16.840.1.101.3.4.2.1". */
export function oidText(element: Element): string {
  const { content } = element;
  if (element.tag !== tag.oid || content.length === 0 || content.length > 64)
    throw broken('an object identifier is broken');
  const arcs: number[] = [];
  let value = 0;
  let begins = true;
  for (const byte of content) {
    if (begins && byte === 0x80) throw broken('an object identifier is not in its shortest form');
    value = value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER) throw broken('an object identifier is too large');
    begins = byte < 0x80;
    if (!begins) continue;
    arcs.push(value);
    value = 0;
  }
  if (!begins) throw broken('an object identifier is cut short');
  const [first = 0, ...others] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...others].join('.');
}

export function integer(element: Element): bigint {
  const { content } = element;
  const [first = 0, second = 0] = content;
  const padded = content.length > 1 && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80);
  if (content.length === 0 || content.length > 64 || padded) throw broken('a number is broken');
  return BigInt.asIntN(content.length * 8, BigInt(`0x${Buffer.from(content).toString('hex')}`));
}

export function boolean(element: Element): boolean {
  const [value] = element.content;
  if (element.content.length !== 1 || (value !== 0 && value !== 0xff)) throw broken('a truth value is broken');
  return value === 0xff;
}

const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?Z$/;

/** Milliseconds since the epoch of a GeneralizedTime, as RFC 3161 section 2.4.2 restricts it: UTC, no trailing zeros. */
export function generalizedTime(element: Element): number {
  const text = Buffer.from(element.content).toString('latin1');
  const parts = TIME.exec(text);
  if (element.tag !== tag.generalizedTime || !parts || parts[7]?.endsWith('0')) throw broken(`its time is broken`);
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(at);
  const same = back.getUTCMonth() === month - 1 && back.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  if (!same || year < 1970) throw broken('its time is no time');
  return at + Math.floor(Number(`0.${parts[7] ?? '0'}`) * 1000);
}

// ---- writing, for requests ------------------------------------------------------------------

export function encode(tagByte: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tagByte, ...header), content]);
}

/** A positive INTEGER of these big-endian bytes. */
export function encodeInteger(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const body = bytes.subarray(start);
  return encode(tag.integer, ...((body[0] ?? 0) >= 0x80 ? [Uint8Array.of(0)] : []), body);
}

export function encodeOid(text: string): Uint8Array {
  const [first = 0, second = 0, ...others] = text.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...others]) {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left % 128) | 0x80);
    bytes.push(...groups);
  }
  return encode(tag.oid, Uint8Array.from(bytes));
}
