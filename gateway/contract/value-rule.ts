import { z } from 'zod';

/** How far one value of a shape may go in later operations: narrow to wide. */
export const ValueRule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('same') }),
  /** A whole number from 0 to this. */
  z.object({ kind: z.literal('most'), most: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER) }),
  /** A text that begins so, and does not climb out of what it names (`..`). */
  z.object({ kind: z.literal('starts'), starts: z.string().min(1).max(1000) }),
  z.object({ kind: z.literal('any') }),
]);
export type ValueRule = z.infer<typeof ValueRule>;

/** Statements that change rows are counted by what their command tag says; unset: not limited. */
export const GrantBudget = z.object({
  rowsEach: z.number().int().min(1).max(1_000_000_000).optional(),
  rows: z.number().int().min(1).max(1_000_000_000).optional(),
  uses: z.number().int().min(1).max(100_000).optional(),
});
export type GrantBudget = z.infer<typeof GrantBudget>;

const climbs = (text: string): boolean => /(?:^|[\\/])\.\.(?:[\\/]|$)|%2e|\\/i.test(text);

/** Does `value` stay within the rule, for a value that was `before` when the rule was chosen? */
export function admits(rule: ValueRule, before: string | null, value: string | null): boolean {
  if (rule.kind === 'same') return before === value;
  if (value === null) return rule.kind === 'any' && before === null;
  switch (rule.kind) {
    case 'any':
      return before !== null;
    case 'most':
      return /^\d{1,15}$/.test(value) && Number(value) <= rule.most;
    case 'starts':
      return value.startsWith(rule.starts) && !climbs(value.slice(rule.starts.length));
  }
}
