import {
  type ApproverDemand,
  type ApproverVote,
  demandInWords,
  isPerson,
  isSamePerson,
  unmetNeeds,
} from '../contract/approvers.ts';
import type { Approval, DecisionChannel } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import type { Operation } from '../contract/operation.ts';
import type { DecisionInput } from '../pipeline/ports.ts';

/** Who can approve where policy says who has to. */
export interface ApproverDeps {
  /** Why too few people can, with the way out; null: enough can. */
  missing(operation: Operation, demand: ApproverDemand): string | null;
  /** Whose decisions are taken at this machine. */
  person(): Identity;
}

export const refused = (demand: ApproverDemand, requester: string, why: string): CountersignError =>
  new CountersignError('APPROVER_REFUSED', `This ${demandInWords(demand, requester)}; ${why}.`);

/** Groups that a demand asks for and somebody is in; null: that is of no use to the demand. */
export function usefulGroups({ needs }: ApproverDemand, groups: readonly string[]): string[] | null {
  const asked = needs.flatMap(({ group }) => (group === null ? [] : [group]));
  const found = [...new Set(asked)].filter((group) => groups.includes(group));
  return found.length > 0 || needs.some(({ group }) => group === null) ? found : null;
}

/** Why somebody does not count for an operation, whatever groups they are in; null: they do. */
export function otherThan(demand: ApproverDemand, person: string, { identity }: Operation): string | null {
  if (!demand.notRequester) return null;
  if (isPerson(person, identity)) return `${person} is who asks`;
  // The name of a local account says nothing of who it is.
  return identity.verified ? null : `nobody vouches for who ${identity.display} is, so it cannot be somebody else`;
}

/**
 * The approval of whoever is signed in at this machine. A local account counts for nobody: it could be one who
 * has approved elsewhere. Throws APPROVER_REFUSED.
 */
export function localVote(
  { operation, votes = [] }: Approval,
  demand: ApproverDemand,
  input: Pick<DecisionInput, 'channel' | 'level' | 'proof'>,
  person: Identity,
  at: string,
): ApproverVote {
  const { display, subject, verified, groups } = person;
  const no = (why: string) => refused(demand, operation.identity.display, why);
  if (!verified || person.kind === 'workload')
    throw no('nobody is signed in on this machine whom a provider vouches for');
  const notOther = otherThan(demand, display, operation) ?? otherThan(demand, subject, operation);
  if (notOther !== null) throw no(notOther);
  const useful = usefulGroups(demand, groups);
  if (useful === null) throw no(`${display} is in none of these groups`);
  if (votes.some((vote) => isPerson(vote.person, person))) throw no(`${display} has approved it already`);
  const { channel, level, proof } = input;
  return {
    person: display,
    groups: useful,
    channel: channel as ApproverVote['channel'],
    level,
    at,
    ...(proof === undefined ? {} : { proof }),
  };
}

/** What an approval becomes by one more vote; `state` is approved once nothing is missing. Throws APPROVER_REFUSED. */
export function withVote(
  { verdict, operation, votes: before = [] }: Approval,
  demand: ApproverDemand,
  vote: ApproverVote,
): { state: 'waiting' | 'approved'; votes: ApproverVote[]; decidedBy: string; channel: DecisionChannel } {
  if (before.some(({ person }) => isSamePerson(person, vote.person)))
    throw refused(demand, operation.identity.display, `${vote.person} has approved it already`);
  const votes = [...before, vote];
  return {
    state: verdict.effect === 'ask' && unmetNeeds(demand, votes).length === 0 ? 'approved' : 'waiting',
    votes,
    decidedBy: votes.map(({ person }) => person).join(' and '),
    channel: vote.channel,
  };
}
