import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runPolicyTable, shippedPolicy } from './index.ts';

const table = readFileSync(new URL('./shipped.test.jsonl', import.meta.url), 'utf8');
const results = await runPolicyTable(shippedPolicy(), table);

test('the table is not short', () => {
  expect(results.length).toBeGreaterThan(150);
});

test.each(results.map((result) => [`line ${result.line}: ${result.sql.slice(0, 80)}`, result] as const))(
  '%s',
  (_, result) => {
    expect(result.sentence).toBe('');
  },
);
