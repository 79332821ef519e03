import * as fs from 'node:fs';
import { FormatError } from './format/primitives.ts';
import { MAX_FRAME_RAW, openLines, type SegmentHeader } from './format/segments.ts';
import {
  CONTAINER_HEADER_BYTES,
  type ContainerHeader,
  openContainer,
  parseContainerHeader,
  type Unit,
} from './format/units.ts';
import { nodePrimitives as p } from './primitives.ts';

/** Files rotate long before this; a larger one was not written by a recorder. */
const MAX_FILE_BYTES = 2 * MAX_FRAME_RAW;

/** A whole file of a session's folder. Throws FormatError when it is larger than any recorder makes. */
export function readBounded(path: string): Buffer {
  const { size } = fs.statSync(path);
  if (size > MAX_FILE_BYTES) throw new FormatError(`${path} is larger than a recording's files are`);
  return fs.readFileSync(path);
}

const SEGMENT_START = Buffer.from('502a4d182400000043534531', 'hex');
const CONTAINER_START = Buffer.from('CSU1');

export interface ScannedSegment {
  offset: number;
  end: number;
  header: SegmentHeader | null;
  /** null: damaged. */
  lines: Uint8Array[] | null;
}

/** Frames of a segment file; a damaged one is passed over up to the next that begins. */
export function* scanSegment(bytes: Buffer): Generator<ScannedSegment> {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      const { header, lines, end } = openLines(p, bytes, offset);
      yield { offset, end, header, lines };
      offset = end;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const next = bytes.indexOf(SEGMENT_START, offset + 1);
      const end = next === -1 ? bytes.length : next;
      yield { offset, end, header: null, lines: null };
      offset = end;
    }
  }
}

export interface ScannedContainer {
  offset: number;
  end: number;
  header: ContainerHeader | null;
  /** null: damaged, or passed over because `wanted` said no. */
  units: Unit[] | null;
  damaged: boolean;
}

/** Containers of a units file; `wanted` saves unpacking those that are not needed. */
export function* scanUnits(
  bytes: Buffer,
  wanted: (header: ContainerHeader) => boolean = () => true,
): Generator<ScannedContainer> {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      const header = parseContainerHeader(bytes, offset);
      const end = offset + CONTAINER_HEADER_BYTES + header.length;
      if (end <= bytes.length && !wanted(header)) {
        yield { offset, end, header, units: null, damaged: false };
      } else {
        yield { offset, end, header, units: openContainer(p, bytes, offset).units, damaged: false };
      }
      offset = end;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const next = bytes.indexOf(CONTAINER_START, offset + 1);
      const end = next === -1 ? bytes.length : next;
      yield { offset, end, header: null, units: null, damaged: true };
      offset = end;
    }
  }
}
