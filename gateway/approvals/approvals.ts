import type { ApiEvent } from '../contract/api.ts';
import { type Approval, type DecisionChannel, type Grant, PRESENCE_LEVELS } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Operation } from '../contract/operation.ts';
import type { Approvals, Clock, DecisionInput, Hold, HoldOutcome } from '../pipeline/ports.ts';
import { GrantBook } from './grants.ts';
import { PauseBook } from './pauses.ts';

export type ApprovalEvent = Extract<ApiEvent, { type: 'approval' | 'grant' }>;

export interface ApprovalLimits {
  /** Requests that wait at once, over all sessions and in one. */
  waiting: number;
  waitingPerSession: number;
  /** Text and parameters of waiting requests, and of the history, in UTF-16 units. */
  waitingSize: number;
  historySize: number;
  /** Decided requests kept for the API. */
  history: number;
}

export const DEFAULT_APPROVAL_LIMITS: ApprovalLimits = {
  waiting: 200,
  waitingPerSession: 20,
  waitingSize: 64 * 1024 * 1024,
  historySize: 16 * 1024 * 1024,
  history: 500,
};

/** No policy keeps a client waiting longer than this, whatever it says. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;

export interface ApprovalsDeps {
  clock: Clock;
  /** Unguessable and unique. */
  newId(): string;
  /** Runs once after so many milliseconds; returns what cancels it. */
  schedule(milliseconds: number, run: () => void): () => void;
  limits?: Partial<ApprovalLimits>;
  /** What happened; must not throw. */
  onEvent?: (event: ApprovalEvent) => void;
  /** For sentences: local time of day. */
  timeOfDay?: (at: number) => string;
}

/** The person's side of the queue. */
export interface ApprovalsAdmin {
  /** Waiting ones oldest first; with `all`, then the decided ones, latest first. */
  list(filter: { state: 'waiting' | 'all'; offset: number; limit: number }): { items: Approval[]; total: number };
  get(id: string): Approval | null;
  /**
   * Decides one waiting request, once. Throws CountersignError and decides nothing: APPROVAL_UNKNOWN,
   * APPROVAL_NOT_WAITING, APPROVAL_MISMATCH (the digest is not this request's), PRESENCE_TOO_LOW,
   * GRANT_REFUSED, GRANTS_FULL.
   */
  decide(input: DecisionInput): Approval;
  grants(): Grant[];
  /** Throws GRANT_UNKNOWN. */
  revokeGrant(id: string): Grant;
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

interface Waiting {
  approval: Approval;
  expiresAt: number;
  size: number;
  settle(outcome: HoldOutcome): void;
  cancelTimer(): void;
}

/**
 * The queue of operations that wait for a person, and the grants that came of it. An approval is for
 * one operation digest and used once: deciding it removes it from the queue, and only that settles
 * its hold as approved.
 */
export function createApprovals(deps: ApprovalsDeps): Approvals & ApprovalsAdmin {
  const limits = { ...DEFAULT_APPROVAL_LIMITS, ...deps.limits };
  const now = () => deps.clock.now();
  const emit = (event: ApprovalEvent) => deps.onEvent?.(event);
  const queue = new Map<string, Waiting>();
  const perSession = new Map<string, number>();
  const history: Approval[] = [];
  let waitingSize = 0;
  let historySize = 0;
  const pauses = new PauseBook();
  const grants = new GrantBook({
    now,
    newId: deps.newId,
    changed: (grant) => emit({ type: 'grant', grant }),
    timeOfDay: deps.timeOfDay ?? defaultTimeOfDay,
  });
  let cancelGrantTimer: (() => void) | null = null;

  /** Ends of grants are events too, so they come by a timer and not only when somebody looks. */
  function watchGrants(): void {
    cancelGrantTimer?.();
    const next = grants.endDue();
    cancelGrantTimer = next === null ? null : deps.schedule(Math.max(1, next - now()), watchGrants);
  }

  function finish(entry: Waiting, state: HoldOutcome['state'], changes: Partial<Approval>): Approval {
    const { id, operation } = entry.approval;
    entry.cancelTimer();
    queue.delete(id);
    waitingSize -= entry.size;
    const left = (perSession.get(operation.sessionId) ?? 1) - 1;
    if (left > 0) perSession.set(operation.sessionId, left);
    else perSession.delete(operation.sessionId);
    const approval: Approval = { ...entry.approval, ...changes, state, decidedAt: new Date(now()).toISOString() };
    history.push(approval);
    historySize += entry.size;
    while (history.length > limits.history || (historySize > limits.historySize && history.length > 0)) {
      historySize -= sizeOf(history.shift()!.operation);
    }
    emit({ type: 'approval', approval });
    entry.settle({ state, approval });
    return approval;
  }

  function expire(entry: Waiting): void {
    pauses.unanswered(entry.approval.operation.sessionId, now());
    finish(entry, 'expired', { channel: 'timeout' });
  }

  function withdraw(entry: Waiting, message: string): void {
    finish(entry, 'withdrawn', { channel: 'gateway', message: message.slice(0, 500) });
  }

  function full(what: string): CountersignError {
    return new CountersignError('APPROVALS_FULL', `${what} already wait for a person; this one was denied unasked`);
  }

  function hold(operation: Operation, verdict: Parameters<Approvals['hold']>[1]): Hold {
    const { sessionId } = operation;
    const pausedUntil = pauses.pausedUntil(sessionId, now());
    if (pausedUntil !== null) {
      const minutes = Math.max(1, Math.ceil((pausedUntil - now()) / 60_000));
      throw new CountersignError(
        'APPROVALS_PAUSED',
        `nobody answered the last requests of this session, so it is paused: for the next ${minutes} minute${minutes === 1 ? '' : 's'} what needs a person is denied without asking`,
      );
    }
    const size = sizeOf(operation);
    const ofSession = perSession.get(sessionId) ?? 0;
    if (queue.size >= limits.waiting) throw full(`${queue.size} requests`);
    if (ofSession >= limits.waitingPerSession) throw full(`${ofSession} requests of this session`);
    if (waitingSize + size > limits.waitingSize) throw full('too many large requests');

    const createdAt = now();
    const wait = Math.min(verdict.expiresSeconds * 1000, MAX_WAIT_MS);
    const approval: Approval = {
      id: deps.newId(),
      state: 'waiting',
      operation,
      verdict,
      estimatedRows: null,
      createdAt: new Date(createdAt).toISOString(),
      expiresAt: new Date(createdAt + wait).toISOString(),
      decidedAt: null,
      decidedBy: null,
      channel: null,
      message: null,
      grantId: null,
    };
    const { promise, resolve } = Promise.withResolvers<HoldOutcome>();
    const { id } = approval;
    const entry: Waiting = {
      approval,
      expiresAt: createdAt + wait,
      size,
      settle: resolve,
      cancelTimer: deps.schedule(wait, () => {
        if (queue.get(id) === entry) expire(entry);
      }),
    };
    queue.set(id, entry);
    perSession.set(sessionId, ofSession + 1);
    waitingSize += size;
    emit({ type: 'approval', approval });
    return {
      approvalId: id,
      outcome: promise,
      withdraw(reason) {
        if (queue.get(id) === entry) withdraw(entry, reason);
      },
      setEstimate(rows) {
        if (queue.get(id) !== entry) return;
        entry.approval = { ...entry.approval, estimatedRows: rows };
        emit({ type: 'approval', approval: entry.approval });
      },
    };
  }

  function decide(input: DecisionInput): Approval {
    const entry = queue.get(input.approvalId);
    if (!entry) {
      const past = history.find((approval) => approval.id === input.approvalId);
      if (!past) throw new CountersignError('APPROVAL_UNKNOWN', 'There is no such request.');
      throw new CountersignError('APPROVAL_NOT_WAITING', `This request does not wait any more: it is ${past.state}.`);
    }
    const { approval } = entry;
    // A timer can be late (a laptop that slept): the clock decides.
    if (now() >= entry.expiresAt) {
      expire(entry);
      throw new CountersignError('APPROVAL_NOT_WAITING', 'This request does not wait any more: it is expired.');
    }
    if (input.digest !== approval.operation.digest) {
      throw new CountersignError(
        'APPROVAL_MISMATCH',
        'The decision is for another operation than the one that waits; nothing was decided.',
      );
    }
    const by = { decidedBy: input.decidedBy, channel: input.channel, message: input.message };
    if (input.decision === 'deny') {
      pauses.answered(approval.operation.sessionId);
      return finish(entry, 'denied', by);
    }
    const { verdict } = approval;
    if (verdict.effect !== 'ask' || !PERSONAL_CHANNELS.has(input.channel) || !reaches(input.level, verdict.level)) {
      throw new CountersignError('PRESENCE_TOO_LOW', `This needs ${LEVEL_WORDS[verdict.level]}.`);
    }
    if (input.scope.kind === 'once') {
      pauses.answered(approval.operation.sessionId);
      return finish(entry, 'approved', by);
    }
    const grant = grants.create(approval, input.scope, input.decidedBy);
    watchGrants();
    pauses.answered(approval.operation.sessionId);
    return finish(entry, 'approved', { ...by, grantId: grant.id });
  }

  return {
    coveredBy: (operation, verdict) => grants.use(operation, verdict),
    hold,
    sessionClosed(sessionId) {
      for (const entry of [...queue.values()]) {
        if (entry.approval.operation.sessionId === sessionId) withdraw(entry, 'the session ended');
      }
      grants.endOfSession(sessionId);
      pauses.resume(sessionId);
    },
    list({ state, offset, limit }) {
      const all = [...queue.values()].map((entry) => entry.approval);
      if (state === 'all') all.push(...[...history].reverse());
      return { items: all.slice(offset, offset + limit), total: all.length };
    },
    get(id) {
      return queue.get(id)?.approval ?? history.find((approval) => approval.id === id) ?? null;
    },
    decide,
    grants: () => grants.list(),
    revokeGrant: (id) => grants.revoke(id),
    policyChanged(hash) {
      grants.endOfPolicy(hash);
      for (const entry of [...queue.values()]) {
        if (entry.approval.verdict.policyHash !== hash) {
          withdraw(entry, 'the policy changed while this waited; run it again');
        }
      }
    },
    paused: () => pauses.list(now()),
    resume: (sessionId) => pauses.resume(sessionId),
    get waiting() {
      return queue.size;
    },
    close() {
      cancelGrantTimer?.();
      for (const entry of [...queue.values()]) withdraw(entry, 'the gateway stops');
    },
  };
}

/** What a person can speak through; the others are the gateway's own. */
const PERSONAL_CHANNELS: ReadonlySet<DecisionChannel> = new Set(['console', 'terminal', 'notification']);

const LEVEL_WORDS = { click: 'a click of a person', pin: 'the PIN', passkey: 'a passkey, which cannot be used yet' };

function reaches(proved: DecisionInput['level'], needed: DecisionInput['level']): boolean {
  return PRESENCE_LEVELS.indexOf(proved) >= PRESENCE_LEVELS.indexOf(needed);
}

function sizeOf(operation: Operation): number {
  const beside =
    operation.protocol === 'postgres'
      ? operation.parameters.map(({ value }) => value?.length ?? 0)
      : operation.bindings.map(({ name, value }) => name.length + value.length);
  return beside.reduce((size, length) => size + length, operation.text.length);
}

function defaultTimeOfDay(at: number): string {
  return new Date(at).toTimeString().slice(0, 5);
}
