import { hash } from 'node:crypto';

export const RANDOM_BYTES = 32;

/**
 * What an authenticator signs to approve one operation: SHA-256 of `countersign/passkey/v1`, a zero byte, the
 * operation's digest (64 hex digits) and the random bytes (recording/SPEC.md, "What a passkey signed").
 */
export function approvalChallenge(digest: string, random: Uint8Array): Buffer {
  const prefix = Buffer.from(`countersign/passkey/v1\0${digest}`, 'latin1');
  return hash('sha256', Buffer.concat([prefix, random]), 'buffer');
}
