import { expect, it } from 'vitest';
import { timeOfUlid, ulid } from './ulid.ts';

it('writes the time of the specification’s example and sorts by time', () => {
  const zero = new Uint8Array(10);
  expect(ulid(1469918176385, zero)).toBe('01ARYZ6S410000000000000000');
  expect(ulid(1, new Uint8Array(10).fill(255)) < ulid(2, zero)).toBe(true);
  expect(ulid(0, new Uint8Array(10).fill(255)).slice(10)).toBe('ZZZZZZZZZZZZZZZZ');
});

it('gives its time back, and nothing for what is none', () => {
  expect(timeOfUlid('01ARYZ6S410000000000000000')).toBe(1469918176385);
  expect(timeOfUlid(ulid(1795230120806, new Uint8Array(10).fill(7)))).toBe(1795230120806);
  for (const other of ['', 'last', '01ARYZ6S41', '81ARYZ6S410000000000000000', '01aryz6s410000000000000000']) {
    expect(timeOfUlid(other)).toBeNull();
  }
});
