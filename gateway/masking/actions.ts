import type { Entity, MaskAction } from '../contract/connection.ts';
import { isAlnum, isDigit, isLetter, isUpper } from './detectors/bytes.ts';
import { ibanChecksum } from './detectors/validators.ts';
import { KeyedBytes } from './keyed-bytes.ts';

/**
 * What is put in place of a sensitive text. All of it is ASCII without quotes, backslashes, commas,
 * braces or line ends, apart from those separators of the value itself that partial and stand-in keep.
 */
export interface MaskActions {
  /** @param value UTF-8 text. The result may be shared: it is never to be written to. */
  apply(action: MaskAction, entity: Entity, value: Uint8Array): Uint8Array;
  readonly key: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const STAR = 0x2a;
/** Below this many letters and digits, four of them are too large a part to show. */
const LEAST_FOR_PARTIAL = 8;

const markers = new Map<Entity, Uint8Array>();

/** The text that stands for a redacted value: "[EMAIL_ADDRESS]". */
export function marker(entity: Entity): Uint8Array {
  let bytes = markers.get(entity);
  if (bytes === undefined) {
    bytes = encoder.encode(`[${entity}]`);
    markers.set(entity, bytes);
  }
  return bytes;
}

/** Entities of which no part may be shown and no look-alike is of use. */
const ALWAYS_WHOLE: ReadonlySet<Entity> = new Set(['JWT', 'PRIVATE_KEY', 'CONNECTION_STRING', 'IP_ADDRESS']);

/** Last four letters or digits; what stands between them stays. E-mail: first letter and top-level domain. */
function partial(entity: Entity, value: Uint8Array): Uint8Array {
  if (ALWAYS_WHOLE.has(entity)) return marker(entity);
  if (entity === 'EMAIL_ADDRESS') return partialEmail(value);
  let characters = 0;
  for (const byte of value) if (isAlnum(byte)) characters += 1;
  const shown = characters >= LEAST_FOR_PARTIAL ? 4 : 0;
  if (entity === 'CREDIT_CARD' || entity === 'IBAN_CODE' || entity === 'PHONE_NUMBER' || entity === 'US_SSN') {
    const out = new Uint8Array(value.length);
    let seen = 0;
    for (let i = value.length - 1; i >= 0; i -= 1) {
      const byte = value[i]!;
      if (isAlnum(byte)) seen += 1;
      const separator =
        byte === 0x20 || byte === 0x2d || byte === 0x2e || byte === 0x28 || byte === 0x29 || byte === 0x2b;
      out[i] = separator || (isAlnum(byte) && seen <= shown) ? byte : STAR;
    }
    return out;
  }
  const text = Array.from(decoder.decode(value));
  if (text.length < LEAST_FOR_PARTIAL) return encoder.encode('****');
  return encoder.encode(`****${text.slice(-4).join('')}`);
}

function partialEmail(value: Uint8Array): Uint8Array {
  const text = decoder.decode(value);
  const match = /^[A-Za-z0-9][^@\s]*@[^@\s]*\.([A-Za-z]{2,24})$/.exec(text);
  if (match === null) return marker('EMAIL_ADDRESS');
  return encoder.encode(`${text[0]}***@***.${match[1]}`);
}

function hash(key: Uint8Array, entity: Entity, value: Uint8Array): Uint8Array {
  return encoder.encode(new KeyedBytes(key, `hash ${entity}`, value).hex(16));
}

/** Digits become digits and letters letters of their case; what is above ASCII becomes x, the rest stays. */
function lookAlike(source: KeyedBytes, value: Uint8Array): Uint8Array {
  const out = new Uint8Array(value.length);
  let length = 0;
  for (const byte of value) {
    if (isDigit(byte)) out[length] = 0x30 + source.below(10);
    else if (isLetter(byte)) out[length] = (isUpper(byte) ? 0x41 : 0x61) + source.below(26);
    // One x a character: continuation bytes of UTF-8 are left out.
    else if (byte > 0x7f && (byte & 0xc0) !== 0xc0) continue;
    else out[length] = byte > 0x7f ? 0x78 : byte;
    length += 1;
  }
  return out.subarray(0, length);
}

function positions(value: Uint8Array, wanted: (byte: number) => boolean): number[] {
  const found: number[] = [];
  for (let i = 0; i < value.length; i += 1) if (wanted(value[i]!)) found.push(i);
  return found;
}

/** Same first digit, and the check digit that Luhn's formula asks for. */
function standInCard(source: KeyedBytes, value: Uint8Array): Uint8Array {
  const out = lookAlike(source, value);
  const digits = positions(value, isDigit);
  if (digits.length < 2 || out.length !== value.length) return out;
  out[digits[0]!] = value[digits[0]!]!;
  let sum = 0;
  for (let i = digits.length - 2, double = true; i >= 0; i -= 1, double = !double) {
    const digit = out[digits[i]!]! - 0x30;
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  out[digits.at(-1)!] = 0x30 + ((10 - (sum % 10)) % 10);
  return out;
}

/** Area 9xx with a group below 50: never issued, and no taxpayer number either. */
function standInSsn(source: KeyedBytes, value: Uint8Array): Uint8Array {
  const out = lookAlike(source, value);
  const digits = positions(value, isDigit);
  if (digits.length !== 9 || out.length !== value.length) return out;
  out[digits[0]!] = 0x39;
  out[digits[3]!] = 0x30 + source.below(5);
  return out;
}

/** Same country, letters for letters, with the check digits that ISO 7064 asks for. */
function standInIban(source: KeyedBytes, value: Uint8Array): Uint8Array {
  const out = lookAlike(source, value);
  const places = positions(value, isAlnum);
  if (places.length < 15 || out.length !== value.length) return out;
  out[places[0]!] = value[places[0]!]!;
  out[places[1]!] = value[places[1]!]!;
  out[places[2]!] = 0x30;
  out[places[3]!] = 0x30;
  const check = 98 - ibanChecksum(places.map((at) => String.fromCharCode(out[at]!)).join(''));
  out[places[2]!] = 0x30 + Math.floor(check / 10);
  out[places[3]!] = 0x30 + (check % 10);
  return out;
}

/** Keeps the value's format; the same value always gets the same stand-in under one key. */
function standIn(key: Uint8Array, entity: Entity, value: Uint8Array): Uint8Array {
  const source = new KeyedBytes(key, `stand-in ${entity}`, value);
  switch (entity) {
    case 'EMAIL_ADDRESS':
      // RFC 2606: .invalid never resolves.
      return encoder.encode(`user-${source.hex(10)}@example.invalid`);
    case 'CREDIT_CARD':
      return standInCard(source, value);
    case 'US_SSN':
      return standInSsn(source, value);
    case 'IBAN_CODE':
      return standInIban(source, value);
    case 'IP_ADDRESS':
      return encoder.encode(
        value.includes(0x3a)
          ? `2001:db8:${source.hex(4)}:${source.hex(4)}:${source.hex(4)}:${source.hex(4)}:${source.hex(4)}:${source.hex(4)}`
          : `240.${source.byte()}.${source.byte()}.${source.byte()}`,
      );
    case 'JWT':
    case 'PRIVATE_KEY':
    case 'CONNECTION_STRING':
      return marker(entity);
    default:
      return lookAlike(source, value);
  }
}

/** @param key 32 bytes, one per connection: without it hashes and stand-ins could be reversed by trying. */
export function createMaskActions(key: Uint8Array): MaskActions {
  return {
    key,
    apply(action, entity, value) {
      switch (action) {
        case 'redact':
          return marker(entity);
        case 'partial':
          return partial(entity, value);
        case 'hash':
          return hash(key, entity, value);
        case 'stand-in':
          return standIn(key, entity, value);
      }
    },
  };
}
