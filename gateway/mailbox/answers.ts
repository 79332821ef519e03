import { otherThan, usefulGroups } from '../approvals/votes.ts';
import type { ApproverVote } from '../contract/approvers.ts';
import type { Approval } from '../contract/decision.ts';
import { PRESENCE_LEVELS } from '../contract/presence.ts';
import type { ApprovalDecision } from '../evidence/format/mailbox-documents.ts';
import { judgeDecision } from '../evidence/trust/approvers.ts';
import { proofProblem } from '../identity/passkeys/proof-problem.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { SKEW_MS, unseal } from './letters.ts';
import type { MailDevice } from './ports.ts';

export type Answer = { ok: true; decision: ApprovalDecision; vote: ApproverVote } | { ok: false; why: string };

/** Whether what came is the decision of somebody who may decide, on this very request. Never throws. */
export async function judgeAnswer(
  bytes: Uint8Array,
  asked: { identity: string; nonce: string },
  { id, operation, verdict, createdAt }: Approval,
  device: MailDevice,
  now: number,
): Promise<Answer> {
  const no = (why: string): Answer => ({ ok: false, why });
  const note = device.trust?.note ?? null;
  if (note === null || verdict.approvers === undefined) return no('there is no trust note to judge it by');
  const opened = await unseal(bytes, asked.identity);
  if (opened === null) return no('it is encrypted to somebody else');
  if (!opened.ok) return no(opened.why);
  const at = new Date(now).toISOString();
  const judged = judgeDecision(p, note, opened.value, at, at);
  if (!judged.ok) return no(judged.why);
  const { decision, groups } = judged;
  const { person, level, proof } = decision;
  if (decision.device !== device.id || decision.approval !== id || decision.nonce !== asked.nonce)
    return no(`${person} decided on another request`);
  if (decision.digest !== operation.digest) return no(`${person} decided on another operation`);
  const decided = Date.parse(decision.at);
  if (decided > now + SKEW_MS || decided < Date.parse(createdAt) - SKEW_MS)
    return no(`${person} decided at ${decision.at}, and it is ${at} here: one of the two clocks is wrong`);
  const useful = usefulGroups(verdict.approvers, groups);
  if (useful === null) return no(`${person} is in none of the groups that are asked for`);
  const notOther = otherThan(verdict.approvers, person, operation);
  if (notOther !== null) return no(notOther);
  const text = Buffer.from(opened.value).toString('utf8');
  const vote: ApproverVote = { person, groups: useful, channel: 'mailbox', level, at: decision.at, note: text };
  if (decision.decision === 'deny') return { ok: true, decision, vote };
  if (PRESENCE_LEVELS.indexOf(level) < PRESENCE_LEVELS.indexOf(verdict.level))
    return no(`${person} proved a ${level}, and it takes a ${verdict.level}`);
  if (level !== 'passkey') return { ok: true, decision, vote };
  if (proof === null) return no(`${person} says a passkey was used, and sent no word of one`);
  const problem = await proofProblem(proof, operation.digest, [person], note, at, at);
  return problem === null
    ? { ok: true, decision, vote: { ...vote, proof } }
    : no(`the passkey of ${person}: ${problem}`);
}
