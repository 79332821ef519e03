import { isCountersignError } from '../contract/errors.ts';
import type { SiemDestination } from '../contract/siem.ts';
import type { SiemSession } from './mapping/event.ts';
import { gapRecord, isWanted, recordOf } from './records.ts';
import type { Spool } from './spool.ts';
import { SiemFailure, type Transport } from './transports/transport.ts';

export interface SenderDeps {
  spool: Spool;
  transport: Transport;
  version: string;
  own: SiemSession;
  now(): number;
  /** 0 up to 1, for jitter. */
  random(): number;
  /** Runs once after so many milliseconds; returns what cancels it. */
  schedule(milliseconds: number, run: () => void): () => void;
  /** Once when sending begins to fail (with the sentence), once when it works again (with null). */
  onState(error: string | null): void;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 5 * 60 * 1000;
/** Events of a moment go together. */
const GATHER_MS = 250;

/** Brings one destination's events to it, in order, one batch at a time; what fails is tried again. */
export class Sender {
  readonly destination: SiemDestination;
  error: string | null = null;
  lastSentAt: number | null = null;
  nextTryAt: number | null = null;
  readonly #deps: SenderDeps;
  readonly #stop = new AbortController();
  #failures = 0;
  #cancel: (() => void) | null = null;
  #running: Promise<void> | null = null;

  constructor(destination: SiemDestination, deps: SenderDeps) {
    this.destination = destination;
    this.#deps = deps;
  }

  /** There is something to send. Never sooner than a failure's wait. */
  wake(): void {
    if (this.#running === null && this.#cancel === null && !this.#stop.signal.aborted) this.#after(GATHER_MS);
  }

  #after(milliseconds: number): void {
    this.#cancel = this.#deps.schedule(milliseconds, () => {
      this.#cancel = null;
      this.nextTryAt = null;
      this.#running = this.#run().finally(() => {
        this.#running = null;
      });
    });
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stop.signal.aborted && (await this.#sendOne())) {
        this.#failures = 0;
        if (this.error !== null) this.#deps.onState(null);
        this.error = null;
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed(error);
    }
  }

  /** @returns false when nothing waits. */
  async #sendOne(): Promise<boolean> {
    const { spool, transport, version, own, now } = this.#deps;
    const { destination } = this;
    const gap = spool.gap(destination.id);
    if (gap) {
      await transport.deliver([recordOf(gapRecord(gap, now() * 1000, own), destination, version)], this.#stop.signal);
      spool.gapTold(destination.id);
      return true;
    }
    const { events, upTo } = spool.next(destination.id, transport.batch);
    if (events.length === 0) return false;
    const wanted = events.filter((event) => isWanted(event, destination));
    const records = wanted.map((event) => recordOf(event, destination, version));
    if (records.length > 0) {
      // Fewer than all: the next attempt takes smaller batches.
      if ((await transport.deliver(records, this.#stop.signal)) < records.length) return true;
      this.lastSentAt = now();
    }
    spool.done(destination.id, upTo, wanted.length);
    return true;
  }

  #failed(error: unknown): void {
    const sentence = isCountersignError(error) ? error.message : 'it failed in a way that it should not';
    if (this.error === null) this.#deps.onState(sentence);
    this.error = sentence;
    const asked = error instanceof SiemFailure ? error.retryAfterMs : null;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    // Between half and all of it, so that a fleet does not come back at once.
    const jittered = Math.round(wait * (0.5 + this.#deps.random() / 2));
    const after = asked === null ? jittered : Math.max(asked, jittered);
    this.nextTryAt = this.#deps.now() + after;
    this.#after(after);
  }

  /** What was under way is sent again when the gateway starts. */
  async close(): Promise<void> {
    this.#stop.abort(new SiemFailure('the gateway stops'));
    this.#cancel?.();
    this.#cancel = null;
    await this.#running;
    this.#deps.transport.close();
  }
}
