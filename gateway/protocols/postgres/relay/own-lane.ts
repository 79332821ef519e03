import type { StatementOperation } from '../../../contract/operation.ts';
import type { PendingDecision } from '../../../pipeline/pipeline.ts';
import { writeSync } from '../codec/write-frontend.ts';
import type { PortalInfo, StatementInfo } from './names.ts';
import { type OwnAnswer, OwnAnswers } from './own-answers.ts';
import { PENDING } from './pending.ts';
import type { RelayState } from './state.ts';

/** What a person is asked about, for whatever looks at it meanwhile. */
export interface HeldStatement {
  statement: StatementInfo;
  operation: StatementOperation;
  pending: PendingDecision;
  /** null: a Query. */
  execute: { portal: PortalInfo | null } | null;
}

/** Looks at a held statement by the lane; settles once the session is as it was. Never rejects. */
export type Look = (held: HeldStatement, lane: OwnLane) => Promise<void>;

export interface OwnLimits {
  maxRows: number;
  maxBytes: number;
}

/** Why the lane cannot be used, as a sentence, or the state of the transaction it is in. */
export type LaneState = { why: string } | { transaction: 'idle' | 'in-transaction' };

/**
 * Messages of the gateway's own in the client's session upstream, while one of its statements is held. Nothing
 * of them reaches the client; they begin when everything before the held statement is answered.
 */
export class OwnLane {
  readonly #state: RelayState;
  readonly #held: HeldStatement;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #quiet = Promise.withResolvers<void>();
  #running: OwnAnswers | null = null;
  #cancelling: Promise<void> = Promise.resolve();
  stopped = false;

  constructor(state: RelayState, held: HeldStatement, send: (bytes: Uint8Array) => void) {
    this.#state = state;
    this.#held = held;
    this.#send = send;
    this.poke();
  }

  /** What the session knows, for whoever looks. */
  get session(): Pick<RelayState, 'deps' | 'classify'> {
    return this.#state;
  }

  /** The server answered something. */
  poke(): void {
    const { pending, upExchange } = this.#state;
    if (this.stopped) return;
    if (!pending.some((item) => !PRELUDE.has(item.kind) || item.exchange !== upExchange)) this.#quiet.resolve();
  }

  /** Ends what runs, at once; what is sent afterwards (to clean up) still runs. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.#quiet.resolve();
    if (this.#running) this.#cancelling = this.#state.deps.cancelServer?.().catch(() => {}) ?? Promise.resolve();
  }

  /** Waits for its turn. In the extended protocol what came before the Execute is answered by a Sync. */
  async open(): Promise<LaneState> {
    const { execute } = this.#held;
    const state = this.#state;
    // Without a Sync its answers do not come, so there would be no end of waiting for them.
    if (execute && state.batchRan) return { why: 'It is one of several statements that were sent together.' };
    await this.#quiet.promise;
    if (this.stopped || state.ended) return { why: 'It was decided before anything could be looked at.' };
    if (state.transaction === 'failed') return { why: 'Its transaction has failed.' };
    if (execute) {
      const { portal } = execute;
      if (state.transaction === 'idle') {
        if (state.batchBinds !== 1 || !portal?.bind) {
          return { why: 'Its portal would be lost: it was bound together with others.' };
        }
        portal.lost = true;
      }
      await this.send([], { maxRows: 0, maxBytes: 0 });
      if (state.skipping || this.stopped) return { why: 'What was sent before it failed.' };
    }
    return { transaction: state.transaction === 'idle' ? 'idle' : 'in-transaction' };
  }

  /** Sends messages of the extended protocol and a Sync; resolves at the server's ReadyForQuery. */
  async send(messages: readonly Uint8Array[], { maxRows, maxBytes }: OwnLimits): Promise<OwnAnswer> {
    const own = new OwnAnswers(maxRows, maxBytes);
    this.#state.pending.push({
      kind: PENDING.own,
      exchange: this.#state.upExchange,
      run: null,
      name: '',
      ticket: 0,
      statement: null,
      portal: null,
      own,
    });
    this.#running = own;
    this.#state.ownBegins();
    for (const message of messages) this.#send(message);
    this.#send(writeSync());
    const answer = await own.answer;
    this.#running = null;
    // A cancellation that is still on its way would meet whatever runs next.
    await this.#cancelling;
    return answer;
  }
}

const PRELUDE: ReadonlySet<number> = new Set([
  PENDING.parse,
  PENDING.bind,
  PENDING.describeStatement,
  PENDING.describePortal,
]);
