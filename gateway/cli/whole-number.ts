import { CountersignError } from '../contract/errors.ts';

/** An option's value as a whole number from `lowest` to `highest`. Throws USAGE, naming the option. */
export function wholeNumber(value: string, name: string, lowest: number, highest: number): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= lowest && number <= highest) return number;
  throw new CountersignError('USAGE', `${name} is a whole number from ${lowest} to ${highest}`);
}
