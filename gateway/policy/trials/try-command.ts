import { homedir } from 'node:os';
import type { Identity } from '../../contract/identity.ts';
import type { Effects } from '../../contract/operation.ts';
import type { PolicyTrial } from '../../contract/policy.ts';
import { type CommandClassifier, createCommandClassifier } from '../../protocols/terminal/classifier/index.ts';
import { actionRequest } from '../decisions/request.ts';
import { verdictOf } from '../decisions/verdict.ts';
import type { PolicySet } from '../policy-set.ts';

let loaded: Promise<CommandClassifier> | null = null;

/** An agent's command against a set, as far as its text tells: files that it names are not read. */
export async function tryCommand(set: PolicySet, text: string, cwd: string, identity: Identity): Promise<PolicyTrial> {
  loaded ??= createCommandClassifier();
  const found = (await loaded).classifyCommand(text, { cwd, home: homedir() });
  const programs = found.programs.map(({ name }) => name);
  const inside = (path: string) => path === cwd || path.startsWith(`${cwd.replace(/\/$/, '')}/`);
  const outside = [...found.writes, ...found.removes].some((path) => !inside(path));
  const effects: Effects = {
    class: found.class,
    ops: [...new Set(programs)],
    flags: outside ? [...found.flags, 'outside-workspace'] : found.flags,
    reads: [],
    writes: [],
    filtersOn: [],
    functions: [],
    words: [...found.words, ...found.unknown.map((why) => `Not understood: ${why}`)],
    fingerprint: '',
    shape: '',
  };
  const { reads, writes, removes, hosts } = found;
  const request = actionRequest({
    action: 'shell',
    identity,
    effects,
    secrets: [],
    agent: 'cursor',
    model: '',
    workspace: cwd,
    cwd,
    programs,
    reads,
    writes,
    removes,
    hosts,
  });
  const verdict = verdictOf(set.evaluate(request), set.hash, effects.words);
  const scripts = found.scripts.length === 0 ? [] : [`Not read here: ${found.scripts.slice(0, 5).join(', ')}.`];
  return {
    class: effects.class,
    ops: effects.ops,
    flags: effects.flags,
    words: effects.words,
    verdict,
    notes: ['Secrets in the text, and the content of files that it names, are not looked for here.', ...scripts],
  };
}
