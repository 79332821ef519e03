import { createHash } from 'node:crypto';
import { canonicalOperation, type DigestInput } from '../contract/operation-digest.ts';

/** SHA-256, hex, of the operation's canonical bytes (contract/operation-digest.ts). */
export function operationDigest(input: DigestInput): string {
  return createHash('sha256').update(canonicalOperation(input)).digest('hex');
}
