import type { ColumnTag, Connection } from '../contract/connection.ts';
import type { Verdict } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import type { Effects } from '../contract/operation.ts';
import type { PolicyVersion } from '../contract/policy.ts';
import type { PolicyView } from '../contract/routes/policy.ts';
import type { ActionInput, PolicyEngine, PolicyInput } from '../pipeline/ports.ts';
import { Cedar } from './cedar.ts';
import { actionRequest, type CedarRequest, runRequest, viewRequest } from './decisions/request.ts';
import { denial, type Evaluation, verdictOf } from './decisions/verdict.ts';
import { unifiedDiff } from './diff.ts';
import { type AcceptedSet, PolicyFiles } from './policy-files.ts';
import { compilePolicies, errorSentence, hashOf, PolicySet } from './policy-set.ts';

export interface PolicyAdmin {
  view(): PolicyView;
  /** Keeps a text beside the set in force. A text with errors is kept too, and shown with them. */
  stage(text: string): PolicyView;
  /**
   * Puts the staged text in force. The caller has verified presence.
   * Throws POLICY_NOT_STAGED, POLICY_CHANGED (another text is staged than the one that was seen), POLICY_INVALID.
   */
  accept(hash: string): PolicyView;
  discard(): PolicyView;
  /** Calls back after a change of what is in force or staged. Returns the unsubscription. */
  onChanged(listener: () => void): () => void;
  /** Sets that were in force, latest first. */
  history(): PolicyVersion[];
  /** One of them with its text; null where there is none of that number. */
  version(number: number): (PolicyVersion & { text: string }) | null;
  /** May this person see that column unmasked? No, unless a policy permits viewPlain. */
  canViewPlain(identity: Identity, connection: Connection, tag: ColumnTag): boolean;
  /** What is wrong with the file of the set in force, for status; null when nothing is. */
  readonly error: string | null;
}

export interface PolicyEngineOptions {
  /** Folder of the sets; created where it does not exist. */
  dir: string;
  /** The set to begin with where the folder has none. */
  shipped: string;
  /** Milliseconds since the epoch. */
  now(): number;
}

const NO_POLICY = 'No policy can be read, so nothing is allowed. An administrator has to stage and accept one.';
const EMPTY_HASH = hashOf('');
/** Verdicts kept for one statement's effects: its users, databases and roles. */
const MAX_VERDICTS = 64;
/** What Cedar found for so many different actions of agents is kept, where they are not longer than this. */
const MAX_ACTIONS = 512;
const MAX_KEY = 8192;
/** Earlier sets that are tried when the one in force cannot be read. */
const MAX_HISTORY = 20;

interface LastVerdict {
  identity: Identity;
  connection: Connection;
  database: string;
  role: string;
  verdict: Verdict;
}

/** Who may see which tags of which connection in plain; goes with the objects and with the policy. */
type ViewsOf = WeakMap<Identity, WeakMap<Connection, WeakMap<ColumnTag, boolean>>>;

function madeIn<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Opens the folder and loads what is in force there. Throws only when the folder cannot be used. */
export async function createPolicyEngine(options: PolicyEngineOptions): Promise<PolicyEngine & PolicyAdmin> {
  return new Engine(options);
}

class Engine implements PolicyEngine, PolicyAdmin {
  readonly #cedar = new Cedar();
  readonly #files: PolicyFiles;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #active: PolicySet | null = null;
  #error: string | null = null;
  /** Status asks for the view often; a staged text is compiled once. */
  #checked: { hash: string; errors: string[] } | null = null;
  #verdicts = new WeakMap<Effects, { last: LastVerdict; all: Map<string, Verdict> }>();
  #actions = new Map<string, Evaluation>();
  #views = new Map<string, boolean>();
  #viewsOf: ViewsOf = new WeakMap();

  constructor({ dir, shipped, now }: PolicyEngineOptions) {
    this.#files = new PolicyFiles(dir);
    this.#now = now;
    this.#load(shipped);
  }

  get hash(): string {
    return this.#active?.hash ?? EMPTY_HASH;
  }

  get error(): string | null {
    return this.#error;
  }

  decide(input: PolicyInput): Verdict {
    const { identity, connection, database, role, effects } = input;
    const kept = this.#verdicts.get(effects);
    if (kept !== undefined) {
      const { last } = kept;
      if (
        last.identity === identity &&
        last.connection === connection &&
        last.database === database &&
        last.role === role
      )
        return last.verdict;
    }
    const key = [identity.subject, identity.kind, identity.verified, ...identity.groups, '', connection.id]
      .concat(connection.environment, connection.mode, database, role)
      .map((part) => JSON.stringify(part))
      .join();
    const known = kept?.all.get(key);
    const verdict = known ?? this.#evaluate(runRequest(input), effects);
    const all = kept === undefined || kept.all.size >= MAX_VERDICTS ? new Map<string, Verdict>() : kept.all;
    all.set(key, verdict);
    this.#verdicts.set(effects, { last: { identity, connection, database, role, verdict }, all });
    return verdict;
  }

  decideAction(input: ActionInput): Verdict {
    const request = actionRequest(input);
    return this.#evaluate(request, input.effects, (active) => this.#evaluated(active, request));
  }

  /** What Cedar says of equal requests is equal; two calls of a tool mostly differ in what no policy asks for. */
  #evaluated(active: PolicySet, request: CedarRequest): Evaluation {
    const { arguments: args, form, command, ...rest } = request.context;
    const asked = {
      ...rest,
      ...(active.readsArguments ? { args } : {}),
      ...(active.readsCommand ? { form, command } : {}),
    };
    const key = JSON.stringify({ ...request, context: asked });
    const known = this.#actions.get(key);
    if (known !== undefined) return known;
    const found = active.evaluate(request);
    if (this.#actions.size >= MAX_ACTIONS) this.#actions.clear();
    if (key.length <= MAX_KEY) this.#actions.set(key, found);
    return found;
  }

  #evaluate(
    request: CedarRequest,
    { words }: Effects,
    evaluate = (active: PolicySet): Evaluation => active.evaluate(request),
  ): Verdict {
    if (this.#active === null) return denial([], this.hash, NO_POLICY);
    try {
      return verdictOf(evaluate(this.#active), this.hash, words);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return denial([], this.hash, `The policy could not be evaluated, so it is not allowed: ${why}`);
    }
  }

  /** Asked for each tag of each result: by the objects themselves first, since a request is dear to write. */
  canViewPlain(identity: Identity, connection: Connection, tag: ColumnTag): boolean {
    const ofPerson = madeIn(this.#viewsOf, identity, () => new WeakMap());
    const views = madeIn(ofPerson, connection, () => new WeakMap());
    const known = views.get(tag);
    if (known !== undefined) return known;
    const request = viewRequest(identity, connection, tag);
    const key = JSON.stringify(request);
    const allowed = this.#views.get(key) ?? this.#mayView(request);
    if (this.#views.size >= 4096) this.#views.clear();
    this.#views.set(key, allowed);
    views.set(tag, allowed);
    return allowed;
  }

  #mayView(request: ReturnType<typeof viewRequest>): boolean {
    if (this.#active === null) return false;
    try {
      const { allowed, policies, errors } = this.#active.evaluate(request);
      return allowed && errors.length === 0 && policies.length > 0;
    } catch {
      return false;
    }
  }

  view(): PolicyView {
    const text = this.#active?.text ?? '';
    const staged = this.#files.readStaged();
    if (staged === null) return { hash: this.hash, text, staged: null };
    const hash = hashOf(staged.text);
    if (this.#checked?.hash !== hash) {
      const compiled = compilePolicies(staged.text, this.#cedar);
      this.#checked = { hash, errors: compiled instanceof PolicySet ? [] : compiled.errors.map(errorSentence) };
    }
    const { errors } = this.#checked;
    const diff = unifiedDiff(text, staged.text);
    return { hash: this.hash, text, staged: { hash, text: staged.text, diff, errors, stagedAt: staged.stagedAt } };
  }

  stage(text: string): PolicyView {
    this.#files.writeStaged(text, new Date(this.#now()).toISOString());
    this.#changed();
    return this.view();
  }

  accept(hash: string): PolicyView {
    const staged = this.#files.readStaged();
    if (staged === null) throw new CountersignError('POLICY_NOT_STAGED', 'No policy is staged.');
    if (hashOf(staged.text) !== hash)
      throw new CountersignError(
        'POLICY_CHANGED',
        'Another policy is staged than the one that was shown. Look at it again.',
      );
    const compiled = compilePolicies(staged.text, this.#cedar);
    if (!(compiled instanceof PolicySet))
      throw new CountersignError(
        'POLICY_INVALID',
        `The staged policy has errors: ${compiled.errors.map(errorSentence).join('; ')}`,
      );
    this.#files.writeActive(compiled.text, compiled.hash);
    this.#files.removeStaged();
    this.#use(compiled);
    this.#error = null;
    this.#changed();
    return this.view();
  }

  discard(): PolicyView {
    this.#files.removeStaged();
    this.#changed();
    return this.view();
  }

  history(): PolicyVersion[] {
    const all = this.#files.history();
    const now = all.find(({ hash }) => hash === this.hash);
    return all.map((one) => this.#versionOf(one, one === now));
  }

  version(number: number): (PolicyVersion & { text: string }) | null {
    const all = this.#files.history();
    const found = all.find((one) => one.number === number);
    if (found === undefined) return null;
    const inForce = found === all.find(({ hash }) => hash === this.hash);
    return { ...this.#versionOf(found, inForce), text: found.read() };
  }

  #versionOf({ number, hash, acceptedMs }: AcceptedSet, inForce: boolean): PolicyVersion {
    return { number, hash, acceptedAt: new Date(acceptedMs()).toISOString(), inForce };
  }

  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #use(set: PolicySet): void {
    this.#active = set;
    this.#verdicts = new WeakMap();
    this.#actions = new Map();
    this.#views = new Map();
    this.#viewsOf = new WeakMap();
  }

  /**
   * In force is what a person accepted. A file that was edited since is staged like any other proposal,
   * and the accepted text comes from the history.
   */
  #load(shipped: string): void {
    const found = this.#files.readActive();
    const history = this.#files.history();
    if (found === null && history.length === 0) {
      const compiled = compilePolicies(shipped, this.#cedar);
      if (compiled instanceof PolicySet) {
        this.#files.writeActive(compiled.text, compiled.hash);
        this.#use(compiled);
      } else this.#error = `The shipped policy has errors: ${compiled.errors.map(errorSentence).join('; ')}`;
      return;
    }
    const accepted = found?.acceptedHash ?? history[0]?.hash ?? null;
    if (found !== null && hashOf(found.text) === accepted) {
      const compiled = compilePolicies(found.text, this.#cedar);
      if (compiled instanceof PolicySet) {
        this.#use(compiled);
        return;
      }
      this.#error = `active.cedar: ${compiled.errors.map(errorSentence).join('; ')}`;
    } else if (found !== null) {
      this.#error = 'active.cedar was changed outside of Countersign; the change is staged and not in force.';
      if (this.#files.readStaged() === null) this.#files.writeStaged(found.text, new Date(this.#now()).toISOString());
    } else this.#error = 'active.cedar is gone.';
    const usable = [...history.filter((one) => one.hash === accepted), ...history]
      .slice(0, MAX_HISTORY)
      .map((one) => one.read());
    for (const text of usable) {
      const compiled = compilePolicies(text, this.#cedar);
      if (!(compiled instanceof PolicySet)) continue;
      this.#error += ' An accepted policy from the history is in force.';
      this.#use(compiled);
      return;
    }
    this.#error += ` ${NO_POLICY}`;
  }
}
