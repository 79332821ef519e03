import type { ApproverDemand } from '../../contract/approvers.ts';
import { PRESENCE_LEVELS, type Verdict } from '../../contract/decision.ts';
import type { PolicyNotes } from './annotations.ts';

/** What Cedar found: its decision and the policies that made it. */
export interface Evaluation {
  allowed: boolean;
  /** Policies that matched: the forbids where one did, else the permits. */
  policies: readonly PolicyNotes[];
  /** Policies that could not be evaluated; Cedar passes over them, which would let a broken forbid through. */
  errors: readonly string[];
}

export function denial(policyIds: readonly string[], policyHash: string, reason: string): Verdict {
  return {
    effect: 'deny',
    policyIds: [...policyIds],
    policyHash,
    reason,
    level: 'click',
    expiresSeconds: 600,
    grantable: false,
  };
}

const sentence = (notes: PolicyNotes): string => notes.reason ?? `The policy ${notes.id} forbids it.`;

/**
 * A forbid without @require denies. Where only forbids with one matched, a person is asked, at the
 * strongest level, for the shortest time and by everybody that any of them demands.
 * @param words what the statement does, for the reason.
 */
export function verdictOf(evaluation: Evaluation, policyHash: string, words: readonly string[]): Verdict {
  const { policies, errors } = evaluation;
  if (errors.length > 0)
    return denial([], policyHash, `A policy could not be evaluated, so nothing is allowed: ${errors[0]}`);
  const ids = policies.map((policy) => policy.id);
  if (evaluation.allowed) {
    if (ids.length === 0) return denial([], policyHash, 'No policy permits it.');
    return { ...denial(ids, policyHash, `Allowed by ${ids.join(', ')}.`), effect: 'allow' };
  }
  if (policies.length === 0) return denial([], policyHash, 'No policy permits it.');
  const final = policies.filter((policy) => policy.require === null);
  if (final.length > 0)
    return denial(
      final.map((policy) => policy.id),
      policyHash,
      final.map(sentence).join(' '),
    );
  const levels = policies.map((policy) => policy.require ?? 'passkey');
  const level = PRESENCE_LEVELS.toReversed().find((one) => levels.includes(one)) ?? 'passkey';
  const what = words[0] === undefined ? '' : ` ${words[0]}.`;
  const approvers = demandOf(policies);
  return {
    effect: 'ask',
    policyIds: ids,
    policyHash,
    reason: `${[...new Set(policies.map(sentence))].join(' ')}${what}`,
    level,
    expiresSeconds: Math.min(...policies.map((policy) => policy.expires)),
    grantable: policies.every((policy) => policy.grantable),
    ...(approvers === null ? {} : { approvers }),
  };
}

/** All that any of them demands: of each group as many as the one that wants most. */
function demandOf(policies: readonly PolicyNotes[]): ApproverDemand | null {
  const counts = new Map<string | null, number>();
  const demands = policies.flatMap(({ approvers }) => (approvers === null ? [] : [approvers]));
  for (const { group, count } of demands) counts.set(group, Math.max(count, counts.get(group) ?? 0));
  const groups = [...counts].filter(([group, count]) => group !== null || counts.size === 1 || count > 1);
  return demands.length === 0
    ? null
    : {
        needs: groups.map(([group, count]) => ({ group, count })),
        notRequester: demands.some((one) => one.notRequester),
      };
}
