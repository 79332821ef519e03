import { isDigit } from './bytes.ts';

/** Luhn's check (ISO/IEC 7812-1 annex B) over the digits of a range; other bytes are skipped. */
export function luhnValid(bytes: Uint8Array, start: number, end: number): boolean {
  let sum = 0;
  let double = false;
  let first = -1;
  let same = true;
  for (let i = end - 1; i >= start; i -= 1) {
    const byte = bytes[i]!;
    if (!isDigit(byte)) continue;
    let digit = byte - 0x30;
    if (first === -1) first = digit;
    else if (digit !== first) same = false;
    if (double) {
      digit *= 2;
      if (digit > 9) digit -= 9;
    }
    sum += digit;
    double = !double;
  }
  return !same && sum % 10 === 0;
}

/**
 * Whether digits begin with an issuer's range (ISO/IEC 7812 IIN) whose numbers have that length.
 * @param prefix the first six digits as a number.
 */
export function cardIssuer(prefix: number, length: number): boolean {
  const one = Math.floor(prefix / 100_000);
  const two = Math.floor(prefix / 10_000);
  const three = Math.floor(prefix / 1_000);
  const four = Math.floor(prefix / 100);
  if (one === 4) return length === 13 || length === 16 || length === 19; // Visa
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return length === 16; // Mastercard
  if (two === 34 || two === 37) return length === 15; // American Express
  if (four === 6011 || two === 65 || (three >= 644 && three <= 649)) return length === 16 || length === 19; // Discover
  if (two === 62) return length >= 16 && length <= 19; // UnionPay
  if (four >= 3528 && four <= 3589) return length === 16; // JCB
  if ((three >= 300 && three <= 305) || two === 36 || two === 38 || two === 39) return length === 14; // Diners Club
  return false;
}

/** Rules of the Social Security Administration: never area 000, 666 or 9xx, group 00, serial 0000. */
export function ssnValid(area: number, group: number, serial: number): boolean {
  if (area === 0 || area === 666 || area >= 900 || group === 0 || serial === 0) return false;
  // Numbers printed in advertisements; 078-05-1120 was on a card sold with wallets.
  return !(area === 78 && group === 5 && serial === 1120) && !(area === 219 && group === 9 && serial === 9999);
}

/** Lengths of an IBAN by country (SWIFT IBAN registry). */
export const IBAN_LENGTH: Readonly<Record<string, number>> = {
  AD: 24,
  AE: 23,
  AL: 28,
  AT: 20,
  AZ: 28,
  BA: 20,
  BE: 16,
  BG: 22,
  BH: 22,
  BI: 27,
  BR: 29,
  BY: 28,
  CH: 21,
  CR: 22,
  CY: 28,
  CZ: 24,
  DE: 22,
  DJ: 27,
  DK: 18,
  DO: 28,
  EE: 20,
  EG: 29,
  ES: 24,
  FI: 18,
  FK: 18,
  FO: 18,
  FR: 27,
  GB: 22,
  GE: 22,
  GI: 23,
  GL: 18,
  GR: 27,
  GT: 28,
  HN: 28,
  HR: 21,
  HU: 28,
  IE: 22,
  IL: 23,
  IQ: 23,
  IS: 26,
  IT: 27,
  JO: 30,
  KW: 30,
  KZ: 20,
  LB: 28,
  LC: 32,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  LY: 25,
  MC: 27,
  MD: 24,
  ME: 22,
  MK: 19,
  MN: 20,
  MR: 27,
  MT: 31,
  MU: 30,
  NI: 28,
  NL: 18,
  NO: 15,
  OM: 23,
  PK: 24,
  PL: 28,
  PS: 29,
  PT: 25,
  QA: 29,
  RO: 24,
  RS: 22,
  RU: 33,
  SA: 24,
  SC: 31,
  SD: 18,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  SO: 23,
  ST: 25,
  SV: 28,
  TL: 23,
  TN: 24,
  TR: 26,
  UA: 29,
  VA: 22,
  VG: 24,
  XK: 20,
  YE: 30,
};

/** ISO 7064 MOD 97-10 over an IBAN without separators. */
export function ibanChecksum(iban: string): number {
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}
