import type { Approval } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import { liftedValues } from '../contract/grant-values.ts';
import type { GrantBudget, ValueRule } from '../contract/value-rule.ts';
import { oneLine } from './visible-text.ts';

export interface LimitOptions {
  vary?: string[];
  rowsEach?: string;
  rows?: string;
  uses?: string;
}

export const hasLimits = ({ vary, rowsEach, rows, uses }: LimitOptions): boolean =>
  [vary, rowsEach, rows, uses].some((given) => given !== undefined);

/** `any`, `..20` or `src/*`. */
function ruleOf(text: string): ValueRule {
  if (text === 'any') return { kind: 'any' };
  const most = /^\.\.(\d{1,15})$/.exec(text)?.[1];
  if (most !== undefined) return { kind: 'most', most: Number(most) };
  if (text.length > 1 && text.endsWith('*')) return { kind: 'starts', starts: text.slice(0, -1) };
  throw new CountersignError('USAGE', `--vary takes NUMBER=any, NUMBER=..20 or NUMBER=beginning*, not "${text}"`);
}

const wholeOf = (option: string, text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new CountersignError('USAGE', `${option} is a whole number from 1 to 999999999`);
};

/** Of a scope with limits: what each value may be, and the budget. Values that are not named stay as they are. */
export function limitsOf({ operation }: Approval, options: LimitOptions): { values: ValueRule[]; budget: GrantBudget } {
  const lifted = liftedValues(operation);
  if (lifted === null)
    throw new CountersignError(
      'GRANT_REFUSED',
      'The values in this text cannot be told apart for certain; approve it once.',
    );
  const values = lifted.values.map((): ValueRule => ({ kind: 'same' }));
  for (const one of options.vary ?? []) {
    const [, number, rule] = /^(\d{1,3})=(.+)$/s.exec(one) ?? [];
    if (number === undefined || rule === undefined || values[Number(number) - 1] === undefined)
      throw new CountersignError('USAGE', `--vary "${one}" names no value; \`approvals show\` numbers them`);
    values[Number(number) - 1] = ruleOf(rule);
  }
  const { rowsEach, rows, uses } = options;
  return {
    values,
    budget: {
      ...(rowsEach === undefined ? {} : { rowsEach: wholeOf('--rows-each', rowsEach) }),
      ...(rows === undefined ? {} : { rows: wholeOf('--rows', rows) }),
      ...(uses === undefined ? {} : { uses: wholeOf('--uses', uses) }),
    },
  };
}

/** The values by their numbers, for --vary. */
export function valueLines({ operation }: Approval): string[] {
  const values = liftedValues(operation)?.values ?? [];
  return values.map(({ name, value }, i) => `  Value ${i + 1}: ${oneLine(name, 40)} ${oneLine(value ?? 'NULL', 100)}`);
}
