import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Approver } from './approver.ts';
import type { WeekOperation } from './operation.ts';

const here = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');

export const readWeek = (): WeekOperation[] =>
  here('week.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as WeekOperation);

/**
 * Why an operation of the week must not pass, by its number. From two sources that do not know each other: what was
 * planted when the week was written, and what the person refuses.
 */
export function mustNotPass(week: readonly WeekOperation[]): Map<number, string> {
  const planted = JSON.parse(here('planted.json')) as Record<string, string>;
  const forbidden = new Map(Object.entries(planted).map(([n, why]) => [Number(n), why]));
  const person = new Approver();
  for (const operation of week) {
    if (person.answer(operation).decision === 'approve' || forbidden.has(operation.n)) continue;
    forbidden.set(operation.n, 'its person refuses it');
  }
  return forbidden;
}
