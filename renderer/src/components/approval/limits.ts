import type { Approval, GrantScope } from '../../../../gateway/contract/decision.ts';
import { liftedValues, ruleRefusal } from '../../../../gateway/contract/grant-values.ts';

export type LimitedScope = Extract<GrantScope, { kind: 'session' | 'conversation' }>;

/** Narrow: each value as it is now, in this session. null: the values cannot be told apart. */
export function narrowLimits({ operation }: Approval): LimitedScope | null {
  const lifted = liftedValues(operation);
  if (lifted === null) return null;
  const budget = operation.protocol === 'postgres' ? { rowsEach: 1, rows: 20, uses: 20 } : { uses: 20 };
  return { kind: 'session', reach: 'pattern', values: lifted.values.map(() => ({ kind: 'same' })), budget };
}

/** What is open may be chosen and is said with why not: the gateway refuses it too. */
export function limitsProblem(scope: GrantScope, { operation }: Approval): string | null {
  if (scope.kind === 'once' || scope.reach !== 'pattern') return null;
  const values = liftedValues(operation)?.values ?? [];
  for (const [i, value] of values.entries()) {
    const why = ruleRefusal(operation, value, scope.values?.[i] ?? { kind: 'same' });
    if (why !== null) return why;
  }
  return null;
}
