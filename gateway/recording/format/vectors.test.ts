import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodePrimitives as p } from '../primitives.ts';
import { fromBase64, toHex, utf8 } from './bytes.ts';
import { journalRecords } from './journal.ts';
import { parseMaskedColumns } from './masked-columns.ts';
import { inclusionProof, leafHash, rootOf } from './merkle.ts';
import { parseHead, verifyHead } from './note.ts';
import { parseMap } from './run-map.ts';
import { openLines } from './segments.ts';
import { openContainer, unitHash } from './units.ts';

const vectors = JSON.parse(
  fs.readFileSync(join(import.meta.dirname, '../../../test/vectors/recording/format-1.json'), 'utf8'),
) as Record<string, never>;

/** Each vector was made with other tools (Python's hashlib, OpenSSL, the zstd program), not with this code. */
interface Vectors {
  unit: { salt: string; kind: number; at: number; bytes: string; hash: string };
  tree: { leaves: string[]; leafHashes: string[]; roots: string[]; proofOf3In7: string[] };
  keystream: { key: string; salts: string };
  head: { key: string; note: string };
  map: { bytes: string; entries: unknown[] };
  maskedColumns: { value: unknown; read: unknown }[];
  container: { file: string; units: { kind: number; at: number; bytes: string; hash: string }[] };
  redacted: { file: string; units: { kind: number; hash: string }[] };
  segment: { file: string; lines: string[]; firstSeq: number; firstUnit: number };
  journal: {
    file: string;
    records: { kind: number; session: number; exchange: number; at: number; n: number; payload: string }[];
  };
}
const v = vectors as unknown as Vectors;
const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

describe('SPEC.md in vectors', () => {
  it('hashes a unit', () => {
    const { unit } = v;
    expect(
      toHex(unitHash(p.sha256, { kind: unit.kind, at: unit.at, salt: hex(unit.salt), bytes: hex(unit.bytes) })),
    ).toBe(unit.hash);
  });

  it('draws salts from the key', () => {
    expect(toHex(p.keystream(hex(v.keystream.key), 48))).toBe(v.keystream.salts);
  });

  it('builds the tree', () => {
    const leaves = v.tree.leaves.map((leaf) => leafHash(p.sha256, utf8(leaf)));
    expect(leaves.map(toHex)).toEqual(v.tree.leafHashes);
    v.tree.roots.forEach((root, size) => {
      expect(toHex(rootOf(p.sha256, leaves.slice(0, size)))).toBe(root);
    });
    expect(inclusionProof(p.sha256, leaves.slice(0, 7), 3).map(toHex)).toEqual(v.tree.proofOf3In7);
  });

  it('reads and verifies a head', () => {
    const head = parseHead(utf8(v.head.note));
    expect(verifyHead(p, head, fromBase64(v.head.key)!)).toBe(true);
    expect(verifyHead(p, { ...head, text: utf8(v.head.note.replace('\n5\n', '\n6\n')) }, fromBase64(v.head.key)!)).toBe(
      false,
    );
  });

  it('reads a map', () => {
    expect(parseMap(hex(v.map.bytes))).toEqual(v.map.entries);
  });

  it('reads masked columns, and takes none from what is not in their form', () => {
    expect(v.maskedColumns.map(({ value }) => parseMaskedColumns(value))).toEqual(
      v.maskedColumns.map(({ read }) => read),
    );
    expect(v.maskedColumns.filter(({ read }) => read !== null)).toHaveLength(3);
  });

  it('reads containers, whole and redacted', () => {
    for (const container of [v.container, v.redacted]) {
      const { units } = openContainer(p, hex(container.file));
      expect(units.map((unit) => ({ kind: unit.kind, hash: toHex(unitHash(p.sha256, unit)) }))).toEqual(
        container.units.map(({ kind, hash }) => ({ kind, hash })),
      );
    }
    const { units } = openContainer(p, hex(v.container.file));
    expect(units.map((unit) => ({ at: unit.at, bytes: toHex(unit.bytes) }))).toEqual(
      v.container.units.map(({ at, bytes }) => ({ at, bytes })),
    );
  });

  it('reads a segment', () => {
    const { header, lines } = openLines(p, hex(v.segment.file));
    expect(header).toMatchObject({ firstSeq: v.segment.firstSeq, firstUnit: v.segment.firstUnit });
    expect(lines.map((line) => Buffer.from(line).toString())).toEqual(v.segment.lines);
  });

  it('reads a journal up to the record that was cut', () => {
    const records = [...journalRecords(p, hex(v.journal.file))];
    expect(records.map((record) => ({ ...record, payload: toHex(record.payload) }))).toEqual(v.journal.records);
  });
});
