import { numbered } from './files.ts';
import { type Line, parseLine, type RunPart, type Shape } from './format/lines.ts';
import { FormatError } from './format/primitives.ts';
import { countMapped, type MapEntry, parseMap } from './format/run-map.ts';
import { parseSegmentHeader, SEGMENT_HEADER_BYTES } from './format/segments.ts';
import { UNIT_MAP, type Unit } from './format/units.ts';
import { checkDigest } from './run-digest.ts';
import { readBounded, scanSegment } from './scan.ts';
import type { UnitSource } from './unit-source.ts';

export interface LoggedLine {
  line: Line;
  bytes: Uint8Array;
}

/** Event lines of a session in order; null stands for a stretch that cannot be read. */
export function* logLines(
  folder: string,
  wanted: (text: Uint8Array) => boolean = () => true,
): Generator<LoggedLine | null> {
  for (const { path } of numbered(folder, 'segment')) {
    let bytes: Buffer;
    try {
      bytes = readBounded(path);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      yield null;
      continue;
    }
    for (const found of scanSegment(bytes)) {
      if (found.lines === null) {
        yield null;
        continue;
      }
      for (const text of found.lines) {
        if (!wanted(text)) continue;
        try {
          yield { line: parseLine(text), bytes: text };
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
          yield null;
        }
      }
    }
  }
}

/** The last line of a session, without unpacking what comes before it; null when it cannot be read. */
export function lastLine(folder: string): Line | null {
  const file = numbered(folder, 'segment').at(-1);
  if (file === undefined) return null;
  try {
    const bytes = readBounded(file.path);
    let last = 0;
    for (let offset = 0; offset < bytes.length; ) {
      last = offset;
      offset += SEGMENT_HEADER_BYTES + parseSegmentHeader(bytes, offset).length;
    }
    const lines = [...scanSegment(bytes.subarray(last))].at(0)?.lines;
    const text = lines?.at(-1);
    return text === undefined ? null : parseLine(text);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** The units that a line binds, checked against its digest. */
export interface BoundRun {
  first: number;
  units: (Unit | null)[];
  /** null: it cannot be read, so it is not known which exchange a unit belongs to. */
  map: MapEntry[] | null;
  /** The units are exactly those that the line binds. */
  intact: boolean;
  /** Units whose content was taken out. */
  redacted: number;
}

/** More than any recorder binds with one line. */
const MAX_RUN_UNITS = 8192;

export const hasRun = (line: Line): line is Line & RunPart => 'u' in line && line.u !== undefined;

const countOf = (map: readonly MapEntry[]): number => {
  let named = 0;
  for (const { kind } of map) if (kind === 'up' || kind === 'down' || kind === 'detail') named += 1;
  return named;
};

export function bindRun(line: RunPart, source: UnitSource): BoundRun {
  const [first, count] = line.u;
  if (count < 1 || count > MAX_RUN_UNITS) return { first, units: [], map: null, intact: false, redacted: 0 };
  const { intact, redacted } = checkDigest(source, first, count, line.ud);
  const units = source.get(first, count);
  const last = units.at(-1);
  let map: MapEntry[] | null = null;
  if (last != null && last.kind === UNIT_MAP) {
    try {
      map = parseMap(last.bytes);
      if (countOf(map) !== count - 1) map = null;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }
  return { first, units, map, intact, redacted };
}

/** bindRun's checks alone: nothing is made of what the run holds. `sound`: intact, with a map that fits. */
export function checkRun(line: RunPart, source: UnitSource): { sound: boolean; redacted: number } {
  const [first, count] = line.u;
  if (count < 1 || count > MAX_RUN_UNITS) return { sound: false, redacted: 0 };
  const { intact, redacted } = checkDigest(source, first, count, line.ud);
  if (!intact) return { sound: false, redacted };
  const [map] = source.get(first + count - 1, 1);
  if (map == null || map.kind !== UNIT_MAP) return { sound: false, redacted };
  try {
    return { sound: countMapped(map.bytes) === count - 1, redacted };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { sound: false, redacted };
  }
}

/** Shapes by number as lines define them. */
export class ShapeTable {
  private readonly shapes = new Map<number, Shape>();

  learn(line: Line): void {
    if (!hasRun(line) || !Array.isArray(line.shapes)) return;
    for (const [number, shape] of line.shapes) this.shapes.set(number, shape);
  }

  get(number: number): Shape | null {
    return this.shapes.get(number) ?? null;
  }
}
