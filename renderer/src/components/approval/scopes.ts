import type { Approval, GrantReach, GrantScope } from '../../../../gateway/contract/decision.ts';
import { isStanding, MAX_DESK_MINUTES } from '../../../../gateway/contract/decision.ts';
import { grantSentence } from '../../../../gateway/contract/grant-sentence.ts';
import { grantRefusal } from '../../../../gateway/contract/grantable.ts';
import type { Operation } from '../../../../gateway/contract/operation.ts';
import { strings } from '../../strings.ts';
import { lasting, timeOfDay } from '../../text/format.ts';
import { operationPlace } from '../../text/operation-line.ts';
import { limitsStrings } from './limits-strings.ts';

const t = strings.approvals;
const DAY = 24 * 60;

/** How long each reach is offered for, narrow to wide; each has an end. Standing leave is for exactly this only. */
const MINUTES: Record<Exclude<GrantReach, 'pattern'>, readonly number[]> = {
  exact: [15, 8 * 60, 7 * DAY, 30 * DAY],
  shape: [15, 60],
};

/** Of some actions the shape is the whole text and nothing else is bound: then there is nothing wider than exactly this. */
const hasShape = (operation: Operation): boolean =>
  operation.protocol === 'postgres' || operation.bindings.length > 0 || operation.effects.shape !== operation.text;

/** What may be granted beyond once, narrow to wide. */
export function widerScopes({ operation, verdict }: Approval): readonly { reach: GrantReach; scopes: GrantScope[] }[] {
  if (grantRefusal(operation, verdict) !== null) return [];
  const reaches: (keyof typeof MINUTES)[] = hasShape(operation) ? ['exact', 'shape'] : ['exact'];
  return reaches.map((reach) => ({
    reach,
    scopes: [
      { kind: 'session', reach },
      ...MINUTES[reach].map((minutes): GrantScope => ({ kind: 'minutes', minutes, reach })),
    ],
  }));
}

export function scopeKey(scope: GrantScope): string {
  if (scope.kind === 'once') return 'once';
  if (scope.reach === 'pattern') return 'pattern';
  return `${scope.reach} ${scope.kind === 'minutes' ? scope.minutes : 'session'}`;
}

/** On the button that does it. */
export function scopeLabel(scope: GrantScope): string {
  if (scope.kind === 'once') return t.approve;
  if (scope.reach === 'pattern') return limitsStrings.approve;
  return t.approveWider(t.reachShort[scope.reach], scope.kind === 'minutes' ? lasting(scope.minutes) : null);
}

/** How long, where what is said above it already. */
export function scopeSpan(scope: GrantScope): string {
  if (scope.kind === 'once') return t.approve;
  return scope.kind === 'minutes' ? t.spanMinutes(lasting(scope.minutes), isStanding(scope)) : t.spanSession;
}

/** What it covers besides this one. */
export function reachSentence(reach: GrantReach, { operation }: Approval): string {
  const statement = operation.protocol === 'postgres';
  const what = statement ? t.reachStatement[reach] : t.reachAction[reach];
  return t.reachWhere(what, operation.identity.display, operationPlace(operation));
}

/** What it lets through, as the sentence that it will be. */
export function scopeSentence(scope: GrantScope, approval: Approval): string {
  if (scope.kind === 'once') return approval.operation.protocol === 'postgres' ? t.scopeOnce : t.scopeOnceAction;
  if (scope.reach === 'pattern') {
    const now = Date.now();
    const minutes = scope.kind === 'session' ? MAX_DESK_MINUTES : scope.minutes;
    const until = timeOfDay(new Date(now + minutes * 60_000).toISOString(), now).replace(/:\d\d$/, '');
    const counts = scope.budget?.rows ?? scope.budget?.rowsEach;
    const sentence = `${limitsStrings.now}${grantSentence(approval.operation, scope, until)}.`;
    return counts === undefined ? sentence : `${sentence} ${limitsStrings.counted}`;
  }
  return t.scopeSentence(reachSentence(scope.reach, approval), scopeSpan(scope));
}
