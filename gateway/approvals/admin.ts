import type { ApproverVote } from '../contract/approvers.ts';
import type { Approval, Grant, SimilarApprovals } from '../contract/decision.ts';
import type { DecisionInput } from '../pipeline/ports.ts';

/** The person's side of the queue. */
export interface ApprovalsAdmin {
  /** Waiting ones oldest first; with `all`, then the decided ones, latest first. */
  list(filter: { state: 'waiting' | 'all'; offset: number; limit: number }): { items: Approval[]; total: number };
  get(id: string): Approval | null;
  /**
   * Decides one waiting request, once. Throws CountersignError and decides nothing: APPROVAL_UNKNOWN,
   * APPROVAL_NOT_WAITING, APPROVAL_MISMATCH (the digest is not this request's), PRESENCE_TOO_LOW,
   * APPROVER_REFUSED (policy wants somebody else), GRANT_REFUSED, GRANTS_FULL. It still waits afterwards where more
   * people have to approve.
   */
  decide(input: DecisionInput): Approval;
  /**
   * Counts the approval of somebody whose right to it was verified: on another machine, and signed. Throws
   * APPROVAL_UNKNOWN, APPROVAL_NOT_WAITING, APPROVAL_MISMATCH, PRESENCE_TOO_LOW, APPROVER_REFUSED (it is the same person again).
   */
  vote(id: string, digest: string, vote: ApproverVote): Approval;
  /** How a waiting request reaches others, in words. */
  travels(id: string, sentence: string): void;
  /**
   * A person is looking at it: it waits for the policy's time again, from now, and never past its `latestAt`.
   * Throws APPROVAL_UNKNOWN, APPROVAL_NOT_WAITING.
   */
  extend(id: string): Approval;
  /** What became of requests of the same shape, by the same person's agents on the same connection. Throws APPROVAL_UNKNOWN. */
  similar(id: string): SimilarApprovals;
  grants(): Grant[];
  /** Throws GRANT_UNKNOWN. */
  revokeGrant(id: string): Grant;
  /** An operation ended that a grant let through, or that made it: so many rows. */
  grantSpent(id: string, rows: number): void;
  /** Another policy set is in force: grants of the old one end, and what waits under it is withdrawn. */
  policyChanged(hash: string): void;
  /** Sessions that are refused without asking, with when that ends (milliseconds since the epoch). */
  paused(): ReadonlyArray<{ sessionId: string; until: number }>;
  /** Lets a paused session ask again. */
  resume(sessionId: string): void;
  readonly waiting: number;
  /** The gateway stops: everything that waits is withdrawn. */
  close(): void;
}
