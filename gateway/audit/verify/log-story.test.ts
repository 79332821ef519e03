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
