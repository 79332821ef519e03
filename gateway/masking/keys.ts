import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';

/**
 * Keys for hashes and stand-ins: one for each connection, derived from one secret of this gateway, so
 * equal values stay equal on a connection and cannot be matched across two.
 * @returns 32 bytes for a connection's id. Throws MASKING_KEY_UNREADABLE.
 */
export function createMaskingKeys(file: string): (connectionId: string) => Uint8Array {
  if (!existsSync(file)) writeFileAtomic(file, `${randomBytes(32).toString('hex')}\n`);
  const text = readFileSync(file, 'utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new CountersignError(
      'MASKING_KEY_UNREADABLE',
      `${file} does not hold a masking key; restore it, or remove it to start with new stand-ins`,
    );
  }
  const master = Buffer.from(text, 'hex');
  return (connectionId) => createHmac('sha256', master).update(`countersign masking v1\n${connectionId}`).digest();
}
