import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../recording/format/bytes.ts';
import { entryBundle, parseEntryBundle, parseHashTile, parseTileName, tileName, tilesBetween } from './tiles.ts';

const names = (since: number, size: number) => tilesBetween(since, size).map(tileName);

describe('tiles of a log', () => {
  it('have the names of C2SP tlog-tiles', () => {
    expect(tileName({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tileName({ level: 'entries', index: 0, width: 7 })).toBe('tile/entries/000.p/7');
    expect(tileName({ level: 2, index: 999, width: 255 })).toBe('tile/2/999.p/255');
  });

  it('are those of the specification’s example of 70,000 entries', () => {
    const tiles = tilesBetween(0, 70_000);
    const count = (level: number, full: boolean) =>
      tiles.filter((tile) => tile.level === level && (tile.width === 256) === full).map((tile) => tile.width);
    expect(count(0, true)).toHaveLength(273);
    expect(count(0, false)).toEqual([112]);
    expect(count(1, true)).toHaveLength(1);
    expect(count(1, false)).toEqual([17]);
    expect(count(2, false)).toEqual([1]);
    expect(names(0, 256)).toEqual(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1']);
  });

  it('are named once: what an earlier checkpoint needed is left out', () => {
    expect(names(3, 3)).toEqual([]);
    expect(names(3, 5)).toEqual(['tile/entries/000.p/5', 'tile/0/000.p/5']);
    expect(names(255, 257)).toEqual([
      'tile/entries/000',
      'tile/entries/001.p/1',
      'tile/0/000',
      'tile/0/001.p/1',
      'tile/1/000.p/1',
    ]);
  });

  it('are found again by their names, and nothing else is taken for one', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 6 })),
        fc.integer({ min: 0, max: 1e12 }),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          expect(parseTileName(tileName({ level, index, width }))).toEqual({ level, index, width });
        },
      ),
    );
    for (const name of [
      'tile/0/000.p/256',
      'tile/0/000.p/0',
      'tile/0/x000/001',
      'tile/7/000',
      'tile/00/000',
      'tile/0/1',
      'tile/0/000.p/01',
      'tile/0/../../etc',
    ]) {
      expect(parseTileName(name)).toBeNull();
    }
  });

  it('hold their entries, and say so when they hold others', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 }), (entries) => {
        const bundle = entryBundle(entries);
        expect(parseEntryBundle(bundle, entries.length).map((entry) => [...entry])).toEqual(
          entries.map((entry) => [...entry]),
        );
        expect(() => parseEntryBundle(bundle, entries.length + 1)).toThrow('entries');
        expect(() => parseEntryBundle(bundle.subarray(0, -1), entries.length)).toThrow();
      }),
    );
    expect(() => entryBundle([new Uint8Array(65_536)])).toThrow('65,535');
    expect(() => parseEntryBundle(entryBundle([utf8('a'), utf8('b')]), 1)).toThrow('1 entries');
    expect(() => parseHashTile(new Uint8Array(63), 2)).toThrow('2 hashes');
  });
});
