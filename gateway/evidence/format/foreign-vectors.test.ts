import { describe, expect, it } from 'vitest';
import { fromBase64, toHex, utf8 } from '../../recording/format/bytes.ts';
import { consistencyProof, verifyConsistency } from '../../recording/format/consistency.ts';
import { inclusionProof, leafHash, rootOf, verifyInclusion } from '../../recording/format/merkle.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { isCheckpointOf, parseCheckpoint } from './checkpoint.ts';
import { cosignedAt, isSignedBy, parseNote, signNote } from './signed-note.ts';
import { testSigner } from './test-keys.ts';
import { formatVkey, parseVkey } from './vkey.ts';

/** Values that other implementations published: none was made with this code. */

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const vkey = (text: string) => parseVkey(p.sha256, text);

describe('notes of golang.org/x/mod/sumdb/note', () => {
  const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const SEED = fromBase64('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz')!.slice(1);
  const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const LINE =
    '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';
  const NOTE = `${TEXT}\n${LINE}`;

  it('reads the key and writes it again', () => {
    expect(formatVkey(vkey(PETER))).toBe(PETER);
  });

  it('verifies the note, and signs it byte for byte', () => {
    expect(isSignedBy(p, parseNote(utf8(NOTE)), vkey(PETER))).toBe(true);
    expect(Buffer.from(signNote(TEXT, [testSigner('PeterNeumann', SEED)])).toString()).toBe(NOTE);
  });

  it('refuses every part and every altered byte of the key', () => {
    for (let from = 0; from <= PETER.length; from += 1) {
      for (let to = from; to <= PETER.length; to += 1) {
        if (to - from < PETER.length) expect(() => vkey(PETER.slice(from, to))).toThrow();
      }
    }
    for (let at = 0; at < PETER.length; at += 1) {
      const altered = PETER.slice(0, at) + String.fromCharCode(PETER.charCodeAt(at) + 1) + PETER.slice(at + 1);
      expect(() => vkey(altered)).toThrow();
    }
  });

  it.each([
    ['of a wrong length', 'PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=='],
    ['of an unknown type', 'PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'],
  ])('refuses a key %s', (_, text) => {
    expect(() => vkey(text)).toThrow();
  });

  it.each([
    ['the text alone', TEXT],
    ['no signature', `${TEXT}\n`],
    ['no last newline', NOTE.slice(0, -1)],
    ['a control character', `\u0001${NOTE}`],
    ['a name with a blank', `${TEXT}\n${LINE.replace('PeterNeumann', 'Bad Name')}`],
    ['a line that is no signature', `${NOTE}Unexpected line.\n`],
    ['too many signatures', `${TEXT}\n${LINE.repeat(229)}`],
  ])('refuses %s', (_, text) => {
    expect(() => parseNote(utf8(text))).toThrow(/note/);
  });

  it('refuses what is not UTF-8', () => {
    expect(() => parseNote(Buffer.concat([Uint8Array.of(0xff), utf8(NOTE)]))).toThrow('UTF-8');
  });

  it('refuses a second signature of the key that is wrong', () => {
    expect(isSignedBy(p, parseNote(utf8(NOTE + LINE.replace('wJnAM=', 'wJnBM='))), vkey(PETER))).toBe(false);
    expect(isSignedBy(p, parseNote(utf8(NOTE + LINE)), vkey(PETER))).toBe(true);
  });
});

describe('the note of c2sp.org/signed-note', () => {
  it('verifies', () => {
    const note = parseNote(
      utf8(
        'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
      ),
    );
    const key = vkey('example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k');
    expect(isSignedBy(p, note, key)).toBe(true);
    expect(isSignedBy(p, { ...note, text: 'This is an example massage.\n' }, key)).toBe(false);
  });
});

describe('checkpoints of public logs with their witnesses’ cosignatures', () => {
  const ARCHE = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
`;
  const LOG = 'arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f';
  const REMORA = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';
  const COACH = `coachandhorses2026h1.staging.certificate.transparency.goog
185550722
YXAM0VmnrfvLaBCOOYSJhCaE5F10oGBOo+hkbDa1kng=

— coachandhorses2026h1.staging.certificate.transparency.goog MpXgsHy8ZwxXnO+WjtVrPxAzL49Rs1gWTkNVNeEa//5peAzaocRCB3qt3EaibjzY5GILLtGgBP7dBhgcSHy+JQh0OAc=
— witness.navigli.sunlight.geomys.org o+AP4gAAAABqb7DzNrGFRJnQ9vrJ8xpnwZytnr/ZYczDIsvwvouiSjwOjn7a72ccxBk+lKnZ7dKqkYKER1s/KxLTaVwQD7lJZTC/CQ==
`;
  const NAVIGLI = 'witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G';

  it('reads signatures of other forms, and verifies the log’s own', () => {
    const checkpoint = parseCheckpoint(utf8(ARCHE));
    expect(checkpoint.size).toBe(1432088532);
    expect(isCheckpointOf(p, checkpoint, vkey(LOG))).toBe(true);
    expect(isCheckpointOf(p, parseCheckpoint(utf8(ARCHE.replace('1432088532', '42'))), vkey(LOG))).toBe(false);
  });

  it.each([
    ['remora', ARCHE, REMORA, '2026-05-23T21:50:24.000Z'],
    ['navigli', COACH, NAVIGLI, '2026-08-02T21:04:51.000Z'],
  ])('verifies the cosignature of %s and gives its time', (_, text, key, time) => {
    const { note } = parseCheckpoint(utf8(text));
    const seconds = cosignedAt(p, note, vkey(key));
    expect(typeof seconds === 'number' && new Date(seconds * 1000).toISOString()).toBe(time);
    expect(cosignedAt(p, { ...note, text: note.text.replace('\n1', '\n2') }, vkey(key))).toBe('wrong');
  });
});

describe('the tree of RFC 6962 as in the test data of certificate-transparency', () => {
  const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const ROOTS = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ].map(hex);
  const leaves = LEAVES.map((leaf) => leafHash(p.sha256, hex(leaf)));
  const head = (size: number) => ({ size, root: ROOTS[size - 1]! });

  it('has its roots', () => {
    ROOTS.forEach((root, index) => {
      expect(toHex(rootOf(p.sha256, leaves.slice(0, index + 1)))).toBe(toHex(root));
    });
  });

  it('has its inclusion proof', () => {
    const proof = [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ];
    expect(inclusionProof(p.sha256, leaves, 5).map(toHex)).toEqual(proof);
    expect(verifyInclusion(p.sha256, leaves[5]!, 5, 8, proof.map(hex), ROOTS[7]!)).toBe(true);
  });

  it.each([
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [
      2,
      5,
      [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('has its consistency proof of %i in %i', (old, size, proof) => {
    expect(consistencyProof(p.sha256, leaves.slice(0, size), old).map(toHex)).toEqual(proof);
    expect(verifyConsistency(p.sha256, head(old), head(size), proof.map(hex))).toBe(true);
    expect(verifyConsistency(p.sha256, { size: old, root: ROOTS[old - 2]! }, head(size), proof.map(hex))).toBe(false);
  });
});
