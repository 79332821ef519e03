import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unifiedDiff } from './diff.ts';

test('shows what changed with three lines around it', () => {
  const before = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const after = ['a', 'b', 'c', 'd', 'E', 'f', 'g', 'h', 'i'];
  expect(unifiedDiff(before.join('\n'), after.join('\n'))).toBe('@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n');
  expect(unifiedDiff('a', 'a')).toBe('');
});

test('its lines lead from one text to the other', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = before.split('\n');
      const out: string[] = [];
      let at = 0;
      let left = 0;
      for (const line of unifiedDiff(before, after).split('\n').slice(0, -1)) {
        const hunk = /^@@ -(\d+),(\d+) \+\d+,\d+ @@$/.exec(line);
        if (hunk !== null && left === 0) {
          out.push(...lines.slice(at, Number(hunk[1]) - 1));
          at = Number(hunk[1]) - 1;
          continue;
        }
        if (line[0] !== '+') {
          expect(lines[at]).toBe(line.slice(1));
          at += 1;
        }
        if (line[0] !== '-') out.push(line.slice(1));
        left = 0;
      }
      out.push(...lines.slice(at));
      expect(out.join('\n')).toBe(after);
    }),
  );
});
