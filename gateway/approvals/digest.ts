import { createHash } from 'node:crypto';
import type { Operation } from '../contract/operation.ts';
import {
  type ActionDigestInput,
  canonicalAction,
  canonicalStatement,
  type StatementDigestInput,
} from '../contract/operation-digest.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** SHA-256, hex, of the operation's canonical bytes (contract/operation-digest.ts). */
export const statementDigest = (input: StatementDigestInput): string => sha256(canonicalStatement(input));
export const actionDigest = (input: ActionDigestInput): string => sha256(canonicalAction(input));

/** Of the same operation in any session: what a grant for exactly this covers. */
export function exactDigest(operation: Operation): string {
  const input = { subject: operation.identity.subject, sessionId: '' };
  return operation.protocol === 'postgres'
    ? statementDigest({ ...operation, ...input })
    : actionDigest({ ...operation, ...input });
}
