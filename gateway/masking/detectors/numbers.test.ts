import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Sink } from './findings.ts';
import { NO_HINTS } from './findings.ts';
import { endOfHarmlessGroup, scanNumbers } from './numbers.ts';

/** Takes everything, whatever its score. */
function collect(bytes: Uint8Array, at: number): { stop: number; found: string[] } {
  const found: string[] = [];
  const sink: Sink & { last: number } = {
    last: 0,
    add(entity, start, end) {
      found.push(`${entity} ${start} ${end}`);
      sink.last = end;
      return true;
    },
  };
  const range = { bytes, context: 0, start: 0, end: bytes.length, hints: NO_HINTS };
  return { stop: scanNumbers(range, at, sink), found };
}

const digits = fc.integer({ min: 1, max: 17 }).chain((n) => fc.stringMatching(new RegExp(`^[0-9]{${n}}$`)));
const issued = fc.constantFrom(
  '4111',
  '1111',
  '123',
  '45',
  '6789',
  '555',
  '0143',
  '192',
  '168',
  '1',
  '10',
  '212',
  '2026',
);
const piece = fc.oneof(
  issued,
  digits,
  fc.constantFrom(' ', '-', '.', ') ', ')', '+', 'x', '\t', ':', '(', '@', 'é', ' -', '..'),
);
const text = fc.array(piece, { maxLength: 24 }).map((parts) => new TextEncoder().encode(parts.join('')));

test('what is passed over holds nothing, and ends where it would have ended', () => {
  let passed = 0;
  fc.assert(
    fc.property(text, (bytes) => {
      for (let at = 0; at < bytes.length; at += 1) {
        if (bytes[at]! < 0x30 || bytes[at]! > 0x39) continue;
        const end = endOfHarmlessGroup(bytes, 0, at, bytes.length);
        const { stop, found } = collect(bytes, at);
        if (end !== -1) {
          passed += 1;
          if (stop !== end || found.length > 0) expect({ stop, found }).toEqual({ stop: end, found: [] });
        }
        at = stop;
      }
    }),
    { numRuns: 300 },
  );
  expect(passed).toBeGreaterThan(100);
});

test('a group of more runs than are kept is walked in the same steps', () => {
  const bytes = new TextEncoder().encode('1 '.repeat(200));
  expect(endOfHarmlessGroup(bytes, 0, 0, bytes.length)).toBe(collect(bytes, 0).stop);
});

test.each(['2026-11-21 02', '12', '1234.56', '2026-11-21', '1.5 2.25'])('%s is passed over', (sample) => {
  const bytes = new TextEncoder().encode(sample);
  expect(endOfHarmlessGroup(bytes, 0, 0, bytes.length)).toBe(bytes.length);
});

test.each(['4111 1111 1111 1111', '123-45-6789', '10.0.0.1', '555-123-4567', '123456789'])(
  '%s is looked at',
  (sample) => {
    const bytes = new TextEncoder().encode(sample);
    expect(endOfHarmlessGroup(bytes, 0, 0, bytes.length)).toBe(-1);
  },
);
