import { expect, it } from 'vitest';
import { backoff, Pace } from './pace.ts';

it('lets as many bytes through as the limit says, whatever the clock does', () => {
  let now = 1_000_000;
  const pace = new Pace(() => now);
  pace.limit = 1000;
  expect([pace.reserve(500), pace.reserve(500), pace.reserve(500)]).toEqual([0, 500, 1000]);
  now += 1500;
  expect(pace.reserve(500)).toBe(0);
  now -= 86_400_000;
  expect(pace.reserve(500)).toBe(0);
  expect(pace.reserve(500)).toBe(500);
  pace.limit = null;
  expect(pace.reserve(1e9)).toBe(0);
});

it('knows the rate of the last ten seconds', () => {
  let now = 0;
  const pace = new Pace(() => now);
  for (const at of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
    now = at * 1000;
    pace.reserve(100);
  }
  expect(pace.rate).toBe(100);
  now += 60_000;
  expect(pace.rate).toBe(0);
});

it('waits longer each time, up to a bound, and never all at the same moment', () => {
  const of = { firstMs: 1000, mostMs: 60_000 };
  expect([0, 1, 2, 10, 1000].map((n) => backoff(of, n, () => 1))).toEqual([1000, 2000, 4000, 60_000, 60_000]);
  expect([0, 1, 2, 10, 1000].map((n) => backoff(of, n, () => 0))).toEqual([500, 1000, 2000, 30_000, 30_000]);
});
