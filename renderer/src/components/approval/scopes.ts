import type { Approval, GrantScope } from '../../../../gateway/contract/decision.ts';
import { grantRefusal } from '../../../../gateway/contract/grantable.ts';
import { strings } from '../../strings.ts';
import { operationPlace } from '../../text/operation-line.ts';

const t = strings.approvals;

/** Narrow to wide; each has an end. */
const WIDER: readonly GrantScope[] = [
  { kind: 'session' },
  { kind: 'minutes', minutes: 15 },
  { kind: 'minutes', minutes: 60 },
];

export function scopesOf({ operation, verdict }: Approval): readonly GrantScope[] {
  return grantRefusal(operation, verdict) === null ? [{ kind: 'once' }, ...WIDER] : [{ kind: 'once' }];
}

export const scopeKey = (scope: GrantScope): string =>
  scope.kind === 'minutes' ? `minutes ${scope.minutes}` : scope.kind;

export function scopeLabel(scope: GrantScope): string {
  if (scope.kind === 'once') return t.approve;
  return scope.kind === 'minutes' ? t.approveMinutes(scope.minutes) : t.approveSession;
}

/** What it lets through, as the sentence that it will be. */
export function scopeSentence(scope: GrantScope, { operation }: Approval): string {
  const who = operation.identity.display;
  const where = operationPlace(operation);
  const statement = operation.protocol === 'postgres';
  if (scope.kind === 'once') return statement ? t.scopeOnce : t.scopeOnceAction;
  const what = statement ? t.scopeStatements : t.scopeActions;
  return scope.kind === 'minutes' ? t.scopeMinutes(what, who, where, scope.minutes) : t.scopeSession(what, who, where);
}
