import type { ApiEvent } from '../contract/api.ts';
import { type ApproverDemand, type ApproverVote, demandInWords } from '../contract/approvers.ts';
import { type Approval, type DecisionChannel, PRESENCE_LEVELS, type Verdict } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import { grantRefusal } from '../contract/grantable.ts';
import type { Operation } from '../contract/operation.ts';
import type { Approvals, Clock, DecisionInput, Hold, HoldOutcome } from '../pipeline/ports.ts';
import type { ApprovalsAdmin } from './admin.ts';
import type { GrantFile } from './grant-file.ts';
import { GrantBook } from './grants.ts';
import { type ApprovalLimits, DEFAULT_APPROVAL_LIMITS, sizeOf } from './limits.ts';
import { PauseBook } from './pauses.ts';
import { similarTo } from './similar.ts';
import { type ApproverDeps, localVote, withVote } from './votes.ts';

export type { ApprovalsAdmin } from './admin.ts';
export type ApprovalEvent = Extract<ApiEvent, { type: 'approval' | 'grant' }>;

/** No policy and no person keeps a client waiting longer than this. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;
/** A person may take the policy's time this often again (WCAG 2.2.1, timing adjustable). */
const EXTENSIONS = 10;
/** If nobody has counted the rows of a statement by then, a person is asked. */
const COUNT_MS = 5_000;

export interface ApprovalsDeps {
  clock: Clock;
  /** Unguessable and unique. */
  newId(): string;
  /** Runs once after so many milliseconds; returns what cancels it. */
  schedule(milliseconds: number, run: () => void): () => void;
  limits?: Partial<ApprovalLimits>;
  /** Nothing waits longer, whatever policy and person say. */
  longestMs?: number | undefined;
  /** Why nobody can approve by a passkey, with the way out; null: somebody can. Default: nobody ever can. */
  passkeyMissing?: () => string | null;
  /** Who can approve where policy says who has to; default: nobody. */
  approvers?: ApproverDeps;
  /** What happened; must not throw. */
  onEvent?: (event: ApprovalEvent) => void;
  /** The conversation that a session belongs to; default: none does. */
  conversationOf?: (sessionId: string) => string | null;
  /** For sentences: local time, as 2026-01-05 18:20. */
  localTime?: (at: number) => string;
  /** Where standing grants outlive the gateway; default: they do not. */
  grantFile?: GrantFile;
}

interface Waiting {
  approval: Approval;
  expiresAt: number;
  latestAt: number;
  size: number;
  /** Shown to nobody yet: a grant covers it if it touches few enough rows, and these are being counted. */
  counting: boolean;
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
  const passkeyMissing = deps.passkeyMissing ?? (() => 'none can be used here');
  const pauses = new PauseBook();
  const grants = new GrantBook({
    now,
    newId: deps.newId,
    changed: (grant) => emit({ type: 'grant', grant }),
    conversationOf: deps.conversationOf ?? (() => null),
    localTime: deps.localTime ?? defaultLocalTime,
    kept: deps.grantFile?.read() ?? [],
    keep: (live) => deps.grantFile?.write(live),
  });
  let cancelGrantTimer: (() => void) | null = null;
  watchGrants();

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
    if (entry.counting) {
      entry.settle({ state, approval });
      return approval;
    }
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
    if (!entry.counting) pauses.unanswered(entry.approval.operation.sessionId, now());
    finish(entry, 'expired', { channel: 'timeout' });
  }

  function withdraw(entry: Waiting, message: string): void {
    finish(entry, 'withdrawn', { channel: 'gateway', message: message.slice(0, 500) });
  }

  function full(what: string): CountersignError {
    return new CountersignError('APPROVALS_FULL', `${what} already wait for a person; this one was denied unasked`);
  }

  /** The rows are counted as far as they can be: the grant lets it through, or a person is asked. */
  function afterCount(entry: Waiting): void {
    if (!entry.counting || queue.get(entry.approval.id) !== entry) return;
    const { operation, verdict, estimatedRows } = entry.approval;
    const grant = grants.use(operation, verdict, estimatedRows);
    if (grant !== null) {
      finish(entry, 'approved', { grantId: grant.id, decidedBy: grant.decidedBy, channel: 'grant' });
      return;
    }
    entry.counting = false;
    emit({ type: 'approval', approval: entry.approval });
  }

  function expireIn(wait: number, id: string): () => void {
    return deps.schedule(wait, () => {
      const entry = queue.get(id);
      if (entry) expire(entry);
    });
  }

  function assertApprovers(operation: Operation, demand: ApproverDemand, reason: string): void {
    const why = deps.approvers === undefined ? 'nobody can be asked here' : deps.approvers.missing(operation, demand);
    if (why === null) return;
    const words = demandInWords(demand, operation.identity.display);
    throw new CountersignError('APPROVERS_MISSING', `${reason} It ${words}, and ${why}.`);
  }

  function hold(operation: Operation, verdict: Verdict, longestMs = Number.POSITIVE_INFINITY): Hold {
    const { sessionId } = operation;
    const pausedUntil = pauses.pausedUntil(sessionId, now());
    if (pausedUntil !== null) {
      const minutes = Math.max(1, Math.ceil((pausedUntil - now()) / 60_000));
      throw new CountersignError(
        'APPROVALS_PAUSED',
        `nobody answered the last requests of this session, so it is paused: for the next ${minutes} minute${minutes === 1 ? '' : 's'} what needs a person is denied without asking`,
      );
    }
    const missing = verdict.level === 'passkey' && verdict.approvers === undefined ? passkeyMissing() : null;
    if (missing !== null)
      throw new CountersignError('PASSKEY_MISSING', `${verdict.reason} It needs a passkey, and ${missing}`);
    if (verdict.approvers !== undefined) assertApprovers(operation, verdict.approvers, verdict.reason);
    const size = sizeOf(operation);
    const ofSession = perSession.get(sessionId) ?? 0;
    if (queue.size >= limits.waiting) throw full(`${queue.size} requests`);
    if (ofSession >= limits.waitingPerSession) throw full(`${ofSession} requests of this session`);
    if (waitingSize + size > limits.waitingSize) throw full('too many large requests');

    const createdAt = now();
    const longest = Math.min(longestMs, deps.longestMs ?? MAX_WAIT_MS, MAX_WAIT_MS);
    const wait = Math.min(verdict.expiresSeconds * 1000, longest);
    // What travels to other machines says when it ends, and that stays.
    const times = verdict.approvers === undefined ? 1 + EXTENSIONS : 1;
    const latestAt = createdAt + Math.min(verdict.expiresSeconds * 1000 * times, longest);
    const approval: Approval = {
      id: deps.newId(),
      state: 'waiting',
      operation,
      verdict,
      estimatedRows: null,
      createdAt: new Date(createdAt).toISOString(),
      expiresAt: new Date(createdAt + wait).toISOString(),
      latestAt: new Date(latestAt).toISOString(),
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
      latestAt,
      size,
      counting: grants.wantsRows(operation, verdict),
      settle: resolve,
      cancelTimer: expireIn(wait, id),
    };
    queue.set(id, entry);
    perSession.set(sessionId, ofSession + 1);
    waitingSize += size;
    if (entry.counting) deps.schedule(COUNT_MS, () => afterCount(entry));
    else emit({ type: 'approval', approval });
    return {
      approvalId: id,
      outcome: promise,
      withdraw(reason) {
        if (queue.get(id) === entry) withdraw(entry, reason);
      },
      setEstimate(rows) {
        if (queue.get(id) !== entry) return;
        entry.approval = { ...entry.approval, estimatedRows: rows };
        if (entry.counting) afterCount(entry);
        else emit({ type: 'approval', approval: entry.approval });
      },
      setPreview(preview) {
        if (queue.get(id) !== entry) return;
        entry.approval = { ...entry.approval, preview };
        emit({ type: 'approval', approval: entry.approval });
      },
    };
  }

  const find = (id: string) => queue.get(id)?.approval ?? history.find((approval) => approval.id === id) ?? null;

  function known(id: string): Approval {
    const approval = find(id);
    if (approval === null) throw new CountersignError('APPROVAL_UNKNOWN', 'There is no such request.');
    return approval;
  }

  function waitingEntry(id: string): Waiting {
    const entry = queue.get(id);
    // A timer can be late (a laptop that slept): the clock decides.
    if (entry && now() >= entry.expiresAt) expire(entry);
    else if (entry) return entry;
    throw new CountersignError(
      'APPROVAL_NOT_WAITING',
      `This request does not wait any more: it is ${known(id).state}.`,
    );
  }

  function extend(id: string): Approval {
    const entry = waitingEntry(id);
    const until = Math.min(now() + entry.approval.verdict.expiresSeconds * 1000, entry.latestAt);
    if (until <= entry.expiresAt) return entry.approval;
    entry.cancelTimer();
    entry.expiresAt = until;
    entry.cancelTimer = expireIn(until - now(), id);
    entry.approval = { ...entry.approval, expiresAt: new Date(until).toISOString() };
    emit({ type: 'approval', approval: entry.approval });
    return entry.approval;
  }

  function waitingFor(id: string, digest: string): Waiting {
    const entry = waitingEntry(id);
    if (digest === entry.approval.operation.digest) return entry;
    throw new CountersignError(
      'APPROVAL_MISMATCH',
      'The decision is for another operation than the one that waits; nothing was decided.',
    );
  }

  /** Counts one person's approval; only with the last one that is missing the request ends. */
  function count(entry: Waiting, demand: ApproverDemand, vote: ApproverVote, message: string | null): Approval {
    const { state, votes, ...by } = withVote(entry.approval, demand, vote);
    if (state === 'approved') {
      pauses.answered(entry.approval.operation.sessionId);
      return finish(entry, 'approved', { ...by, message, votes });
    }
    entry.approval = { ...entry.approval, votes };
    emit({ type: 'approval', approval: entry.approval });
    return entry.approval;
  }

  function decide(input: DecisionInput): Approval {
    const entry = waitingFor(input.approvalId, input.digest);
    const { approval } = entry;
    const by = { decidedBy: input.decidedBy, channel: input.channel, message: input.message };
    if (input.decision === 'deny') {
      pauses.answered(approval.operation.sessionId);
      // Who approved before stays written down; a denial by one ends it.
      const votes = input.vote === undefined ? approval.votes : [...(approval.votes ?? []), input.vote];
      return finish(entry, 'denied', votes === undefined ? by : { ...by, votes });
    }
    const { verdict } = approval;
    if (verdict.effect !== 'ask' || !PERSONAL_CHANNELS.has(input.channel) || !reaches(input.level, verdict.level)) {
      throw new CountersignError('PRESENCE_TOO_LOW', `This needs ${LEVEL_WORDS[verdict.level]}.`);
    }
    if (verdict.approvers !== undefined) {
      if (input.scope.kind !== 'once')
        throw new CountersignError('GRANT_REFUSED', `No wider approval: ${grantRefusal(approval.operation, verdict)}.`);
      if (deps.approvers === undefined) throw new CountersignError('APPROVER_REFUSED', 'Nobody can approve this here.');
      const at = new Date(now()).toISOString();
      const vote = localVote(approval, verdict.approvers, input, deps.approvers.person(), at);
      return count(entry, verdict.approvers, vote, input.message);
    }
    if (input.scope.kind === 'once') {
      pauses.answered(approval.operation.sessionId);
      return finish(entry, 'approved', input.proof === undefined ? by : { ...by, proof: input.proof });
    }
    const grant = grants.create(approval, input.scope, { by: input.decidedBy, level: input.level });
    watchGrants();
    pauses.answered(approval.operation.sessionId);
    return finish(entry, 'approved', { ...by, grantId: grant.id });
  }

  return {
    coveredBy: (operation, verdict) => grants.use(operation, verdict, null),
    hold,
    sessionClosed(sessionId) {
      for (const entry of [...queue.values()]) {
        if (entry.approval.operation.sessionId === sessionId) withdraw(entry, 'the session ended');
      }
      grants.endOfSession(sessionId);
      pauses.resume(sessionId);
    },
    list({ state, offset, limit }) {
      const all = [...queue.values()].filter(({ counting }) => !counting).map((entry) => entry.approval);
      if (state === 'all') all.push(...[...history].reverse());
      return { items: all.slice(offset, offset + limit), total: all.length };
    },
    get: find,
    decide,
    vote(id, digest, vote) {
      const entry = waitingFor(id, digest);
      const { effect, level, approvers } = entry.approval.verdict;
      if (effect !== 'ask' || approvers === undefined || !reaches(vote.level, level))
        throw new CountersignError('PRESENCE_TOO_LOW', `This needs ${LEVEL_WORDS[level]}.`);
      return count(entry, approvers, vote, null);
    },
    travels(id, sentence) {
      const entry = queue.get(id);
      if (entry === undefined || entry.approval.mailbox === sentence) return;
      entry.approval = { ...entry.approval, mailbox: sentence };
      emit({ type: 'approval', approval: entry.approval });
    },
    extend,
    similar: (id) => similarTo(known(id), history),
    grants: () => grants.list(),
    revokeGrant: (id) => grants.revoke(id),
    grantSpent: (id, rows) => grants.spent(id, rows),
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
      return [...queue.values()].filter(({ counting }) => !counting).length;
    },
    close() {
      cancelGrantTimer?.();
      grants.keep();
      for (const entry of [...queue.values()]) withdraw(entry, 'the gateway stops');
    },
  };
}

/** What a person can speak through; the others are the gateway's own. */
const PERSONAL_CHANNELS: ReadonlySet<DecisionChannel> = new Set(['console', 'terminal', 'notification']);

const LEVEL_WORDS = { click: 'a click of a person', pin: 'the PIN', passkey: 'a passkey' };

function reaches(proved: DecisionInput['level'], needed: DecisionInput['level']): boolean {
  return PRESENCE_LEVELS.indexOf(proved) >= PRESENCE_LEVELS.indexOf(needed);
}

/** Sweden's customs are ISO 8601's. */
function defaultLocalTime(at: number): string {
  return new Date(at).toLocaleString('sv-SE').slice(0, 16);
}
