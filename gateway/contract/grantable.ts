import type { Verdict } from './decision.ts';
import type { Operation, OperationClass } from './operation.ts';

/** What a wider grant may cover at all; everything worse is asked each time. */
const GRANTABLE_STATEMENTS: ReadonlySet<OperationClass> = new Set(['session', 'read', 'write']);
/** Of actions the shape is the whole text, so that a grant is for the same command again. */
const GRANTABLE_ACTIONS: ReadonlySet<OperationClass> = new Set(['read', 'write', 'network', 'execute', 'unknown']);

/** Why no wider grant may be made of this; null when one may. */
export function grantRefusal(operation: Operation, verdict: Verdict): string | null {
  if (!verdict.grantable) return 'the policy lets this be approved once at a time only';
  if (verdict.approvers !== undefined) return 'what other people have to approve is approved once at a time only';
  if (verdict.level !== 'click') return 'what needs a PIN or a passkey is approved once at a time only';
  const grantable = operation.protocol === 'postgres' ? GRANTABLE_STATEMENTS : GRANTABLE_ACTIONS;
  if (!grantable.has(operation.effects.class)) {
    return `a ${operation.effects.class} operation is approved once at a time only`;
  }
  return null;
}
