import { z } from 'zod';
import { ApproverDemand, ApproverVote, RequestOrigin } from './approvers.ts';
import { EmergencyMark } from './emergency.ts';
import { Effects, Operation } from './operation.ts';
import { PasskeyProof } from './passkey.ts';
import { PRESENCE_LEVELS, PresenceLevel } from './presence.ts';
import { Preview } from './preview.ts';
import { GrantBudget, ValueRule } from './value-rule.ts';

export { PRESENCE_LEVELS, PresenceLevel };

export const Effect = z.enum(['allow', 'deny', 'ask']);
export type Effect = z.infer<typeof Effect>;

/** The policy's verdict on an operation, before any person was asked. */
export const Verdict = z.object({
  effect: Effect,
  /** Ids of the policies that decided. */
  policyIds: z.array(z.string()),
  /** SHA-256, hex, of the policy set in force. */
  policyHash: z.string(),
  /** Why, as a sentence for agent and person. */
  reason: z.string(),
  /** For ask: the least a decision has to prove, and how long it may wait. */
  level: PresenceLevel.default('click'),
  expiresSeconds: z.number().int().positive().default(600),
  /** For ask: may the person choose a grant wider than once? */
  grantable: z.boolean().default(false),
  /** For ask: who has to approve; absent: whoever is at this machine. */
  approvers: ApproverDemand.optional(),
});
export type Verdict = z.infer<typeof Verdict>;

export const DecisionChannel = z.enum([
  'console',
  'terminal',
  'notification',
  'grant',
  'timeout',
  'gateway',
  /** Somebody on another machine. */
  'mailbox',
]);
export type DecisionChannel = z.infer<typeof DecisionChannel>;

/** How it ended for one operation; this is what is recorded. */
export const Decision = z.object({
  effect: z.enum(['allow', 'deny']),
  verdict: Verdict,
  approvalId: z.string().nullable(),
  grantId: z.string().nullable(),
  /** In observe mode: what enforce mode would have done. */
  observed: Effect.nullable(),
  decidedBy: z.string().nullable(),
  channel: DecisionChannel.nullable(),
  /** Why it was denied, in words for the agent. */
  message: z.string().nullable(),
  /** Where a passkey approved it. */
  proof: PasskeyProof.optional(),
  /** Made while a person had emergency access. */
  emergency: EmergencyMark.optional(),
  /** Where policy says who has to approve: who did. */
  votes: z.array(ApproverVote).optional(),
});
export type Decision = z.infer<typeof Decision>;

export const ApprovalState = z.enum(['waiting', 'approved', 'denied', 'expired', 'withdrawn']);
export type ApprovalState = z.infer<typeof ApprovalState>;

export const Approval = z.object({
  id: z.string(),
  state: ApprovalState,
  operation: Operation,
  verdict: Verdict,
  /** Planner's estimate of rows; null while unknown or not to be had. */
  estimatedRows: z.number().nullable(),
  /** Absent: nothing is looked at for it. */
  preview: Preview.optional(),
  createdAt: z.string(),
  expiresAt: z.string(),
  /** However often a person extends it, it does not wait longer than this. */
  latestAt: z.string(),
  decidedAt: z.string().nullable(),
  decidedBy: z.string().nullable(),
  channel: DecisionChannel.nullable(),
  message: z.string().nullable(),
  grantId: z.string().nullable(),
  proof: PasskeyProof.optional(),
  /** Where policy says who has to approve: who did so far. */
  votes: z.array(ApproverVote).optional(),
  /** How it reaches approvers elsewhere, as a sentence; absent: it has not to. */
  mailbox: z.string().max(1000).optional(),
  /** It waits on another machine, whose gateway asks this one's person; absent: on this one. */
  from: RequestOrigin.optional(),
});
export type Approval = z.infer<typeof Approval>;

/** What became of earlier requests that are like one. */
export const SimilarApprovals = z.object({
  counts: z.object({
    approved: z.number().int(),
    denied: z.number().int(),
    expired: z.number().int(),
    withdrawn: z.number().int(),
  }),
  /** A few, the latest first. */
  items: z.array(Approval),
});
export type SimilarApprovals = z.infer<typeof SimilarApprovals>;

/** A session whose requests nobody answered: until then what needs a person is denied without asking. */
export const SessionPause = z.object({ sessionId: z.string(), until: z.string() });
export type SessionPause = z.infer<typeof SessionPause>;

/**
 * exact: the same text, values, bindings and transaction state again; pattern: of the same form, each value as its
 * rule says; shape: with any values. Narrow first.
 */
export const GrantReach = z.enum(['exact', 'pattern', 'shape']);
export type GrantReach = z.infer<typeof GrantReach>;

export const MAX_GRANT_MINUTES = 30 * 24 * 60;
/** What is longer is standing leave: it outlives the person's leaving and a restart, and takes the PIN. */
export const MAX_DESK_MINUTES = 8 * 60;

const reaching = {
  reach: GrantReach,
  /** Of reach pattern: one for each value, in the order of contract/grant-values.ts. */
  values: z.array(ValueRule).max(100).optional(),
  budget: GrantBudget.optional(),
};

export const GrantScope = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('once') }),
  z.object({ kind: z.literal('session'), ...reaching }),
  /** In every session of the agent's conversation. */
  z.object({
    kind: z.literal('conversation'),
    minutes: z.number().int().min(1).max(MAX_DESK_MINUTES),
    ...reaching,
  }),
  z.object({ kind: z.literal('minutes'), minutes: z.number().int().min(1).max(MAX_GRANT_MINUTES), ...reaching }),
]);
export type GrantScope = z.infer<typeof GrantScope>;

export const isStanding = (scope: GrantScope): boolean => scope.kind === 'minutes' && scope.minutes > MAX_DESK_MINUTES;

/**
 * Leave for more than one operation: the same operation again or operations of its shape, by one
 * person's agent, on one connection and in one place there; in one session, or until it expires.
 * Always has an end.
 */
export const Grant = z.object({
  id: z.string(),
  scope: z.enum(['session', 'conversation', 'minutes']),
  reach: GrantReach,
  /** Of reach exact: SHA-256, hex, of the operation without its session. */
  exact: z.string().nullable(),
  /** Of reach pattern: the form, and what each value was and may be. */
  pattern: z
    .object({ form: z.string(), values: z.array(z.object({ value: z.string().nullable(), rule: ValueRule })) })
    .optional(),
  budget: GrantBudget.optional(),
  /** Rows that command tags have told of. */
  rows: z.number().int().nonnegative().optional(),
  /** Why it ended, where that was no person and no clock. */
  endedBecause: z.string().optional(),
  /** It stays when the person leaves the desk and when the gateway starts again. */
  standing: z.boolean(),
  sentence: z.string(),
  subject: z.string(),
  connectionId: z.string(),
  /** What has to be the same besides: database, role and search path; or protocol, tool and place. */
  within: z.array(z.string()),
  fingerprint: z.string(),
  effectsClass: Effects.shape.class,
  sessionId: z.string().nullable(),
  /** Of scope conversation. */
  conversationId: z.string().optional(),
  approvalId: z.string(),
  /** The policy set the person saw; a grant dies when the set changes. */
  policyHash: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
  revokedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  uses: z.number().int().nonnegative(),
  decidedBy: z.string(),
});
export type Grant = z.infer<typeof Grant>;
