import { expect, test } from 'vitest';
import { ago, bytes, clock, plural, span } from './format.ts';

test('spans use two units at most', () => {
  expect([0, 12.4, 1500, 59_000, 65_000, 7_800_000, 200_000_000].map(span)).toEqual([
    '0 ms',
    '12 ms',
    '1.5 s',
    '59 s',
    '1 min 05 s',
    '2 h 10 min',
    '2 d 7 h',
  ]);
});

test('clocks never go below zero', () => {
  expect([-5, 0, 65_000, 3_723_000].map(clock)).toEqual(['0:00', '0:00', '1:05', '1:02:03']);
});

test('counts agree with their nouns', () => {
  expect([plural(1, 'row'), plural(1200, 'row'), plural(2, 'query', 'queries')]).toEqual([
    '1 row',
    '1,200 rows',
    '2 queries',
  ]);
});

test('sizes and ages', () => {
  expect([0, 1023, 1536, 5 * 1024 ** 3].map(bytes)).toEqual(['0 B', '1023 B', '1.5 KB', '5.0 GB']);
  const now = Date.parse('2026-01-01T12:00:00Z');
  expect(ago('2026-01-01T11:59:50Z', now)).toBe('just now');
  expect(ago('2026-01-01T11:30:00Z', now)).toBe('30 min ago');
  expect(ago('nonsense', now)).toBe('');
});
