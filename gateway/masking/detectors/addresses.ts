import { ascii, isAlnum, isDigit, isHex, isLetter, isLocalPart, isSpaceOrQuote, isWord, startsAt } from './bytes.ts';
import type { Range, Sink } from './findings.ts';

/** RFC 5321 section 4.5.3.1: a local part has at most 64 octets, a domain 255. */
const MAX_LOCAL = 64;
const MAX_DOMAIN = 255;
const MAX_LABEL = 63;
/** How much of a URL is taken for user, password, host and path. */
const MAX_URL = 2048;
const MAX_SCHEME = 24;

/** Endings of file names that follow an '@', as in icon@2x.png. */
const FILE_ENDINGS = new Set(
  'png jpg jpeg gif svg webp ico css scss js mjs cjs ts tsx jsx json map html md txt pdf xml yml yaml lock zip gz tgz so jar'.split(
    ' ',
  ),
);

/**
 * E-mail address (RFC 5321, without quoted local parts and address literals). `at` is the '@'.
 * Looks at no more than 64 bytes before it and 255 after it.
 * @returns the offset after it, or at + 1.
 */
export function scanEmail(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  const floor = Math.max(range.start, sink.last, at - MAX_LOCAL);
  let start = at;
  while (start > floor && isLocalPart(bytes[start - 1]!)) start -= 1;
  while (start < at && !isWord(bytes[start]!)) start += 1;
  if (start === at || bytes[at - 1] === 0x2e) return at + 1;
  const limit = Math.min(end, at + 1 + MAX_DOMAIN);
  let label = at + 1;
  let labels = 0;
  let stop = -1;
  let ending = '';
  for (let i = label; i <= limit; i += 1) {
    const byte = i < limit ? bytes[i]! : 0;
    if (i < limit && (isAlnum(byte) || byte === 0x2d || byte > 0x7f)) continue;
    const size = i - label;
    if (size === 0 || size > MAX_LABEL || bytes[label] === 0x2d) break;
    labels += 1;
    if (labels > 1 && isTopLevel(bytes, label, i)) {
      stop = i;
      ending = size <= 8 ? ascii(bytes, label, i).toLowerCase() : '';
    }
    if (byte !== 0x2e) break;
    label = i + 1;
  }
  if (stop === -1) return at + 1;
  // git@host:path and user@host/path name a place, not a person.
  const place = at - start === 3 && startsAt(bytes, start, at, 'git');
  const score = place || FILE_ENDINGS.has(ending) ? 0.3 : 0.95;
  return sink.add('EMAIL_ADDRESS', start, stop, score) ? stop : at + 1;
}

function isTopLevel(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2) return false;
  if (startsAt(bytes, start, end, 'xn--')) return true;
  for (let i = start; i < end; i += 1) if (!isLetter(bytes[i]!) && bytes[i]! <= 0x7f) return false;
  return end - start <= 24;
}

/**
 * A URL with a user and a password in it (RFC 3986 section 3.2.1), or libpq's URI form. `at` is the ':' of "://".
 * Looks at no more than 24 bytes before it and 2,048 after it, and goes on after what it looked at.
 * @returns the offset after it, or after the authority that was none.
 */
export function scanConnectionString(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  const floor = Math.max(range.start, sink.last, at - MAX_SCHEME);
  let start = at;
  while (start > floor && (isAlnum(bytes[start - 1]!) || bytes[start - 1] === 0x2b || bytes[start - 1] === 0x2d))
    start -= 1;
  while (start < at && !isLetter(bytes[start]!)) start += 1;
  const limit = Math.min(end, at + MAX_URL);
  let colon = -1;
  let sign = -1;
  let i = at + 3;
  for (; i < limit; i += 1) {
    const byte = bytes[i]!;
    if (isSpaceOrQuote(byte)) break;
    if (byte === 0x3a && sign === -1 && colon === -1) colon = i;
    if (byte === 0x40) sign = i;
    if (sign !== -1 && byte === 0x2f) break;
    // A next URL in the same run of characters.
    if (byte === 0x3a && bytes[i + 1] === 0x2f && bytes[i + 2] === 0x2f) break;
  }
  const secret = start < at && colon !== -1 && sign > colon + 1;
  if (!secret) return at + 3;
  while (i < limit && !isSpaceOrQuote(bytes[i]!) && bytes[i] !== 0x2c && bytes[i] !== 0x29) i += 1;
  return sink.add('CONNECTION_STRING', start, i, 0.95) ? i : at + 3;
}

/**
 * IPv6 address (RFC 4291 section 2.2). `at` is its first ':'. Looks at no more than 45 bytes.
 * @returns the offset after the run of its characters.
 */
export function scanIpv6(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  const floor = Math.max(range.start, sink.last, at - 4);
  let start = at;
  while (start > floor && isHex(bytes[start - 1]!)) start -= 1;
  let stop = at;
  const limit = Math.min(end, start + 46);
  while (stop < limit && (isHex(bytes[stop]!) || bytes[stop] === 0x3a || bytes[stop] === 0x2e)) stop += 1;
  const next = stop;
  while (stop > at && (bytes[stop - 1] === 0x2e || (bytes[stop - 1] === 0x3a && bytes[stop - 2] !== 0x3a))) stop -= 1;
  const touching =
    (start > range.start && (isWord(bytes[start - 1]!) || bytes[start - 1] === 0x3a)) ||
    (stop < end && isWord(bytes[stop]!));
  if (touching || stop - start < 4) return next;
  const groups = ipv6Groups(ascii(bytes, start, stop));
  if (groups === 0) return next;
  sink.add('IP_ADDRESS', start, stop, groups >= 3 ? 0.6 : 0.3);
  return next;
}

/** Number of groups written in an IPv6 address; 0 when the text is none. */
function ipv6Groups(text: string): number {
  const halves = text.split('::');
  if (halves.length > 2) return 0;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const quad = groups.at(-1)?.includes('.') === true;
  const size = groups.length + (quad ? 1 : 0);
  if (halves.length === 1 ? size !== 8 : size > 7) return 0;
  const valid = groups.every((group, i) =>
    quad && i === groups.length - 1
      ? group.split('.').length === 4 && group.split('.').every((part) => part !== '' && Number(part) <= 255)
      : group.length >= 1 && group.length <= 4 && !group.includes('.'),
  );
  return valid && text.split('').some((c) => isDigit(c.charCodeAt(0))) ? groups.length : 0;
}
