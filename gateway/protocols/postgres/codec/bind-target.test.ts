import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBind, readBindTarget } from './frontend.ts';

const outcome = (read: () => unknown): unknown => {
  try {
    return read();
  } catch (error) {
    return (error as Error).message;
  }
};

const agrees = (bytes: Uint8Array) => {
  const target = outcome(() => readBindTarget(bytes, 0, bytes.length));
  const whole = outcome(() => {
    const { portal, statement, resultFormats } = readBind(bytes, 0, bytes.length);
    return { portal, statement, resultFormats };
  });
  expect(target).toEqual(whole);
};

/** A Bind body; `lie` is added to the number of values. */
function bind(names: readonly string[], formats: number[], values: (Uint8Array | null)[], lie: number): Uint8Array {
  const bytes: number[] = [];
  const int16 = (n: number) => bytes.push((n >> 8) & 255, n & 255);
  for (const name of names) bytes.push(...new TextEncoder().encode(name.replaceAll('\0', '')), 0);
  int16(formats.length);
  for (const format of formats) int16(format);
  int16(values.length + lie);
  for (const value of values) {
    const length = value === null ? -1 : value.length;
    bytes.push((length >> 24) & 255, (length >> 16) & 255, (length >> 8) & 255, length & 255, ...(value ?? []));
  }
  int16(formats.length);
  for (const format of formats) int16(format);
  return Uint8Array.from(bytes);
}

describe('readBindTarget', () => {
  it('reads and refuses what readBind does', () => {
    const body = fc
      .tuple(
        fc.tuple(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.string({ maxLength: 80 })),
        fc.array(fc.constantFrom(0, 1), { maxLength: 3 }),
        fc.array(fc.option(fc.uint8Array({ maxLength: 40 })), { maxLength: 3 }),
        fc.constantFrom(0, 0, 0, 1, -1),
      )
      .map(([names, formats, values, lie]) => bind(names, formats, values, lie));
    fc.assert(fc.property(body, agrees));
    fc.assert(
      fc.property(body, fc.nat(), fc.nat(255), (bytes, at, value) => {
        const changed = bytes.slice(0, bytes.length - (at % 3));
        changed[at % changed.length] = value;
        agrees(changed);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), agrees));
  });

  it('takes names for what they are, though texts of the same length share a slot', () => {
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3000; i++) {
        const name = `s${String(i).padStart(4, '0')}`;
        expect(readBindTarget(bind(['', name], [], [], 0), 0, name.length + 8)).toMatchObject({ statement: name });
      }
    }
  });
});
