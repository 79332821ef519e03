import { z } from 'zod';
import { PasskeyProof } from './passkey.ts';
import { PresenceLevel } from './presence.ts';

export const MAX_APPROVALS = 9;

/** So many different people of a group; null: of any. */
const ApproverNeed = z.object({
  group: z.string().min(1).max(256).nullable(),
  count: z.number().int().min(1).max(MAX_APPROVALS),
});
export type ApproverNeed = z.infer<typeof ApproverNeed>;

/** Who has to approve, where that is not whoever is at the machine. Every need has to be met; one person may meet several. */
export const ApproverDemand = z.object({
  needs: z.array(ApproverNeed).min(1).max(100),
  /** Whom the agent acts for does not count. */
  notRequester: z.boolean(),
});
export type ApproverDemand = z.infer<typeof ApproverDemand>;

export const VoteChannel = z.enum(['console', 'terminal', 'notification', 'mailbox']);

/** One person's approval towards a demand. */
export const ApproverVote = z.object({
  person: z.string().max(320),
  /** Those that the person is in, of those that are asked for. */
  groups: z.array(z.string().max(256)).max(100),
  channel: VoteChannel,
  level: PresenceLevel,
  at: z.string(),
  /** The decision as the approver's key signed it; absent: somebody signed in on this machine, by its word alone. */
  note: z.string().max(100_000).optional(),
  proof: PasskeyProof.optional(),
});
export type ApproverVote = z.infer<typeof ApproverVote>;

/** Where a request of another machine comes from, as that machine says and its device key signed. */
export const RequestOrigin = z.object({
  device: z.string().max(64),
  name: z.string().max(253),
  account: z.string().max(320),
});
export type RequestOrigin = z.infer<typeof RequestOrigin>;

/** Names of one person, by which two are told apart: spelling differs between directories. */
const nameOf = (name: string): string => name.normalize('NFKC').trim().toLowerCase();

export const isPerson = (name: string, { subject, display }: { subject: string; display: string }): boolean =>
  [subject, display].some((one) => nameOf(one) === nameOf(name));

export const isSamePerson = (a: string, b: string): boolean => nameOf(a) === nameOf(b);

/** What is still missing. Nothing: the demand is met. */
export function unmetNeeds(demand: ApproverDemand, votes: readonly ApproverVote[]): ApproverNeed[] {
  return demand.needs.flatMap(({ group, count }) => {
    const people = new Set(
      votes.filter(({ groups }) => group === null || groups.includes(group)).map(({ person }) => nameOf(person)),
    );
    return people.size >= count ? [] : [{ group, count: count - people.size }];
  });
}

const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const people = ({ group, count }: ApproverNeed): string =>
  `${NUMBERS[count] ?? String(count)} ${count === 1 ? 'person' : 'people'}${group === null ? '' : ` of ${group}`}`;

export const needsInWords = (needs: readonly ApproverNeed[]): string => needs.map(people).join(' and ');

/** "needs two people of dba, other than ada@example.com" @param requester as shown. */
export function demandInWords({ needs, notRequester }: ApproverDemand, requester: string): string {
  return `needs ${needsInWords(needs)}${notRequester ? `, other than ${requester}` : ''}`;
}
