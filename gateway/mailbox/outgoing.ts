import { randomBytes } from 'node:crypto';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { otherThan, usefulGroups } from '../approvals/votes.ts';
import { type ApproverDemand, isSamePerson } from '../contract/approvers.ts';
import type { Approval } from '../contract/decision.ts';
import { isCountersignError } from '../contract/errors.ts';
import type { Operation } from '../contract/operation.ts';
import type { ApproverEntry } from '../evidence/format/documents.ts';
import { signDocument } from '../evidence/format/signed-document.ts';
import { formatVkey } from '../evidence/format/vkey.ts';
import { approversAt } from '../evidence/trust/approvers.ts';
import { encryptPart } from '../sync/age.ts';
import { judgeAnswer } from './answers.ts';
import type { MailStore } from './mail-store.ts';
import { mailName } from './names.ts';
import type { MailDeps, MailDevice } from './ports.ts';

/** Of a request's text: what a document holds with its parameters, twice over. */
const MAX_TEXT = 200_000;
/** Decisions on one request that are looked at, whatever they are. */
const MAX_ANSWERS = 100;
const MAX_REMOVALS = 1000;

interface Travelling {
  approval: Approval;
  nonce: string;
  /** Opens the answers; in no file. */
  identity: string;
  name: string;
  sent: boolean;
  /** Names of decisions that were looked at. */
  seen: Set<string>;
}

/** Approvers elsewhere who may count for an operation. */
export function approversOf(
  device: MailDevice,
  operation: Operation,
  demand: ApproverDemand,
  now: string,
): ApproverEntry[] {
  return approversAt(device.trust?.note ?? null, now, now).filter(
    ({ person, groups }) => usefulGroups(demand, groups) !== null && otherThan(demand, person, operation) === null,
  );
}

/** Why an operation cannot travel; null: it can. */
export function tooLong(operation: Operation): string | null {
  const values = operation.protocol === 'postgres' ? operation.parameters.map(({ value }) => value?.length ?? 0) : [];
  const bindings = operation.protocol === 'postgres' ? [] : operation.bindings.map(({ value }) => value.length);
  const size = [...values, ...bindings].reduce((sum, length) => sum + length, operation.text.length);
  return size > MAX_TEXT ? 'it is too long to be shown to somebody else' : null;
}

/** What every letter of a device begins with. */
export async function senderOf(device: MailDevice, issued: number, end: number) {
  const identity = (await device.identityObjects()).map(({ name, bytes }): [string, string] => [
    name,
    Buffer.from(bytes).toString('base64'),
  ]);
  return {
    v: 1 as const,
    org: device.org!,
    device: device.id,
    vkey: formatVkey(device.signer.vkey),
    name: device.name,
    account: device.account,
    identity: identity.slice(-20),
    issuedAt: new Date(issued).toISOString(),
    expiresAt: new Date(end).toISOString(),
  };
}

/** Requests of this machine that wait for somebody on another one. */
export class Outgoing {
  readonly #deps: MailDeps;
  readonly #travelling = new Map<string, Travelling>();
  /** Objects that are of no use any more, with when they end by themselves. */
  readonly #removals = new Map<string, number>();

  constructor(deps: MailDeps) {
    this.#deps = deps;
  }

  get waiting(): number {
    return this.#travelling.size;
  }

  /** Takes a request up, or notes that it ended: then it is withdrawn from the mailbox. */
  take(approval: Approval): void {
    const { id, state, verdict } = approval;
    const before = this.#travelling.get(id);
    if (state !== 'waiting') {
      this.#travelling.delete(id);
      if (before !== undefined) this.#remove(before.name, Date.parse(before.approval.latestAt));
      return;
    }
    if (before !== undefined) before.approval = approval;
    if (before !== undefined || verdict.approvers === undefined || this.#deps.device.org === null) return;
    const nonce = randomBytes(16).toString('hex');
    const place = { device: this.#deps.device.id, end: Date.parse(approval.latestAt), nonce };
    const name = mailName(this.#deps.device.org, 'requests', place);
    const travelling = { approval, nonce, identity: '', name, sent: false, seen: new Set<string>() };
    this.#travelling.set(id, travelling);
  }

  #remove(name: string, end: number): void {
    if (this.#removals.size >= MAX_REMOVALS) this.#removals.delete(this.#removals.keys().next().value!);
    this.#removals.set(name, end);
  }

  /** How many waiting requests could not be sent, said on each; they go on waiting, and are denied at their end. */
  unreachable(sentence: string): void {
    for (const [id, { sent }] of this.#travelling)
      this.#deps.approvals.travels(
        id,
        sent ? `Sent, and answers cannot be fetched: ${sentence}` : `Not sent yet, so it waits here: ${sentence}`,
      );
  }

  /** Sends what is new, takes up answers, takes away what ended. Throws what the store throws. */
  async exchange(store: MailStore, signal: AbortSignal): Promise<void> {
    for (const one of [...this.#travelling.values()]) if (!one.sent) await this.#send(one, store, signal);
    if (this.#travelling.size > 0) await this.#answers(store, signal);
    for (const [name, end] of [...this.#removals]) {
      if (end > this.#deps.clock.now() - 3_600_000) await store.remove(name, signal);
      this.#removals.delete(name);
    }
  }

  async #send(one: Travelling, store: MailStore, signal: AbortSignal): Promise<void> {
    const { device, clock, approvals } = this.#deps;
    const { operation, verdict, estimatedRows, id } = one.approval;
    if (verdict.approvers === undefined) return;
    if (one.identity === '') one.identity = await generateX25519Identity();
    const at = clock.now();
    const entries = approversOf(device, operation, verdict.approvers, new Date(at).toISOString());
    if (entries.length === 0) return;
    const request = {
      ...(await senderOf(device, at, Date.parse(one.approval.latestAt))),
      approval: id,
      nonce: one.nonce,
      reply: await identityToRecipient(one.identity),
      operation,
      verdict,
      estimatedRows,
    };
    const note = signDocument('approval-request', request, [device.signer]);
    await store.put(one.name, await encryptPart(note, [...new Set(entries.map(({ recipient }) => recipient))]), signal);
    one.sent = true;
    if (!this.#travelling.has(id)) this.#remove(one.name, Date.parse(one.approval.latestAt));
    approvals.travels(id, `Sent to ${[...new Set(entries.map(({ person }) => person))].join(', ')}.`.slice(0, 900));
  }

  async #answers(store: MailStore, signal: AbortSignal): Promise<void> {
    const { device, clock } = this.#deps;
    const names = (await store.list('decisions', signal, device.id)).get(device.id) ?? [];
    for (const { name, nonce, end } of names) {
      const one = [...this.#travelling.values()].find((candidate) => candidate.nonce === nonce);
      if (one === undefined) {
        // Of a request that ended; what another run of this gateway asked is known by its end.
        if (end < clock.now()) await store.remove(name, signal);
        continue;
      }
      if (one.seen.has(name) || one.seen.size >= MAX_ANSWERS) continue;
      const bytes = await store.read(name, signal);
      one.seen.add(name);
      if (bytes !== null) await this.#answer(one, bytes);
      this.#remove(name, end);
    }
  }

  async #answer(one: Travelling, bytes: Uint8Array): Promise<void> {
    const { device, clock, approvals, onProblem } = this.#deps;
    const approval = approvals.get(one.approval.id) ?? one.approval;
    const { id, operation } = approval;
    const answer = await judgeAnswer(bytes, one, approval, device, clock.now());
    if (!answer.ok) {
      const sentence = `A decision on a request for ${operation.identity.display} was not taken: ${answer.why}.`;
      onProblem(sentence);
      approvals.travels(id, sentence.slice(0, 900));
      return;
    }
    const { decision, vote } = answer;
    try {
      if (decision.decision === 'approve') approvals.vote(id, operation.digest, vote);
      else
        approvals.decide({
          approvalId: id,
          digest: operation.digest,
          decision: 'deny',
          scope: { kind: 'once' },
          message: decision.message,
          channel: 'mailbox',
          level: decision.level,
          decidedBy: decision.person,
          vote,
        });
    } catch (error) {
      // It ended meanwhile, or the same person decided before; the first decision counts.
      if (!isCountersignError(error)) throw error;
      if (!(approval.votes ?? []).some(({ person }) => isSamePerson(person, decision.person))) onProblem(error.message);
    }
  }
}
