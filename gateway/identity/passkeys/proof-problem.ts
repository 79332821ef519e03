import type { PasskeyProof } from '../../contract/passkey.ts';
import type { TrustNote } from '../../evidence/format/documents.ts';
import { validAt } from '../../evidence/trust/validity.ts';
import { approvalChallenge } from './challenge.ts';
import { assertionProblem } from './verify-assertion.ts';

/** Where a passkey can have been used: the gateway's own console (DESIGN.md, decision channels). */
const ORIGIN = /^http:\/\/localhost:\d{1,5}$/;
const RP_ID = 'localhost';

/**
 * Why a passkey's word on an operation does not count; null: it does, by a key that the trust note names.
 *
 * @param names of who decided, as the trust note may have them. @param when the earliest evidence of it; see `validAt`.
 */
export async function proofProblem(
  { random, origin, rpId, ...assertion }: PasskeyProof,
  digest: string,
  names: readonly string[],
  note: TrustNote,
  when: string | null,
  now: string,
): Promise<string | null> {
  if (rpId !== RP_ID || !ORIGIN.test(origin)) return `it was given to another site than the console (${origin})`;
  const entries = note.passkeys.filter(({ credentialId }) => credentialId === assertion.credentialId);
  const entry = entries.find(({ person }) => names.includes(person));
  if (entry === undefined) {
    return entries.length === 0
      ? 'the trust note does not name that one'
      : `it is the passkey of ${entries[0]!.person}, who did not decide`;
  }
  const valid = validAt(entry, when, now);
  if (!valid.ok) return `that one does not count for then: ${valid.why}`;
  const problem = await assertionProblem(assertion, {
    challenge: approvalChallenge(digest, Buffer.from(random, 'base64url')),
    origin,
    rpId,
    publicKey: entry.publicKey,
  });
  return problem === null ? null : `its assertion does not verify (${problem})`;
}
