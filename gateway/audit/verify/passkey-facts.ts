import { PasskeyProof } from '../../contract/passkey.ts';
import { validAt } from '../../evidence/trust/validity.ts';
import type { Trust } from '../../evidence/trust/verify-trust.ts';
import { approvalChallenge } from '../../identity/passkeys/challenge.ts';
import { assertionProblem } from '../../identity/passkeys/verify-assertion.ts';
import { type AuditCheck, checkOf, plural } from './report.ts';

/** An approval that was given by a passkey, or had to be. */
export interface PasskeyApproval {
  id: string;
  digest: string | null;
  /** Who decided, as recorded, and by which names the trust note may know them. */
  names: readonly string[];
  /** As it was recorded; anything at all. */
  proof: unknown;
}

/** Where a passkey can have been used: the gateway's own console (DESIGN.md, decision channels). */
const ORIGIN = /^http:\/\/localhost:\d{1,5}$/;
const RP_ID = 'localhost';

/** Verifies each assertion again, with the keys that the trust note names. @returns null where there is none. */
export async function passkeyCheck(
  approvals: readonly PasskeyApproval[],
  trust: Trust,
  evidence: string | null,
): Promise<AuditCheck | null> {
  const name = 'passkeys';
  if (approvals.length === 0) return null;
  if (trust.note === null) {
    const sentence = `${plural(approvals.length, 'approval')} by passkey could not be verified again, since there is no trust note.`;
    return { name, status: 'not-checked', sentence };
  }
  const problems: string[] = [];
  for (const approval of approvals) {
    const problem = await problemOf(approval, trust, evidence);
    if (problem !== null) problems.push(`approval ${approval.id} asked for a passkey: ${problem}`);
  }
  return checkOf(
    name,
    problems,
    `${plural(approvals.length, 'approval')} by passkey verified again: signed for exactly the operation, by a key that the trust note names.`,
  );
}

async function problemOf(approval: PasskeyApproval, trust: Trust, evidence: string | null): Promise<string | null> {
  const { digest, names } = approval;
  const parsed = PasskeyProof.safeParse(approval.proof);
  if (!parsed.success || digest === null) return 'no assertion of one is recorded';
  const { random, origin, rpId, ...assertion } = parsed.data;
  if (rpId !== RP_ID || !ORIGIN.test(origin)) return `it was given to another site than the console (${origin})`;
  const entries = trust.note!.passkeys.filter(({ credentialId }) => credentialId === assertion.credentialId);
  const entry = entries.find(({ person }) => names.includes(person));
  if (entry === undefined) {
    return entries.length === 0
      ? 'the trust note does not name that one'
      : `it is the passkey of ${entries[0]!.person}, who did not decide`;
  }
  const valid = validAt(entry, evidence, trust.now);
  if (!valid.ok) return `that one does not count for then: ${valid.why}`;
  const problem = await assertionProblem(assertion, {
    challenge: approvalChallenge(digest, Buffer.from(random, 'base64url')),
    origin,
    rpId,
    publicKey: entry.publicKey,
  });
  return problem === null ? null : `its assertion does not verify (${problem})`;
}
