import * as crypto from 'node:crypto';
import {
  CONTAINER_TARGET_BYTES,
  MAX_CONTAINER_RAW,
  MAX_UNIT_BYTES,
  SALT_BYTES,
  UNIT_REDACTED,
  type UnitColumns,
} from './format/units.ts';
import type { UnitSource } from './unit-source.ts';

/** Before a unit's content: salt, kind, time (SPEC.md, "Units"). */
const PREFIX = SALT_BYTES + 9;
/** The unit that is hashed; behind it the salts and the content of the container that was last looked at. */
const SALTS = PREFIX + MAX_UNIT_BYTES;
const RAW = SALTS + CONTAINER_TARGET_BYTES;
const arena = Buffer.alloc(RAW + MAX_CONTAINER_RAW);
/** Views of the arena's beginning by length: making one costs as much as copying a small unit. */
const views = Array.from({ length: 1024 }, (_, length) => arena.subarray(0, length));
/** Containers whose units are larger on average are hashed from where they lie. */
const SMALL_UNIT = 1024;
let held: UnitColumns | null = null;

function hold(columns: UnitColumns): void {
  if (held === columns) return;
  held = null;
  arena.set(columns.salts, SALTS);
  arena.set(columns.raw, RAW);
  held = columns;
}

/** format/units.ts's unitHash of rows `[from, to)`, as one string of a character per byte. */
function hashesOf(columns: UnitColumns, from: number, to: number): string {
  const { kinds, offsets, lengths, times, salts, raw } = columns;
  const small = raw.length < columns.count * SMALL_UNIT;
  if (small) hold(columns);
  let out = '';
  for (let i = from; i < to; i += 1) {
    const kind = kinds[i]!;
    const offset = offsets[i]!;
    const length = lengths[i]!;
    if (kind === UNIT_REDACTED) {
      out += Buffer.from(raw.buffer, raw.byteOffset + offset, length).toString('latin1');
      continue;
    }
    if (small) {
      arena.copyWithin(0, SALTS + i * SALT_BYTES, SALTS + (i + 1) * SALT_BYTES);
      arena.copyWithin(PREFIX, RAW + offset, RAW + offset + length);
    } else {
      arena.set(salts.subarray(i * SALT_BYTES, (i + 1) * SALT_BYTES), 0);
      arena.set(raw.subarray(offset, offset + length), PREFIX);
    }
    arena[SALT_BYTES] = kind;
    const high = Math.floor(times[i]! / 0x1_0000_0000);
    const low = times[i]! % 0x1_0000_0000;
    arena[SALT_BYTES + 1] = high >>> 24;
    arena[SALT_BYTES + 2] = high >>> 16;
    arena[SALT_BYTES + 3] = high >>> 8;
    arena[SALT_BYTES + 4] = high;
    arena[SALT_BYTES + 5] = low >>> 24;
    arena[SALT_BYTES + 6] = low >>> 16;
    arena[SALT_BYTES + 7] = low >>> 8;
    arena[SALT_BYTES + 8] = low;
    const view = views[PREFIX + length] ?? arena.subarray(0, PREFIX + length);
    out += crypto.hash('sha256', view, 'binary');
  }
  return out;
}

export interface RunDigest {
  /** The units are there, and their hashes are those that `ud` stands for. */
  intact: boolean;
  /** Units whose content was taken out. */
  redacted: number;
}

/** Checks units `[first, first + count)` against a line's `ud`, without an object for any of them. */
export function checkDigest(source: UnitSource, first: number, count: number, ud: string): RunDigest {
  let hashes = '';
  let redacted = 0;
  const complete = source.visit(first, count, (columns, from, to) => {
    hashes += hashesOf(columns, from, to);
    for (let i = from; i < to; i += 1) if (columns.kinds[i] === UNIT_REDACTED) redacted += 1;
  });
  const intact = complete && crypto.hash('sha256', Buffer.from(hashes, 'latin1'), 'base64') === ud;
  return { intact, redacted };
}
