import { expect, it } from 'vitest';
import { copyOptions } from './copy-options.ts';
import { createParser } from './parser.ts';

const parser = await createParser();
const optionsOf = (sql: string) => {
  const parsed = parser.parse(sql);
  if (!parsed.ok) throw new Error(parsed.message);
  return copyOptions(parsed.statements);
};

it.each([
  ['COPY t TO STDOUT', { format: 'text', header: false, delimiter: '\t', null: '\\N' }],
  [
    'COPY t TO STDOUT WITH CSV HEADER',
    { format: 'csv', header: true, delimiter: ',', null: '', quote: '"', escape: '"' },
  ],
  [
    `COPY (SELECT 1) TO STDOUT (FORMAT 'CSV', HEADER on, DELIMITER ';', NULL 'x', QUOTE '''', ESCAPE '\\')`,
    { format: 'csv', header: true, delimiter: ';', null: 'x', quote: "'", escape: '\\' },
  ],
  ['COPY BINARY t TO STDOUT', { format: 'binary' }],
  ['COPY t TO STDOUT (HEADER false, DELIMITER $$|$$)', { header: false, delimiter: '|' }],
  ['SELECT 1; COPY t TO STDOUT (FORMAT csv)', { format: 'csv' }],
])('%s', (sql, expected) => {
  expect(optionsOf(sql)).toMatchObject(expected);
});

it.each(['SELECT 1', 'COPY t FROM STDIN', `COPY t TO '/tmp/x'`, 'COPY t TO STDOUT; COPY t TO STDOUT (FORMAT csv)'])(
  '%s has none',
  (sql) => {
    expect(optionsOf(sql)).toBeNull();
  },
);
