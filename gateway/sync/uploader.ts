import { isCountersignError } from '../contract/errors.ts';
import type { Outbox, StagedObject } from './outbox/outbox.ts';
import type { Staging } from './outbox/staging.ts';
import { type Backoff, backoff, type Pace } from './pace.ts';
import type { StoreTarget } from './ports.ts';

export interface UploaderDeps {
  outbox: Outbox;
  staging: Staging;
  pace: Pace;
  now: () => number;
  random: () => number;
  /** `refused` waits longer: a person has to act, and accounts get locked by trying. */
  backoff: { unreachable: Backoff; refused: Backoff };
  /** What was staged of this lane is to be made again. */
  onTakenBack: (lane: string) => void;
}

const MAX_RETRY = 9999;

/** A part's repetition is named before `.tar`, everything else's at the end. */
export function attemptName(name: string, retry: number): string {
  if (retry === 0) return name;
  const tar = /\.tar(\.age)?$/.exec(name);
  return tar === null ? `${name}.r${retry}` : `${name.slice(0, tar.index)}.r${retry}${tar[0]}`;
}

/** Brings one object after another to the store, and writes down what became of it. */
export class Uploader {
  readonly #deps: UploaderDeps;
  /** Failures in a row that are the store's, not one object's. */
  #storeFailures = 0;
  /** Nothing is tried before. */
  #closedUntil = 0;
  lastError: { at: number; sentence: string } | null = null;

  constructor(deps: UploaderDeps) {
    this.#deps = deps;
  }

  /** Milliseconds until the store is tried again; 0: it may be. */
  get wait(): number {
    const left = this.#closedUntil - this.#deps.now();
    return left <= 0 || left > this.#deps.backoff.refused.mostMs ? 0 : left;
  }

  /** Whether the store is answering as far as is known. */
  get failing(): boolean {
    return this.#storeFailures > 0;
  }

  tryAgain(): void {
    this.#closedUntil = 0;
    this.#deps.outbox.allDueNow();
  }

  /** Resolves when the object is in the store, or when it is written down why not. */
  async upload(object: StagedObject, target: StoreTarget, signal: AbortSignal): Promise<void> {
    const { outbox, staging, pace, now } = this.#deps;
    const body = staging.body(object, (bytes) => pace.take(bytes, signal));
    try {
      await target.create(attemptName(object.name, object.retry), body, signal);
    } catch (error) {
      if (!signal.aborted) await this.#failed(object, target, error, signal);
      return;
    }
    this.#storeFailures = 0;
    this.lastError = null;
    outbox.confirmed(object, now());
    staging.remove(object.file);
  }

  async #failed(object: StagedObject, target: StoreTarget, error: unknown, signal: AbortSignal): Promise<void> {
    const { outbox, staging, now, random } = this.#deps;
    if (isCountersignError(error, 'SYNC_INTERRUPTED') && object.retry < MAX_RETRY) {
      await this.#lookAtOther(object, target, signal);
      outbox.nextName(object.id);
      return;
    }
    if (isCountersignError(error, 'SYNC_BODY_CHANGED') || !staging.isWhole(object)) {
      for (const file of outbox.takeBack(object)) staging.remove(file);
      this.#deps.onTakenBack(object.lane);
      return;
    }
    const sentence = isCountersignError(error)
      ? error.message
      : `The store failed: ${String((error as Error)?.message ?? error)}`;
    this.lastError = { at: now(), sentence };
    const pause = isCountersignError(error, 'SYNC_UNREACHABLE')
      ? this.#deps.backoff.unreachable
      : this.#deps.backoff.refused;
    const attempts = isCountersignError(error) ? this.#storeFailures : object.attempts;
    const until = now() + backoff(pause, attempts, random);
    outbox.failed(object.id, sentence, until);
    if (STORE_CODES.some((code) => isCountersignError(error, code))) {
      this.#storeFailures += 1;
      this.#closedUntil = until;
    }
  }

  /** The torso of an upload that was cut off is no finding; anything else under our own name is. */
  async #lookAtOther(object: StagedObject, target: StoreTarget, signal: AbortSignal): Promise<void> {
    const name = attemptName(object.name, object.retry);
    try {
      const there = await target.read(name, signal);
      if (there === null || (await isTorso(there, this.#deps.staging.body(object, async () => {}).open()))) return;
    } catch {
      // Where nobody may read, nobody can tell; the auditor can.
      return;
    }
    const sentence = `The store already holds ${name} with another content than this device made; it was sent as ${attemptName(object.name, object.retry + 1)}.`;
    this.#deps.outbox.addFinding(name, sentence, this.#deps.now());
  }
}

const STORE_CODES = ['SYNC_UNREACHABLE', 'SYNC_REFUSED', 'SYNC_FULL'];

/** Whether `there` is the beginning of `ours` and not all of it. */
async function isTorso(there: AsyncIterable<Uint8Array>, ours: AsyncIterable<Uint8Array>): Promise<boolean> {
  const own = ours[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  try {
    for await (let chunk of there) {
      while (chunk.length > 0) {
        if (rest.length === 0) {
          const next = await own.next();
          if (next.done) return false;
          rest = next.value;
        }
        const length = Math.min(chunk.length, rest.length);
        if (!Buffer.from(chunk.subarray(0, length)).equals(rest.subarray(0, length))) return false;
        chunk = chunk.subarray(length);
        rest = rest.subarray(length);
      }
    }
    return rest.length > 0 || !(await own.next()).done;
  } finally {
    await own.return?.();
  }
}
