import type { Session } from '../contract/session.ts';
import type { LiveSessions } from '../pipeline/ports.ts';

/** The sessions that are open now: what the index does not know yet, and how to end them. */
export interface SessionRegistry extends LiveSessions {
  list(): Session[];
  get(id: string): Session | null;
  /** @returns false when no such session is open. */
  kill(id: string, reason: string): boolean;
  killAll(reason: string): void;
  countOf(connectionId: string): number;
  /** Opened, changed (at most once a second each) and closed sessions. */
  onChange(listener: (session: Session) => void): void;
}

export function createSessionRegistry(): SessionRegistry {
  const open = new Map<string, { session: Session; kill: (reason: string) => void }>();
  const listeners: ((session: Session) => void)[] = [];
  const tell = (session: Session) => {
    for (const listener of listeners) listener(session);
  };
  return {
    opened(session, kill) {
      open.set(session.id, { session, kill });
      tell(session);
    },
    changed: tell,
    closed(session) {
      open.delete(session.id);
      tell(session);
    },
    list: () => [...open.values()].map(({ session }) => session),
    get: (id) => open.get(id)?.session ?? null,
    kill(id, reason) {
      const found = open.get(id);
      found?.kill(reason);
      return found !== undefined;
    },
    killAll(reason) {
      for (const { kill } of [...open.values()]) kill(reason);
    },
    countOf: (connectionId) => [...open.values()].filter(({ session }) => session.connectionId === connectionId).length,
    onChange: (listener) => void listeners.push(listener),
  };
}
