import type { FileHandle } from 'node:fs/promises';
import { CountersignError } from '../../contract/errors.ts';
import { consistencyRanges } from '../../recording/format/consistency.ts';
import { Frontier, leafHash, rootOf } from '../../recording/format/merkle.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { entryBundle, parseTileName, TILE_WIDTH } from '../format/tiles.ts';
import { FRAME_HEADER_BYTES, readFrames } from './entry-frames.ts';

/**
 * Where entries lie in the file, and the tree over them. Of every 256 entries it keeps an offset and one
 * hash: a million entries take less than a megabyte; what else a tile or a proof needs is read again.
 */
export class LogTree {
  /** Bytes of the file that the entries take. */
  end = 0;
  private readonly file: FileHandle;
  /** Of full tiles; what follows them is in `tile`. */
  private readonly tiles = new Frontier(p.sha256);
  private tile = new Frontier(p.sha256);
  /** Of the first entry of each tile. */
  private readonly offsets: number[] = [];
  /** Roots of full tiles of level 0: the nodes of level 1. */
  private readonly tileRoots: Uint8Array[] = [];

  constructor(file: FileHandle) {
    this.file = file;
  }

  get size(): number {
    return this.tiles.size + this.tile.size;
  }

  root(): Uint8Array {
    return this.tiles.root(this.tile.size === 0 ? null : this.tile.root());
  }

  add(entry: Uint8Array): void {
    if (this.size % TILE_WIDTH === 0) this.offsets.push(this.end);
    this.tile.add(leafHash(p.sha256, entry));
    if (this.tile.size === TILE_WIDTH) {
      this.tileRoots.push(this.tile.root());
      this.tiles.add(this.tile.root(), TILE_WIDTH);
      this.tile = new Frontier(p.sha256);
    }
    this.end += FRAME_HEADER_BYTES + entry.length;
  }

  /** Entries `[from, until)` as they were written. Throws DEVICE_LOG_DAMAGED where the file does not hold them. */
  async *entries(from: number, until: number): AsyncGenerator<Uint8Array> {
    const last = Math.min(until, this.size);
    if (from >= last) return;
    const tile = Math.floor(from / TILE_WIDTH);
    let n = tile * TILE_WIDTH;
    const stop = this.offsets[Math.ceil(last / TILE_WIDTH)] ?? this.end;
    for await (const read of readFrames(this.file, this.offsets[tile]!, stop)) {
      for (const entry of read.entries) {
        if (n >= from && n < last) yield Uint8Array.prototype.slice.call(entry);
        n += 1;
      }
    }
    if (n < last) throw damaged(n);
  }

  /** Bytes of a tile that a checkpoint of this size or an earlier one names. Throws DEVICE_LOG_NO_TILE. */
  async readTile(name: string): Promise<Uint8Array> {
    const tile = parseTileName(name);
    const from = tile === null ? 0 : tile.index * TILE_WIDTH;
    const nodes = tile === null ? 0 : this.nodesAt(tile.level === 'entries' ? 0 : tile.level);
    if (tile === null || from + tile.width > nodes) {
      throw new CountersignError('DEVICE_LOG_NO_TILE', `the device's log has no tile ${name.slice(0, 80)}`);
    }
    if (tile.level === 'entries') return entryBundle(await Array.fromAsync(this.entries(from, from + tile.width)));
    return Buffer.concat(await this.nodes(tile.level, from, from + tile.width));
  }

  private nodesAt(level: number): number {
    return Math.floor(this.size / TILE_WIDTH ** level);
  }

  private async nodes(level: number, from: number, until: number): Promise<Uint8Array[]> {
    if (level === 0) return Array.fromAsync(this.entries(from, until), (entry) => leafHash(p.sha256, entry));
    if (level === 1) return this.tileRoots.slice(from, until);
    const nodes: Uint8Array[] = [];
    for (let at = from; at < until; at += 1) {
      nodes.push(rootOf(p.sha256, await this.nodes(level - 1, at * TILE_WIDTH, (at + 1) * TILE_WIDTH)));
    }
    return nodes;
  }

  /** RFC 6962 section 2.1.2, between two sizes of this log. */
  async consistency(from: number, to: number): Promise<Uint8Array[]> {
    if (from < 0 || from > to || to > this.size) {
      throw new CountersignError('DEVICE_LOG_NO_PROOF', `the device's log has no sizes ${from} and ${to}`);
    }
    const proof: Uint8Array[] = [];
    if (from === 0) return proof;
    for (const [begin, end] of consistencyRanges(from, to)) proof.push(await this.subtree(begin, end));
    return proof;
  }

  /** Root of a subtree of RFC 6962: one that is wider than a tile begins where a tile does. */
  private async subtree(begin: number, end: number): Promise<Uint8Array> {
    const frontier = new Frontier(p.sha256);
    let at = begin;
    for (; at + TILE_WIDTH <= end && at % TILE_WIDTH === 0; at += TILE_WIDTH) {
      frontier.add(this.tileRoots[at / TILE_WIDTH]!, TILE_WIDTH);
    }
    for await (const entry of this.entries(at, end)) frontier.add(leafHash(p.sha256, entry));
    return frontier.root();
  }
}

const damaged = (n: number): CountersignError =>
  new CountersignError(
    'DEVICE_LOG_DAMAGED',
    `the device's log was changed on disk: entry ${n} cannot be read any more`,
  );
