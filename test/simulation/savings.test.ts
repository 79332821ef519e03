import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Cedar } from '../../gateway/policy/cedar.ts';
import { createPolicyEngine, type PolicyAdmin, shippedPolicy } from '../../gateway/policy/index.ts';
import { compilePolicies, PolicySet } from '../../gateway/policy/policy-set.ts';
import type { PastOperation } from '../../gateway/policy/suggest/past.ts';
import { type Suggestion, suggest } from '../../gateway/policy/suggest/suggest.ts';
import { type Lived, liveThrough } from './live-through.ts';
import { type Read, Reader } from './operations.ts';
import { mustNotPass, readWeek } from './oracle.ts';

// Policies are compiled many times over.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Of the questions without grants and suggestions, so many fewer. */
const TARGET = 0.8;

const week = readWeek();
const forbidden = mustNotPass(week);
const dir = mkdtempSync(join(tmpdir(), 'cs-week-'));
const cedar = new Cedar();
const reads = new Map<number, Read>();
let plain: readonly Lived[];
beforeAll(async () => {
  const reader = await Reader.load();
  for (const one of week) reads.set(one.n, await reader.read(one));
  await reader.close();
  plain = await live('plain', { grants: false, suggestions: false });
});
afterAll(() => rmSync(dir, { recursive: true }));

const compile = (text: string): PolicySet | null => {
  const set = compilePolicies(text, cedar);
  return set instanceof PolicySet ? set : null;
};

async function live(name: string, habits: { grants: boolean; suggestions: boolean }): Promise<readonly Lived[]> {
  const policy = await createPolicyEngine({ dir: join(dir, name), shipped: shippedPolicy(), now: Date.now });
  const seen = new Set<string>();
  const evening = habits.suggestions
    ? async (day: string, lived: readonly Lived[]) => acceptSome(policy, day, lived, seen)
    : async () => {};
  return await liveThrough(week, (asked) => reads.get(asked.n)!, policy, { grants: habits.grants, evening });
}

/** One after the other, each on what the ones before have made of the policy. */
function acceptSome(policy: PolicyAdmin, day: string, lived: readonly Lived[], seen: Set<string>): void {
  const past = lived.map(
    ({ at, operation, request, asked, granted, passed }): PastOperation => ({
      at,
      text: operation.text,
      request,
      outcome: !passed ? 'refused' : asked || granted ? 'approved' : 'unasked',
    }),
  );
  const welcome = (one: Suggestion) =>
    one.passes.every((pass) => {
      const found = lived.find(({ request }) => request === pass.request);
      return found?.answer.decision === 'approve' && found.answer.item?.always === true;
    });
  for (;;) {
    const found = suggest(compile(policy.view().text)!, compile, past, `${day}T20:00:00Z`, seen);
    const next = found.find(welcome);
    for (const one of found) if (!welcome(one)) seen.add(one.id);
    if (next === undefined) return;
    const { staged } = policy.stage(next.text);
    policy.accept(staged!.hash);
  }
}

const asked = (lived: readonly Lived[]) => lived.filter((one) => one.asked).length;
const wrong = (lived: readonly Lived[]) =>
  lived.filter(({ n, passed }) => passed && forbidden.has(n)).map(({ n }) => `${n}: ${forbidden.get(n)}`);
const lost = (lived: readonly Lived[]) =>
  lived.filter(({ n, passed }) => !passed && !forbidden.has(n)).map(({ n }) => n);

it('the shipped policy alone asks often, and lets nothing through that the person refuses', () => {
  expect(wrong(plain)).toEqual([]);
  expect(lost(plain)).toEqual([]);
  expect(asked(plain)).toBe(1286);
});

it.each([
  ['grants', { grants: true, suggestions: false }, 267],
  ['suggestions', { grants: false, suggestions: true }, 1089],
  ['grants and suggestions', { grants: true, suggestions: true }, 236],
] as const)(
  'with %s nothing passes that the person refuses, and all that the person approves does',
  async (name, habits, left) => {
    const lived = await live(name, habits);
    expect(wrong(lived)).toEqual([]);
    expect(lost(lived)).toEqual([]);
    expect(asked(lived)).toBe(left);
  },
);

it('saves four questions of five with both', () => {
  expect(1 - 236 / asked(plain)).toBeGreaterThanOrEqual(TARGET);
});
