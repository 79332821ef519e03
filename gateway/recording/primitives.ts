import * as crypto from 'node:crypto';
import * as zlib from 'node:zlib';
import { CountersignError } from '../contract/errors.ts';
import type { Primitives, Sign } from './format/primitives.ts';

const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ZERO_BLOCK = Buffer.alloc(16);
const ZEROS = Buffer.alloc(65_536);

/** The last key, since heads come many to a key. */
let parsed: { raw: Buffer; key: crypto.KeyObject } | null = null;

function publicKeyOf(raw: Uint8Array): crypto.KeyObject {
  if (parsed?.raw.equals(raw) !== true) {
    const key = crypto.createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
    parsed = { raw: Buffer.from(raw), key };
  }
  return parsed.key;
}

export function publicKeyPem(raw: Uint8Array): string {
  return publicKeyOf(raw).export({ format: 'pem', type: 'spki' }).toString();
}

/** One frame; the chunk is large enough for the whole, so that nothing is joined afterwards. */
function compress(bytes: Uint8Array): Uint8Array {
  return zlib.zstdCompressSync(bytes, {
    chunkSize: Math.max(64, bytes.length + (bytes.length >>> 7) + 128),
    params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 },
  });
}

/** The format's primitives, by Node's own OpenSSL and zlib. */
export const nodePrimitives: Primitives = {
  sha256: (bytes) => crypto.hash('sha256', bytes, 'buffer'),
  crc32: (bytes, seed) => zlib.crc32(bytes, seed),
  keystream(key, length) {
    const cipher = crypto.createCipheriv('aes-128-ctr', key, ZERO_BLOCK);
    return cipher.update(length <= ZEROS.length ? ZEROS.subarray(0, length) : Buffer.alloc(length));
  },
  compress,
  decompress: (bytes, maxLength) =>
    zlib.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, maxLength), chunkSize: Math.max(64, maxLength) }),
  verify(publicKey, message, signature) {
    if (publicKey.length !== 32 || signature.length !== 64) return false;
    try {
      return crypto.verify(null, message, publicKeyOf(publicKey), signature);
    } catch {
      return false;
    }
  },
};

/** An ephemeral key: it is never written anywhere, and OpenSSL clears it once the signer is let go. */
export interface SessionKey {
  publicKey: Uint8Array;
  sign: Sign;
}

export function createSessionKey(): SessionKey {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
  return { publicKey: new Uint8Array(raw), sign: (message) => crypto.sign(null, message, privateKey) };
}

export function recordingFailed(what: string, cause: unknown): CountersignError {
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? '';
  const advice =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'the disk of the recordings is full: free space there, then restart the gateway'
      : code === 'EFBIG'
        ? 'a limit on file size stops the recorder: raise it (ulimit -f), then restart the gateway'
        : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
          ? 'the folder of the recordings is not writable: give its owner back the right to write, then restart the gateway'
          : 'look at the disk of the recordings, then restart the gateway';
  return new CountersignError(
    'RECORDING_FAILED',
    `Nothing is forwarded, because ${what}${code === '' ? '' : ` (${code})`}; ${advice}.`,
    { cause },
  );
}
