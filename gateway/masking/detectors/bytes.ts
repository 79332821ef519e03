/**
 * Byte classes and comparisons for the detectors. Detectors work on the bytes of UTF-8 text without
 * decoding it: every pattern is ASCII, and a byte above 0x7f counts as part of a word.
 */

export const DIGIT = 1;
export const UPPER = 2;
export const LOWER = 4;
const HIGH = 8;
const UNDERSCORE = 16;
export const HEX = 32;
/** Characters of an e-mail's local part beside letters and digits. */
const LOCAL = 64;
/** Characters of a URL's user information and authority. */
const SPACE_OR_QUOTE = 128;

export const CLASS: Uint8Array = (() => {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let bits = 0;
    if (byte >= 0x30 && byte <= 0x39) bits |= DIGIT | HEX;
    if (byte >= 0x41 && byte <= 0x5a) bits |= UPPER;
    if (byte >= 0x61 && byte <= 0x7a) bits |= LOWER;
    if ((byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)) bits |= HEX;
    if (byte > 0x7f) bits |= HIGH;
    if (byte === 0x5f) bits |= UNDERSCORE;
    if ('.%+-'.includes(String.fromCharCode(byte))) bits |= LOCAL;
    if (byte <= 0x20 || '"\'`<>{}\\'.includes(String.fromCharCode(byte))) bits |= SPACE_OR_QUOTE;
    table[byte] = bits;
  }
  return table;
})();

export const isDigit = (byte: number) => (CLASS[byte]! & DIGIT) !== 0;
export const isUpper = (byte: number) => (CLASS[byte]! & UPPER) !== 0;
export const isLetter = (byte: number) => (CLASS[byte]! & (UPPER | LOWER)) !== 0;
export const isAlnum = (byte: number) => (CLASS[byte]! & (DIGIT | UPPER | LOWER)) !== 0;
/** Letters, digits, underscore and anything above ASCII: what a finding must not touch. */
export const isWord = (byte: number) => (CLASS[byte]! & (DIGIT | UPPER | LOWER | HIGH | UNDERSCORE)) !== 0;
export const isHex = (byte: number) => (CLASS[byte]! & HEX) !== 0;
export const isLocalPart = (byte: number) => (CLASS[byte]! & (DIGIT | UPPER | LOWER | HIGH | UNDERSCORE | LOCAL)) !== 0;
export const isSpaceOrQuote = (byte: number) => (CLASS[byte]! & SPACE_OR_QUOTE) !== 0;
/** base64url, as in tokens. */
export const isTokenByte = (byte: number) =>
  (CLASS[byte]! & (DIGIT | UPPER | LOWER | UNDERSCORE)) !== 0 || byte === 0x2d;

/** True when the ASCII `text` stands at `at`, all of it before `end`. */
export function startsAt(bytes: Uint8Array, at: number, end: number, text: string): boolean {
  if (at < 0 || at + text.length > end) return false;
  for (let i = 0; i < text.length; i += 1) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** As startsAt, and the text may be in any case; `lower` must be lower-case ASCII letters, digits or marks. */
export function startsAtIgnoringCase(bytes: Uint8Array, at: number, end: number, lower: string): boolean {
  if (at < 0 || at + lower.length > end) return false;
  for (let i = 0; i < lower.length; i += 1) {
    let byte = bytes[at + i]!;
    if (isUpper(byte)) byte |= 0x20;
    if (byte !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** ASCII text of a short range; only for validators, never for whole values. */
export function ascii(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i += 1) text += String.fromCharCode(bytes[i]!);
  return text;
}
