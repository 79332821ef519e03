import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CopyShape } from '../ports.ts';
import { CLEAN, catalogOf, concat, copyShape, decode, encode, masking, tagOf } from './test-support.ts';

const tag = tagOf('PERSON');
const COLUMNS = 4;
const at = (steady: boolean, ...positions: number[]) => ({
  columns: Array.from({ length: COLUMNS }, (_, i) => (positions.includes(i) ? [tag] : [])),
  steady: Array.from({ length: COLUMNS }, () => steady),
  all: [tag],
});

function run(shape: CopyShape, taint: ReturnType<typeof at> | typeof CLEAN, rows: readonly string[]) {
  const masker = masking().forCopyOut(shape, taint, catalogOf())!;
  const out = concat(rows.flatMap((row) => masker.data(encode(row))));
  masker.end();
  return { text: decode(out), counts: { ...masker.counts }, masked: [...masker.maskedColumns] };
}

const value = fc.oneof(
  fc.constantFrom(
    '',
    '7',
    '2026-11-21 02:49:42+00',
    'Ana Berg',
    'a@b.io',
    '123-45-6789',
    'x',
    't',
    '4111 1111 1111 1111',
  ),
  fc.constantFrom('\\N', 'call 1', '10.0.0.1', '{a}', 'µ'),
  fc.stringMatching(/^[a-z 0-9@.-]{0,20}$/),
);
const table = fc.array(fc.array(value, { minLength: COLUMNS, maxLength: COLUMNS }), { maxLength: 8 });
const taints = [CLEAN, at(true, 1), at(true, 0, 3), at(false, 2), at(true, 3)];

/**
 * Next to an unusual delimiter nothing is looked at but field by field, so it tells what the rows that
 * are looked at as a whole must become.
 */
test.each(['text', 'csv'] as const)('%s: looking at several fields as one changes nothing', (format) => {
  const usual = copyShape(format, COLUMNS);
  const unusual = { ...usual, delimiter: '\u0001' };
  let masked = 0;
  fc.assert(
    fc.property(table, fc.nat(taints.length - 1), (cells, which) => {
      const rows = (delimiter: string) => cells.map((row) => `${row.join(delimiter)}\n`);
      const one = run(usual, taints[which]!, rows(usual.delimiter));
      const other = run(unusual, taints[which]!, rows('\u0001'));
      expect(one.text).toBe(other.text.replaceAll('\u0001', usual.delimiter));
      expect(one.counts).toEqual(other.counts);
      expect(one.masked).toEqual(other.masked);
      masked += Object.keys(one.counts).length;
    }),
  );
  expect(masked).toBeGreaterThan(50);
});
