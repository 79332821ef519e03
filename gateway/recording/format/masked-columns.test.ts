import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseMaskedColumns } from './masked-columns.ts';

const ascending = (minLength: number) =>
  fc.uniqueArray(fc.nat(1700), { minLength, maxLength: 20 }).map((numbers) => numbers.sort((a, b) => a - b));
const told = fc
  .tuple(ascending(1), fc.array(ascending(1), { minLength: 20, maxLength: 20 }), fc.boolean())
  .map(([results, columns, cut]) =>
    results.map((result, i) => [result, cut && i === results.length - 1 ? null : columns[i]]),
  );

it('takes what a recorder tells as it is', () => {
  fc.assert(
    fc.property(told, (value) => {
      expect(parseMaskedColumns(JSON.parse(JSON.stringify(value)))).toEqual(value);
    }),
  );
});

it('takes nothing from anything else: a result or a column out of place, or any other JSON', () => {
  fc.assert(
    fc.property(told, fc.nat(), (value, at) => {
      const [result, columns] = value[at % value.length]!;
      const other = Array.isArray(columns) ? [result, [...columns, columns[0]]] : [result, 'all'];
      expect(parseMaskedColumns([...value, value[0]])).toBeNull();
      expect(parseMaskedColumns(value.map((entry) => (entry[0] === result ? other : entry)))).toBeNull();
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const read = parseMaskedColumns(value);
      if (read !== null) expect(read).toEqual(value);
    }),
  );
});
