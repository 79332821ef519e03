import { ascii, isAlnum, isDigit, isUpper, isWord } from './bytes.ts';
import type { Range, Sink } from './findings.ts';
import { IBAN_LENGTH, ibanChecksum } from './validators.ts';

/**
 * IBAN (ISO 13616), in one piece or in groups of four. `at` is its first check digit.
 * Looks at no more than 42 bytes.
 * @returns the offset after it, or -1.
 */
export function scanIban(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  const start = at - 2;
  if (start < Math.max(range.start, sink.last) || at + 1 >= end) return -1;
  if (!isUpper(bytes[start]!) || !isUpper(bytes[start + 1]!) || !isDigit(bytes[at + 1]!)) return -1;
  if (start > range.start && isWord(bytes[start - 1]!)) return -1;
  const length = IBAN_LENGTH[ascii(bytes, start, at)];
  if (length === undefined) return -1;
  let iban = '';
  let i = start;
  while (i < end && iban.length < length) {
    const byte = bytes[i]!;
    if (isUpper(byte) || isDigit(byte)) iban += String.fromCharCode(byte);
    else if ((byte !== 0x20 && byte !== 0x2d) || iban.length % 4 !== 0) return -1;
    i += 1;
  }
  if (iban.length < length || (i < end && isAlnum(bytes[i]!)) || ibanChecksum(iban) !== 1) return -1;
  return sink.add('IBAN_CODE', start, i, 0.95) ? i : -1;
}
