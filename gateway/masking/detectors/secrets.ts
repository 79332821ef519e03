import { isAlnum, isDigit, isTokenByte, isUpper, isWord, startsAt, startsAtIgnoringCase } from './bytes.ts';
import type { Range, Sink } from './findings.ts';

/** Credentials that say what they are. Each function returns the offset to go on from, -1 when it found nothing. */

function tokenEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && isTokenByte(bytes[i]!)) i += 1;
  return i;
}

/**
 * JSON Web Token (RFC 7519): three base64url parts, the first two JSON objects ('eyJ'). `at` is the 'J'.
 * The run must begin here, so a run of token characters is read once however often 'eyJ' stands in it.
 */
export function scanJwt(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  const start = at - 2;
  if (start < Math.max(range.start, sink.last) || !startsAt(bytes, start, end, 'eyJ')) return -1;
  if (start > range.start && isTokenByte(bytes[start - 1]!)) return -1;
  const header = tokenEnd(bytes, at, end);
  if (header - start < 8 || bytes[header] !== 0x2e || header + 1 >= end) return -1;
  const payload = tokenEnd(bytes, header + 1, end);
  if (payload - header < 5) return header;
  let stop = payload;
  // Signature (JWS), or the last three parts of a JWE; an unsecured token ends with the dot.
  for (let part = 0; part < 3 && stop < end && bytes[stop] === 0x2e; part += 1) stop = tokenEnd(bytes, stop + 1, end);
  const signed = startsAt(bytes, header + 1, end, 'eyJ') || stop > payload;
  return signed && sink.add('JWT', start, stop, 0.95) ? stop : stop;
}

const SECRET_KEY_NAME = 'access_key';

/** AWS access key id (AKIA, ASIA, ABIA with 16 more). `at` is the 'I', third of its characters. */
export function scanAwsKey(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  const start = at - 2;
  if (start < Math.max(range.start, sink.last) || bytes[start] !== 0x41 || bytes[at + 1] !== 0x41) return -1;
  const kind = bytes[start + 1];
  if (kind !== 0x4b && kind !== 0x53 && kind !== 0x42) return -1;
  if (start + 20 > end || (start > range.start && isWord(bytes[start - 1]!))) return -1;
  for (let i = start; i < start + 20; i += 1) if (!isUpper(bytes[i]!) && !isDigit(bytes[i]!)) return -1;
  if (start + 20 < end && isWord(bytes[start + 20]!)) return -1;
  return sink.add('AWS_ACCESS_KEY', start, start + 20, 0.95) ? start + 20 : -1;
}

/** AWS secret access key: 40 characters of base64 after "access_key" and at most six marks. `at` is the '_' after "secret". */
export function scanAwsSecret(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  if (!startsAtIgnoringCase(bytes, at + 1, end, SECRET_KEY_NAME)) return -1;
  let start = at + 1 + SECRET_KEY_NAME.length;
  for (let marks = 0; marks < 6 && start < end && ' =:"\'\\>,'.includes(String.fromCharCode(bytes[start]!)); marks += 1)
    start += 1;
  let stop = start;
  while (stop < end && stop - start <= 40 && (isAlnum(bytes[stop]!) || bytes[stop] === 0x2f || bytes[stop] === 0x2b))
    stop += 1;
  return stop - start === 40 && sink.add('AWS_ACCESS_KEY', start, stop, 0.9) ? stop : -1;
}

const END_MARK = '-----END';

/** PEM private key (RFC 7468), also with its line ends escaped as in JSON. `at` is the 'G' of BEGIN. */
export function scanPrivateKey(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  const start = at - 7;
  if (start < Math.max(range.start, sink.last) || !startsAt(bytes, start, end, '-----BEGIN ')) return -1;
  let i = start + 11;
  const label = i;
  while (i < end && i - label < 40 && (isUpper(bytes[i]!) || isDigit(bytes[i]!) || bytes[i] === 0x20)) i += 1;
  let named = false;
  for (let j = label; j < i && !named; j += 1) named = startsAt(bytes, j, i, 'PRIVATE KEY');
  if (!named || !startsAt(bytes, i, end, '-----')) return -1;
  i += 5;
  while (i < end) {
    const byte = bytes[i]!;
    if (byte === 0x2d && startsAt(bytes, i, end, END_MARK)) {
      i += END_MARK.length;
      while (i < end && (isUpper(bytes[i]!) || isDigit(bytes[i]!) || bytes[i] === 0x20)) i += 1;
      while (i < end && bytes[i] === 0x2d) i += 1;
      break;
    }
    if (byte === 0x5c && i + 1 < end) i += 2;
    else if (isAlnum(byte) || ' \t\r\n+/=:,.-'.includes(String.fromCharCode(byte))) i += 1;
    else break;
  }
  return sink.add('PRIVATE_KEY', start, i, 1) ? i : i;
}

/** Prefixes that issuers chose so that tokens are found; `least` is how long the rest must be. */
const PREFIXES: ReadonlyArray<{ prefix: string; least: number }> = [
  { prefix: 'ghp_', least: 30 },
  { prefix: 'gho_', least: 30 },
  { prefix: 'ghu_', least: 30 },
  { prefix: 'ghs_', least: 30 },
  { prefix: 'ghr_', least: 30 },
  { prefix: 'github_pat_', least: 40 },
  { prefix: 'npm_', least: 30 },
  { prefix: 'sk_live_', least: 16 },
  { prefix: 'sk_test_', least: 16 },
  { prefix: 'rk_live_', least: 16 },
  { prefix: 'rk_test_', least: 16 },
  { prefix: 'whsec_', least: 24 },
  { prefix: 'xoxb-', least: 20 },
  { prefix: 'xoxp-', least: 20 },
  { prefix: 'xoxa-', least: 20 },
  { prefix: 'xoxr-', least: 20 },
  { prefix: 'xoxs-', least: 20 },
  { prefix: 'xapp-', least: 20 },
  { prefix: 'glpat-', least: 20 },
  { prefix: 'sk-ant-', least: 24 },
  { prefix: 'sk-proj-', least: 24 },
  { prefix: 'AIza', least: 35 },
  { prefix: 'SG.', least: 40 },
  { prefix: 'ya29.', least: 20 },
];

/**
 * Token with a known prefix. `at` is the prefix's last byte or, for prefixes of several parts, the
 * first mark in it; looks at most 11 bytes back.
 */
export function scanSecretToken(range: Range, at: number, sink: Sink): number {
  const { bytes, end } = range;
  for (const { prefix, least } of PREFIXES) {
    const mark = TRIGGER_AT.get(prefix)!;
    const start = at - mark;
    if (start < Math.max(range.start, sink.last) || !startsAt(bytes, start, end, prefix)) continue;
    if (start > range.start && isWord(bytes[start - 1]!)) continue;
    const rest = start + prefix.length;
    let stop = tokenEnd(bytes, rest, end);
    if (prefix === 'SG.' && bytes[stop] === 0x2e) stop = tokenEnd(bytes, stop + 1, end);
    if (stop - rest >= least && sink.add('SECRET_TOKEN', start, stop, 0.9)) return stop;
  }
  return -1;
}

/** Offset in the prefix of the byte that calls the scanner: its first '_', '-', 'z' or '.'. */
const TRIGGER_AT = new Map(PREFIXES.map(({ prefix }) => [prefix, prefix.search(/[_\-z.]/)]));
