import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testSigner } from '../format/test-keys.ts';
import { chainOf, firstNote, NOW, root, rootVkey, signedNote, vkeyOf } from '../trust/test-trust.ts';
import { addNotes, readTrust } from './trust-notes.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'trust-notes-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const revoked = { at: '2026-02-01T00:00:00.000Z', reason: 'stolen' };
const device = '01JAAAAAAAAAAAAAAAAAAAAAAA';
const stolen = { device, vkey: vkeyOf(testSigner(`countersign/device/${device}`)), revoked };
const [first, revocation] = chainOf([{}, { devices: [stolen] }]) as [Uint8Array, Uint8Array];
const mallory = testSigner('countersign/org/acme', 'mallory');
const globex = testSigner('countersign/org/globex');
const nested = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;

const junk: readonly [string, Uint8Array][] = [
  ['no note at all', Buffer.from('junk')],
  ['a note that is torn', revocation.slice(0, -9)],
  ['a note of the same number by somebody else', signedNote(firstNote({ n: 2 }), mallory)],
  ['a later note by somebody else', signedNote(firstNote({ n: 999_999 }), mallory)],
  ['a note of another organisation', signedNote(firstNote({ org: 'globex', root: vkeyOf(globex) }), globex)],
  ['content nested without end', Buffer.from(`countersign/trust/acme\n${nested}\n\n— x AAAAAAAAAAAA\n`)],
];

describe('a revocation in the store', () => {
  it.each(junk)('is taken up beside %s', async (_, bytes) => {
    await addNotes(home, rootVkey, [first], NOW);
    for (const notes of [
      [bytes, revocation],
      [revocation, bytes],
    ]) {
      const { trust } = await addNotes(home, rootVkey, notes, NOW);
      expect(trust.note?.devices).toEqual([stolen]);
    }
    expect(readTrust(home, rootVkey, NOW).note?.n).toBe(2);
    expect(readdirSync(join(home, 'device', 'trust'))).toEqual(['000001.note', '000002.note']);
  });

  it('is taken up beside thousands of them, and of what is none a sentence says so', async () => {
    await addNotes(home, rootVkey, [first], NOW);
    const many = Array.from({ length: 2000 }, (_, n) => Buffer.from(`junk ${n}`));
    expect((await addNotes(home, rootVkey, [...many, revocation], NOW)).trust.note?.n).toBe(2);
    await expect(addNotes(home, rootVkey, many, NOW)).rejects.toThrow('cannot be read');
  });
});

it('keeps to what the root signed twice being a matter for a person', async () => {
  await addNotes(home, rootVkey, [first], NOW);
  const fork = signedNote(firstNote({ n: 2, prev: 'A'.repeat(43).concat('=') }), root);
  await expect(addNotes(home, rootVkey, [fork, revocation], NOW)).rejects.toMatchObject({ code: 'TRUST_NOTE_REFUSED' });
  expect(readTrust(home, rootVkey, NOW).note?.n).toBe(1);
});
