import { FormatError, type Primitives } from './primitives.ts';

/**
 * A segment file is pairs of a zstd skippable frame, which says what follows, and a zstd frame of
 * event lines, each ended by a newline: `zstd -dc` gives the lines alone (SPEC.md, "Event segments").
 */
export const SEGMENT_HEADER_BYTES = 44;
export const MAX_FRAME_RAW = 16 * 1024 * 1024 + 65_536;
/** RFC 6962 tiles hold entries of at most this size. */
export const MAX_LINE_BYTES = 65_535;
const SKIPPABLE = 0x184d2a50;
const PAYLOAD = 36;
const MAGIC = 0x31455343; // "CSE1"

export interface SegmentHeader {
  length: number;
  rawLength: number;
  lines: number;
  firstSeq: number;
  /** Units that lines before this frame bind. */
  firstUnit: number;
  crc: number;
}

/** @param text lines, each with its newline. */
export function sealLines(
  p: Primitives,
  text: Uint8Array,
  lines: number,
  firstSeq: number,
  firstUnit: number,
): Uint8Array {
  const frame = p.compress(text);
  const out = new Uint8Array(SEGMENT_HEADER_BYTES + frame.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, SKIPPABLE, true);
  view.setUint32(4, PAYLOAD, true);
  view.setUint32(8, MAGIC, true);
  view.setUint32(12, frame.length, true);
  view.setUint32(16, text.length, true);
  view.setUint32(20, lines, true);
  view.setBigUint64(24, BigInt(firstSeq), true);
  view.setBigUint64(32, BigInt(firstUnit), true);
  out.set(frame, SEGMENT_HEADER_BYTES);
  view.setUint32(40, frameCrc(p, out, 0, frame.length), true);
  return out;
}

function frameCrc(p: Primitives, bytes: Uint8Array, offset: number, length: number): number {
  const frame = bytes.subarray(offset + SEGMENT_HEADER_BYTES, offset + SEGMENT_HEADER_BYTES + length);
  return p.crc32(frame, p.crc32(bytes.subarray(offset + 8, offset + 40)));
}

/** Throws FormatError. */
export function parseSegmentHeader(bytes: Uint8Array, offset = 0): SegmentHeader {
  if (bytes.length - offset < SEGMENT_HEADER_BYTES) throw new FormatError('a segment header is cut short');
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, SEGMENT_HEADER_BYTES);
  if (
    view.getUint32(0, true) !== SKIPPABLE ||
    view.getUint32(4, true) !== PAYLOAD ||
    view.getUint32(8, true) !== MAGIC
  ) {
    throw new FormatError('a segment header does not begin as one');
  }
  const header = {
    length: view.getUint32(12, true),
    rawLength: view.getUint32(16, true),
    lines: view.getUint32(20, true),
    firstSeq: Number(view.getBigUint64(24, true)),
    firstUnit: Number(view.getBigUint64(32, true)),
    crc: view.getUint32(40, true),
  };
  if (
    header.rawLength > MAX_FRAME_RAW ||
    header.length > MAX_FRAME_RAW ||
    !Number.isSafeInteger(header.firstSeq) ||
    !Number.isSafeInteger(header.firstUnit)
  ) {
    throw new FormatError('a segment header is out of bounds');
  }
  return header;
}

/** Lines without their newlines; throws FormatError. */
export function openLines(
  p: Primitives,
  bytes: Uint8Array,
  offset = 0,
): { header: SegmentHeader; lines: Uint8Array[]; end: number } {
  const header = parseSegmentHeader(bytes, offset);
  const end = offset + SEGMENT_HEADER_BYTES + header.length;
  if (end > bytes.length) throw new FormatError('a segment is cut short');
  if (frameCrc(p, bytes, offset, header.length) !== header.crc) throw new FormatError("a segment's checksum differs");
  let text: Uint8Array;
  try {
    text = p.decompress(bytes.subarray(offset + SEGMENT_HEADER_BYTES, end), header.rawLength);
  } catch {
    throw new FormatError('a segment does not decompress');
  }
  if (text.length !== header.rawLength || text.at(-1) !== 0x0a)
    throw new FormatError('a segment does not end with a line');
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let at = text.indexOf(0x0a); at !== -1; at = text.indexOf(0x0a, start)) {
    if (at - start > MAX_LINE_BYTES) throw new FormatError('an event line is longer than 65,535 bytes');
    lines.push(text.subarray(start, at));
    start = at + 1;
  }
  if (lines.length !== header.lines) throw new FormatError('a segment has another number of lines than it says');
  return { header, lines, end };
}
