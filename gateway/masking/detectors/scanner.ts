import type { Entity } from '../../contract/connection.ts';
import { scanConnectionString, scanEmail, scanIpv6 } from './addresses.ts';
import { isDigit, isUpper } from './bytes.ts';
import { type Finding, type Hints, NO_HINTS, type Range, type Sink } from './findings.ts';
import { scanIban } from './iban.ts';
import { endOfHarmlessGroup, scanNumbers } from './numbers.ts';
import { scanAwsKey, scanAwsSecret, scanJwt, scanPrivateKey, scanSecretToken } from './secrets.ts';

/**
 * Finds sensitive values in UTF-8 bytes, in one pass and without decoding. Every byte is looked up in
 * a table; only bytes that can be the anchor of an enabled entity ('@', a digit, the 'J' of 'eyJ' …)
 * leave the inner loop, and each anchor's detector looks at a bounded window or consumes what it
 * read, so the work is linear in the input whatever it holds: there is no backtracking anywhere.
 */
export interface Scanner {
  /**
   * @param context where bytes begin that may be read as context of the value (default `start`).
   * @returns findings in order, not overlapping, at or above the threshold; null when there are none.
   */
  scan(bytes: Uint8Array, start: number, end: number, hints?: Hints, context?: number): Finding[] | null;
}

const TRIGGER_DIGIT = 1;
const TRIGGER_AT = 2;
const TRIGGER_COLON = 3;
const TRIGGER_J = 4;
const TRIGGER_I = 5;
const TRIGGER_G = 6;
const TRIGGER_TOKEN = 7;
const TRIGGER_UNDERSCORE = 8;

/** The shortest thing that any detector finds ("::1" with a group before it). */
const SHORTEST = 4;

export function createScanner(entities: Iterable<Entity>, threshold: number): Scanner {
  const enabled = new Set(entities);
  const has = (...names: Entity[]) => names.some((name) => enabled.has(name));
  const table = new Uint8Array(256);
  const trigger = (characters: string, code: number) => {
    for (const character of characters) table[character.charCodeAt(0)] = code;
  };
  const numbers = has('CREDIT_CARD', 'US_SSN', 'PHONE_NUMBER', 'IP_ADDRESS');
  const iban = has('IBAN_CODE');
  const token = has('SECRET_TOKEN');
  if (token) trigger('-z.', TRIGGER_TOKEN);
  if (numbers || iban) trigger('0123456789', TRIGGER_DIGIT);
  if (has('EMAIL_ADDRESS')) trigger('@', TRIGGER_AT);
  if (has('CONNECTION_STRING', 'IP_ADDRESS')) trigger(':', TRIGGER_COLON);
  if (has('JWT')) trigger('J', TRIGGER_J);
  if (has('AWS_ACCESS_KEY')) trigger('I', TRIGGER_I);
  if (has('PRIVATE_KEY')) trigger('G', TRIGGER_G);
  if (token || has('AWS_ACCESS_KEY')) trigger('_', TRIGGER_UNDERSCORE);
  const urls = has('CONNECTION_STRING');
  const ips = has('IP_ADDRESS');
  const aws = has('AWS_ACCESS_KEY');

  let found: Finding[] | null = null;
  const sink: Sink & { last: number } = {
    last: 0,
    add(entity, start, end, score) {
      if (score < threshold || !enabled.has(entity) || start < sink.last) return false;
      found ??= [];
      found.push({ start, end, entity, score });
      sink.last = end;
      return true;
    },
  };

  const visit = (range: Range, at: number): number => {
    switch (table[range.bytes[at]!]) {
      case TRIGGER_DIGIT: {
        if (iban && at >= 2 && isUpper(range.bytes[at - 1]!)) {
          const next = scanIban(range, at, sink);
          if (next !== -1) return next;
        }
        return numbers ? scanNumbers(range, at, sink) : skipDigits(range, at);
      }
      case TRIGGER_AT:
        return scanEmail(range, at, sink);
      case TRIGGER_COLON: {
        const { bytes } = range;
        if (bytes[at + 1] === 0x2f && bytes[at + 2] === 0x2f && at + 3 < range.end)
          return urls ? scanConnectionString(range, at, sink) : at + 3;
        return ips ? Math.max(at + 1, scanIpv6(range, at, sink)) : at + 1;
      }
      case TRIGGER_J:
        return Math.max(at + 1, scanJwt(range, at, sink));
      case TRIGGER_I:
        return Math.max(at + 1, scanAwsKey(range, at, sink));
      case TRIGGER_G:
        return Math.max(at + 1, scanPrivateKey(range, at, sink));
      case TRIGGER_UNDERSCORE: {
        const next = aws ? scanAwsSecret(range, at, sink) : -1;
        return Math.max(at + 1, next === -1 && token ? scanSecretToken(range, at, sink) : next);
      }
      default:
        return Math.max(at + 1, scanSecretToken(range, at, sink));
    }
  };

  return {
    scan(bytes, start, end, hints = NO_HINTS, context = start) {
      if (end - start < SHORTEST) return null;
      let i = start;
      while (i < end && table[bytes[i]!] === 0) i += 1;
      if (i === end) return null;
      found = null;
      sink.last = start;
      const range: Range = { bytes, context, start, end, hints };
      while (i < end) {
        const harmless = numbers && table[bytes[i]!] === TRIGGER_DIGIT ? endOfHarmlessGroup(bytes, start, i, end) : -1;
        i = harmless === -1 || (i > start && isUpper(bytes[i - 1]!)) ? visit(range, i) : harmless;
        while (i < end && table[bytes[i]!] === 0) i += 1;
      }
      const result = found;
      found = null;
      return result;
    },
  };
}

function skipDigits(range: Range, at: number): number {
  let i = at;
  while (i < range.end && isDigit(range.bytes[i]!)) i += 1;
  return i;
}
