import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodePrimitives as p } from '../primitives.ts';
import { UNIT_PREFIX, UnitPacker } from '../unit-packer.ts';
import { toHex, utf8 } from './bytes.ts';
import { journalHeader, journalRecords, putRecordHeader, recordBytes } from './journal.ts';
import { parseLine } from './lines.ts';
import { Frontier, inclusionProof, leafHash, rootOf, verifyInclusion } from './merkle.ts';
import { parseHead, splitHeads } from './note.ts';
import { FormatError } from './primitives.ts';
import { MapWriter, parseMap } from './run-map.ts';
import { openLines, sealLines } from './segments.ts';
import {
  layOutContainer,
  openContainer,
  redactUnits,
  sealContainer,
  UNIT_MAP,
  UNIT_REDACTED,
  type Unit,
  unitHash,
} from './units.ts';

const bytes = (maxLength = 200) => fc.uint8Array({ maxLength });
const content = fc.record({
  kind: fc.integer({ min: 1, max: UNIT_MAP }),
  delta: fc.integer({ min: 0, max: 10_000_000 }),
  bytes: bytes(),
});
const T = 1_772_600_767_000_000;

/** Nothing but a FormatError may come out of bytes that are not ours. */
function onlyFormatErrors(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
  }
}

describe('containers', () => {
  const packed = (given: readonly { kind: number; delta: number; bytes: Uint8Array }[]) => {
    const packer = new UnitPacker(p, 17);
    let at = T;
    const expected = given.map((one, i) => {
      at += i === 0 ? 0 : one.delta;
      const buffer = Buffer.concat([Buffer.alloc(UNIT_PREFIX), one.bytes]);
      const hash = Buffer.from(packer.add(one.kind, at, buffer, UNIT_PREFIX, buffer.length), 'latin1').toString('hex');
      return { kind: one.kind, at, bytes: toHex(one.bytes), hash };
    });
    packer.seal();
    return { file: packer.take(), expected };
  };
  const shown = (units: readonly Unit[]) =>
    units.map((unit) => ({
      kind: unit.kind,
      at: unit.at,
      bytes: toHex(unit.bytes),
      hash: toHex(unitHash(p.sha256, unit)),
    }));

  it('give back what the packer was given', () => {
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 300 }), (given) => {
        const { file, expected } = packed(given);
        const { header, units, end } = openContainer(p, file);
        expect(shown(units)).toEqual(expected);
        expect(header).toMatchObject({ firstUnit: 17, count: given.length });
        expect(end).toBe(file.length);
      }),
      { numRuns: 60 },
    );
  });

  it('keep every hash when units are redacted and the rest is packed anew', () => {
    fc.assert(
      fc.property(fc.array(content, { minLength: 1, maxLength: 40 }), fc.array(fc.nat(39)), (given, chosen) => {
        const { file, expected } = packed(given);
        const units = redactUnits(p, openContainer(p, file).units, new Set(chosen));
        const { raw, at } = layOutContainer(units, null);
        const again = openContainer(p, sealContainer(p, raw, units.length, 17, at)).units;
        expect(again.map((unit) => toHex(unitHash(p.sha256, unit)))).toEqual(expected.map((unit) => unit.hash));
        again.forEach((unit, i) => {
          if (chosen.includes(i)) expect(unit.kind).toBe(UNIT_REDACTED);
          else expect(shown([unit])).toEqual([expected[i]]);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('do not hide a change of any byte of their content, redacted slots included', () => {
    const { file } = packed([
      { kind: 1, delta: 0, bytes: utf8('select 1') },
      { kind: 2, delta: 70_000, bytes: utf8('one') },
      { kind: 1, delta: 5, bytes: utf8('select 2') },
      { kind: 4, delta: 0, bytes: utf8('map') },
    ]);
    const units = redactUnits(p, openContainer(p, file).units, new Set([0, 2]));
    const hashes = units.map((unit) => toHex(unitHash(p.sha256, unit)));
    const { raw, at } = layOutContainer(units, null);
    for (let offset = 0; offset < raw.length; offset += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const changed = raw.slice();
        changed[offset]! ^= 1 << bit;
        let seen = false;
        try {
          const again = openContainer(p, sealContainer(p, changed, units.length, 17, at)).units;
          seen = again.map((unit) => toHex(unitHash(p.sha256, unit))).join() !== hashes.join();
        } catch {
          seen = true;
        }
        expect({ offset, bit, seen }).toEqual({ offset, bit, seen: true });
      }
    }
  });
});

describe('tree', () => {
  it('proves every leaf at every size, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (size, pick) => {
        const leaves = Array.from({ length: size }, (_, i) => leafHash(p.sha256, utf8(String(i))));
        const frontier = new Frontier(p.sha256);
        for (const leaf of leaves) frontier.add(leaf);
        const root = rootOf(p.sha256, leaves);
        expect(toHex(frontier.root())).toBe(toHex(root));
        const index = pick % size;
        const proof = inclusionProof(p.sha256, leaves, index);
        expect(verifyInclusion(p.sha256, leaves[index]!, index, size, proof, root)).toBe(true);
        expect(verifyInclusion(p.sha256, leafHash(p.sha256, utf8('x')), index, size, proof, root)).toBe(false);
        expect(verifyInclusion(p.sha256, leaves[index]!, index, size, [...proof, root], root)).toBe(false);
      }),
    );
  });
});

describe('maps', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom('up' as const, 'down' as const), exchange: fc.nat(1e9), begins: fc.boolean() }),
    fc.record({ kind: fc.constant('end' as const), exchange: fc.nat(1e9) }),
    fc.record({
      kind: fc.constant('statement' as const),
      exchange: fc.nat(1e9),
      shape: fc.nat(1e6),
      rows: fc.maxSafeNat(),
      extra: fc.option(fc.string({ unit: 'grapheme' })),
    }),
    fc.record({ kind: fc.constant('detail' as const) }),
  );
  it('give back what was written', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const map = new MapWriter(8);
        for (const one of steps) {
          if (one.kind === 'detail') map.detail();
          else if (one.kind === 'end') map.end(one.exchange);
          else if (one.kind === 'statement') map.statement(one.exchange, one.shape, one.rows, one.extra);
          else map.unit(one.exchange, one.kind === 'down', one.begins);
        }
        expect(parseMap(map.bytes.slice(0, map.length))).toEqual(steps);
      }),
    );
  });
});

describe('journal', () => {
  it('gives whole records up to the first that is cut, zeroed or changed', () => {
    const payload = fc.array(bytes(60), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(payload, fc.nat(), fc.constantFrom('cut', 'zero', 'flip'), (payloads, pick, how) => {
        const records = payloads.map((one, n) => {
          const out = Buffer.alloc(recordBytes(one.length));
          putRecordHeader(
            new Uint32Array(out.buffer, out.byteOffset, out.length / 4),
            0,
            3,
            one.length,
            1,
            n * 2 ** 33,
            T,
            n,
          );
          out.set(one, 40);
          out.writeUInt32LE(p.crc32(out.subarray(4, 40 + one.length)), 0);
          return out;
        });
        const header = journalHeader(p, 1, new Uint8Array(16));
        const file = Buffer.concat([header, ...records, Buffer.alloc(512)]);
        const which = pick % records.length;
        const start = header.length + records.slice(0, which).reduce((sum, one) => sum + one.length, 0);
        let damaged = file;
        // The last byte of the payload, or of the header of an empty one; padding says nothing.
        const last = start + 39 + payloads[which]!.length;
        if (how === 'cut') damaged = file.subarray(0, last);
        else if (how === 'zero') damaged.fill(0, start);
        else damaged[last]! ^= 1;
        const read = [...journalRecords(p, damaged)];
        expect(read.map((record) => toHex(record.payload))).toEqual(payloads.slice(0, which).map(toHex));
        expect(read.map((record) => record.exchange)).toEqual(read.map((_, n) => n * 2 ** 33));
      }),
    );
  });
});

describe('parsers', () => {
  it('answer bytes of any kind with a FormatError at worst', () => {
    const segment = sealLines(p, utf8('{"v":1}\n'), 1, 0, 0);
    const { raw } = layOutContainer([{ kind: 1, at: T, salt: new Uint8Array(16), bytes: utf8('x') }], null);
    const container = sealContainer(p, raw, 1, 0, T);
    const changed = (base: Uint8Array) =>
      fc.tuple(fc.nat(base.length - 1), fc.nat(255)).map(([at, value]) => {
        const out = base.slice();
        out[at] = value;
        return out;
      });
    fc.assert(
      fc.property(fc.oneof(bytes(400), changed(segment), changed(container)), (given) => {
        onlyFormatErrors(() => openLines(p, given));
        onlyFormatErrors(() => openContainer(p, given));
        onlyFormatErrors(() => parseHead(given));
        onlyFormatErrors(() => parseLine(given));
        onlyFormatErrors(() => parseMap(given));
        splitHeads(given);
        expect([...journalRecords(p, given)]).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
