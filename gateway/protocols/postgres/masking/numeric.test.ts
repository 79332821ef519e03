import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeNumeric, encodeNumeric } from './numeric.ts';

const groups = (...values: number[]) => Uint8Array.from(values.flatMap((value) => [(value >> 8) & 0xff, value & 0xff]));

/** As numeric_send of a server writes them: count, weight, sign, scale, digits. */
test.each<[string, Uint8Array]>([
  ['0', groups(0, 0, 0, 0)],
  ['12.50', groups(2, 0, 0, 2, 12, 5000)],
  ['-10000', groups(1, 1, 0x4000, 0, 1)],
  ['0.0001', groups(1, -1, 0, 4, 1)],
  ['12345678.9', groups(3, 1, 0, 1, 1234, 5678, 9000)],
])('%s', (text, bytes) => {
  expect(decodeNumeric(bytes)).toBe(text);
  expect(encodeNumeric(text)).toEqual(bytes);
});

test('what is no number of a sensible length is null', () => {
  expect(decodeNumeric(groups(0, 0, 0xc000, 0))).toBeNull();
  expect(decodeNumeric(groups(3, 0, 0, 0, 1))).toBeNull();
  expect(decodeNumeric(groups(1, 30_000, 0, 0, 1))).toBeNull();
  expect(decodeNumeric(Uint8Array.of(1))).toBeNull();
});

test('every number comes back', () => {
  const digits = (minLength: number) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength, maxLength: 30 });
  fc.assert(
    fc.property(digits(1), digits(0), (whole, fraction) => {
      const text = `${whole.replace(/^0+(?=\d)/, '')}${fraction === '' ? '' : `.${fraction}`}`;
      expect(decodeNumeric(encodeNumeric(text))).toBe(text);
    }),
  );
});
