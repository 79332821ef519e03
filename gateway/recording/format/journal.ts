import type { Primitives } from './primitives.ts';

/**
 * The journal: what must survive kill -9, written before it is forwarded (SPEC.md, "Journal").
 * The same records, with more kinds, carry everything from the main thread to the worker.
 */
export const JOURNAL_HEADER_BYTES = 32;
export const RECORD_HEADER_BYTES = 40;
export const MAX_RECORD_PAYLOAD = 1024 * 1024;
const MAGIC = 'CSJ1';

/** Names the session of an index in this journal file; does not count as a record of the session. */
export const RECORD_NAME = 1;
export const RECORD_OPEN = 2;
export const RECORD_REQUEST = 3;
export const RECORD_OWN = 4;
export const RECORD_EVENT = 5;
export const RECORD_CLOSE = 6;
/** From here on: to the worker only, never in a journal. */
export const RECORD_RESPONSE = 16;
export const RECORD_SHAPE = 17;
export const RECORD_STATEMENT = 18;
export const RECORD_END = 19;

export interface JournalRecord {
  kind: number;
  session: number;
  exchange: number;
  at: number;
  /** Number of this record among the journalled ones of its session, from 0. */
  n: number;
  payload: Uint8Array;
}

export const recordBytes = (payload: number): number => RECORD_HEADER_BYTES + Math.ceil(payload / 8) * 8;

const TWO_32 = 0x1_0000_0000;

/**
 * Writes a record's header at a multiple of 8; the payload is already at offset + 40 or follows it.
 * @param words the same memory as the buffer that holds the record. Little-endian machines only.
 */
export function putRecordHeader(
  words: Uint32Array,
  offset: number,
  kind: number,
  length: number,
  session: number,
  exchange: number,
  at: number,
  n: number,
): void {
  const w = offset >>> 2;
  words[w] = 0;
  words[w + 1] = length;
  words[w + 2] = kind;
  words[w + 3] = session;
  words[w + 4] = exchange >>> 0;
  words[w + 5] = Math.floor(exchange / TWO_32);
  words[w + 6] = at % TWO_32;
  words[w + 7] = Math.floor(at / TWO_32);
  words[w + 8] = n % TWO_32;
  words[w + 9] = Math.floor(n / TWO_32);
}

/** @param id 16 random bytes of the recorder's run. */
export function journalHeader(p: Primitives, number: number, id: Uint8Array): Uint8Array {
  const out = new Uint8Array(JOURNAL_HEADER_BYTES);
  for (let i = 0; i < 4; i += 1) out[i] = MAGIC.charCodeAt(i);
  const view = new DataView(out.buffer);
  view.setBigUint64(4, BigInt(number), true);
  out.set(id, 12);
  view.setUint32(28, p.crc32(out.subarray(0, 28)), true);
  return out;
}

/** null when the file does not begin as a journal. */
export function parseJournalHeader(p: Primitives, bytes: Uint8Array): { number: number; id: Uint8Array } | null {
  if (bytes.length < JOURNAL_HEADER_BYTES) return null;
  for (let i = 0; i < 4; i += 1) if (bytes[i] !== MAGIC.charCodeAt(i)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, JOURNAL_HEADER_BYTES);
  if (view.getUint32(28, true) !== p.crc32(bytes.subarray(0, 28))) return null;
  return { number: Number(view.getBigUint64(4, true)), id: bytes.slice(12, 28) };
}

/** Reads the record at `offset`, or null where the journal ends: zeros, garbage, or a record that was cut. */
export function readRecord(
  p: Primitives,
  bytes: Uint8Array,
  offset: number,
): { record: JournalRecord; end: number } | null {
  if (offset + RECORD_HEADER_BYTES > bytes.length) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, RECORD_HEADER_BYTES);
  const length = view.getUint32(4, true);
  const kind = view.getUint32(8, true);
  if (length > MAX_RECORD_PAYLOAD || kind < RECORD_NAME || kind > RECORD_CLOSE) return null;
  const end = offset + recordBytes(length);
  const last = offset + RECORD_HEADER_BYTES + length;
  if (last > bytes.length) return null;
  if (p.crc32(bytes.subarray(offset + 4, last)) !== view.getUint32(0, true)) return null;
  const exchange = Number(view.getBigUint64(16, true));
  const at = Number(view.getBigUint64(24, true));
  const n = Number(view.getBigUint64(32, true));
  if (!Number.isSafeInteger(exchange) || !Number.isSafeInteger(at) || !Number.isSafeInteger(n)) return null;
  const payload = bytes.subarray(offset + RECORD_HEADER_BYTES, last);
  return { record: { kind, session: view.getUint32(12, true), exchange, at, n, payload }, end };
}

/** Records from the start of a journal file up to the first that is not whole. */
export function* journalRecords(p: Primitives, bytes: Uint8Array): Generator<JournalRecord> {
  if (parseJournalHeader(p, bytes) === null) return;
  for (let at = JOURNAL_HEADER_BYTES, next = readRecord(p, bytes, at); next !== null; next = readRecord(p, bytes, at)) {
    yield next.record;
    at = next.end;
  }
}
