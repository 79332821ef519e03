import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PlayerEvent, type PlayerState, transition } from './player.ts';
import { buildTimeline, currentSpan, density, LONGEST_IDLE_MS, type TimedStatement, thinMarkers } from './timeline.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, 0) + seconds * 1000).toISOString();
const statement = (index: number, seconds: number, more: Partial<TimedStatement> = {}): TimedStatement => ({
  index,
  startedAt: at(seconds),
  durationMs: 100,
  heldMs: 0,
  verdict: 'allowed',
  error: null,
  ...more,
});

test('what ran keeps its length, idle time is cut short', () => {
  const { spans, total } = buildTimeline([statement(0, 0, { durationMs: 4000 }), statement(1, 3600)]);
  expect(spans).toEqual([
    { index: 0, start: 0, end: 4000 },
    { index: 1, start: 4000 + LONGEST_IDLE_MS, end: 4000 + LONGEST_IDLE_MS + 100 },
  ]);
  expect(total).toBe(5600);
});

test('waiting for a person is cut short too', () => {
  const { spans } = buildTimeline([statement(0, 0, { durationMs: 60_000, heldMs: 59_000 }), statement(1, 60)]);
  expect(spans[0]!.end).toBe(1000 + LONGEST_IDLE_MS);
  expect(spans[1]!.start).toBe(1000 + LONGEST_IDLE_MS);
});

test('nothing is cut where nobody wants it', () => {
  const { spans } = buildTimeline(
    [statement(0, 0, { durationMs: 60_000, heldMs: 59_000 }), statement(1, 3600)],
    Number.POSITIVE_INFINITY,
  );
  expect(spans).toEqual([
    { index: 0, start: 0, end: 60_000 },
    { index: 1, start: 3_600_000, end: 3_600_100 },
  ]);
});

test('asks, denials and errors are marked, the worst one where they are close', () => {
  const timeline = buildTimeline([
    statement(0, 0, { verdict: 'asked-approved' }),
    statement(1, 0, { verdict: 'denied', error: { sqlstate: '42501', message: '' } }),
    statement(2, 1, { error: { sqlstate: '42P01', message: '' } }),
  ]);
  expect(timeline.markers.map((marker) => marker.kind)).toEqual(['asked', 'denied', 'error']);
  expect(thinMarkers(timeline, 2).map((marker) => marker.kind)).toEqual(['denied', 'error']);
  expect(density(timeline, 2)).toEqual([1, 0.5]);
});

test('no statements is a timeline too', () => {
  const timeline = buildTimeline([]);
  expect(currentSpan(timeline, 0)).toBe(-1);
  expect(transition(START, { type: 'stepped', by: 1 }, timeline).position).toBe(1);
});

const START: PlayerState = { position: 0, playing: false, speed: 1, live: false };
const three = buildTimeline([statement(0, 0), statement(1, 1), statement(2, 2, { verdict: 'denied' })]);
const run = (events: PlayerEvent[], state = START) =>
  events.reduce((current, event) => transition(current, event, three), state);

test('playing moves by the speed and stops at the end', () => {
  expect(run([{ type: 'toggled' }, { type: 'speedChosen', speed: 4 }, { type: 'ticked', elapsed: 100 }])).toMatchObject(
    {
      position: 400,
      playing: true,
    },
  );
  expect(run([{ type: 'toggled' }, { type: 'ticked', elapsed: 1e6 }])).toMatchObject({
    position: three.total,
    playing: false,
  });
  expect(run([{ type: 'ticked', elapsed: 100 }]).position).toBe(0);
});

test('play at the end starts over', () => {
  expect(run([{ type: 'sought', position: 1e9 }, { type: 'toggled' }])).toMatchObject({ position: 0, playing: true });
});

test('steps go from statement to statement, markers to what was asked or refused', () => {
  expect(run([{ type: 'stepped', by: 1 }]).position).toBe(1000);
  expect(
    run([
      { type: 'stepped', by: 1 },
      { type: 'stepped', by: -1 },
    ]).position,
  ).toBe(0);
  expect(run([{ type: 'markerSought', by: 1 }]).position).toBe(2000);
  expect(run([{ type: 'indexSought', index: 1 }]).position).toBe(1000);
});

test('live follows the end until a hand moves it', () => {
  const live = run([{ type: 'wentLive' }]);
  const longer = buildTimeline([statement(0, 0), statement(1, 1), statement(2, 2), statement(3, 3)]);
  expect(transition(live, { type: 'timelineChanged' }, longer).position).toBe(longer.total);
  const left = transition(live, { type: 'skipped', by: -5000 }, three);
  expect(left.live).toBe(false);
  expect(transition(left, { type: 'timelineChanged' }, longer).position).toBe(left.position);
});

test('whatever statements say about their times, spans are in order and inside the total', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          seconds: fc.integer({ min: -1000, max: 1000 }),
          duration: fc.double({ noNaN: true, min: -10, max: 1e7 }),
          held: fc.double({ noNaN: true, min: -10, max: 1e7 }),
        }),
      ),
      (rows) => {
        const timeline = buildTimeline(
          rows.map((row, index) => statement(index, row.seconds, { durationMs: row.duration, heldMs: row.held })),
        );
        let last = 0;
        for (const span of timeline.spans) {
          expect(span.start).toBeGreaterThanOrEqual(last);
          expect(span.end).toBeGreaterThanOrEqual(span.start);
          expect(span.end).toBeLessThanOrEqual(timeline.total);
          last = span.start;
        }
      },
    ),
  );
});
