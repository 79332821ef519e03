import { expect, test } from 'vitest';
import { choiceOf, keyOf, type Pick } from './redaction-choice.ts';

const PICKS: Pick[] = [
  { kind: 'value', value: 'Ada' },
  { kind: 'column', column: 'salary' },
  { kind: 'entity', entity: 'US_SSN' },
  { kind: 'statement', index: 0 },
  { kind: 'result', index: 2 },
  { kind: 'parameters', index: 2 },
];

test('what is chosen on the page is what the API is asked for', () => {
  expect(choiceOf(PICKS)).toEqual({
    values: ['Ada'],
    columns: [{ table: null, column: 'salary' }],
    entities: ['US_SSN'],
    statements: [0],
    results: [2],
    parameters: [2],
  });
});

test('no two choices are taken for the same', () => {
  const more: Pick[] = [...PICKS, { kind: 'value', value: 'salary' }, { kind: 'statement', index: 2 }];
  expect(new Set(more.map(keyOf)).size).toBe(more.length);
});
