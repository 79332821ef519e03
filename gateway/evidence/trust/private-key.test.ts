import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { formatVkey } from '../format/vkey.ts';
import { createKey, isEncrypted, openKey, readKeyFile, writeKeyFile } from './private-key.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-key-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The public key as openssl derives it from the file, base64 of SPKI DER. */
const opensslPublicKey = (file: string, ...more: string[]): Buffer =>
  execFileSync('openssl', ['pkey', '-in', file, '-pubout', '-outform', 'DER', ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

describe('a private key under a passphrase', () => {
  it('is read by openssl pkey with it, and not with another', () => {
    const file = join(folder, 'root.key');
    const { signer, pem } = createKey('countersign/org/acme', 'correct horse battery');
    writeKeyFile(file, pem);
    writeFileSync(join(folder, 'right'), 'correct horse battery\n');
    writeFileSync(join(folder, 'wrong'), 'correct horse batterz\n');
    const der = opensslPublicKey(file, '-passin', `file:${join(folder, 'right')}`);
    expect(der.subarray(-32)).toEqual(Buffer.from(signer.vkey.key));
    expect(() => opensslPublicKey(file, '-passin', `file:${join(folder, 'wrong')}`)).toThrow();
  });

  it('opens with it, signs, and says no more than that another does not open it', () => {
    const { signer, pem } = createKey('countersign/org/acme', 'pässphrase');
    const opened = openKey('countersign/org/acme', pem, 'pässphrase');
    expect(formatVkey(opened.vkey)).toBe(formatVkey(signer.vkey));
    const message = Buffer.from('message');
    expect(p.verify(signer.vkey.key, message, opened.sign(message))).toBe(true);
    expect(isEncrypted(pem)).toBe(true);
    for (const wrong of ['passphrase', '', null]) {
      expect(() => openKey('countersign/org/acme', pem, wrong)).toThrow(
        'the key of countersign/org/acme does not open with this passphrase',
      );
    }
  });

  it('is encrypted by openssl as well as by us', () => {
    const { signer, pem } = createKey('countersign/org/acme', null);
    expect(isEncrypted(pem)).toBe(false);
    const plain = join(folder, 'plain.key');
    writeKeyFile(plain, pem);
    expect(opensslPublicKey(plain).subarray(-32)).toEqual(Buffer.from(signer.vkey.key));
    writeFileSync(join(folder, 'pass'), 'from openssl\n');
    const pass = `file:${join(folder, 'pass')}`;
    const theirs = execFileSync('openssl', ['pkey', '-in', plain, '-aes256', '-passout', pass]).toString();
    expect(formatVkey(openKey('countersign/org/acme', theirs, 'from openssl').vkey)).toBe(formatVkey(signer.vkey));
  });
});

describe('a key file', () => {
  it('is its owner’s alone and is never written over', () => {
    const file = join(folder, 'new', 'a.key');
    writeKeyFile(file, 'one');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(() => writeKeyFile(file, 'two')).toThrow('never written over');
    expect(readKeyFile(file)).toBe('one');
    expect(() => readKeyFile(join(folder, 'none'))).toThrow('cannot be read (ENOENT)');
  });

  it.each([
    ['no key', 'hello'],
    ['a key of another algorithm', execFileSync('openssl', ['genpkey', '-algorithm', 'X25519']).toString()],
    ['megabytes', 'x'.repeat(1_000_000)],
  ])('with %s in it is refused', (_, pem) => {
    expect(() => openKey('a', pem, null)).toThrow('not a private Ed25519 key');
  });
});
