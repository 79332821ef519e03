import { PasskeyProof } from '../../contract/passkey.ts';
import type { Trust } from '../../evidence/trust/verify-trust.ts';
import { proofProblem } from '../../identity/passkeys/proof-problem.ts';
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

async function problemOf({ digest, names, proof }: PasskeyApproval, trust: Trust, evidence: string | null) {
  const parsed = PasskeyProof.safeParse(proof);
  if (!parsed.success || digest === null) return 'no assertion of one is recorded';
  return proofProblem(parsed.data, digest, names, trust.note!, evidence, trust.now);
}
