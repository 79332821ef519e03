/** Requests of one session in a row that nobody answered, before it is paused. */
const UNANSWERED = 2;
const PAUSE_MS = 5 * 60 * 1000;
const MAX_SESSIONS = 10_000;

const UNANSWERED_WHY = 'nobody answered the last requests of this session';

/**
 * Sessions whose requests nobody answers, or that raised an alert, are refused without asking for a
 * while: a pause, not a rule. It ends by itself, when a person decides on what still waits, by resume(), or with the session.
 */
export class PauseBook {
  /** Unanswered in a row, and until when the session is paused (0: not). Oldest entries go first when full. */
  readonly #sessions = new Map<string, { unanswered: number; until: number; why: string }>();

  unanswered(sessionId: string, now: number): void {
    const before = this.#sessions.get(sessionId);
    const count = (before?.unanswered ?? 0) + 1;
    if (count >= UNANSWERED) this.pause(sessionId, now, UNANSWERED_WHY);
    else this.#put(sessionId, { unanswered: count, until: before?.until ?? 0, why: before?.why ?? '' });
  }

  /** @param why begins the sentence that the client gets. */
  pause(sessionId: string, now: number, why: string): void {
    this.#put(sessionId, { unanswered: 0, until: now + PAUSE_MS, why });
  }

  #put(sessionId: string, entry: { unanswered: number; until: number; why: string }): void {
    this.#sessions.delete(sessionId);
    this.#sessions.set(sessionId, entry);
    if (this.#sessions.size > MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
  }

  answered(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }

  resume(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }

  paused(sessionId: string, now: number): { until: number; why: string } | null {
    const entry = this.#sessions.get(sessionId);
    return entry && entry.until > now ? entry : null;
  }

  list(now: number): Array<{ sessionId: string; until: number }> {
    return [...this.#sessions]
      .filter(([, { until }]) => until > now)
      .map(([sessionId, { until }]) => ({ sessionId, until }));
  }
}
