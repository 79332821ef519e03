import * as crypto from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { ED25519, type KeyType, makeVkey, type Signer } from '../format/vkey.ts';

/**
 * scrypt within the 32 MiB that OpenSSL allows when it reads a key: 16 MiB, five times over, which OWASP's
 * password storage guide gives as equal to 128 MiB once.
 */
const SCRYPT = { N: 16_384, r: 8, p: 5 };
const MAX_PEM = 16_384;

export interface NewKey {
  signer: Signer;
  /** PKCS #8; encrypted unless it was made without a passphrase. */
  pem: string;
}

/** @param passphrase null: the key is written as it is, for places that protect it otherwise. */
export function createKey(name: string, passphrase: string | null, type: KeyType = ED25519): NewKey {
  const { privateKey } = crypto.generateKeyPairSync('ed25519');
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  try {
    const pem = passphrase === null ? toPem('PRIVATE KEY', der) : encryptedPem(der, passphrase);
    return { signer: signerOf(name, privateKey, type), pem };
  } finally {
    der.fill(0);
  }
}

export const isEncrypted = (pem: string): boolean => pem.includes('BEGIN ENCRYPTED PRIVATE KEY');

/** Throws CountersignError KEY_PASSPHRASE or KEY_NOT_ED25519. */
export function openKey(name: string, pem: string, passphrase: string | null, type: KeyType = ED25519): Signer {
  if (pem.length > MAX_PEM) throw notAKey();
  let key: crypto.KeyObject;
  try {
    key = crypto.createPrivateKey({ key: pem, ...(passphrase === null ? {} : { passphrase }) });
  } catch {
    // The cause is not kept: OpenSSL's message may name parts of what it read.
    if (!isEncrypted(pem)) throw notAKey();
    throw new CountersignError('KEY_PASSPHRASE', `the key of ${name} does not open with this passphrase`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw notAKey();
  return signerOf(name, key, type);
}

const notAKey = () =>
  new CountersignError('KEY_NOT_ED25519', 'this is not a private Ed25519 key in PKCS #8 PEM, as countersign writes it');

function signerOf(name: string, key: crypto.KeyObject, type: KeyType): Signer {
  const spki = crypto.createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    vkey: makeVkey(p.sha256, name, new Uint8Array(spki.subarray(-32)), type),
    sign: (message) => crypto.sign(null, message, key),
  };
}

/** Readable by its owner only; never over a file that is there. */
export function writeKeyFile(file: string, pem: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  let handle: number;
  try {
    handle = openSync(file, 'wx', 0o600);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw code === 'EEXIST'
      ? new CountersignError('KEY_EXISTS', `${file} is there already, and a key is never written over`)
      : new CountersignError('KEY_NOT_WRITTEN', `the key cannot be written to ${file} (${code})`, { cause });
  }
  try {
    writeSync(handle, pem);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

export function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new CountersignError('KEY_NOT_READ', `the key ${file} cannot be read (${code})`, { cause });
  }
}

/** EncryptedPrivateKeyInfo with PBES2, scrypt and AES-256-CBC (RFC 8018, RFC 7914). */
function encryptedPem(der: Uint8Array, passphrase: string): string {
  const salt = crypto.randomBytes(16);
  const iv = crypto.randomBytes(16);
  const key = crypto.scryptSync(passphrase, salt, 32, { ...SCRYPT, maxmem: 64 * 1024 * 1024 });
  const cipher = crypto.createCipheriv('aes-256-cbc', key, iv);
  const sealed = Buffer.concat([cipher.update(der), cipher.final()]);
  key.fill(0);
  const kdf = sequence(SCRYPT_OID, sequence(octets(salt), integer(SCRYPT.N), integer(SCRYPT.r), integer(SCRYPT.p)));
  const pbes2 = sequence(PBES2_OID, sequence(kdf, sequence(AES_256_CBC_OID, octets(iv))));
  return toPem('ENCRYPTED PRIVATE KEY', sequence(pbes2, octets(sealed)));
}

const PBES2_OID = Buffer.from('06092a864886f70d01050d', 'hex');
const SCRYPT_OID = Buffer.from('06092b06010401da47040b', 'hex');
const AES_256_CBC_OID = Buffer.from('060960864801650304012a', 'hex');

/** DER; contents of at most 255 bytes, which all of these are. */
const tagged = (tag: number, content: Uint8Array): Buffer =>
  Buffer.concat([Uint8Array.from(content.length < 128 ? [tag, content.length] : [tag, 0x81, content.length]), content]);
const sequence = (...parts: Uint8Array[]) => tagged(0x30, Buffer.concat(parts));
const octets = (bytes: Uint8Array) => tagged(0x04, bytes);

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return tagged(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Uint8Array.of(0), bytes]));
}

const toPem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END ${label}-----\n`;
