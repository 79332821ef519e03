import { expect, it } from 'vitest';
import { ulid } from './ulid.ts';

it('writes the time of the specification’s example and sorts by time', () => {
  const zero = new Uint8Array(10);
  expect(ulid(1469918176385, zero)).toBe('01ARYZ6S410000000000000000');
  expect(ulid(1, new Uint8Array(10).fill(255)) < ulid(2, zero)).toBe(true);
  expect(ulid(0, new Uint8Array(10).fill(255)).slice(10)).toBe('ZZZZZZZZZZZZZZZZ');
});
