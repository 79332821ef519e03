import { expect, test } from 'vitest';
import { errorPosition } from './error-position.ts';

test('positions are found in the forms the gateway uses', () => {
  expect(errorPosition('line 12, column 3: unexpected token')).toEqual({ line: 12, column: 3 });
  expect(errorPosition('policy.cedar:7:14: unknown attribute')).toEqual({ line: 7, column: 14 });
  expect(errorPosition('at 7:14: unknown attribute')).toEqual({ line: 7, column: 14 });
  expect(errorPosition('unexpected end (line 4)')).toEqual({ line: 4, column: 1 });
  expect(errorPosition('no position')).toBeNull();
});
