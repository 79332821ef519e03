import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../recording/format/bytes.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { isCheckpointOf, parseCheckpoint } from '../format/checkpoint.ts';
import { parseVkey } from '../format/vkey.ts';
import { DeviceKeys } from './device-keys.ts';
import { verifyTrust } from './verify-trust.ts';
import { witnessedBy } from './witnesses.ts';

/** Made by test/vectors/evidence/make-trust.py with Python and openssl, not with this code. */
interface Vectors {
  root: string;
  secondRoot: string;
  now: string;
  device: string;
  notes: string[];
  attacks: { name: string; notes: string[]; kinds: string[]; newest: number }[];
  checkpoint: { note: string; size: number; key: string; witnessed: string };
  enrolment: string;
  change: string;
  oldKey: string;
  newKey: string;
  binding: string;
  boundKey: string;
}
const file = join(import.meta.dirname, '../../../test/vectors/evidence/trust-1.json');
const v = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const trustOf = (notes: readonly string[], root = v.root) => verifyTrust(p, root, notes.map(utf8), v.now);
const vkey = (text: string) => parseVkey(p.sha256, text);

describe('trust in vectors', () => {
  it('verifies from the first root and from the second', () => {
    for (const root of [v.root, v.secondRoot]) {
      expect(trustOf(v.notes, root)).toMatchObject({ problems: [], note: { n: 4, root: v.secondRoot } });
    }
  });

  it.each(v.attacks)('shows $name', ({ notes, kinds, newest }) => {
    const trust = trustOf(notes);
    expect(trust.problems.map(({ kind }) => kind)).toEqual(kinds);
    expect(trust.note?.n).toBe(newest);
  });

  it('shows every byte of a note that is altered', () => {
    const newest = utf8(v.notes.at(-1)!);
    const others = v.notes.slice(0, -1).map(utf8);
    const undetected = [...newest.keys()].filter((at) => {
      const altered = newest.map((byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte));
      const trust = verifyTrust(p, v.root, [...others, altered], v.now);
      return trust.note?.n !== 3 || trust.problems.length === 0;
    });
    expect(undetected).toEqual([]);
  });

  it('reads a checkpoint, and when the witness saw it', () => {
    const checkpoint = parseCheckpoint(utf8(v.checkpoint.note));
    expect(checkpoint.size).toBe(v.checkpoint.size);
    expect(isCheckpointOf(p, checkpoint, vkey(v.checkpoint.key))).toBe(true);
    const witnessed = witnessedBy(p, trustOf(v.notes), checkpoint.note, null);
    expect(witnessed).toMatchObject({ enough: true, earliest: v.checkpoint.witnessed, problems: [] });
  });

  it('finds the device’s keys: enrolled, handed over, bound', async () => {
    const read = (seen: string | null) => {
      const note = (text: string) => [{ bytes: utf8(text), seen }];
      const notes = { enrolments: note(v.enrolment), bindings: note(v.binding), changes: note(v.change) };
      return DeviceKeys.read(p, trustOf(v.notes), v.device, notes);
    };
    const keys = await read('2026-04-01T00:00:00.000Z');
    expect(keys.problems).toEqual([]);
    expect(keys.known()).toEqual([v.oldKey, v.boundKey, v.newKey]);
    expect(keys.judge(vkey(v.newKey), null)).toMatchObject({ ok: true, by: 'enrolment' });
    expect(keys.judge(vkey(v.boundKey), null)).toMatchObject({ ok: true, person: { name: 'ada@example.com' } });
    // Seen first after the authority was revoked: only the binding is left.
    const late = await read('2026-06-01T00:00:00.000Z');
    expect(late.known()).toEqual([v.boundKey]);
    expect(late.problems).toHaveLength(2);
  });
});
