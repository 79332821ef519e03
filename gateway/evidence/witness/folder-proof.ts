import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import { consistencyRanges } from '../../recording/format/consistency.ts';
import { Frontier } from '../../recording/format/merkle.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { parseHashTile, TILE_WIDTH, tileName } from '../format/tiles.ts';

/**
 * A consistency proof out of a copy of a log's folder: `tile/0/…` as the store has them. The proof is checked
 * against what is signed, so tiles that were changed lead to no proof that counts. Throws WITNESS_NO_TILES.
 */
export function proofFromTiles(folder: string, from: number, to: number): Uint8Array[] {
  if (from === 0) return [];
  return consistencyRanges(from, to).map(([begin, end]) => {
    const frontier = new Frontier(p.sha256);
    for (let at = begin; at < end; ) {
      const index = Math.floor(at / TILE_WIDTH);
      const leaves = tileOf(folder, index, Math.min(TILE_WIDTH, to - index * TILE_WIDTH));
      for (; at < end && Math.floor(at / TILE_WIDTH) === index; at += 1) frontier.add(leaves[at % TILE_WIDTH]!);
    }
    return frontier.root();
  });
}

function tileOf(folder: string, index: number, width: number): Uint8Array[] {
  for (const found of new Set([width, TILE_WIDTH])) {
    try {
      return parseHashTile(readFileSync(join(folder, tileName({ level: 0, index, width: found }))), found);
    } catch (error) {
      if (!(error instanceof FormatError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new CountersignError(
    'WITNESS_NO_TILES',
    `${join(folder, tileName({ level: 0, index, width }))} is missing or damaged; copy the log's tiles with its checkpoints`,
  );
}
