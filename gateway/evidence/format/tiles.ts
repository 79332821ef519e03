import { concat } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';

/** C2SP tlog-tiles: the names and contents of a log's hash tiles and entry bundles. */
export const TILE_WIDTH = 256;
const MAX_LEVEL = 6;
const HASH_BYTES = 32;
const MAX_ENTRY = 65_535;

export interface Tile {
  /** 0 for leaf hashes, *l* for roots of full tiles of the level below; `entries` for a bundle. */
  level: number | 'entries';
  index: number;
  /** 1 to 256; below 256 the tile is partial. */
  width: number;
}

/** Below `<log>/`: `tile/<L>/<N>[.p/<W>]`, N in groups of three digits. */
export function tileName(tile: Tile): string {
  const groups: string[] = [];
  let rest = tile.index;
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  const path = groups.map((group, at) => (at === groups.length - 1 ? group : `x${group}`)).join('/');
  return `tile/${tile.level}/${path}${tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`}`;
}

/** @returns null for what is no name of a tile, among them names that `tileName` would write otherwise. */
export function parseTileName(name: string): Tile | null {
  const match = /^tile\/([0-6]|entries)\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(name);
  if (match === null) return null;
  const [, level, path, width] = match as unknown as [string, string, string, string | undefined];
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(path.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  return tileName(tile) === name ? tile : null;
}

/** Nodes of a level in a log of `size` entries: roots of subtrees of 256^level entries that are full. */
const nodesAt = (level: number, size: number): number => Math.floor(size / TILE_WIDTH ** level);

/** Tiles that a checkpoint of `size` needs and one of `since` did not: bundles first, then hashes from the leaves up. */
export function tilesBetween(since: number, size: number): Tile[] {
  const tiles: Tile[] = [];
  const add = (level: Tile['level'], before: number, nodes: number) => {
    if (nodes <= before) return;
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < nodes; index += 1) {
      tiles.push({ level, index, width: Math.min(TILE_WIDTH, nodes - index * TILE_WIDTH) });
    }
  };
  add('entries', since, size);
  for (let level = 0; level <= MAX_LEVEL && nodesAt(level, size) > 0; level += 1) {
    add(level, nodesAt(level, since), nodesAt(level, size));
  }
  return tiles;
}

/** Entries, each after its length in two bytes, big-endian. */
export function entryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY) throw new FormatError('an entry of a log is longer than 65,535 bytes');
    parts.push(Uint8Array.of(entry.length >>> 8, entry.length & 0xff), entry);
  }
  return concat(...parts);
}

/** @param width how many there have to be. Throws FormatError. */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = at + 2 <= bytes.length ? bytes[at]! * 256 + bytes[at + 1]! : 0;
    if (at + 2 + length > bytes.length) throw new FormatError('an entry bundle ends in the middle of an entry');
    entries.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
    if (entries.length > width) break;
  }
  if (entries.length !== width) throw new FormatError(`an entry bundle does not hold ${width} entries`);
  return entries;
}

/** @param width how many there have to be. Throws FormatError. */
export function parseHashTile(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * HASH_BYTES) throw new FormatError(`a hash tile does not hold ${width} hashes`);
  return Array.from({ length: width }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}
