import { hash } from 'node:crypto';
import { CountersignError } from '../contract/errors.ts';
import { PartManifest } from '../evidence/format/part-manifest.ts';
import { padding, parseTarHeader, TAR_BLOCK, tarHeader } from '../recording/tar.ts';

/** Parts of a session (gateway/evidence/SPEC.md): bytes in, bytes out, no I/O. */

/** Of the ranges of one part together. */
export const MAX_PART_RANGES_BYTES = 8 * 1024 * 1024;
/** Of a whole part, encrypted or not; a reader takes no more into memory. */
const MAX_PART_BYTES = 24 * 1024 * 1024;
/** No file of a recording is larger (gateway/recording); where one ends decides how much of it is looked through. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_MANIFEST_BYTES = 2 * 1024 * 1024;
const MANIFEST_NAME = 'part.json';

/** Order of a part's members: nothing is bound that is not there. */
const KINDS = [
  /^units-\d{6}\.bin$/,
  /^seg-\d{6}\.jsonl\.zst$/,
  /^heads-\d{6}\.notes$/,
  /^(open\.json|session-key\.pem|recovery-key-\d{1,16}\.pem|SHA256SUMS|SHA256SUMS\.sig)$/,
];
const rank = (name: string): number => KINDS.findIndex((kind) => kind.test(name));

/** For sorting: units, events, heads, others, each by name. */
export const memberOrder = (a: { name: string }, b: { name: string }): number =>
  rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1);

export interface PartRange {
  /** Of a file of the session's folder. */
  name: string;
  offset: number;
  bytes: Uint8Array;
}

export interface Part {
  sid: string;
  n: number;
  /** base64 SHA-256 of the part before, unencrypted; '' for the first. */
  prev: string;
  /** The session is complete with it. */
  last: boolean;
  ranges: PartRange[];
}

const bad = (sentence: string): CountersignError => new CountersignError('SYNC_BAD_PART', sentence);
const memberName = ({ name, offset }: { name: string; offset: number }): string =>
  `${name}@${String(offset).padStart(12, '0')}`;

/** base64 SHA-256 of a part's plaintext: what the next part's `prev` says. */
export const partHash = (plaintext: Uint8Array): string => hash('sha256', plaintext, 'base64');

/** The one tar file of a part. Ranges have to be in order (units, events, heads, others) and not empty. */
export function writePart(part: Part): Uint8Array {
  assertOrder(part.ranges);
  const manifest: PartManifest = {
    v: 1,
    sid: part.sid,
    n: part.n,
    prev: part.prev,
    last: part.last,
    ranges: part.ranges.map(({ name, offset, bytes }) => [name, offset, bytes.length, hash('sha256', bytes, 'base64')]),
  };
  const members = [
    { name: MANIFEST_NAME, bytes: Buffer.from(JSON.stringify(manifest)) as Uint8Array },
    ...part.ranges.map((range) => ({ name: memberName(range), bytes: range.bytes })),
  ];
  const chunks = members.flatMap(({ name, bytes }) => [
    tarHeader(name, bytes.length),
    bytes,
    Buffer.alloc(padding(bytes.length)),
  ]);
  return Buffer.concat([...chunks, Buffer.alloc(2 * TAR_BLOCK)]);
}

function assertOrder(ranges: readonly { name: string; offset: number; length?: number; bytes?: Uint8Array }[]): void {
  let total = 0;
  let before: { rank: number; name: string } = { rank: -1, name: '' };
  for (const { name, offset, length, bytes } of ranges) {
    const at = rank(name);
    if (at < 0) throw bad(`a part holds ${JSON.stringify(name)}, which is no file of a recording`);
    if (at < before.rank || (at === before.rank && name <= before.name))
      throw bad('the ranges of a part are not in order');
    before = { rank: at, name };
    const size = bytes?.length ?? length ?? 0;
    if (size === 0 || offset + size > MAX_FILE_BYTES) throw bad(`a part holds an impossible range of ${name}`);
    total += size;
  }
  if (total > MAX_PART_RANGES_BYTES) throw bad('a part holds more than 8 MiB');
}

/**
 * Reads a part that is not encrypted (any more), strictly: the one form that writePart gives, every range
 * with the hash that part.json names. Throws SYNC_BAD_PART. Ranges are views of `bytes`.
 * Which parts belong together is for who has all of them to say.
 */
export function readPart(bytes: Uint8Array): Part & { hash: string } {
  if (bytes.length > MAX_PART_BYTES) throw bad('a part is larger than any that is written');
  const members = membersOf(bytes);
  const first = members.next();
  if (first.done || first.value.name !== MANIFEST_NAME) throw bad(`a part does not begin with ${MANIFEST_NAME}`);
  const { v: _, ranges: listed, ...manifest } = parseManifest(first.value.bytes);
  assertOrder(listed.map(([name, offset, length]) => ({ name, offset, length })));
  const ranges: PartRange[] = [];
  for (const [name, offset, length, sha256] of listed) {
    const member = members.next();
    if (member.done || member.value.name !== memberName({ name, offset }) || member.value.bytes.length !== length)
      throw bad(`a part does not hold ${name} as its ${MANIFEST_NAME} says`);
    if (hash('sha256', member.value.bytes, 'base64') !== sha256)
      throw bad(`${name} in a part has another hash than its ${MANIFEST_NAME} says`);
    ranges.push({ name, offset, bytes: member.value.bytes });
  }
  if (!members.next().done) throw bad(`a part holds more than its ${MANIFEST_NAME} says`);
  return { ...manifest, ranges, hash: partHash(bytes) };
}

function parseManifest(bytes: Uint8Array): PartManifest {
  if (bytes.length > MAX_MANIFEST_BYTES) throw bad(`${MANIFEST_NAME} is too long`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CountersignError('SYNC_BAD_PART', `${MANIFEST_NAME} is not JSON`, { cause });
  }
  const parsed = PartManifest.safeParse(json);
  if (!parsed.success) throw bad(`${MANIFEST_NAME} is not as this program writes it`);
  return parsed.data;
}

function* membersOf(tar: Uint8Array): Generator<{ name: string; bytes: Uint8Array }> {
  let offset = 0;
  for (;;) {
    if (offset + TAR_BLOCK > tar.length) throw bad('a part is cut short');
    const entry = headerOf(tar.subarray(offset, offset + TAR_BLOCK));
    offset += TAR_BLOCK;
    if (entry === null) break;
    const end = offset + entry.size;
    const next = end + padding(entry.size);
    if (next > tar.length) throw bad('a part is cut short');
    if (tar.subarray(end, next).some((byte) => byte !== 0)) throw bad('a part has bytes between its members');
    yield { name: entry.name, bytes: tar.subarray(offset, end) };
    offset = next;
  }
  if (offset + TAR_BLOCK !== tar.length || tar.subarray(offset).some((byte) => byte !== 0))
    throw bad('a part has bytes after its end, or too few');
}

function headerOf(block: Uint8Array): { name: string; size: number } | null {
  try {
    return parseTarHeader(block);
  } catch (cause) {
    throw new CountersignError('SYNC_BAD_PART', 'a part is not a tar file as this program writes it', { cause });
  }
}

const PART_NAME = /^part-(\d{6})(?:\.r([1-9]\d{0,3}))?\.tar(\.age)?$/;

/** @param name of an object, without its folder. @returns null when it is not a part's. */
export function parsePartName(name: string): { n: number; retry: number; encrypted: boolean } | null {
  const match = PART_NAME.exec(name);
  if (match === null) return null;
  return { n: Number(match[1]), retry: Number(match[2] ?? 0), encrypted: match[3] !== undefined };
}

export const partName = (n: number, encrypted: boolean): string =>
  `part-${String(n).padStart(6, '0')}.tar${encrypted ? '.age' : ''}`;
