import fc from 'fast-check';
import { expect, test } from 'vitest';
import { extentOf, inBox, MAX_BOX, type Place, scrolled, toShow } from './row-window.ts';

const START: Place = { top: 0, origin: 0 };

test('a list that fits is scrolled as it is', () => {
  const extent = extentOf(1000, 64, 600);
  expect(extent.box).toBe(64_000);
  expect(scrolled(extent, START, 0, 5000)).toEqual({ top: 5000, origin: 0, scrollTo: null });
});

test('in a list of a million a step is a step, and a jump goes in proportion', () => {
  const extent = extentOf(1_000_000, 64, 600);
  expect(extent.box).toBe(MAX_BOX);
  expect(scrolled(extent, START, 0, 100)).toEqual({ top: 100, origin: 0, scrollTo: null });
  const middle = scrolled(extent, START, 0, (MAX_BOX - 600) / 2);
  expect(middle.top).toBeCloseTo((64_000_000 - 600) / 2, 0);
  const step = scrolled(extent, middle, MAX_BOX / 2 - 300, MAX_BOX / 2 - 200);
  expect(step.top - middle.top).toBeCloseTo(100, 5);
  expect(scrolled(extent, START, 0, MAX_BOX - 600).top).toBe(64_000_000 - 600);
});

test('wherever it is scrolled, both ends are reached by steps, and the rows stay in the box', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3_000_000 }),
      fc.array(fc.integer({ min: -MAX_BOX, max: MAX_BOX }), { maxLength: 40 }),
      (count, moves) => {
        const extent = extentOf(count, 54, 500);
        const most = Math.max(0, extent.box - extent.view);
        let place = START;
        let at = 0;
        for (const move of moves) {
          const now = Math.max(0, Math.min(most, at + move));
          const next = scrolled(extent, place, at, now);
          at = next.scrollTo ?? now;
          place = next;
          expect(place.top).toBeGreaterThanOrEqual(0);
          expect(place.top).toBeLessThanOrEqual(Math.max(0, extent.virtual - extent.view));
          expect(place.top - place.origin).toBeCloseTo(at, 3);
          if (at <= 0) expect(place.top).toBeLessThan(1);
          if (at >= most && most > 0) expect(place.top).toBeGreaterThan(extent.virtual - extent.view - 1);
        }
      },
    ),
  );
});

test('a row is brought into view by as little as can be', () => {
  const extent = extentOf(1_000_000, 50, 500);
  expect(toShow(extent, { top: 1000, origin: 0 }, 1200, 50)).toBe(1000);
  expect(toShow(extent, { top: 1000, origin: 0 }, 900, 50)).toBe(900);
  expect(toShow(extent, { top: 1000, origin: 0 }, 1500, 50)).toBe(1050);
  expect(toShow(extent, { top: 0, origin: 0 }, 49_999_950, 50)).toBe(49_999_500);
  expect(inBox(extent, 49_999_500)).toBe(MAX_BOX - 500);
});
