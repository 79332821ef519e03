import { createHash } from 'node:crypto';
import { verdictOf } from '../decisions/verdict.ts';
import type { CompiledPolicy, PolicySet } from '../policy-set.ts';
import { conditionOf, keyOf, partOf } from './condition.ts';
import type { PastOperation } from './past.ts';

/** A change of the policy that nobody has agreed to yet. */
export interface Suggestion {
  /** Of what it changes: the same suggestion has the same id. */
  id: string;
  /** The condition, in Cedar. */
  condition: string;
  /** The policies that asked, which get an `unless`. */
  policyIds: string[];
  /** The whole text with it. */
  text: string;
  /** Questions it would have saved. */
  saves: number;
  /** Every past operation that it would have let through, the latest first. */
  passes: readonly PastOperation[];
  /** The first of them, as a test: what has to be allowed under it. */
  test: string;
}

/** Fewer questions than this are no habit. */
export const LEAST_PROMPTS = 3;
const MAX_SUGGESTIONS = 10;
const MAX_CANDIDATES = 60;

/**
 * For each kind of operation that a person approved again and again, the narrowest change that would have ended these
 * questions. One that would also have let through what a person refused, or would stop anything, is not made.
 * @param past oldest first.
 * @param seen ids of suggestions that nobody wants to see again.
 */
export function suggest(
  set: PolicySet,
  compile: (text: string) => PolicySet | null,
  past: readonly PastOperation[],
  now: string,
  seen: ReadonlySet<string> = new Set(),
): Suggestion[] {
  const kinds = grouped(past, ({ request }) => keyOf(request));
  const parts = kinds.flatMap((all) => {
    const approved = all.filter(({ outcome }) => outcome === 'approved');
    const part = partOf(approved.map(({ request }) => request));
    return grouped(all, ({ request }) => part(request));
  });
  const candidates = parts
    .flatMap((all) => candidateOf(set, all) ?? [])
    .filter(({ id }) => !seen.has(id))
    .sort((one, other) => other.approved.length - one.approved.length)
    .slice(0, MAX_CANDIDATES);
  const found: Suggestion[] = [];
  for (const one of harmless(candidates, compile)) {
    const suggestion = suggestionFor(set, compile, one, now);
    if (suggestion !== null) found.push(suggestion);
    if (found.length === MAX_SUGGESTIONS) break;
  }
  return found;
}

interface Candidate {
  id: string;
  action: string;
  condition: string;
  policyIds: string[];
  all: readonly PastOperation[];
  approved: readonly PastOperation[];
}

function candidateOf(set: PolicySet, all: readonly PastOperation[]): Candidate | null {
  const approved = all.filter(({ outcome }) => outcome === 'approved');
  if (approved.length < LEAST_PROMPTS) return null;
  const condition = conditionOf(approved.map(({ request }) => request));
  if (condition === null) return null;
  const asked = verdictOf(set.evaluate(approved[0]!.request), set.hash, []);
  if (asked.effect !== 'ask' || !asked.grantable) return null;
  const policyIds = [...asked.policyIds].sort();
  const id = createHash('sha256').update(`${policyIds.join()}\n${condition}`).digest('hex').slice(0, 16);
  return { id, action: approved[0]!.request.action.id, condition, policyIds, all, approved };
}

/** Those whose condition holds for nothing that was refused. All at once: to compile a whole text takes its time. */
function harmless(candidates: readonly Candidate[], compile: (text: string) => PolicySet | null): Candidate[] {
  const probe = compile(
    candidates
      .map(
        ({ action, condition }, i) =>
          `@id("p${i}")\npermit (principal, action == Action::"${action}", resource) when {\n${condition}\n};`,
      )
      .join('\n'),
  );
  if (probe === null) return [];
  return candidates.filter(({ all }, i) =>
    all.every(
      ({ outcome, request }) =>
        outcome !== 'refused' || !probe.evaluate(request).policies.some(({ id }) => id === `p${i}`),
    ),
  );
}

function grouped(past: readonly PastOperation[], keyOfOne: (one: PastOperation) => string | null): PastOperation[][] {
  const groups = new Map<string, PastOperation[]>();
  for (const one of past) {
    const key = keyOfOne(one);
    if (key === null) continue;
    const all = groups.get(key);
    if (all === undefined) groups.set(key, [one]);
    else all.push(one);
  }
  return [...groups.values()];
}

function suggestionFor(
  set: PolicySet,
  compile: (text: string) => PolicySet | null,
  { id, condition, policyIds, all, approved }: Candidate,
  now: string,
): Suggestion | null {
  const effect = (policies: PolicySet, one: PastOperation) =>
    verdictOf(policies.evaluate(one.request), policies.hash, []).effect;
  const test = JSON.stringify({ operation: approved.at(-1)!.text.slice(0, 300), expect: 'allow' });
  const text = withExceptions(set, policyIds, condition, approved.length, test, now);
  const changed = compile(text);
  if (changed === null) return null;
  // Of another kind nothing matches the condition: it holds the kind's key whole.
  const passes = all.filter((one) => effect(set, one) === 'ask' && effect(changed, one) === 'allow');
  const saves = passes.filter(({ outcome }) => outcome === 'approved').length;
  if (saves < LEAST_PROMPTS || passes.some(({ outcome }) => outcome === 'refused')) return null;
  return { id, condition, policyIds, text, saves, passes: [...passes].reverse(), test };
}

/** Each policy that asked gets an `unless`, with a comment of where it came from. */
function withExceptions(
  set: PolicySet,
  ids: readonly string[],
  condition: string,
  saves: number,
  test: string,
  now: string,
): string {
  let { text } = set;
  for (const policy of set.policies.filter(({ id }) => ids.includes(id))) {
    const clause = [
      '',
      `// Suggested on ${now.slice(0, 10)} from ${saves} questions that a person approved.`,
      `// Test: ${test.replace(/[\r\n]/g, ' ')}`,
      `unless {\n  ${condition}\n}`,
    ].join('\n');
    text = text.replace(policy.text, () => exception(policy, clause));
  }
  return text;
}

const exception = ({ text }: CompiledPolicy, clause: string): string => `${text.replace(/;\s*$/, '')}${clause};`;

/** Policies that take away and matched nothing of what there is. */
export function idlePolicies(set: PolicySet, matched: ReadonlySet<string>): string[] {
  return set.policies.filter(({ id, effect }) => effect === 'forbid' && !matched.has(id)).map(({ id }) => id);
}
