import type { Session } from '../contract/session.ts';

type Counted = 'state' | 'closedAt' | 'statements' | 'asked' | 'denied' | 'errors' | 'rows' | 'bytesUp' | 'bytesDown';

/** A session that begins now: nothing has happened in it yet. @param now milliseconds since the epoch. */
export function begunSession(facts: Omit<Session, Counted | 'masked' | 'openedAt'>, now: number): Session {
  return {
    ...facts,
    state: 'open',
    openedAt: new Date(now).toISOString(),
    closedAt: null,
    statements: 0,
    asked: 0,
    denied: 0,
    errors: 0,
    rows: 0,
    bytesUp: 0,
    bytesDown: 0,
    masked: {},
  };
}
