import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCommand } from './test-cli.ts';

const dir = mkdtempSync(join(tmpdir(), 'policy-cli-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const file = (name: string, text: string) => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};
const HASH = 'ab'.repeat(32);
const staged = {
  hash: 'cd'.repeat(32),
  text: 'x',
  diff: '@@ -1,1 +1,1 @@\n-a\n+b\n',
  errors: [] as string[],
  stagedAt: 'now',
};
const permit = '@id("all") permit(principal, action == Action::"run", resource);\n';

test('check says in words what a policy does', async () => {
  const { code, out, notes } = await runCommand(['policy', 'check']);
  expect(code).toBe(0);
  expect(out).toMatch(/^no-drop-database \(line \d+\): always denies every statement when .*drop-database/m);
  expect(out).toMatch(/^writes-ask \(line \d+\): asks a person \(click, within 600 seconds, and a wider grant/m);
  expect(notes).toContain('is valid');
});

test('check says where a policy is wrong', async () => {
  const path = file('wrong.cedar', `${permit}permit(principal,, resource);`);
  const { code, out } = await runCommand(['policy', 'check', path]);
  expect(code).toBe(1);
  expect(out).toMatch(/wrong\.cedar: line 2, column 18: /);
  expect((await runCommand(['policy', 'check', join(dir, 'absent')])).notes).toContain('cannot be read (ENOENT)');
});

test('test tells what passes and what does not, and exits so', async () => {
  const table = file('table.jsonl', '{"sql":"SELECT 1","expect":"allow"}\n{"sql":"DROP TABLE t","expect":"allow"}\n');
  const { code, out } = await runCommand(['policy', 'test', table]);
  expect(code).toBe(1);
  expect(out).toContain('FAIL line 2: DROP TABLE t');
  expect(out).toContain('expected allow, got ask');
  expect(out).toContain('1 passed, 1 failed');
  const own = await runCommand(['policy', 'test', table, '--policy', file('all.cedar', permit)]);
  expect(own).toMatchObject({ code: 0, out: '2 passed, 0 failed' });
  const broken = await runCommand(['policy', 'test', file('broken.jsonl', '{"sql":1}')]);
  expect(broken.notes).toContain('line 1 of the table');
});

test('stage shows the difference', async () => {
  const answers = { stagePolicy: () => ({ hash: HASH, text: 'a', staged }) };
  const { code, out, calls } = await runCommand(['policy', 'stage', file('new.cedar', permit)], { answers });
  expect(code).toBe(0);
  expect(out).toContain('-a\n+b');
  expect(calls).toEqual([{ name: 'stagePolicy', input: { text: permit } }]);
  const wrong = {
    stagePolicy: () => ({ hash: HASH, text: 'a', staged: { ...staged, errors: ['line 1, column 1: no'] } }),
  };
  expect((await runCommand(['policy', 'stage', file('new.cedar', permit)], { answers: wrong })).code).toBe(1);
});

test('accept shows what it is about, and asks for the PIN on the terminal', async () => {
  const answers = {
    policy: () => ({ hash: HASH, text: 'a', staged }),
    acceptPolicy: () => ({ hash: staged.hash, text: 'x', staged: null }),
  };
  const { code, out, calls, asked } = await runCommand(['policy', 'accept'], { answers, typed: ['123456'] });
  expect(code).toBe(0);
  expect(out).toMatch(/-a\n\+b[\s\S]*In force: cdcd/);
  expect(asked).toEqual([{ question: expect.stringContaining('PIN'), shown: false }]);
  expect(calls.at(-1)).toEqual({ name: 'acceptPolicy', input: { hash: staged.hash, pin: '123456' } });
  const nothing = await runCommand(['policy', 'accept'], {
    answers: { policy: () => ({ hash: HASH, text: 'a', staged: null }) },
  });
  expect(nothing).toMatchObject({ code: 1, notes: expect.stringContaining('No policy is staged') });
});

test('show and discard', async () => {
  const answers = {
    policy: () => ({ hash: HASH, text: permit, staged: null }),
    discardPolicy: () => ({ hash: HASH, text: permit, staged: null }),
  };
  expect((await runCommand(['policy', 'show'], { answers })).out).toMatch(
    /In force: abab[\s\S]*all \(line 1\): permits every statement[\s\S]*Staged: nothing/,
  );
  expect((await runCommand(['policy', 'show', '--text'], { answers })).out).toBe(permit);
  expect((await runCommand(['policy', 'discard'], { answers })).out).toContain('Nothing is staged');
});
