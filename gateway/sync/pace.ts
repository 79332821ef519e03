import { setTimeout as delay } from 'node:timers/promises';

const WINDOW_MS = 10_000;

/** A bandwidth limit over everything that goes up, and the rate at which it does. Time comes from `now`. */
export class Pace {
  readonly #now: () => number;
  /** Bytes a second; null: no limit. */
  #limit: number | null = null;
  /** When what was let through will have taken its share of time. */
  #freeAt = 0;
  #recent: { at: number; bytes: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  set limit(bytesPerSecond: number | null) {
    this.#limit = bytesPerSecond;
    this.#freeAt = 0;
  }

  /** Waits until `bytes` may go. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const wait = this.reserve(bytes);
    if (wait > 0) await delay(wait, undefined, { signal });
  }

  /** Milliseconds to wait. */
  reserve(bytes: number): number {
    const now = this.#now();
    this.#recent.push({ at: now, bytes });
    this.#forget(now);
    if (this.#limit === null) return 0;
    const takes = (bytes / this.#limit) * 1000;
    // A clock that was set back must not hold anything up for longer than the bytes themselves.
    const from = this.#freeAt > now + WINDOW_MS + takes ? now : Math.max(this.#freeAt, now);
    this.#freeAt = from + takes;
    return Math.max(0, from - now);
  }

  /** Bytes a second over the last ten. */
  get rate(): number {
    this.#forget(this.#now());
    return this.#recent.reduce((sum, one) => sum + one.bytes, 0) / (WINDOW_MS / 1000);
  }

  #forget(now: number): void {
    this.#recent = this.#recent.filter(({ at }) => at > now - WINDOW_MS && at <= now);
  }
}

export interface Backoff {
  firstMs: number;
  mostMs: number;
}

/** Exponential with full jitter over its upper half, so that a thousand laptops do not come back together. */
export function backoff({ firstMs, mostMs }: Backoff, attempts: number, random: () => number): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(attempts, 30));
  return Math.round(whole / 2 + (whole / 2) * random());
}
