import { createHash } from 'node:crypto';
import type { Connection } from '../../contract/connection.ts';
import { CountersignError } from '../../contract/errors.ts';
import type { Identity } from '../../contract/identity.ts';
import type { PolicyCheck, PolicySuggestions, PolicyTrial } from '../../contract/policy.ts';
import { createClassifier, type LoadedClassifier } from '../../protocols/postgres/classifier/index.ts';
import type { CatalogSnapshot } from '../../protocols/postgres/ports.ts';
import { Cedar } from '../cedar.ts';
import { runRequest } from '../decisions/request.ts';
import { verdictOf } from '../decisions/verdict.ts';
import { sentenceOf } from '../explain.ts';
import { compilePolicies, errorSentence, hashOf, PolicySet } from '../policy-set.ts';
import type { PastOperation } from '../suggest/past.ts';
import { suggest } from '../suggest/suggest.ts';

/** Nothing of the target is known here; tagged columns are, by their names. */
const NO_CATALOG: CatalogSnapshot = {
  tagByOid: new Map(),
  relations: [],
  functions: [],
  volatileBuiltins: new Set(),
};

const STATEMENT_NOTES = [
  'The target was not asked: what its views, functions and rules do is not part of this.',
] as const;

/** Compiles texts and evaluates them; takes its time, so it runs on a thread. Keeps the text it saw last. */
export class TrialBench {
  readonly #cedar = new Cedar();
  #last: { text: string; set: ReturnType<typeof compilePolicies> } | null = null;
  #classifier: Promise<LoadedClassifier> | null = null;

  /** Never throws. */
  check(text: string): PolicyCheck {
    const set = this.#compile(text);
    const hash = hashOf(text.toWellFormed());
    if (!(set instanceof PolicySet)) {
      const errors = set.errors.map(({ place, message }) => ({
        line: place?.line ?? null,
        column: place?.column ?? null,
        message,
      }));
      return { hash, errors, policies: [] };
    }
    const policies = set.policies.map((policy) => ({
      id: policy.id,
      line: policy.place?.line ?? null,
      sentence: sentenceOf(policy),
    }));
    return { hash, errors: [], policies };
  }

  /** Throws POLICY_INVALID. */
  usable(text: string): PolicySet {
    const set = this.#compile(text);
    if (set instanceof PolicySet) return set;
    const [first] = set.errors;
    throw new CountersignError(
      'POLICY_INVALID',
      `The policy has errors, so nothing can be tried on it: ${first === undefined ? 'it is empty' : errorSentence(first)}.`,
    );
  }

  /** Throws POLICY_INVALID. */
  suggest(policy: string, past: readonly PastOperation[], now: string): PolicySuggestions {
    const set = this.usable(policy);
    const compile = (text: string) => {
      const compiled = compilePolicies(text, this.#cedar);
      return compiled instanceof PolicySet ? compiled : null;
    };
    const suggestions = suggest(set, compile, past, now).map(({ passes, ...one }) => ({
      ...one,
      passes: passes.map(({ at, text, outcome }) => ({ at, text, outcome })),
    }));
    return { suggestions, looked: past.length, since: past[0]?.at ?? null };
  }

  async statement(policy: string, text: string, identity: Identity, connection: Connection): Promise<PolicyTrial> {
    const set = this.usable(policy);
    this.#classifier ??= createClassifier({
      sha256: (whole) => createHash('sha256').update(whole).digest('hex'),
      after: (milliseconds, run) => {
        const timer = setTimeout(run, milliseconds);
        return () => clearTimeout(timer);
      },
    });
    const classifier = await this.#classifier;
    const context = { connection, catalog: NO_CATALOG, prepared: () => null, cursor: () => null };
    const { effects } = await classifier.classifyLarge(text, context);
    const { database, user: role } = connection;
    const agent = { pid: null, name: 'trial', parents: [] };
    const request = runRequest({ identity, agent, connection, database, role, effects });
    const verdict = verdictOf(set.evaluate(request), set.hash, effects.words);
    const { class: kind, ops, flags, words } = effects;
    return { class: kind, ops, flags, words, verdict, notes: [...STATEMENT_NOTES] };
  }

  #compile(text: string): ReturnType<typeof compilePolicies> {
    if (this.#last?.text !== text) this.#last = { text, set: compilePolicies(text, this.#cedar) };
    return this.#last.set;
  }
}
