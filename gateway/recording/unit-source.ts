import * as fs from 'node:fs';
import { numbered } from './files.ts';
import { FormatError } from './format/primitives.ts';
import {
  CONTAINER_HEADER_BYTES,
  openColumns,
  parseContainerHeader,
  type Unit,
  type UnitColumns,
  unitAt,
} from './format/units.ts';
import { nodePrimitives as p } from './primitives.ts';
import { readBounded, scanUnits } from './scan.ts';

interface Slot {
  firstUnit: number;
  count: number;
  offset: number;
}

interface LoadedFile {
  path: string;
  bytes: Buffer;
  slots: Slot[];
}

/**
 * Units of one session by index, read mostly in order. Holds one file and two containers at a time,
 * whatever the session's size.
 */
export class UnitSource {
  private readonly files: { path: string; firstUnit: number | null }[];
  private loaded: LoadedFile | null = null;
  private readonly cache: { path: string; offset: number; columns: UnitColumns | null }[] = [];

  constructor(folder: string) {
    this.files = numbered(folder, 'units').map(({ path }) => ({ path, firstUnit: firstUnitOf(path) }));
  }

  /** Units `[first, first + count)`; null where one is missing or cannot be read. */
  get(first: number, count: number): (Unit | null)[] {
    const out: (Unit | null)[] = new Array(count).fill(null);
    this.visit(first, count, (columns, from, to, unit) => {
      for (let i = from; i < to; i += 1) out[unit - first + i - from] = unitAt(columns, i);
    });
    return out;
  }

  /**
   * Calls `see` with the columns that hold units `[first, first + count)`, in order: rows `[from, to)`
   * of them begin at `unit`. @returns false when one is missing or cannot be read.
   */
  visit(
    first: number,
    count: number,
    see: (columns: UnitColumns, from: number, to: number, unit: number) => void,
  ): boolean {
    let at = first;
    let complete = true;
    const end = first + count;
    while (at < end) {
      const found = this.container(at);
      if (found === null) {
        complete = false;
        at += 1;
        continue;
      }
      const { slot, columns } = found;
      const until = Math.min(end, slot.firstUnit + slot.count);
      if (columns === null) complete = false;
      else see(columns, at - slot.firstUnit, until - slot.firstUnit, at);
      at = until;
    }
    return complete;
  }

  private container(unit: number): { slot: Slot; columns: UnitColumns | null } | null {
    const inLoaded = this.loaded === null ? null : slotOf(this.loaded, unit);
    if (inLoaded !== null && this.loaded !== null) return { slot: inLoaded, columns: this.open(this.loaded, inLoaded) };
    // The file that begins at or before the unit, and any whose beginning is damaged.
    let candidate = -1;
    this.files.forEach((file, i) => {
      if (file.firstUnit !== null && file.firstUnit <= unit) candidate = i;
    });
    const order = [candidate, ...this.files.flatMap((file, i) => (file.firstUnit === null ? [i] : []))];
    for (const i of order) {
      const file = this.files[i];
      if (file === undefined || file.path === this.loaded?.path) continue;
      const loaded = load(file.path);
      const slot = loaded === null ? null : slotOf(loaded, unit);
      if (loaded !== null && slot !== null) {
        this.loaded = loaded;
        return { slot, columns: this.open(loaded, slot) };
      }
    }
    return null;
  }

  private open(file: LoadedFile, slot: Slot): UnitColumns | null {
    const { path } = file;
    const { offset } = slot;
    const known = this.cache.find((entry) => entry.offset === offset && entry.path === path);
    if (known !== undefined) return known.columns;
    let columns: UnitColumns | null = null;
    try {
      columns = openColumns(p, file.bytes, offset).columns;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
    this.cache.unshift({ path, offset, columns });
    this.cache.length = Math.min(this.cache.length, 2);
    return columns;
  }
}

/** Binary search: a page deep in a large session must not walk its containers. */
function slotOf(file: LoadedFile, unit: number): Slot | null {
  let low = 0;
  let high = file.slots.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const slot = file.slots[middle]!;
    if (unit < slot.firstUnit) high = middle - 1;
    else if (unit >= slot.firstUnit + slot.count) low = middle + 1;
    else return slot;
  }
  return null;
}

function load(path: string): LoadedFile | null {
  try {
    const bytes = readBounded(path);
    const slots: Slot[] = [];
    for (const found of scanUnits(bytes, () => false)) {
      if (found.header === null) continue;
      const last = slots.at(-1);
      // What repeats or goes backwards was not written so; the first stays.
      if (last !== undefined && found.header.firstUnit < last.firstUnit + last.count) continue;
      slots.push({ firstUnit: found.header.firstUnit, count: found.header.count, offset: found.offset });
    }
    return { path, bytes, slots };
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

function firstUnitOf(path: string): number | null {
  const fd = fs.openSync(path, 'r');
  try {
    const header = Buffer.alloc(CONTAINER_HEADER_BYTES);
    if (fs.readSync(fd, header, 0, header.length, 0) < header.length) return null;
    return parseContainerHeader(header).firstUnit;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}
