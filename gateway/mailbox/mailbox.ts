import { otherThan, usefulGroups } from '../approvals/votes.ts';
import { type ApproverDemand, type ApproverVote, needsInWords, unmetNeeds } from '../contract/approvers.ts';
import type { Approval } from '../contract/decision.ts';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { MailboxSetup, MailboxView } from '../contract/mailbox.ts';
import type { Operation } from '../contract/operation.ts';
import type { DecisionInput, Vault } from '../pipeline/ports.ts';
import type { StoreTarget } from '../sync/ports.ts';
import { describe } from '../sync/target-words.ts';
import type { TargetConfig } from '../sync/targets/config.ts';
import { ApproverKeys } from './approver-key.ts';
import { givenTarget, readMailboxConfig, writeMailboxConfig } from './config.ts';
import { Inbox } from './inbox.ts';
import { MailStore } from './mail-store.ts';
import { OutgoingNotices } from './notices.ts';
import { approversOf, Outgoing, tooLong } from './outgoing.ts';
import type { MailDeps } from './ports.ts';

const POLL_MS = 5000;
/** The planner's estimate comes right after a request: it travels with it. */
const SEND_AFTER_MS = 250;
const GIVE_UP_MS = 30_000;

export interface MailboxDeps extends MailDeps {
  /** `<home>/mailbox.json`. */
  file: string;
  vault: Vault;
  open(config: TargetConfig): StoreTarget;
  every(milliseconds: number, run: () => void): () => void;
  schedule(milliseconds: number, run: () => void): () => void;
}

/**
 * Approval by somebody on another machine: requests, decisions and notices as objects of a store that the team runs
 * (gateway/evidence/SPEC.md, "Mailbox"). Both halves live here: what this machine asks, and what its approver is asked.
 *
 * `notify(group, {title, sentence})` tells the approvers of a group (null: all of them) something that is not to be
 * decided, such as an emergency access. It resolves once the notice is in the store, with how many people it went to;
 * it waits for a store that is away, for a day. Nothing has to wait for it.
 */
export class Mailbox {
  readonly #deps: MailboxDeps;
  readonly #keys: ApproverKeys;
  readonly #inbox: Inbox;
  readonly #outgoing: Outgoing;
  readonly #notices: OutgoingNotices;
  readonly #stops: (() => void)[] = [];
  readonly #stop = new AbortController();
  #config: TargetConfig | null;
  #target: StoreTarget | null = null;
  #lastError: MailboxView['lastError'] = null;
  #told = '';
  #exchanging: Promise<void> | null = null;
  #again = false;

  constructor(deps: MailboxDeps) {
    this.#deps = deps;
    this.#config = readMailboxConfig(deps.file);
    this.#keys = new ApproverKeys(deps.vault);
    this.#inbox = new Inbox(deps, () => this.#keys.key);
    this.#outgoing = new Outgoing(deps);
    this.#notices = new OutgoingNotices(deps);
  }

  get inbox(): Pick<Inbox, 'waiting' | 'decided' | 'get'> {
    return this.#inbox;
  }

  async start(): Promise<void> {
    // A vault that is locked keeps an approver from deciding, and nobody else from working.
    await this.#keys.open().catch((error: unknown) => this.#problem(error));
    this.#stops.push(this.#deps.every(POLL_MS, () => void this.exchange()));
    void this.exchange();
  }

  // ---- what this machine asks -------------------------------------------------------------------

  /** Something became of a request of this machine. */
  changed(approval: Approval): void {
    if (approval.verdict.approvers === undefined) return;
    this.#outgoing.take(approval);
    this.#deps.schedule(SEND_AFTER_MS, () => void this.exchange());
  }

  notify(group: string | null, notice: { title: string; sentence: string }): Promise<number> {
    const sent = this.#notices.add(group, notice);
    void this.exchange();
    return sent;
  }

  /** Why too few people can approve something, with the way out; null: enough can be asked. */
  missing(operation: Operation, demand: ApproverDemand): string | null {
    const { device, clock, person } = this.#deps;
    const now = new Date(clock.now()).toISOString();
    const here = person();
    const isUseful = here.verified && here.kind !== 'workload' && otherThan(demand, here.display, operation) === null;
    const groups = isUseful ? usefulGroups(demand, here.groups) : null;
    const vote = (name: string, of: string[]) => ({ person: name, groups: of }) as ApproverVote;
    const local = groups === null ? [] : [vote(here.display, groups)];
    if (unmetNeeds(demand, local).length === 0) return null;
    const elsewhere = approversOf(device, operation, demand, now);
    const unmet = unmetNeeds(demand, [
      ...local,
      ...elsewhere.map((one) => vote(one.person, usefulGroups(demand, one.groups) ?? [])),
    ]);
    if (unmet.length > 0) {
      if (demand.notRequester && !operation.identity.verified)
        return `nobody vouches for who ${operation.identity.display} is, so it cannot be somebody else`;
      const where = device.org === null ? 'this machine belongs to no organisation' : 'the trust note names too few';
      return `${needsInWords(unmet)} cannot be found: ${where} (countersign trust approver add)`;
    }
    if (this.#config === null)
      return 'they are on other machines, and no mailbox is set up here (countersign mailbox setup)';
    return tooLong(operation);
  }

  // ---- the store ----------------------------------------------------------------------------------

  /** One round; one at a time, and one more where somebody asked meanwhile. */
  exchange(): Promise<void> {
    if (this.#exchanging !== null) {
      this.#again = true;
      return this.#exchanging;
    }
    this.#exchanging = this.#round().finally(() => {
      this.#exchanging = null;
      if (this.#again && !this.#stop.signal.aborted) {
        this.#again = false;
        void this.exchange();
      }
    });
    return this.#exchanging;
  }

  async #round(): Promise<void> {
    this.#inbox.expire();
    if (this.#config === null || this.#deps.device.org === null || this.#stop.signal.aborted) return;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(GIVE_UP_MS)]);
    try {
      const store = this.#store();
      await this.#outgoing.exchange(store, signal);
      await this.#notices.send(store, signal);
      await this.#inbox.fetch(store, signal);
      this.#lastError = null;
      this.#told = '';
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const sentence = this.#problem(
        signal.aborted ? new CountersignError('SYNC_UNREACHABLE', 'The mailbox does not answer.') : error,
      );
      this.#lastError = { at: new Date(this.#deps.clock.now()).toISOString(), sentence };
      this.#outgoing.unreachable(sentence);
    }
  }

  /** Throws MAILBOX_OFF. */
  #store(): MailStore {
    const { org } = this.#deps.device;
    if (this.#config === null || org === null)
      throw new CountersignError('MAILBOX_OFF', 'No mailbox is set up here: countersign mailbox setup');
    this.#target ??= this.#deps.open(this.#config);
    return new MailStore(this.#target, org);
  }

  /** The same again and again is told once. */
  #problem(error: unknown): string {
    const sentence = isCountersignError(error)
      ? error.message
      : `The mailbox failed: ${String((error as Error)?.message)}`;
    if (sentence !== this.#told) this.#deps.onProblem(sentence);
    this.#told = sentence;
    return sentence;
  }

  // ---- for people ---------------------------------------------------------------------------------

  /** Whether a request is one of another machine. */
  has(id: string): boolean {
    return this.#inbox.get(id) !== null;
  }

  decide(input: DecisionInput): Promise<Approval> {
    return this.#inbox.decide(
      input,
      () => this.#store(),
      AbortSignal.any([this.#stop.signal, AbortSignal.timeout(GIVE_UP_MS)]),
    );
  }

  /** Another key than before is another approver. */
  async makeKey(name: string) {
    const card = await this.#keys.make(name);
    void this.exchange();
    return card;
  }

  /** Tries the place before anything changes. Throws CONFIG_BROKEN, SYNC_SECRET_REQUIRED, MAILBOX_KEEPS and what the store says. */
  async setUp({ target, secrets = {} }: MailboxSetup): Promise<void> {
    const next = target === null ? null : givenTarget(target, secrets, this.#config);
    if (next !== null) {
      for (const [id, value] of Object.entries(secrets)) await this.#deps.vault.write(id, value);
      await this.#try(next);
    }
    writeMailboxConfig(this.#deps.file, next);
    await this.#exchanging?.catch(() => {});
    await this.#target?.close();
    this.#target = null;
    this.#config = next;
    await this.exchange();
  }

  async #try(config: TargetConfig): Promise<void> {
    const target = this.#deps.open(config);
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(2 * GIVE_UP_MS)]);
    try {
      await target.setUp(signal);
      const { read, list, refusesDelete } = await target.probe(signal);
      if (!read || !list || refusesDelete)
        throw new CountersignError(
          'MAILBOX_KEEPS',
          'A mailbox is read, listed and emptied: give it a place, or credentials, of its own that allow this. Those of evidence do not, and should not.',
        );
    } finally {
      await target.close();
    }
  }

  view(): MailboxView {
    const { card } = this.#keys;
    const entries = this.#inbox.entries();
    return {
      target: this.#config === null ? null : describe(this.#config),
      state: this.#config === null ? 'off' : this.#lastError === null ? 'working' : 'failing',
      lastError: this.#lastError,
      approver:
        card === null
          ? null
          : {
              ...card,
              person: entries[0]?.person ?? null,
              groups: [...new Set(entries.flatMap(({ groups }) => groups))],
            },
      outgoing: this.#outgoing.waiting,
      incoming: this.#inbox.waiting().length,
      notices: [...this.#inbox.notices],
    };
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    // What was withdrawn by the end is taken away, if the store lets it happen at once.
    await Promise.race([
      this.#round().catch(() => {}),
      new Promise((done) => this.#deps.schedule(2000, () => done(null))),
    ]);
    this.#stop.abort();
    await this.#target?.close();
  }
}
