import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WeekAction, WeekOperation } from './operation.ts';
import { backfill, fix, importList, operate, report, type Script, support, ui, upgrade } from './recipes.ts';

const SEED = 20260302;
const PACKAGES = [
  'express',
  'zod',
  'pino',
  'undici',
  'vite',
  'react',
  'hono',
  'jose',
  'commander',
  'typescript',
].concat('vitest', 'sharp', 'got', 'ioredis');

/** Conversations of five days: when each begins (UTC), and what it is. */
const CONVERSATIONS: readonly [string, string, (script: Script) => void][] = [
  ['mon-support', '2026-03-02T08:05:00Z', (s) => support(s, 26)],
  ['mon-fix', '2026-03-02T11:00:00Z', (s) => fix(s, 17)],
  ['mon-ui', '2026-03-02T14:10:00Z', (s) => ui(s, 18)],
  ['tue-backfill', '2026-03-03T08:30:00Z', (s) => backfill(s, 64, 'EU')],
  ['tue-support', '2026-03-03T11:15:00Z', (s) => support(s, 24)],
  ['tue-upgrade', '2026-03-03T14:00:00Z', (s) => upgrade(s, PACKAGES)],
  ['wed-fix', '2026-03-04T08:10:00Z', (s) => fix(s, 18)],
  ['wed-operate', '2026-03-04T11:00:00Z', (s) => operate(s, 24)],
  ['wed-report', '2026-03-04T14:20:00Z', (s) => report(s, 20)],
  ['thu-support', '2026-03-05T08:00:00Z', (s) => support(s, 27)],
  ['thu-import', '2026-03-05T11:10:00Z', (s) => importList(s, 60)],
  ['thu-ui', '2026-03-05T14:00:00Z', (s) => ui(s, 17)],
  ['fri-backfill', '2026-03-06T08:20:00Z', (s) => backfill(s, 58, 'US')],
  ['fri-fix', '2026-03-06T11:05:00Z', (s) => fix(s, 16)],
  ['fri-support', '2026-03-06T14:00:00Z', (s) => support(s, 25)],
];

/** mulberry32: the same numbers on every machine. */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same week each time. */
export function generateWeek(): { week: WeekOperation[]; planted: Record<number, string> } {
  const next = numbers(SEED);
  const week: WeekOperation[] = [];
  const planted: Record<number, string> = {};
  const number = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  for (const [conversation, begins, recipe] of CONVERSATIONS) {
    let at = Date.parse(begins);
    const add = (action: WeekAction) => {
      at += number(8, 45) * 1000;
      week.push({ n: week.length + 1, at: new Date(at).toISOString(), conversation, ...action });
    };
    recipe({
      add,
      plant(action, why) {
        add(action);
        planted[week.length] = why;
      },
      number,
      pick: (from) => from[number(0, from.length - 1)]!,
      chance: (percent) => next() * 100 < percent,
    });
  }
  return { week, planted };
}

if (import.meta.main) {
  const { week, planted } = generateWeek();
  writeFileSync(join(import.meta.dirname, 'week.jsonl'), week.map((one) => `${JSON.stringify(one)}\n`).join(''));
  writeFileSync(join(import.meta.dirname, 'planted.json'), `${JSON.stringify(planted, null, 2)}\n`);
}
