import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/** `cs_<id, 16 hex digits>_<secret, 43 letters and digits: 256 bits>`. */
const TOKEN = /^cs_([0-9a-f]{16})_([0-9A-Za-z]{43})$/;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_LENGTH = 43;

/** PostgreSQL's own default; the secret has 256 bits, so stretching adds nothing but time. */
export const SCRAM_ITERATIONS = 4096;

export interface ParsedToken {
  id: string;
  secret: string;
}

/** null: not a token at all. */
export function parseToken(text: string): ParsedToken | null {
  const match = TOKEN.exec(text);
  return match ? { id: match[1]!, secret: match[2]! } : null;
}

export function formatToken({ id, secret }: ParsedToken): string {
  return `cs_${id}_${secret}`;
}

/** @param randomBytes cryptographically random. Each of the 62 characters is equally likely. */
export function newTokenSecret(randomBytes: (length: number) => Uint8Array): string {
  let secret = '';
  while (secret.length < SECRET_LENGTH) {
    // 248 is the largest multiple of 62 below 256: what is above would favour some characters.
    for (const byte of randomBytes(64)) if (byte < 248 && secret.length < SECRET_LENGTH) secret += BASE62[byte % 62];
  }
  return secret;
}

export function hashTokenSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** StoredKey and ServerKey of RFC 5802, section 3, with the whole token as the password (ASCII, so SASLprep changes nothing). */
export function tokenScramKeys(token: string, salt: Uint8Array): { storedKey: Buffer; serverKey: Buffer } {
  const salted = pbkdf2Sync(token, salt, SCRAM_ITERATIONS, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  return {
    storedKey: createHash('sha256').update(clientKey).digest(),
    serverKey: createHmac('sha256', salted).update('Server Key').digest(),
  };
}
