import { concat, equal, fromBase64, toBase64, toHex, utf8 } from '../../recording/format/bytes.ts';
import type { Sha256 } from '../../recording/format/merkle.ts';
import { FormatError, type Sign } from '../../recording/format/primitives.ts';

/** C2SP signed-note, signature types: what a key signs with is part of its hash. */
export const ED25519 = 0x01;
/** Timestamped witness cosignature, C2SP tlog-cosignature. */
export const COSIGNATURE = 0x04;
export type KeyType = typeof ED25519 | typeof COSIGNATURE;

/** A public key with its name, C2SP signed-note "verifier key". */
export interface Vkey {
  name: string;
  type: KeyType;
  /** First four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key). */
  hash: Uint8Array;
  /** 32 bytes, RFC 8032. */
  key: Uint8Array;
}

export interface Signer {
  vkey: Vkey;
  sign: Sign;
}

const MAX_VKEY = 512;
/** Neither Unicode spaces nor `+` nor control characters (C2SP signed-note). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a name has none
const NAME = /^[^\s\u0000-\u001f\u007f\u0085+]{1,400}$/u;

export const isKeyName = (name: string): boolean => NAME.test(name) && name.isWellFormed();

/** @param key 32 bytes. */
export function makeVkey(sha256: Sha256, name: string, key: Uint8Array, type: KeyType = ED25519): Vkey {
  if (!isKeyName(name)) throw new FormatError('the name of a key is empty, too long, or has a blank or a plus sign');
  if (key.length !== 32) throw new FormatError('an Ed25519 key is 32 bytes');
  return { name, type, hash: sha256(concat(utf8(name), Uint8Array.of(0x0a, type), key)).slice(0, 4), key };
}

export const formatVkey = (vkey: Vkey): string =>
  `${vkey.name}+${toHex(vkey.hash)}+${toBase64(concat(Uint8Array.of(vkey.type), vkey.key))}`;

/** Throws FormatError. */
export function parseVkey(sha256: Sha256, text: string): Vkey {
  if (text.length > MAX_VKEY) throw new FormatError('a key is longer than 512 characters');
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text);
  const bytes = match === null ? null : fromBase64(match[3]!);
  if (match === null || bytes === null) {
    throw new FormatError('a key does not have the form <name>+<8 hex digits>+<base64>');
  }
  const type = bytes[0];
  if (type !== ED25519 && type !== COSIGNATURE) {
    throw new FormatError(`the key ${match[1]} is of a type that is not known here (${type})`);
  }
  const vkey = makeVkey(sha256, match[1]!, bytes.slice(1), type);
  if (toHex(vkey.hash) !== match[2]) throw new FormatError(`the key ${match[1]} does not have the hash that it names`);
  return vkey;
}

/** Name and hash say which key signed, but only all of it says that two are the same key. */
export const sameVkey = (a: Vkey, b: Vkey): boolean => a.name === b.name && a.type === b.type && equal(a.key, b.key);
