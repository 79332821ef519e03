import type { Clock } from '../../pipeline/ports.ts';

/** What waits for an answer, by an unguessable name, each taken once; the oldest go when there are too many. */
export class Expiring<T> {
  readonly #clock: Clock;
  readonly #milliseconds: number;
  readonly #max: number;
  readonly #waiting = new Map<string, { until: number; value: T }>();

  constructor(clock: Clock, milliseconds: number, max: number) {
    this.#clock = clock;
    this.#milliseconds = milliseconds;
    this.#max = max;
  }

  put(name: string, value: T): void {
    const now = this.#clock.now();
    // In the order of their ends, since all wait equally long.
    for (const [old, { until }] of this.#waiting) {
      if (until > now && this.#waiting.size < this.#max) break;
      this.#waiting.delete(old);
    }
    this.#waiting.set(name, { until: now + this.#milliseconds, value });
  }

  take(name: string): T | null {
    const found = this.#waiting.get(name);
    this.#waiting.delete(name);
    return found === undefined || found.until <= this.#clock.now() ? null : found.value;
  }
}
