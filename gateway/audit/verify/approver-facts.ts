import { z } from 'zod';
import {
  ApproverDemand,
  ApproverVote,
  demandInWords,
  isPerson,
  needsInWords,
  unmetNeeds,
} from '../../contract/approvers.ts';
import type { Identity } from '../../contract/identity.ts';
import { PRESENCE_LEVELS } from '../../contract/presence.ts';
import { judgeDecision } from '../../evidence/trust/approvers.ts';
import type { Trust } from '../../evidence/trust/verify-trust.ts';
import { proofProblem } from '../../identity/passkeys/proof-problem.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { type AuditCheck, checkOf, plural } from './report.ts';

/** A request that policy wanted certain people to approve. */
export interface DemandedApproval {
  id: string;
  digest: string | null;
  level: string;
  effect: string;
  /** As recorded; anything at all. */
  demand: unknown;
  votes: unknown;
}

const Votes = z.array(ApproverVote).max(100);

/**
 * Verifies each decision of an approver again, with the keys that the trust note names, and that those who approved
 * are whom policy wanted. @returns null where there is nothing of it.
 */
export async function approverCheck(
  approvals: readonly DemandedApproval[],
  requester: Identity,
  trust: Trust,
  evidence: string | null,
): Promise<AuditCheck | null> {
  const name = 'approvers';
  if (approvals.length === 0) return null;
  if (trust.note === null) {
    const sentence = `${plural(approvals.length, 'request')} that certain people had to approve could not be verified, since there is no trust note.`;
    return { name, status: 'not-checked', sentence };
  }
  const problems: string[] = [];
  const said: string[] = [];
  let unsigned = false;
  for (const approval of approvals) {
    const judged = await judge(approval, requester, trust, evidence);
    problems.push(...judged.problems.map((problem) => `approval ${approval.id}: ${problem}`));
    if (approval.effect === 'allow') said.push(`${approval.id} by ${judged.people.join(' and ')}`);
    unsigned ||= judged.unsigned;
  }
  const fine =
    said.length === 0
      ? `${plural(approvals.length, 'request')} that certain people had to approve: none was approved.`
      : `Approved by whom policy wanted: ${said.slice(0, 20).join('; ')}${said.length > 20 ? ` and ${said.length - 20} more` : ''}.`;
  const check = checkOf(name, problems, fine);
  return unsigned && check.status === 'ok'
    ? {
        name,
        status: 'not-checked',
        sentence: `${fine} Not all of them signed: who was signed in on the machine is its own word.`,
      }
    : check;
}

interface Judged {
  problems: string[];
  people: string[];
  /** Without those who did not sign, it would not be enough. */
  unsigned: boolean;
}

async function judge(
  approval: DemandedApproval,
  requester: Identity,
  trust: Trust,
  evidence: string | null,
): Promise<Judged> {
  const votes = Votes.safeParse(approval.votes ?? []);
  const demand = ApproverDemand.safeParse(approval.demand);
  if (!votes.success)
    return { problems: ['who approved is recorded in no form that can be read'], people: [], unsigned: false };
  const problems: string[] = [];
  for (const vote of votes.data) {
    const problem = await problemOf(vote, approval, trust, evidence);
    if (problem !== null) problems.push(`the decision of ${vote.person} does not count: ${problem}`);
  }
  const people = votes.data.map(({ person, level, at }) => `${person} (${level}, ${at})`);
  if (approval.effect !== 'allow') return { problems, people, unsigned: false };
  if (!demand.success)
    return { problems: [...problems, 'whom policy wanted is not recorded'], people, unsigned: false };
  const { notRequester } = demand.data;
  if (notRequester && votes.data.some(({ person }) => isPerson(person, requester)))
    problems.push(`it ${demandInWords(demand.data, requester.display)}, who approved it all the same`);
  const unmet = unmetNeeds(demand.data, votes.data);
  if (unmet.length > 0) problems.push(`it was let through, and ${needsInWords(unmet)} had not approved it`);
  const signed = votes.data.filter(({ note }) => note !== undefined);
  return { problems, people, unsigned: unmetNeeds(demand.data, signed).length > 0 };
}

async function problemOf(
  { person, groups, level, note, proof, at }: ApproverVote,
  { id, digest, level: wanted, effect }: DemandedApproval,
  trust: Trust,
  evidence: string | null,
): Promise<string | null> {
  if (note !== undefined) {
    const judged = judgeDecision(p, trust.note!, new TextEncoder().encode(note), evidence, trust.now);
    if (!judged.ok) return judged.why;
    const { decision } = judged;
    if (decision.person !== person || decision.level !== level || decision.at !== at)
      return 'it says another thing than is recorded of it';
    if (decision.approval !== id || decision.digest !== digest) return 'it is a decision on another request';
    if (effect === 'allow' && decision.decision !== 'approve') return 'it is a denial';
    if (decision.decision === 'deny') return null;
    const missing = groups.find((group) => !judged.groups.includes(group));
    if (missing !== undefined) return `the trust note does not say that ${person} is of ${missing}`;
  }
  if (rank(level) < rank(wanted)) return `it took a ${wanted}, and ${person} proved a ${level}`;
  if (level !== 'passkey') return null;
  if (proof === undefined || digest === null) return 'no word of the passkey is recorded';
  return proofProblem(proof, digest, [person], trust.note!, evidence, trust.now);
}

const rank = (level: string): number => (PRESENCE_LEVELS as readonly string[]).indexOf(level);
