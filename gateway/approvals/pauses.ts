/** Requests of one session in a row that nobody answered, before it is paused. */
const UNANSWERED = 2;
const PAUSE_MS = 5 * 60 * 1000;
const MAX_SESSIONS = 10_000;

/**
 * Sessions whose requests nobody answers are refused without asking for a while: a pause, not a rule.
 * It ends by itself, by resume(), or with the session.
 */
export class PauseBook {
  /** Unanswered in a row, and until when the session is paused (0: not). Oldest entries go first when full. */
  readonly #sessions = new Map<string, { unanswered: number; until: number }>();

  unanswered(sessionId: string, now: number): void {
    const count = (this.#sessions.get(sessionId)?.unanswered ?? 0) + 1;
    this.#sessions.delete(sessionId);
    this.#sessions.set(
      sessionId,
      count >= UNANSWERED ? { unanswered: 0, until: now + PAUSE_MS } : { unanswered: count, until: 0 },
    );
    if (this.#sessions.size > MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
  }

  answered(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }

  resume(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }

  pausedUntil(sessionId: string, now: number): number | null {
    const until = this.#sessions.get(sessionId)?.until ?? 0;
    return until > now ? until : null;
  }

  list(now: number): Array<{ sessionId: string; until: number }> {
    return [...this.#sessions]
      .filter(([, { until }]) => until > now)
      .map(([sessionId, { until }]) => ({ sessionId, until }));
  }
}
