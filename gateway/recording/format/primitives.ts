/**
 * What the format needs from outside: it has no I/O, randomness or cryptography of its own, so the
 * same code runs in the gateway, in the auditor's window and in tests.
 */
export interface Primitives {
  sha256(bytes: Uint8Array): Uint8Array;
  /** CRC-32 as in zlib. */
  crc32(bytes: Uint8Array, seed?: number): number;
  /** AES-128-CTR with a zero counter block over zeros. */
  keystream(key: Uint8Array, length: number): Uint8Array;
  /** zstd, level 1, one frame. */
  compress(bytes: Uint8Array): Uint8Array;
  /** Throws when the frame is damaged or its content is longer than `maxLength`. */
  decompress(bytes: Uint8Array, maxLength: number): Uint8Array;
  /** Ed25519 (RFC 8032). @param publicKey 32 bytes. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

/** Ed25519 signature of 64 bytes. */
export type Sign = (message: Uint8Array) => Uint8Array;

/** Bytes that do not follow SPEC.md. Readers turn it into a damaged range, never into a crash. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}
