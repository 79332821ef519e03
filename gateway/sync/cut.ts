import * as fs from 'node:fs';
import { join } from 'node:path';
import {
  headsName,
  KEY_NAME,
  numbered,
  OPEN_NAME,
  SUMS_NAME,
  SUMS_SIGNATURE_NAME,
  segmentName,
  unitsName,
} from '../recording/files.ts';
import { parseLine } from '../recording/format/lines.ts';
import { MAX_NOTE_BYTES, parseHead, splitHeads } from '../recording/format/note.ts';
import { FormatError } from '../recording/format/primitives.ts';
import { openLines, parseSegmentHeader, SEGMENT_HEADER_BYTES } from '../recording/format/segments.ts';
import { CONTAINER_HEADER_BYTES, parseContainerHeader } from '../recording/format/units.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { MAX_PART_RANGES_BYTES, memberOrder } from './part.ts';

/** How far into a session's files the parts go that were made so far. */
export interface Cursor {
  units: Position;
  segment: Position;
  heads: Position;
  /** Lines under the last head that is in a part, and the units that they bind. */
  lines: number;
  bound: number;
  /** Files that are in a part whole. */
  others: string[];
}

interface Position {
  number: number;
  offset: number;
}

export const START: Cursor = {
  units: { number: 0, offset: 0 },
  segment: { number: 0, offset: 0 },
  heads: { number: 0, offset: 0 },
  lines: 0,
  bound: 0,
  others: [],
};

export interface PlannedRange {
  name: string;
  offset: number;
  length: number;
}

export interface Cut {
  ranges: PlannedRange[];
  /** After these ranges. */
  cursor: Cursor;
  /** The session is complete with them. */
  last: boolean;
  /** There is more than fits one part. */
  more: boolean;
  /** Bytes of the session's files that are in no part yet, these ranges left out; an estimate. */
  rest: number;
}

const NAMES = { units: unitsName, segment: segmentName, heads: headsName };
type Kind = keyof typeof NAMES;
const ORDER: readonly Kind[] = ['units', 'segment', 'heads'];
const RECOVERY_KEY = /^recovery-key-(\d{1,16})\.pem$/;
const MAX_OTHER_BYTES = 4 * 1024 * 1024;
const HEADS_AT_ONCE = 256 * MAX_NOTE_BYTES;

/**
 * What the next part of a session holds. It ends at a signed head: lines that the head covers, units that those lines
 * bind, and nothing beyond, since recovery after a crash may take back what came later. Heads are looked at first, and
 * they are written last, so what they cover is in the files. null: nothing that could be in a part.
 * Throws FormatError where an open session's files cannot be cut; of one that is closed everything goes, as it is.
 */
export function nextCut(folder: string, from: Cursor, maxBytes = MAX_PART_RANGES_BYTES): Cut | null {
  const closed = fileSize(join(folder, SUMS_SIGNATURE_NAME)) === 64;
  const walk = new FolderWalk(folder, from, maxBytes);
  try {
    for (const head of walk.heads()) if (!walk.takeUpTo(head)) break;
    if (closed && !walk.full) walk.takeRest();
  } catch (error) {
    if (!closed || !(error instanceof FormatError)) throw error;
    walk.takeRest();
  } finally {
    walk.close();
  }
  if (walk.cursor.lines > 0 || closed) walk.takeOthers(closed && !walk.full);
  return walk.result(closed);
}

class FolderWalk {
  readonly cursor: Cursor;
  /** The next piece did not fit. */
  full = false;
  private readonly folder: string;
  private readonly max: number;
  private readonly sizes = new Map<string, number>();
  private readonly highest: Record<Kind, number>;
  private readonly taken = new Map<string, PlannedRange>();
  private readonly fds = new Map<string, number>();
  private bytes = 0;

  constructor(folder: string, from: Cursor, max: number) {
    this.folder = folder;
    this.max = max;
    this.cursor = structuredClone(from);
    // Heads first: what they cover was in the other files before they were written.
    for (const kind of ['heads', 'segment', 'units'] as const)
      for (const { name, path } of numbered(folder, kind)) this.sizes.set(name, fileSize(path));
    const last = (kind: Kind) => numbered(folder, kind).at(-1)?.number ?? -1;
    this.highest = { heads: last('heads'), segment: last('segment'), units: last('units') };
    for (const kind of ORDER) {
      const { number, offset } = from[kind];
      if (offset > (this.sizes.get(NAMES[kind](number)) ?? 0))
        throw new FormatError(`${NAMES[kind](number)} is shorter than what of it is in parts already`);
    }
  }

  close(): void {
    for (const fd of this.fds.values()) fs.closeSync(fd);
    this.fds.clear();
  }

  private read(name: string, offset: number, length: number): Buffer {
    let fd = this.fds.get(name);
    if (fd === undefined) {
      fd = fs.openSync(join(this.folder, name), 'r');
      this.fds.set(name, fd);
    }
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, fs.readSync(fd, buffer, 0, length, offset));
  }

  private sizeOf(kind: Kind, number: number): number {
    return this.sizes.get(NAMES[kind](number)) ?? 0;
  }

  /** Where the next piece of a kind begins: in the next file when this one is used up and has a successor. */
  private skipUsed(kind: Kind, at: Position): Position {
    let { number, offset } = at;
    while (offset >= this.sizeOf(kind, number) && number < this.highest[kind]) {
      number += 1;
      offset = 0;
    }
    return { number, offset };
  }

  /** Signed heads that are in no part yet, with where they end. */
  *heads(): Generator<{ lines: number; at: Position; length: number }> {
    let at = this.skipUsed('heads', this.cursor.heads);
    for (;;) {
      const left = this.sizeOf('heads', at.number) - at.offset;
      const bytes =
        left <= 0 ? Buffer.alloc(0) : this.read(headsName(at.number), at.offset, Math.min(left, HEADS_AT_ONCE));
      const { notes } = splitHeads(bytes);
      if (notes.length === 0) {
        if (left > 0 && at.number < this.highest.heads) throw new FormatError('a heads file ends within a head');
        const next = this.skipUsed('heads', at);
        if (next.number === at.number) return;
        at = next;
        continue;
      }
      for (const note of notes) {
        const length = note.length + 1;
        yield { lines: parseHead(note).size, at, length };
        at = { number: at.number, offset: at.offset + length };
      }
      at = this.skipUsed('heads', at);
    }
  }

  /** Takes one head with everything it needs; when that is too much, as much of it as fits. @returns false to stop. */
  takeUpTo(head: { lines: number; at: Position; length: number }): boolean {
    const frames = this.pieces('segment', (at) => {
      const header = parseSegmentHeader(this.read(segmentName(at.number), at.offset, SEGMENT_HEADER_BYTES));
      return header.firstSeq + header.lines > head.lines ? null : SEGMENT_HEADER_BYTES + header.length;
    });
    const bound = frames.length === 0 ? this.cursor.bound : this.boundAfter(frames.at(-1)!);
    const containers = this.pieces('units', (at) => {
      const header = parseContainerHeader(this.read(unitsName(at.number), at.offset, CONTAINER_HEADER_BYTES));
      return header.firstUnit >= bound ? null : CONTAINER_HEADER_BYTES + header.length;
    });
    const need = [...containers, ...frames].reduce((sum, piece) => sum + piece.length, head.length);
    if (this.bytes + need <= this.max) {
      for (const piece of containers) this.take('units', piece);
      for (const piece of frames) this.take('segment', piece);
      this.take('heads', head);
      this.cursor.lines = head.lines;
      this.cursor.bound = bound;
      return true;
    }
    this.full = true;
    if (this.bytes > 0) return false;
    // One write is more than a part: its units go first, then its lines, then the head that covers them.
    for (const [kind, pieces] of [
      ['units', containers],
      ['segment', frames],
    ] as const) {
      for (const piece of pieces) {
        if (this.bytes + piece.length > this.max) {
          if (this.bytes === 0)
            throw new FormatError(`${NAMES[kind](piece.at.number)} holds more in one piece than a part takes`);
          return false;
        }
        this.take(kind, piece);
      }
    }
    return false;
  }

  /** Whole pieces that follow each other. @param lengthOf null: the piece is not wanted, and none after it. */
  private pieces(kind: Kind, lengthOf: (at: Position) => number | null): { at: Position; length: number }[] {
    const found: { at: Position; length: number }[] = [];
    let at = this.skipUsed(kind, this.cursor[kind]);
    while (at.offset < this.sizeOf(kind, at.number)) {
      const length = lengthOf(at);
      if (length === null) break;
      if (at.offset + length > this.sizeOf(kind, at.number))
        throw new FormatError(`${NAMES[kind](at.number)} ends within a frame`);
      found.push({ at, length });
      at = this.skipUsed(kind, { number: at.number, offset: at.offset + length });
    }
    return found;
  }

  /** Units that the lines up to the end of this frame bind. */
  private boundAfter(frame: { at: Position; length: number }): number {
    const next = this.skipUsed('segment', { number: frame.at.number, offset: frame.at.offset + frame.length });
    if (next.offset + SEGMENT_HEADER_BYTES <= this.sizeOf('segment', next.number))
      return parseSegmentHeader(this.read(segmentName(next.number), next.offset, SEGMENT_HEADER_BYTES)).firstUnit;
    const { header, lines } = openLines(p, this.read(segmentName(frame.at.number), frame.at.offset, frame.length));
    for (const text of lines.toReversed()) {
      const line = parseLine(text);
      if ('u' in line && line.u !== undefined) return line.u[0] + line.u[1];
    }
    return header.firstUnit;
  }

  private take(kind: Kind, { at, length }: { at: Position; length: number }): void {
    const name = NAMES[kind](at.number);
    const range = this.taken.get(name);
    if (range === undefined) this.taken.set(name, { name, offset: at.offset, length });
    else range.length += length;
    this.bytes += length;
    this.cursor[kind] = { number: at.number, offset: at.offset + length };
  }

  /** What is left of a closed session's files, frames or not: damaged ones are evidence of that. */
  takeRest(): void {
    for (const kind of ORDER) {
      for (;;) {
        const at = this.skipUsed(kind, this.cursor[kind]);
        const left = this.sizeOf(kind, at.number) - at.offset;
        if (left <= 0) break;
        const length = Math.min(left, this.max - this.bytes);
        if (length > 0) this.take(kind, { at, length });
        if (length < left) {
          this.full = true;
          return;
        }
      }
    }
  }

  /** The open event, keys, and (with `sums`) the signed sums: files that are written once. */
  takeOthers(sums: boolean): void {
    for (const name of fs.readdirSync(this.folder).sort()) {
      const recovery = RECOVERY_KEY.exec(name);
      const wanted =
        name === OPEN_NAME ||
        name === KEY_NAME ||
        // A recovery that was itself cut off makes its key anew.
        (recovery !== null && Number(recovery[1]) < this.cursor.lines) ||
        (sums && (name === SUMS_NAME || name === SUMS_SIGNATURE_NAME));
      if (!wanted || this.cursor.others.includes(name)) continue;
      const length = fileSize(join(this.folder, name));
      if (length === 0 || length > MAX_OTHER_BYTES) throw new FormatError(`${name} has an impossible size`);
      if (this.bytes + length > this.max) {
        this.full = true;
        return;
      }
      this.taken.set(name, { name, offset: 0, length });
      this.bytes += length;
      this.cursor.others.push(name);
    }
  }

  result(closed: boolean): Cut | null {
    if (this.taken.size === 0) return null;
    const ranges = [...this.taken.values()].sort(memberOrder);
    return {
      ranges,
      cursor: this.cursor,
      last: closed && !this.full && this.cursor.others.includes(SUMS_SIGNATURE_NAME),
      more: this.full,
      rest: ORDER.reduce((sum, kind) => sum + this.left(kind), 0),
    };
  }

  private left(kind: Kind): number {
    const { number, offset } = this.cursor[kind];
    let sum = -offset;
    for (let n = number; n <= this.highest[kind]; n += 1) sum += this.sizeOf(kind, n);
    return Math.max(0, sum);
  }
}

function fileSize(path: string): number {
  try {
    return fs.statSync(path).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/** The bytes of a range. What a part tells others has to be there after a power cut, so it is brought to disk first. */
export function readRange(folder: string, { name, offset, length }: PlannedRange): Uint8Array {
  const fd = fs.openSync(join(folder, name), 'r');
  try {
    fs.fsyncSync(fd);
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length; ) {
      const got = fs.readSync(fd, bytes, done, length - done, offset + done);
      if (got === 0) throw new FormatError(`${name} became shorter`);
      done += got;
    }
    return bytes;
  } finally {
    fs.closeSync(fd);
  }
}
