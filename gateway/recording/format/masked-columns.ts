import type { MaskedColumns } from '../../contract/session.ts';

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const ascends = (numbers: readonly unknown[]): boolean =>
  numbers.every((number, i) => isCount(number) && (i === 0 || number > (numbers[i - 1] as number)));

/** null for what is absent or not in the form that SPEC.md gives it: then no column is said to be masked. */
export function parseMaskedColumns(value: unknown): MaskedColumns | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const whole = value.every(
    (entry: unknown, i) =>
      Array.isArray(entry) &&
      entry.length === 2 &&
      (entry[1] === null ? i === value.length - 1 : Array.isArray(entry[1]) && ascends(entry[1])),
  );
  return whole && ascends(value.map(([result]) => result)) ? (value as unknown as MaskedColumns) : null;
}
