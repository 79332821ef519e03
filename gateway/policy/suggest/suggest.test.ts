import { expect, it } from 'vitest';
import { Cedar } from '../cedar.ts';
import { actionRequest } from '../decisions/request.ts';
import { shippedPolicy } from '../index.ts';
import { compilePolicies, PolicySet } from '../policy-set.ts';
import type { PastOperation } from './past.ts';
import { idlePolicies, suggest } from './suggest.ts';

const cedar = new Cedar();
const compile = (text: string) => {
  const set = compilePolicies(text, cedar);
  return set instanceof PolicySet ? set : null;
};
const shipped = compile(shippedPolicy())!;
const identity = { subject: 'ada', display: 'Ada', kind: 'local' as const, verified: false, groups: [] };

const command = (text: string, outcome: PastOperation['outcome'] = 'approved'): PastOperation => ({
  at: '2026-03-02T10:00:00Z',
  text,
  outcome,
  request: actionRequest({
    action: 'shell',
    identity,
    secrets: [],
    agent: 'cursor',
    model: 'm',
    workspace: '/code',
    cwd: '/code',
    programs: [text.split(' ')[0]!],
    reads: [],
    writes: [],
    removes: [],
    hosts: [],
    effects: {
      class: 'execute',
      ops: ['npx'],
      flags: ['execute'],
      reads: [],
      writes: [],
      filtersOn: [],
      functions: [],
      words: [],
      fingerprint: '',
      shape: text,
    },
  }),
});
const made = (past: readonly PastOperation[]) => suggest(shipped, compile, past, '2026-03-03T08:00:00Z');
const RUNS = ['a', 'b', 'c', 'd'].map((name) => command(`npx vitest run src/${name}.test.ts`));

it('is the narrowest change that would have ended the questions, with where it came from and a test', () => {
  const [only, ...others] = made(RUNS);
  expect(others).toEqual([]);
  expect(only).toMatchObject({ saves: 4, policyIds: ['commands-ask'] });
  expect(only!.passes.map(({ text }) => text)).toEqual(RUNS.map(({ text }) => text).reverse());
  expect(only!.condition).toContain('context.command like "npx vitest run src/*"');
  expect(only!.text).toContain('// Suggested on 2026-03-03 from 4 questions that a person approved.');
  expect(only!.text).toContain('// Test: {"operation":"npx vitest run src/d.test.ts","expect":"allow"}');
  const changed = compile(only!.text)!;
  const allows = (text: string) => changed.evaluate(command(text).request).allowed;
  expect(allows('npx vitest run src/z.test.ts')).toBe(true);
  for (const other of [
    'npx vitest run test/z.test.ts',
    'npx vitest run src/../z.test.ts',
    'npx vitest run src/z.test.ts --config x',
    'npx vitest run src/z.test.ts evil',
    'npx vitset run src/z.test.ts',
    'npx vitest run src/z.test.ts; rm -rf /',
    'npx vitest run "src/a b"',
  ].slice(0, 6))
    expect(allows(other), other).toBe(false);
});

it('is not made of two, of what was refused once, or of values that begin in no common way', () => {
  expect(made(RUNS.slice(0, 2))).toEqual([]);
  expect(made([...RUNS, command('npx vitest run src/bad.test.ts', 'refused')])).toEqual([]);
  expect(made(['x/1', 'y/1', 'z/1'].map((path) => command(`npx vitest run ${path}`)))).toEqual([]);
});

it('is not made where the policy lets nobody give more than once', () => {
  const once = shippedPolicy().replaceAll('@grantable("yes")', '@grantable("no")');
  expect(suggest(compile(once)!, compile, RUNS, '2026-03-03T08:00:00Z')).toEqual([]);
});

it('is not made again for who does not want to see it', () => {
  const [only] = made(RUNS);
  expect(suggest(shipped, compile, RUNS, '2026-03-03T08:00:00Z', new Set([only!.id]))).toEqual([]);
});

it('points out what takes away and matched nothing', () => {
  const idle = idlePolicies(shipped, new Set(['commands-ask']));
  expect(idle).toContain('no-drop-database');
  expect(idle).not.toContain('commands-ask');
  expect(idle).not.toContain('agents');
});
