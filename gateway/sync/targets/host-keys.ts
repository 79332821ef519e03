import { createHash } from 'node:crypto';
import { refused } from './failures.ts';

/** A host key that counts: the whole key, or only its fingerprint. */
interface Pin {
  /** SHA-256 of the key, as ssh-keygen prints it: `SHA256:` and base64 without padding. */
  fingerprint: string;
  /** `ssh-ed25519` and so on; null where only the fingerprint is known. */
  type: string | null;
}

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;
const KEY = /(?:^|\s)(ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521))\s+([A-Za-z0-9+/]+={0,2})(?:\s|$)/;

export function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that stands at the beginning of a key's bytes (RFC 4253, 6.6). */
export function typeOf(key: Uint8Array): string {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  const length = bytes.length < 4 ? 0 : bytes.readUInt32BE(0);
  const type = length <= 64 ? bytes.toString('latin1', 4, 4 + length) : '';
  return /^[a-z0-9@.-]+$/.test(type) ? type : 'unknown';
}

/** @param text a fingerprint, a line of known_hosts, or of a public key file. Throws SYNC_REFUSED. */
export function parsePin(text: string): Pin {
  const trimmed = text.trim();
  if (FINGERPRINT.test(trimmed)) return { fingerprint: trimmed, type: null };
  const found = KEY.exec(trimmed);
  // `@revoked` is the opposite of a pin, and `@cert-authority` signs other keys.
  if (found !== null && !trimmed.startsWith('@')) {
    const [, type = '', base64 = ''] = found;
    const key = Buffer.from(base64, 'base64');
    if (typeOf(key) === type) return { fingerprint: fingerprint(key), type };
  }
  throw refused(
    'A pinned host key has to be SHA256:… as ssh-keygen -l prints it, or a line of known_hosts or of a public key file.',
  );
}

/** The signature algorithms to ask the server for, so that it shows a key that is pinned; null: as it likes. */
export function algorithmsFor(pins: readonly Pin[]): string[] | null {
  if (pins.some((pin) => pin.type === null)) return null;
  const types = new Set(pins.map((pin) => pin.type as string));
  return [...types].flatMap((type) => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]));
}
