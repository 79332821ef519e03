import {
  type Approval,
  type Grant,
  type GrantScope,
  isStanding,
  type PresenceLevel,
  type Verdict,
} from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import { grantSentence } from '../contract/grant-sentence.ts';
import { grantRefusal } from '../contract/grantable.ts';
import type { Operation } from '../contract/operation.ts';
import { exactDigest } from './digest.ts';
import { fits, GrantSpending } from './grant-budget.ts';
import { matchesPattern, patternOf } from './grant-pattern.ts';

/** A grant of kind `session` ends after this even when its session lives on. */
export const SESSION_GRANT_MAX_MS = 8 * 60 * 60 * 1000;

const MAX_LIVE = 200;
const MAX_ENDED = 200;
export interface GrantsDeps {
  now(): number;
  newId(): string;
  changed(grant: Grant): void;
  /** The conversation that a session belongs to; null: none. */
  conversationOf(sessionId: string): string | null;
  /** Local time for sentences, e.g. "2026-01-05 18:20". */
  localTime(at: number): string;
  /** Standing grants outlive the gateway. */
  kept: readonly Grant[];
  keep(grants: Grant[]): void;
}

/** Grants wider than once. A grant is live until its time, its session's end, revocation or another policy. */
export class GrantBook {
  readonly #deps: GrantsDeps;
  readonly #live = new Map<string, Grant>();
  readonly #ended: Grant[] = [];
  readonly #spending = new GrantSpending();

  constructor(deps: GrantsDeps) {
    this.#deps = deps;
    for (const grant of deps.kept) this.#live.set(grant.id, grant);
  }

  /**
   * Throws GRANT_REFUSED when this must not be granted, PRESENCE_TOO_LOW when a click asks for standing
   * leave, GRANTS_FULL when too many are live. The operation it is made of counts as its first use.
   */
  create(
    approval: Approval,
    scope: Exclude<GrantScope, { kind: 'once' }>,
    given: { by: string; level: PresenceLevel },
  ): Grant {
    const { operation, verdict } = approval;
    const refusal = grantRefusal(operation, verdict);
    if (refusal !== null) throw new CountersignError('GRANT_REFUSED', `No wider approval: ${refusal}.`);
    const standing = isStanding(scope);
    if (standing && given.level === 'click') {
      throw new CountersignError('PRESENCE_TOO_LOW', 'A grant for longer than 8 hours takes the PIN.');
    }
    this.endDue();
    if (this.#live.size >= MAX_LIVE) {
      throw new CountersignError('GRANTS_FULL', `There are ${MAX_LIVE} grants already; revoke some, or approve once.`);
    }
    const now = this.#deps.now();
    const expires = now + (scope.kind === 'session' ? SESSION_GRANT_MAX_MS : scope.minutes * 60_000);
    const conversationId = scope.kind === 'conversation' ? this.#conversation(operation) : undefined;
    const grant: Grant = {
      id: this.#deps.newId(),
      scope: scope.kind,
      reach: scope.reach,
      exact: scope.reach === 'exact' ? exactDigest(operation) : null,
      ...(scope.reach === 'pattern' ? { pattern: patternOf(operation, scope.values ?? []) } : {}),
      ...(scope.budget === undefined ? {} : { budget: scope.budget }),
      ...(conversationId === undefined ? {} : { conversationId }),
      standing,
      sentence: grantSentence(operation, scope, this.#until(now, expires)),
      subject: operation.identity.subject,
      connectionId: operation.connectionId,
      within: withinOf(operation),
      fingerprint: operation.effects.fingerprint,
      effectsClass: operation.effects.class,
      sessionId: scope.kind === 'session' ? operation.sessionId : null,
      approvalId: approval.id,
      policyHash: verdict.policyHash,
      createdAt: new Date(now).toISOString(),
      expiresAt: new Date(expires).toISOString(),
      revokedAt: null,
      endedAt: null,
      uses: 0,
      decidedBy: given.by,
    };
    if (operation.protocol !== 'postgres' && (scope.budget?.rows ?? scope.budget?.rowsEach) !== undefined)
      throw new CountersignError('GRANT_REFUSED', 'Rows are counted for statements only; limit the uses instead.');
    this.#live.set(grant.id, grant);
    this.#spending.reserve(grant, approval.estimatedRows);
    if (standing) this.keep();
    this.#deps.changed(grant);
    return grant;
  }

  /**
   * The live grant that covers the operation, with this use counted; null when none does.
   * @param rows that it would touch, as far as anybody can say before; null: nobody can, so that a grant with a
   * budget of rows does not cover it.
   */
  use(operation: Operation, verdict: Verdict, rows: number | null): Grant | null {
    const grant = this.#covering(operation, verdict, (one) => fits(one, this.#spending.reserved(one.id), rows));
    if (grant === null) return null;
    const used = { ...grant, uses: grant.uses + 1 };
    this.#live.set(grant.id, used);
    this.#spending.reserve(used, rows);
    this.#deps.changed(used);
    return used;
  }

  /** Would a live grant cover it, if it touches few enough rows? */
  wantsRows(operation: Operation, verdict: Verdict): boolean {
    return this.#covering(operation, verdict, (one) => fits(one, this.#spending.reserved(one.id), 0)) !== null;
  }

  /** What an operation really touched that a grant let through. More than was agreed to ends the grant. */
  spent(id: string, rows: number): void {
    const grant = this.#live.get(id);
    if (grant === undefined) return;
    this.#spending.release(id);
    if (rows === 0 || grant.budget === undefined) return;
    const after = { ...grant, rows: (grant.rows ?? 0) + rows };
    this.#live.set(id, after);
    const { rowsEach = Number.POSITIVE_INFINITY, rows: most = Number.POSITIVE_INFINITY } = grant.budget;
    if (rows > rowsEach)
      this.#end({ ...after, endedBecause: `one touched ${rows} rows, and at most ${rowsEach} were agreed to` });
    else if (after.rows > most)
      this.#end({ ...after, endedBecause: `${after.rows} rows were touched in all, and ${most} were agreed to` });
    else this.#deps.changed(after);
  }

  #covering(operation: Operation, verdict: Verdict, within: (grant: Grant) => boolean): Grant | null {
    if (this.#live.size === 0) return null;
    if (verdict.effect !== 'ask' || grantRefusal(operation, verdict) !== null) return null;
    this.endDue();
    for (const grant of this.#live.values()) {
      if (covers(grant, operation, verdict, this.#deps.conversationOf) && within(grant)) return grant;
    }
    return null;
  }

  #conversation({ sessionId }: Operation): string {
    const found = this.#deps.conversationOf(sessionId);
    if (found !== null) return found;
    throw new CountersignError(
      'GRANT_REFUSED',
      'This session belongs to no conversation; choose this session instead.',
    );
  }

  /** Throws GRANT_UNKNOWN. Revoking what has ended is no error. */
  revoke(id: string): Grant {
    const grant = this.#live.get(id);
    if (!grant) {
      const ended = this.#ended.find((candidate) => candidate.id === id);
      if (ended) return ended;
      throw new CountersignError('GRANT_UNKNOWN', 'There is no such grant.');
    }
    return this.#end({ ...grant, revokedAt: new Date(this.#deps.now()).toISOString() });
  }

  endOfSession(sessionId: string): void {
    for (const grant of [...this.#live.values()]) if (grant.sessionId === sessionId) this.#end(grant);
  }

  /** A grant was given by someone who saw another policy: it does not outlive that policy. */
  endOfPolicy(hash: string): void {
    for (const grant of [...this.#live.values()]) if (grant.policyHash !== hash) this.#end(grant);
  }

  /** Ends what is due. @returns when the next one is, in milliseconds since the epoch; null when none is live. */
  endDue(): number | null {
    const now = this.#deps.now();
    let next: number | null = null;
    for (const grant of [...this.#live.values()]) {
      const at = Date.parse(grant.expiresAt);
      if (at <= now) this.#end(grant);
      else next = next === null ? at : Math.min(next, at);
    }
    return next;
  }

  /** Live ones first, newest first; then those that ended, latest first. */
  list(): Grant[] {
    this.endDue();
    return [...[...this.#live.values()].reverse(), ...[...this.#ended].reverse()];
  }

  /** With their uses, which are not written one by one. */
  keep(): void {
    this.#deps.keep([...this.#live.values()].filter(({ standing }) => standing));
  }

  /** The day is said where it is another one. */
  #until(now: number, expires: number): string {
    const [today, end] = [this.#deps.localTime(now), this.#deps.localTime(expires)];
    return end.slice(0, 10) === today.slice(0, 10) ? end.slice(11) : end;
  }

  #end(grant: Grant): Grant {
    const ended = { ...grant, endedAt: new Date(this.#deps.now()).toISOString() };
    this.#live.delete(grant.id);
    this.#spending.forget(grant.id);
    if (grant.standing) this.keep();
    this.#ended.push(ended);
    if (this.#ended.length > MAX_ENDED) this.#ended.shift();
    this.#deps.changed(ended);
    return ended;
  }
}

const withinOf = (operation: Operation): string[] =>
  operation.protocol === 'postgres'
    ? [operation.database, operation.role, operation.searchPath]
    : [operation.protocol, operation.tool, operation.place];

const sameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i]);

function covers(
  grant: Grant,
  operation: Operation,
  verdict: Verdict,
  conversationOf: GrantsDeps['conversationOf'],
): boolean {
  return (
    grant.policyHash === verdict.policyHash &&
    grant.effectsClass === operation.effects.class &&
    grant.subject === operation.identity.subject &&
    grant.connectionId === operation.connectionId &&
    sameList(grant.within, withinOf(operation)) &&
    (grant.sessionId === null || grant.sessionId === operation.sessionId) &&
    (grant.conversationId === undefined || grant.conversationId === conversationOf(operation.sessionId)) &&
    reaches(grant, operation)
  );
}

function reaches(grant: Grant, operation: Operation): boolean {
  // The fingerprint of an action is its whole text, of a statement its shape.
  const same = grant.fingerprint === operation.effects.fingerprint;
  switch (grant.reach) {
    case 'exact':
      return same && grant.exact === exactDigest(operation);
    case 'shape':
      return same;
    case 'pattern':
      return (
        (same || operation.protocol !== 'postgres') &&
        grant.pattern !== undefined &&
        matchesPattern(grant.pattern, operation)
      );
  }
}
