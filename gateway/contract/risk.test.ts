import { expect, it } from 'vitest';
import { testOperation } from '../approvals/test-operation.ts';
import { riskOf } from './risk.ts';

const NOTHING = { production: null, hour: null, first: null };

it('says each fact in words, the heaviest first, and adds them up', () => {
  const operation = testOperation({ effects: { class: 'destructive', flags: ['filters-on-tagged'] } });
  expect(riskOf({ operation, estimatedRows: 12_345 }, { production: true, hour: 22, first: true })).toEqual({
    score: 130,
    facts: [
      'it destroys',
      'production',
      'about 12345 rows',
      'sensitive columns',
      'the first of its shape since the gateway started',
      'outside of working hours',
    ],
  });
});

it('says nothing where nothing is known or speaks against it', () => {
  expect(riskOf({ operation: testOperation(), estimatedRows: null }, NOTHING)).toEqual({ score: 0, facts: [] });
  const plain = { production: false, hour: 12, first: false };
  expect(riskOf({ operation: testOperation(), estimatedRows: 99 }, plain)).toEqual({ score: 0, facts: [] });
});
