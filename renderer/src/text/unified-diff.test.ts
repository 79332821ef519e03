import { expect, test } from 'vitest';
import { diffCounts, diffLines, diffPath, isUnifiedDiff } from './unified-diff.ts';

const DIFF = `--- a/src/pay.ts
+++ b/src/pay.ts
@@ -10,4 +10,4 @@ export function pay() {
 const fee = 2;
--- fee of the old contract
-const tax = 19;
+++ fee of the new one
+const tax = 20;
 return fee + tax;
`;

test('a removed line that looks like a head is content where the hunk says so', () => {
  const lines = diffLines(DIFF);
  expect(lines.map(({ kind }) => kind)).toEqual([
    'head',
    'head',
    'hunk',
    'context',
    'removed',
    'removed',
    'added',
    'added',
    'context',
  ]);
  expect(diffCounts(lines)).toEqual({ added: 2, removed: 2 });
});

test('names the changed file, a deleted one by its old name', () => {
  expect(diffPath(diffLines(DIFF))).toBe('src/pay.ts');
  expect(diffPath(diffLines('--- a/old.ts\n+++ /dev/null\n@@ -1 +0,0 @@\n-x'))).toBe('old.ts');
  expect(diffPath(diffLines('@@ -1 +1 @@\n-+++ b/x\n+y'))).toBeNull();
});

test('several files and hunks, and a missing line feed at the end', () => {
  const two = `${DIFF}diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file`;
  expect(
    diffLines(two)
      .slice(9)
      .map(({ kind }) => kind),
  ).toEqual(['head', 'head', 'head', 'hunk', 'removed', 'context', 'added', 'head']);
});

test('other texts are no difference', () => {
  expect(isUnifiedDiff(DIFF)).toBe(true);
  expect(isUnifiedDiff('@@ -1 +1 @@\n-a\n+b')).toBe(true);
  expect(isUnifiedDiff('SELECT 1 -- x\n+ 2')).toBe(false);
  expect(isUnifiedDiff('--- a heading\nand text')).toBe(false);
});
