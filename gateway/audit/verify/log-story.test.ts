import { expect, it } from 'vitest';
import type { NewLogEntry } from '../../evidence/format/log-entries.ts';
import { LogStory } from './log-story.ts';

const at = (hour: number) => `2026-06-01T${String(hour).padStart(2, '0')}:00:00.000Z`;

const storyOf = (...entries: NewLogEntry[]): LogStory => {
  const story = new LogStory();
  for (const [n, entry] of entries.entries())
    story.add(Buffer.from(JSON.stringify({ v: 1, n, t: at(n), ...entry })), n);
  return story;
};
const gap = (kind: 'observe' | 'sync-overdue', from: number, until: number | null, detail: string): NewLogEntry => ({
  type: 'gap',
  kind,
  from: at(from),
  until: until === null ? '' : at(until),
  detail,
});

it('takes a gap that goes on and its end for one', () => {
  const { gaps, problems } = storyOf(
    gap('observe', 0, null, 'demo'),
    gap('observe', 0, null, 'other'),
    gap('sync-overdue', 1, null, '3 sessions wait'),
    gap('observe', 0, 3, 'demo'),
    gap('sync-overdue', 1, 4, ''),
  );
  expect(gaps).toMatchObject([
    { kind: 'observe', until: '', minutes: 0, detail: 'other' },
    { kind: 'observe', until: at(3), minutes: 180, detail: 'demo' },
    { kind: 'sync-overdue', until: at(4), minutes: 180 },
  ]);
  expect(problems).toEqual([]);
});

it('is not led astray by what a device says of gaps', () => {
  const odd = storyOf({ type: 'gap', kind: 'observe', from: '<!--', until: '', detail: '=cmd()' });
  expect(odd.gaps).toEqual([]);
  expect(odd.problems).toEqual(['entry 0 tells of a gap and not of when it was']);
  const story = new LogStory();
  // Each a day after the one before, without an hour's entries between, and no gap ever ends.
  for (let n = 0; n < 7000; n += 1) {
    const t = new Date(n * 86_400_000).toISOString();
    const entry = { v: 1, n, t, type: 'gap', kind: 'observe', from: t, until: '', detail: `gap ${n}` };
    story.add(Buffer.from(JSON.stringify(entry)), n);
  }
  expect([story.gaps.length, story.silences.length]).toEqual([5000, 5000]);
  expect(story.problems.length).toBe(2000);
});
