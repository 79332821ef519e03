import type { Grant } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import { liftedValues, ruleRefusal } from '../contract/grant-values.ts';
import type { Operation } from '../contract/operation.ts';
import { admits, type ValueRule } from '../contract/value-rule.ts';

type Pattern = NonNullable<Grant['pattern']>;

/** Throws GRANT_REFUSED: its values cannot be told apart, or a rule is wider than may be chosen for its value. */
export function patternOf(operation: Operation, rules: readonly ValueRule[]): Pattern {
  const lifted = liftedValues(operation);
  if (lifted === null) throw refused('the values in this text cannot be told apart for certain');
  if (lifted.values.length !== rules.length)
    throw refused(`it has ${lifted.values.length} values, and a rule is needed for each`);
  for (const [i, value] of lifted.values.entries()) {
    const why = ruleRefusal(operation, value, rules[i]!);
    if (why !== null) throw refused(why);
  }
  return {
    form: `${factsOf(operation)}\n${lifted.form}`,
    values: lifted.values.map(({ value }, i) => ({ value, rule: rules[i]! })),
  };
}

const refused = (why: string) => new CountersignError('GRANT_REFUSED', `No wider approval: ${why}.`);

/** What a value must not change: what is run, and what is to be said of it. */
const factsOf = ({ effects }: Operation): string => JSON.stringify([effects.ops, [...effects.flags].sort()]);

export function matchesPattern({ form, values }: Pattern, operation: Operation): boolean {
  const lifted = liftedValues(operation);
  if (lifted === null || `${factsOf(operation)}\n${lifted.form}` !== form) return false;
  return (
    lifted.values.length === values.length &&
    values.every(({ value, rule }, i) => {
      const found = lifted.values[i]!;
      return admits(rule, value, found.value) && ruleRefusalOfLater(operation, found, rule);
    })
  );
}

/** A later value is held against what may be chosen at all, as the first one was. */
const ruleRefusalOfLater = (...[operation, value, rule]: Parameters<typeof ruleRefusal>): boolean =>
  ruleRefusal(operation, value, rule) === null;
