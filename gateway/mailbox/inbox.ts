import { createHash, randomBytes } from 'node:crypto';
import { actionDigest, statementDigest } from '../approvals/digest.ts';
import { otherThan, refused, usefulGroups } from '../approvals/votes.ts';
import { isPerson } from '../contract/approvers.ts';
import { type Approval, PRESENCE_LEVELS } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { MailNotice } from '../contract/mailbox.ts';
import type { ApproverEntry } from '../evidence/format/documents.ts';
import type { ApprovalDecision, ApprovalRequest, ApproverNotice } from '../evidence/format/mailbox-documents.ts';
import { signDocument } from '../evidence/format/signed-document.ts';
import { formatVkey } from '../evidence/format/vkey.ts';
import { approversAt } from '../evidence/trust/approvers.ts';
import type { Trust } from '../evidence/trust/verify-trust.ts';
import type { DecisionInput } from '../pipeline/ports.ts';
import { encryptPart } from '../sync/age.ts';
import { type Opened, openLetter, SKEW_MS, unseal } from './letters.ts';
import { inTurn, type MailStore } from './mail-store.ts';
import { type MailName, mailName } from './names.ts';
import type { ApproverKey, MailDeps } from './ports.ts';

/** Shown at once: of one device, and of all. */
const SHOWN_PER_DEVICE = 20;
const SHOWN = 200;
/** Objects that are fetched in one go. */
const READS = 60;
const MAX_HISTORY = 100;
const MAX_NOTICES = 100;
/** What nobody took away is, so long after its end: longer than any clock is wrong without being noticed. */
const SWEEP_MS = 25 * 60 * 60 * 1000;

interface Item {
  approval: Approval;
  request: ApprovalRequest;
  /** A decision on it is under way. */
  busy: boolean;
}

/** Requests of other machines, for the approver at this one. */
export class Inbox {
  readonly #deps: MailDeps;
  readonly #key: () => ApproverKey | null;
  /** By the name of the object; null: it was looked at, and is not for us or counts for nothing. */
  readonly #known = new Map<string, Item | null>();
  readonly #history: Approval[] = [];
  readonly #notices: MailNotice[] = [];
  readonly #read = new Set<string>();

  constructor(deps: MailDeps, key: () => ApproverKey | null) {
    this.#deps = deps;
    this.#key = key;
  }

  get notices(): readonly MailNotice[] {
    return this.#notices;
  }

  waiting(): Approval[] {
    return [...this.#known.values()].flatMap((item) => (item === null ? [] : [item.approval]));
  }

  decided(): readonly Approval[] {
    return this.#history.toReversed();
  }

  get(id: string): Approval | null {
    return [...this.waiting(), ...this.#history].find((approval) => approval.id === id) ?? null;
  }

  /** Whom the trust note says the key of this machine belongs to; empty: to nobody, now. */
  entries(): ApproverEntry[] {
    const key = this.#key();
    const now = new Date(this.#deps.clock.now()).toISOString();
    const vkey = key === null ? '' : formatVkey(key.signer.vkey);
    return approversAt(this.#deps.device.trust?.note ?? null, now, now).filter((entry) => entry.vkey === vkey);
  }

  /** Throws what the store throws. */
  async fetch(store: MailStore, signal: AbortSignal): Promise<void> {
    const { device, clock } = this.#deps;
    const key = this.#key();
    if (key === null || device.trust?.note == null || this.entries().length === 0) return;
    // Judged by the clock of now.
    const trust = { ...device.trust, now: new Date(clock.now()).toISOString() };
    await this.#requests(store, signal, key, trust);
    await this.#fetchNotices(store, signal, key, trust);
  }

  async #requests(store: MailStore, signal: AbortSignal, key: ApproverKey, trust: Trust): Promise<void> {
    const { device, clock } = this.#deps;
    const listed = await store.list('requests', signal);
    listed.delete(device.id);
    const names = new Set([...listed.values()].flat().map(({ name }) => name));
    for (const [name, item] of [...this.#known]) {
      if (!names.has(name)) this.#known.delete(name);
      if (item !== null && !item.busy && !names.has(name)) this.#end(name, item, 'withdrawn');
    }
    let reads = 0;
    for (const one of inTurn(listed.values())) {
      if (one.end + SWEEP_MS < clock.now()) await store.remove(one.name, signal);
      if (this.#known.has(one.name) || one.end + SKEW_MS <= clock.now()) continue;
      if (this.#shownOf(one.device) >= SHOWN_PER_DEVICE || this.waiting().length >= SHOWN) continue;
      reads += 1;
      if (reads > READS) break;
      const bytes = await store.read(one.name, signal);
      if (bytes === null) continue;
      this.#known.set(one.name, null);
      await this.#take(one, bytes, key, trust);
    }
    this.expire();
  }

  #shownOf(device: string): number {
    return [...this.#known.values()].filter((item) => item?.request.device === device).length;
  }

  async #take(name: MailName, bytes: Uint8Array, key: ApproverKey, trust: Trust): Promise<void> {
    const plain = await unseal(bytes, key.identity);
    if (plain === null) return;
    const opened: Opened<ApprovalRequest> = plain.ok
      ? await openLetter('approval-request', plain.value, trust, name, this.#deps.clock.now())
      : plain;
    const why = opened.ok ? this.#notForUs(opened.value) : opened.why;
    if (why !== null) this.#deps.onProblem(`A request in the mailbox (device ${name.device}) is not shown: ${why}.`);
    if (!opened.ok || why !== null) return;
    const approval = approvalOf(opened.value);
    this.#known.set(name.name, { approval, request: opened.value, busy: false });
    this.#deps.changed(approval);
  }

  /** Why a request of a device of ours is not one that the approver here decides on. */
  #notForUs({ verdict, operation }: ApprovalRequest): string | null {
    const { approvers } = verdict;
    if (verdict.effect !== 'ask' || approvers === undefined) return 'it asks for nobody';
    const digest = digestOf(operation);
    if (digest !== operation.digest) return 'its digest is not that of what it shows';
    const entries = this.entries();
    if (!entries.some(({ groups }) => usefulGroups(approvers, groups) !== null))
      return 'it asks for groups that the approver here is not in';
    return otherThan(approvers, entries[0]!.person, operation);
  }

  /** By the clock of this machine, which may be off: the machine that asked has the last word. */
  expire(): void {
    const now = this.#deps.clock.now();
    for (const [name, item] of [...this.#known])
      if (item !== null && !item.busy && Date.parse(item.request.expiresAt) + SKEW_MS <= now)
        this.#end(name, item, 'expired');
  }

  #end(
    name: string,
    item: Item,
    state: 'approved' | 'denied' | 'withdrawn' | 'expired',
    changes: Partial<Approval> = {},
  ): Approval {
    this.#known.set(name, null);
    const decidedAt = new Date(this.#deps.clock.now()).toISOString();
    const approval: Approval = { ...item.approval, channel: 'gateway', ...changes, state, decidedAt };
    this.#history.push(approval);
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
    this.#deps.changed(approval);
    return approval;
  }

  /**
   * Signs and sends the decision of this machine's approver. Throws APPROVAL_NOT_WAITING, APPROVAL_MISMATCH,
   * PRESENCE_TOO_LOW, APPROVER_REFUSED, GRANT_REFUSED and what the store throws; then nothing was decided.
   */
  async decide(input: DecisionInput, store: () => MailStore, signal: AbortSignal): Promise<Approval> {
    this.expire();
    const [name, item] = [...this.#known].find(([, one]) => one?.approval.id === input.approvalId) ?? [];
    if (name === undefined || item == null || item.busy)
      throw new CountersignError('APPROVAL_NOT_WAITING', 'This request does not wait here any more.');
    const decision = this.#decisionOf(input, item);
    const note = signDocument('approval-decision', decision, [this.#key()!.signer]);
    item.busy = true;
    try {
      const { org, device, nonce, reply, expiresAt } = item.request;
      const place = { device, end: Date.parse(expiresAt), nonce };
      const object = mailName(org, 'decisions', place, randomBytes(8).toString('hex'));
      await store().put(object, await encryptPart(note, [reply]), signal);
    } finally {
      item.busy = false;
    }
    const { decision: what, person, message } = decision;
    const state = what === 'approve' ? 'approved' : 'denied';
    return this.#end(name, item, state, { decidedBy: person, channel: input.channel, message });
  }

  #decisionOf(input: DecisionInput, { approval, request }: Item): ApprovalDecision {
    const { verdict, operation } = request;
    const demand = verdict.approvers!;
    const no = (why: string) => refused(demand, operation.identity.display, why);
    if (input.digest !== operation.digest)
      throw new CountersignError(
        'APPROVAL_MISMATCH',
        'The decision is for another operation than the one that waits; nothing was decided.',
      );
    const approves = input.decision === 'approve';
    if (approves && input.scope.kind !== 'once')
      throw new CountersignError(
        'GRANT_REFUSED',
        'No wider approval: what other people have to approve is approved once at a time only.',
      );
    if (approves && PRESENCE_LEVELS.indexOf(input.level) < PRESENCE_LEVELS.indexOf(verdict.level))
      throw new CountersignError(
        'PRESENCE_TOO_LOW',
        `This needs ${verdict.level === 'pin' ? 'the PIN' : 'a passkey'}.`,
      );
    const [entry] = this.entries().filter(({ groups }) => usefulGroups(demand, groups) !== null);
    if (entry === undefined) throw no('the trust note does not name the key of this machine for it any more');
    const person = this.#deps.person();
    if (person.verified && !isPerson(entry.person, person))
      throw no(`the approver here is ${entry.person}, and ${person.display} is signed in`);
    return {
      v: 1,
      org: request.org,
      device: request.device,
      approval: request.approval,
      nonce: request.nonce,
      digest: approval.operation.digest,
      decision: input.decision,
      person: entry.person,
      vkey: entry.vkey,
      level: input.level,
      proof: input.proof ?? null,
      message: input.message,
      at: new Date(this.#deps.clock.now()).toISOString(),
    };
  }

  async #fetchNotices(store: MailStore, signal: AbortSignal, key: ApproverKey, trust: Trust): Promise<void> {
    const listed = await store.list('notices', signal);
    const names = new Set([...listed.values()].flat().map(({ name }) => name));
    for (const name of [...this.#read]) if (!names.has(name)) this.#read.delete(name);
    let reads = 0;
    for (const one of inTurn(listed.values())) {
      if (one.end + SWEEP_MS < this.#deps.clock.now()) await store.remove(one.name, signal);
      if (this.#read.has(one.name)) continue;
      reads += 1;
      if (reads > READS) break;
      const bytes = await store.read(one.name, signal);
      this.#read.add(one.name);
      const plain = bytes === null ? null : await unseal(bytes, key.identity);
      if (plain === null) continue;
      const opened: Opened<ApproverNotice> = plain.ok
        ? await openLetter('approver-notice', plain.value, trust, one, this.#deps.clock.now())
        : plain;
      if (!opened.ok)
        this.#deps.onProblem(`A notice in the mailbox (device ${one.device}) is not shown: ${opened.why}.`);
      else this.#note(opened.value);
    }
  }

  #note({ id, device, name, account, title, sentence, issuedAt }: ApproverNotice): void {
    this.#notices.unshift({ id, from: { device, name, account }, title, sentence, at: issuedAt });
    if (this.#notices.length > MAX_NOTICES) this.#notices.pop();
    this.#deps.onNotice(this.#notices[0]!);
  }
}

const digestOf = (operation: Approval['operation']): string => {
  const { subject } = operation.identity;
  return operation.protocol === 'postgres'
    ? statementDigest({ ...operation, subject })
    : actionDigest({ ...operation, subject });
};

/** As the local card has it; its id is none that the other machine could choose to be one of ours. */
function approvalOf({
  device,
  name,
  account,
  approval,
  nonce,
  operation,
  verdict,
  estimatedRows,
  issuedAt,
  expiresAt,
}: ApprovalRequest): Approval {
  return {
    id: `mail-${createHash('sha256').update(`${device}\0${approval}\0${nonce}`).digest('hex').slice(0, 40)}`,
    state: 'waiting',
    operation,
    verdict: { ...verdict, grantable: false },
    estimatedRows,
    createdAt: issuedAt,
    expiresAt,
    latestAt: expiresAt,
    decidedAt: null,
    decidedBy: null,
    channel: null,
    message: null,
    grantId: null,
    from: { device, name, account },
  };
}
