import { expect, test } from 'vitest';
import { roundUp } from './day-chart.tsx';

test('the top of the scale is a round figure that nothing goes above', () => {
  expect([0, 5, 6, 11, 24, 26, 99, 101, 1001, 260_000].map(roundUp)).toEqual([
    5, 5, 10, 20, 25, 50, 100, 200, 2000, 500_000,
  ]);
});
