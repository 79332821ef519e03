import { isAlnum, isDigit, isLetter, isWord, startsAtIgnoringCase } from './bytes.ts';
import type { Range, Sink } from './findings.ts';
import { cardIssuer, luhnValid, ssnValid } from './validators.ts';

/**
 * Card numbers, social security numbers, phone numbers and IPv4 addresses: all are groups of digits
 * joined by single separators. A group is read once and its runs are matched by their lengths, so
 * the work is linear: at most MAX_RUNS runs are kept, and each is the start of at most one match.
 */

const MAX_RUNS = 64;
/** How far before a number a word counts as its context. */
const CONTEXT_BYTES = 40;
const SPACE = 0x20;
const DASH = 0x2d;
const DOT = 0x2e;

const SSN_WORDS = ['ssn', 'social sec', 'social_sec', 'socialsec'];
const PHONE_WORDS = ['phone', 'mobile', 'tel:', 'tel ', 'call ', 'fax', 'cell'];
const CARD_WORDS = ['card', 'credit', 'visa', 'mastercard', 'amex'];

const runStart = new Int32Array(MAX_RUNS);
const runLength = new Int32Array(MAX_RUNS);
/** Separator before the run: 0 for none, 0x29 for ')' with or without a space. */
const runSeparator = new Uint8Array(MAX_RUNS);

function hasContext(range: Range, at: number, words: readonly string[]): boolean {
  const from = Math.max(range.context, at - CONTEXT_BYTES);
  for (let i = from; i < at; i += 1) {
    for (const word of words) if (startsAtIgnoringCase(range.bytes, i, at, word)) return true;
  }
  return false;
}

function number(bytes: Uint8Array, start: number, length: number): number {
  let value = 0;
  for (let i = start; i < start + length; i += 1) value = value * 10 + bytes[i]! - 0x30;
  return value;
}

/** First six digits of a card, separators skipped. */
function issuerPrefix(bytes: Uint8Array, start: number): number {
  let value = 0;
  let digits = 0;
  for (let i = start; digits < 6; i += 1) {
    if (!isDigit(bytes[i]!)) continue;
    value = value * 10 + bytes[i]! - 0x30;
    digits += 1;
  }
  return value;
}

function lengthsAre(run: number, count: number, lengths: readonly number[]): boolean {
  if (run + lengths.length > count) return false;
  const separator = runSeparator[run + 1];
  for (let i = 0; i < lengths.length; i += 1) {
    if (runLength[run + i] !== lengths[i]) return false;
    if (i > 1 && runSeparator[run + i] !== separator) return false;
  }
  return separator === SPACE || separator === DASH || separator === DOT;
}

const CARD_SHAPES: ReadonlyArray<readonly number[]> = [
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
  [4, 4, 4, 4, 3],
];
const SSN_SHAPE = [3, 2, 4] as const;
const PHONE_SHAPE = [3, 3, 4] as const;

/** A match must not be a piece of something longer: on both sides the group ends or a space stands. */
function standsAlone(run: number, runs: number, count: number): boolean {
  const before = runSeparator[run]!;
  const after = run + runs < count ? runSeparator[run + runs]! : 0;
  return (before === 0 || before === SPACE || before === 0x29) && (after === 0 || after === SPACE);
}

function endOf(run: number): number {
  return runStart[run]! + runLength[run]!;
}

/** @returns how many runs the finding took, 0 when none begins at this one. */
function matchAt(range: Range, run: number, count: number, sink: Sink): number {
  const { bytes, hints } = range;
  const start = runStart[run]!;
  const length = runLength[run]!;
  // Dates, times and small numbers leave here: no shape begins like them.
  const next = run + 1 < count ? runLength[run + 1] : 0;
  if (length < 9 && !(length === 3 && (next === 2 || next === 3)) && !(length === 4 && (next === 4 || next === 6)))
    return 0;
  if (length >= 12 && length <= 19 && standsAlone(run, 1, count)) {
    if (cardIssuer(issuerPrefix(bytes, start), length) && luhnValid(bytes, start, start + length)) {
      const known = hints.card || hasContext(range, start, CARD_WORDS);
      const base = length === 16 || length === 15 ? 0.75 : length === 14 ? 0.55 : 0.3;
      if (sink.add('CREDIT_CARD', start, start + length, known ? base + 0.25 : base)) return 1;
    }
    return 0;
  }
  for (const shape of CARD_SHAPES) {
    if (!lengthsAre(run, count, shape) || !standsAlone(run, shape.length, count)) continue;
    const end = endOf(run + shape.length - 1);
    const digits = shape.reduce((sum, n) => sum + n, 0);
    if (!cardIssuer(issuerPrefix(bytes, start), digits) || !luhnValid(bytes, start, end)) continue;
    if (sink.add('CREDIT_CARD', start, end, 1)) return shape.length;
  }
  if (lengthsAre(run, count, SSN_SHAPE) && standsAlone(run, 3, count)) {
    const valid = ssnValid(
      number(bytes, start, 3),
      number(bytes, runStart[run + 1]!, 2),
      number(bytes, runStart[run + 2]!, 4),
    );
    const known = hints.ssn || (valid && hasContext(range, start, SSN_WORDS));
    const base = runSeparator[run + 1] === DASH ? 0.85 : 0.5;
    if (valid && sink.add('US_SSN', start, endOf(run + 2), known ? 1 : base)) return 3;
  }
  if (length === 9 && standsAlone(run, 1, count)) {
    const valid = ssnValid(number(bytes, start, 3), number(bytes, start + 3, 2), number(bytes, start + 5, 4));
    if (valid) {
      const known = hints.ssn || hasContext(range, start, SSN_WORDS);
      if (sink.add('US_SSN', start, start + 9, known ? 0.6 : 0.05)) return 1;
    }
  }
  return matchPhone(range, run, count, sink);
}

/** North American Numbering Plan: area and exchange begin with 2 to 9. */
function isNanp(area: number, exchange: number): boolean {
  return area >= 200 && exchange >= 200;
}

function matchPhone(range: Range, run: number, count: number, sink: Sink): number {
  const { bytes, hints } = range;
  const start = runStart[run]!;
  const length = runLength[run]!;
  const parenthesis = start > range.start && bytes[start - 1] === 0x28;
  if (
    run + 2 < count &&
    parenthesis &&
    length === 3 &&
    runLength[run + 1] === 3 &&
    runLength[run + 2] === 4 &&
    runSeparator[run + 1] === 0x29
  ) {
    if (isNanp(number(bytes, start, 3), number(bytes, runStart[run + 1]!, 3)))
      return sink.add('PHONE_NUMBER', start - 1, endOf(run + 2), 0.75) ? 3 : 0;
  }
  if (lengthsAre(run, count, PHONE_SHAPE)) {
    const country = run > 0 && runLength[run - 1] === 1 && bytes[runStart[run - 1]!] === 0x31;
    if (country || standsAlone(run, 3, count)) {
      if (isNanp(number(bytes, start, 3), number(bytes, runStart[run + 1]!, 3))) {
        const known = hints.phone || hasContext(range, start, PHONE_WORDS);
        if (sink.add('PHONE_NUMBER', start, endOf(run + 2), known ? 0.9 : 0.6)) return 3;
      }
    }
  }
  if ((length === 10 || length === 11) && standsAlone(run, 1, count)) {
    const area = start + length - 10;
    if (isNanp(number(bytes, area, 3), number(bytes, area + 3, 3)) && (length === 10 || bytes[start] === 0x31)) {
      const known = hints.phone || hasContext(range, start, PHONE_WORDS);
      if (sink.add('PHONE_NUMBER', start, start + length, known ? 0.6 : 0.1)) return 1;
    }
  }
  return 0;
}

/** E.164: '+' and 8 to 15 digits with single separators. */
function matchInternational(range: Range, count: number, sink: Sink): boolean {
  const start = runStart[0]!;
  if (start <= range.start || range.bytes[start - 1] !== 0x2b || range.bytes[start] === 0x30) return false;
  if (start - 1 > range.start && isWord(range.bytes[start - 2]!)) return false;
  let digits = 0;
  for (let run = 0; run < count; run += 1) digits += runLength[run]!;
  return digits >= 8 && digits <= 15 && sink.add('PHONE_NUMBER', start - 1, endOf(count - 1), 0.7);
}

function matchIpv4(range: Range, count: number, sink: Sink): boolean {
  if (count !== 4) return false;
  const { bytes } = range;
  for (let run = 0; run < 4; run += 1) {
    if (run > 0 && runSeparator[run] !== DOT) return false;
    if (runLength[run]! > 3 || number(bytes, runStart[run]!, runLength[run]!) > 255) return false;
    if (runLength[run]! > 1 && bytes[runStart[run]!] === 0x30) return false;
  }
  const start = runStart[0]!;
  const before = start > range.start ? bytes[start - 1]! : 0;
  // "Chrome/120.0.0.0", "=1.2.3.4" of a requirement, "version 1.2.3.4": more often a version.
  const version =
    before === 0x2f ||
    hasContext(range, start, ['version', 'release', 'ver ']) ||
    (before === 0x3d && bytes[start - 2] === 0x3d);
  return sink.add('IP_ADDRESS', start, endOf(3), version ? 0.3 : 0.6);
}

/**
 * Most groups are dates, times, amounts and small numbers: no shape begins with the lengths of their
 * runs. This reads a group as scanNumbers does, without keeping anything of it.
 * @returns what scanNumbers would return, where it would find nothing for sure; else -1.
 */
export function endOfHarmlessGroup(bytes: Uint8Array, from: number, at: number, end: number): number {
  const international = at > from && bytes[at - 1] === 0x2b;
  let digits = 0;
  let count = 0;
  /** Lengths of the two runs before the present one. */
  let first = 0;
  let before = 0;
  let dots = 0;
  let i = at;
  for (;;) {
    const start = i;
    while (i < end && bytes[i]! <= 0x39 && bytes[i]! >= 0x30) i += 1;
    const length = i - start;
    if (length > 8) return -1;
    // The first three runs of the shapes of cards, social security and phone numbers.
    if (length === 4 && ((first === 3 && (before === 2 || before === 3)) || (first === 4 && before === 4))) return -1;
    if (first === 4 && before === 6 && (length === 4 || length === 5)) return -1;
    first = before;
    before = length;
    digits += length;
    count += 1;
    const byte = i + 1 < end ? bytes[i]! : 0;
    let next = i + 1;
    if (byte === 0x29) {
      if (bytes[next] === SPACE && next + 1 < end) next += 1;
    } else if (byte !== SPACE && byte !== DASH && byte !== DOT) break;
    if (!isDigit(bytes[next]!)) break;
    if (byte === DOT) dots += 1;
    i = next;
    if (count === MAX_RUNS) break;
  }
  return (count === 4 && dots === 3) || (international && digits >= 8) ? -1 : i;
}

/**
 * Reads the group of digits that begins at `at` and reports what it holds.
 * @returns the offset after the last byte looked at; always after `at`.
 */
export function scanNumbers(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  let count = 0;
  let digits = 0;
  let i = at;
  let separator = 0;
  while (count < MAX_RUNS) {
    const start = i;
    while (i < end && isDigit(bytes[i]!)) i += 1;
    runStart[count] = start;
    runLength[count] = i - start;
    runSeparator[count] = separator;
    count += 1;
    digits += i - start;
    const byte = i + 1 < end ? bytes[i]! : 0;
    let next = i + 1;
    if (byte === 0x29) {
      if (bytes[next] === SPACE && next + 1 < end) next += 1;
    } else if (byte !== SPACE && byte !== DASH && byte !== DOT) break;
    if (!isDigit(bytes[next]!)) break;
    separator = byte;
    i = next;
  }
  const stop = i;
  if (digits < 4 || (digits < 9 && count !== 4 && digits < 8)) return stop;
  // "a@b-123" or "abc123": the first run belongs to a word; what follows a dash or a dot is part of it.
  const before = at > range.start ? bytes[at - 1]! : 0;
  const attached =
    isWord(before) || ((before === DASH || before === DOT) && at - 1 > range.start && isWord(bytes[at - 2]!));
  let first = 0;
  if (attached) while (first < count && (first === 0 || runSeparator[first] !== SPACE)) first += 1;
  // "123abc", "123-45-6789-x", "123@": the last run belongs to a word.
  const after = stop < end ? bytes[stop]! : 0;
  const joined =
    isWord(after) ||
    (after === DASH && stop + 1 < end && isLetter(bytes[stop + 1]!)) ||
    (after === 0x40 && stop + 1 < end && isAlnum(bytes[stop + 1]!));
  if (joined) {
    count -= 1;
    while (count > first && runSeparator[count] !== SPACE) count -= 1;
  }
  if (first >= count) return stop;
  if (first === 0 && !joined && (matchInternational(range, count, sink) || matchIpv4(range, count, sink))) return stop;
  for (let run = first; run < count; ) run += matchAt(range, run, count, sink) || 1;
  return stop;
}
