import * as fs from 'node:fs';
import { join } from 'node:path';
import {
  parseEntryBundle,
  parseHashTile,
  parseTileName,
  TILE_WIDTH,
  type Tile,
  tileName,
} from '../../evidence/format/tiles.ts';
import { equal } from '../../recording/format/bytes.ts';
import { Frontier, leafHash, rootOf } from '../../recording/format/merkle.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';

/** What an imported log is: hashed anew from its entries, tile by tile. */
export interface ReadLog {
  /** Leaves that are known; entries may be missing among them. */
  size: number;
  /** Entries of which only the hash is there: [first, last]. */
  withoutEntries: [number, number][];
  problems: string[];
}

/**
 * Reads the tiles of a device's log and computes the tree anew. Tiles that say the same as others (narrower
 * ones, hash tiles) are compared with what was computed, so that no byte of them goes unchecked.
 *
 * @param prefer where entries and hash tiles say different things: which of them the tree is made of. Entries that
 * are not those of the hashes are then told and left out.
 * @param entry each entry that is there, with its index. @param at after each leaf.
 */
export function readLog(
  folder: string,
  prefer: 'entries' | 'hashes',
  entry: (bytes: Uint8Array, index: number) => void,
  at: (size: number, root: () => Uint8Array) => void,
): ReadLog {
  const tiles = tilesIn(folder);
  const out: ReadLog = { size: 0, withoutEntries: [], problems: [] };
  const frontier = new Frontier(p.sha256);
  const levels: Level[] = [];
  for (let index = 0; ; index += 1) {
    const leaves = leavesOf(folder, tiles, index, prefer, out);
    if (leaves === null) break;
    for (const leaf of leaves.hashes) {
      frontier.add(leaf);
      const bytes = leaves.entries[frontier.size - 1 - index * TILE_WIDTH] ?? null;
      if (bytes !== null) entry(bytes, frontier.size - 1);
      at(frontier.size, () => frontier.root());
    }
    compareHashes(folder, tiles, 0, index, leaves.hashes, out);
    if (leaves.hashes.length < TILE_WIDTH) break;
    carry(folder, tiles, levels, 0, rootOf(p.sha256, leaves.hashes), out);
  }
  for (const [above, { full, hashes }] of levels.entries()) {
    compareHashes(folder, tiles, above + 1, full, hashes, out);
  }
  out.size = frontier.size;
  tellUnread(tiles, out);
  return out;
}

/** By level and index, the widest first. */
type Tiles = Map<string, { tile: Tile; read: boolean }[]>;

const keyOf = (level: Tile['level'], index: number) => `${level}/${index}`;

function tilesIn(folder: string): Tiles {
  const tiles: Tiles = new Map();
  const root = join(folder, 'tile');
  if (!fs.existsSync(root)) return tiles;
  for (const found of fs.readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!found.isFile()) continue;
    const tile = parseTileName(
      join(found.parentPath, found.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );
    if (tile === null) continue;
    const key = keyOf(tile.level, tile.index);
    const all = tiles.get(key) ?? [];
    all.push({ tile, read: false });
    tiles.set(key, all);
  }
  for (const all of tiles.values()) all.sort((a, b) => b.tile.width - a.tile.width);
  return tiles;
}

interface Leaves {
  hashes: Uint8Array[];
  /** null where there is none, or not the one that the hash is of. */
  entries: readonly (Uint8Array | null)[];
}

/** From the widest bundle of entries; where there is none that can be read, from the hashes. */
function leavesOf(
  folder: string,
  tiles: Tiles,
  index: number,
  prefer: 'entries' | 'hashes',
  out: ReadLog,
): Leaves | null {
  const bundles = tiles.get(keyOf('entries', index)) ?? [];
  const hashes = hashesOf(folder, tiles.get(keyOf(0, index)) ?? [], out);
  let widest: (Leaves & { bytes: Buffer; ends: number[] }) | null = null;
  for (const found of bundles) {
    found.read = true;
    const bytes = fs.readFileSync(join(folder, tileName(found.tile)));
    if (widest !== null) {
      // Narrower ones of the same log are its first bytes: nothing has to be hashed again.
      const end = widest.ends[found.tile.width - 1];
      if (bytes.length !== end || !bytes.equals(widest.bytes.subarray(0, end))) {
        out.problems.push(`${tileName(found.tile)} holds other entries than the wider one beside it`);
      }
      continue;
    }
    try {
      const entries = parseEntryBundle(bytes, found.tile.width);
      let end = 0;
      const ends = entries.map((one) => (end += 2 + one.length));
      widest = { entries, hashes: entries.map((one) => leafHash(p.sha256, one)), bytes, ends };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      out.problems.push(`${tileName(found.tile)} is damaged: ${error.message}`);
    }
  }
  if (widest === null || hashes === null) {
    if (hashes !== null) out.withoutEntries.push([index * TILE_WIDTH, index * TILE_WIDTH + hashes.length - 1]);
    return hashes === null ? widest : { hashes, entries: [] };
  }
  const entries = widest.hashes.map((hash, i) => {
    const other = hashes[i] !== undefined && !equal(hash, hashes[i]);
    if (other) out.problems.push(`entry ${index * TILE_WIDTH + i} is not the one whose hash is in the log's tree`);
    return other && prefer === 'hashes' ? null : widest.entries[i]!;
  });
  const more = hashes.slice(widest.hashes.length);
  if (more.length > 0) {
    const first = index * TILE_WIDTH + widest.hashes.length;
    out.withoutEntries.push([first, first + more.length - 1]);
  }
  const known = prefer === 'hashes' ? [...hashes, ...widest.hashes.slice(hashes.length)] : [...widest.hashes, ...more];
  return { hashes: known, entries };
}

function hashesOf(folder: string, tiles: { tile: Tile }[], out: ReadLog): Uint8Array[] | null {
  const [widest] = tiles;
  if (widest === undefined) return null;
  try {
    return parseHashTile(fs.readFileSync(join(folder, tileName(widest.tile))), widest.tile.width);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    out.problems.push(`${tileName(widest.tile)} is damaged: ${error.message}`);
    return null;
  }
}

function compareHashes(
  folder: string,
  tiles: Tiles,
  level: number,
  index: number,
  computed: readonly Uint8Array[],
  out: ReadLog,
): void {
  for (const found of tiles.get(keyOf(level, index)) ?? []) {
    found.read = true;
    const name = tileName(found.tile);
    const bytes = fs.readFileSync(join(folder, name));
    const same =
      bytes.length === found.tile.width * 32 &&
      found.tile.width <= computed.length &&
      bytes.equals(Buffer.concat(computed.slice(0, found.tile.width)));
    if (!same) out.problems.push(`${name} does not hold the hashes of the entries`);
  }
}

/** A level of the tree above the leaves, from 1: its full tiles, and the hashes after them. */
interface Level {
  full: number;
  hashes: Uint8Array[];
}

/** A full tile's root is a hash of the level above. */
function carry(folder: string, tiles: Tiles, levels: Level[], above: number, hash: Uint8Array, out: ReadLog): void {
  levels[above] ??= { full: 0, hashes: [] };
  const level = levels[above];
  level.hashes.push(hash);
  if (level.hashes.length < TILE_WIDTH) return;
  compareHashes(folder, tiles, above + 1, level.full, level.hashes, out);
  const root = rootOf(p.sha256, level.hashes);
  levels[above] = { full: level.full + 1, hashes: [] };
  carry(folder, tiles, levels, above + 1, root, out);
}

function tellUnread(tiles: Tiles, out: ReadLog): void {
  const unread = [...tiles.values()].flat().filter(({ read }) => !read);
  for (const { tile } of unread.slice(0, 5)) {
    out.problems.push(`${tileName(tile)} is beyond what can be read: tiles before it are missing`);
  }
}
