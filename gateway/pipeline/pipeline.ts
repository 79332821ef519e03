import type { Connection } from '../contract/connection.ts';
import type { Decision, Verdict } from '../contract/decision.ts';
import { isCountersignError } from '../contract/errors.ts';
import type { Operation } from '../contract/operation.ts';
import type { Preview } from '../contract/preview.ts';
import type { ActionInput, Approvals, Hold, HoldOutcome, PolicyEngine, PolicyInput } from './ports.ts';

/** A decision that needs a person: the protocol keeps its client waiting until `decision` settles. */
export interface PendingDecision {
  approvalId: string;
  /** Never rejects. */
  decision: Promise<Decision>;
  withdraw(reason: string): void;
  setEstimate(rows: number | null): void;
  setPreview(preview: Preview): void;
}

export type DecideResult = { kind: 'decided'; decision: Decision } | { kind: 'held'; pending: PendingDecision };

/**
 * The walk that every protocol's operation makes before anything is forwarded: policy, then grants,
 * then a person. The other half, completing, is the protocol's: it masks and records the response.
 */
export interface Pipeline {
  /** Policy alone; synchronous and cached. */
  verdict(input: PolicyInput): Verdict;
  actionVerdict(input: ActionInput): Verdict;
  /**
   * `operation` is called only when policy asks, since its digest costs more than an allowed
   * statement may. `longestMs`: how long the client itself waits for a person.
   */
  decide(
    verdict: Verdict,
    connection: Pick<Connection, 'mode'>,
    operation: () => Operation,
    longestMs?: number,
  ): DecideResult;
  readonly policyHash: string;
}

export function createPipeline(parts: { policy: PolicyEngine; approvals: Approvals }): Pipeline {
  const { policy, approvals } = parts;
  // One frozen Decision per verdict: the hot path allocates nothing.
  const allowed = new WeakMap<Verdict, DecideResult>();

  function decide(
    verdict: Verdict,
    connection: Pick<Connection, 'mode'>,
    operation: () => Operation,
    longestMs?: number,
  ): DecideResult {
    if (verdict.effect === 'allow') {
      let result = allowed.get(verdict);
      if (!result) {
        result = { kind: 'decided', decision: Object.freeze(plain('allow', verdict)) };
        allowed.set(verdict, result);
      }
      return result;
    }
    if (connection.mode === 'observe') {
      return { kind: 'decided', decision: { ...plain('allow', verdict), observed: verdict.effect } };
    }
    if (verdict.effect === 'deny') {
      return { kind: 'decided', decision: { ...plain('deny', verdict), message: verdict.reason } };
    }
    const wanted = operation();
    const grant = approvals.coveredBy(wanted, verdict);
    if (grant) {
      const decision: Decision = {
        ...plain('allow', verdict),
        grantId: grant.id,
        approvalId: grant.approvalId,
        decidedBy: grant.decidedBy,
        channel: 'grant',
      };
      return { kind: 'decided', decision };
    }
    let hold: Hold;
    try {
      hold = approvals.hold(wanted, verdict, longestMs);
    } catch (error) {
      const message = isCountersignError(error)
        ? error.message
        : 'the approval queue does not work; nothing is forwarded';
      return { kind: 'decided', decision: { ...plain('deny', verdict), channel: 'gateway', message } };
    }
    return {
      kind: 'held',
      pending: {
        approvalId: hold.approvalId,
        decision: hold.outcome.then((outcome) => fromOutcome(outcome, verdict)),
        withdraw: (reason) => hold.withdraw(reason),
        setEstimate: (rows) => hold.setEstimate(rows),
        setPreview: (preview) => hold.setPreview(preview),
      },
    };
  }

  return {
    verdict: (input) => policy.decide(input),
    actionVerdict: (input) => policy.decideAction(input),
    decide,
    get policyHash() {
      return policy.hash;
    },
  };
}

function plain(effect: 'allow' | 'deny', verdict: Verdict): Decision {
  return {
    effect,
    verdict,
    approvalId: null,
    grantId: null,
    observed: null,
    decidedBy: null,
    channel: null,
    message: null,
  };
}

function fromOutcome(outcome: HoldOutcome, verdict: Verdict): Decision {
  const { approval } = outcome;
  const base: Decision = {
    ...plain(outcome.state === 'approved' ? 'allow' : 'deny', verdict),
    approvalId: approval.id,
    grantId: approval.grantId,
    decidedBy: approval.decidedBy,
    channel: approval.channel,
    ...(approval.proof === undefined ? {} : { proof: approval.proof }),
    ...(approval.votes === undefined ? {} : { votes: approval.votes }),
  };
  switch (outcome.state) {
    case 'approved':
      return base;
    case 'denied':
      return { ...base, message: approval.message ?? `${approval.decidedBy ?? 'a person'} denied it` };
    case 'expired':
      return {
        ...base,
        channel: 'timeout',
        message: `nobody approved it within ${waited(approval)} seconds, so it was denied; run it again to ask again`,
      };
    case 'withdrawn':
      return { ...base, channel: 'gateway', message: approval.message ?? 'the request was withdrawn' };
  }
}

/** In seconds: the policy's own, or more where a person extended it. */
function waited({ createdAt, expiresAt }: HoldOutcome['approval']): number {
  return Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / 1000);
}
