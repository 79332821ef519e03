import { describe, expect, test } from 'vitest';
import { certificateHash } from './certificate-hash.ts';
import { saslprep } from './saslprep.ts';
import { readClientFirst, scramKeys, serverFirst, verifyClientFinal } from './scram.ts';
import { saltedPassword, utf8 } from './test-peers.ts';

test('the exchange of RFC 7677, section 3', () => {
  const salt = new Uint8Array(Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'));
  const keys = scramKeys(saltedPassword('pencil', salt, 4096), salt, 4096);
  const client = readClientFirst(utf8.encode('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'), 'SCRAM-SHA-256', false);
  const first = serverFirst(client, '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0', salt, 4096);
  expect(first).toBe('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096');
  const final =
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
  const other = scramKeys(saltedPassword('another', salt, 4096), salt, 4096);
  const { match, serverFinal } = verifyClientFinal(utf8.encode(final), client, first, null, [other, keys]);
  expect(match).toBe(keys);
  expect(serverFinal).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  expect(verifyClientFinal(utf8.encode(final), client, first, null, [other]).match).toBe(null);
  expect(verifyClientFinal(utf8.encode(final), client, first, null, []).match).toBe(null);
});

describe('saslprep', () => {
  test.each([
    { given: 'plain ASCII', prepared: 'plain ASCII' },
    { given: 'I\u00adX', prepared: 'IX' },
    { given: '\u00aa', prepared: 'a' },
    { given: '\u2168', prepared: 'IX' },
    { given: 'a\u00a0b', prepared: 'a b' },
    // Prohibited: as it is, as PostgreSQL does.
    { given: 'é\u0007', prepared: 'é\u0007' },
    { given: '\u00ad', prepared: '\u00ad' },
  ])('$given', ({ given, prepared }) => {
    expect(saslprep(given)).toBe(prepared);
  });
});

test('what is no certificate has no hash', () => {
  for (const bytes of [[], [0x30], [0x30, 0x84, 1, 1, 1, 1], [0x30, 2, 0x30, 0], [0x30, 0x82, 0xff, 0xff]]) {
    expect(certificateHash(Uint8Array.from(bytes))).toBe(null);
  }
});
