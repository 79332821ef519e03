import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../recording/format/bytes.ts';
import { consistencyProof, verifyConsistency } from '../../recording/format/consistency.ts';
import { leafHash, rootOf } from '../../recording/format/merkle.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { deviceOrigin, isCheckpointOf, parseCheckpoint, signCheckpoint, withSignatures } from './checkpoint.ts';
import type { EnrolmentRequest } from './documents.ts';
import { parseDocument, signDocument } from './signed-document.ts';
import { cosign, cosignedAt, formatSignature, isSignedBy, parseNote, parseSignature, signNote } from './signed-note.ts';
import { testSigner } from './test-keys.ts';
import { COSIGNATURE, formatVkey, parseVkey, sameVkey } from './vkey.ts';

const DEVICE = '01JABCDEFGHJKMNPQRSTVWXYZ0';
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe('checkpoints of a device', () => {
  const device = testSigner(deviceOrigin(DEVICE));
  const witness = testSigner('witness.example/w1', 'w1', COSIGNATURE);
  const head = { origin: deviceOrigin(DEVICE), size: 3, root: new Uint8Array(32).fill(7) };

  it('are signed by the device and cosigned by witnesses, each over the same text', () => {
    const alone = parseCheckpoint(signCheckpoint(head, device));
    expect(alone).toMatchObject(head);
    const both = parseCheckpoint(withSignatures(alone, [cosign(alone.note.text, witness, 1_790_000_000)]));
    expect(isCheckpointOf(p, both, device.vkey)).toBe(true);
    expect(cosignedAt(p, both.note, witness.vkey)).toBe(1_790_000_000);
    expect(cosignedAt(p, alone.note, witness.vkey)).toBeNull();
  });

  it('count the earliest of a witness’ cosignatures, and none when one is wrong', () => {
    const { note } = parseCheckpoint(signCheckpoint(head, device));
    const at = (seconds: number) => cosign(note.text, witness, seconds);
    expect(cosignedAt(p, { ...note, signatures: [at(9), at(5), at(7)] }, witness.vkey)).toBe(5);
    const moved = { ...at(9), bytes: at(9).bytes.map((byte, index) => (index === 7 ? 3 : byte)) };
    expect(cosignedAt(p, { ...note, signatures: [at(9), moved] }, witness.vkey)).toBe('wrong');
  });

  it('do not take a signature of one purpose for another', () => {
    const { note } = parseCheckpoint(signCheckpoint(head, device));
    const asWitness = testSigner(device.vkey.name, device.vkey.name, COSIGNATURE);
    expect(cosignedAt(p, note, asWitness.vkey)).toBeNull();
    expect(isSignedBy(p, { ...note, signatures: [cosign(note.text, asWitness, 1)] }, device.vkey)).toBe(false);
    expect(() => cosign(note.text, device, 1)).toThrow(FormatError);
    expect(() => signCheckpoint(head, testSigner('countersign/device/other'))).toThrow(FormatError);
  });

  it.each([
    ['a size with a leading zero', (note: string) => note.replace('\n3\n', '\n03\n')],
    ['a size that is no safe integer', (note: string) => note.replace('\n3\n', '\n9999999999999999\n')],
    ['a root of another length', (note: string) => note.replace('BwcH', '')],
    ['an extension line', (note: string) => note.replace('\n\n', '\nmore\n\n')],
    ['base64 that is not canonical', (note: string) => note.replace(/.=\n\n/, 'd=\n\n')],
  ])('refuse %s', (_, change) => {
    const note = text(signCheckpoint(head, device));
    expect(change(note)).not.toBe(note);
    expect(() => parseCheckpoint(utf8(change(note)))).toThrow(FormatError);
  });
});

describe('signature lines', () => {
  it('are read as they are written', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        const signature = { name: 'a/b', hash: Uint8Array.of(1, 2, 3, 4), bytes };
        expect(parseSignature(formatSignature(signature))).toEqual(signature);
      }),
    );
  });

  it.each([
    '',
    '—',
    '— a',
    '— a AAAA',
    '- a AAAAAAA=',
    '— a AAAAAAA= ',
    '—  AAAAAAA=',
    '— a+b AAAAAAA=',
    '— a AAAAAAB=',
  ])('refuse %j', (line) => {
    expect(() => parseSignature(line)).toThrow(FormatError);
  });
});

describe('notes from anybody', () => {
  it('end in a note or a FormatError, whatever the bytes', () => {
    const note = signNote('a text\n\nof two parts\n', [testSigner('someone')]);
    fc.assert(
      fc.property(fc.nat(note.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const altered = note.map((byte, index) => (index === at ? byte ^ flip : byte));
        try {
          expect(isSignedBy(p, parseNote(altered), testSigner('someone').vkey)).toBe(false);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are refused above 1 MiB', () => {
    expect(() => parseNote(new Uint8Array(1024 * 1024 + 1).fill(0x20))).toThrow('1 MiB');
    expect(() => signNote(`${'a'.repeat(1024 * 1024)}\n`, [testSigner('someone')])).toThrow('1 MiB');
  });
});

describe('keys', () => {
  it('of two types are two keys with two hashes', () => {
    const one = testSigner('w').vkey;
    const other = testSigner('w', 'w', COSIGNATURE).vkey;
    expect(sameVkey(one, other)).toBe(false);
    expect(formatVkey(one)).not.toBe(formatVkey(other));
    expect(sameVkey(parseVkey(p.sha256, formatVkey(other)), other)).toBe(true);
  });

  it.each(['', 'a b', 'a+b', 'a\u0085b', 'a\u00a0b', 'a\nb'])('have no name like %j', (name) => {
    expect(() => testSigner(name, 'seed')).toThrow(FormatError);
  });
});

describe('signed documents', () => {
  const device = testSigner(deviceOrigin(DEVICE));
  const request: EnrolmentRequest = {
    v: 1,
    org: 'acme',
    device: DEVICE,
    vkey: formatVkey(device.vkey),
    name: 'laptop-7',
    account: 'ada',
    protection: 'protected',
    at: '2026-03-04T05:06:07.000Z',
  };
  const signed = signDocument('enrolment-request', request, [device]);

  it('say their kind and their subject in what is signed', () => {
    expect(text(signed).split('\n')[0]).toBe('countersign/enrolment-request/acme');
    const { value, note } = parseDocument('enrolment-request', signed);
    expect(value).toEqual(request);
    expect(isSignedBy(p, note, device.vkey)).toBe(true);
  });

  it('are not taken for another kind', () => {
    expect(() => parseDocument('enrolment', signed)).toThrow('another kind');
    const renamed = utf8(text(signed).replace('/enrolment-request/acme', '/enrolment-request/acne'));
    expect(() => parseDocument('enrolment-request', renamed)).toThrow('another subject');
  });

  it.each([
    ['blanks', (json: string) => json.replace('"v":1', '"v": 1')],
    ['a key twice', (json: string) => json.replace('"v":1', '"v":1,"v":1')],
    ['a key that version 1 does not know', (json: string) => json.replace('"v":1', '"v":1,"w":1')],
    ['another way to write the same text', (json: string) => json.replace('"ada"', '"\\u0061da"')],
    ['a third line', (json: string) => json.replace('\n\n', '\n{}\n\n')],
    ['a date that is none', (json: string) => json.replace('2026-03-04', '2026-02-30')],
    ['no JSON', (json: string) => json.replace('{', '')],
  ])('refuse %s', (_, change) => {
    expect(change(text(signed))).not.toBe(text(signed));
    expect(() => parseDocument('enrolment-request', utf8(change(text(signed))))).toThrow(FormatError);
  });
});

describe('consistency proofs', () => {
  const leaves = Array.from({ length: 70 }, (_, index) => leafHash(p.sha256, utf8(`leaf ${index}`)));
  const head = (size: number) => ({ size, root: rootOf(p.sha256, leaves.slice(0, size)) });

  it('hold for every pair of sizes, and for no other tree', () => {
    for (let size = 0; size <= leaves.length; size += 1) {
      for (let old = 0; old <= size; old += 1) {
        const proof = consistencyProof(p.sha256, leaves.slice(0, size), old);
        expect(verifyConsistency(p.sha256, head(old), head(size), proof)).toBe(true);
        const other = { size: old, root: p.sha256(head(old).root) };
        expect(verifyConsistency(p.sha256, other, head(size), proof)).toBe(false);
      }
    }
  });

  it('fail with a hash altered, one left out, one more, or sizes exchanged', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 70 }), fc.nat(), fc.nat(), (size, a, b) => {
        const old = 1 + (a % (size - 1));
        const proof = consistencyProof(p.sha256, leaves.slice(0, size), old);
        const at = b % proof.length;
        const check = (hashes: Uint8Array[]) => verifyConsistency(p.sha256, head(old), head(size), hashes);
        expect(check(proof.map((hash, index) => (index === at ? p.sha256(hash) : hash)))).toBe(false);
        expect(check(proof.filter((_, index) => index !== at))).toBe(false);
        expect(check([...proof, proof[at]!])).toBe(false);
        expect(verifyConsistency(p.sha256, head(size), head(old), proof)).toBe(false);
      }),
    );
  });
});
