import type { ApiEvent } from '../../gateway/contract/api.ts';
import type { Approval } from '../../gateway/contract/decision.ts';
import type { Session } from '../../gateway/contract/session.ts';
import type { GatewayStatus } from '../../gateway/contract/status.ts';
import type { GatewayClient } from './client.ts';

/** What the app knows of the gateway; the gateway itself is asked before anything is decided. */
export interface Snapshot {
  /** null: it does not answer. */
  status: GatewayStatus | null;
  /** Oldest first. */
  waiting: readonly Approval[];
  /** Latest first, RECENT at most. */
  sessions: readonly Session[];
}

export const NOTHING: Snapshot = { status: null, waiting: [], sessions: [] };
export const RECENT = 8;
/** The gateway's own limit is below this. */
const MAX_WAITING = 500;

export function afterEvent(before: Snapshot, event: ApiEvent): Snapshot {
  switch (event.type) {
    case 'status':
      return { ...before, status: event.status };
    case 'approval': {
      const others = before.waiting.filter(({ id }) => id !== event.approval.id);
      if (event.approval.state !== 'waiting') return { ...before, waiting: others };
      const at = before.waiting.findIndex(({ id }) => id === event.approval.id);
      const waiting = at < 0 ? [...others, event.approval] : before.waiting.with(at, event.approval);
      return { ...before, waiting: waiting.slice(0, MAX_WAITING) };
    }
    case 'session': {
      const others = before.sessions.filter(({ id }) => id !== event.session.id);
      const sessions = [event.session, ...others].sort((a, b) => (a.id < b.id ? 1 : -1));
      return { ...before, sessions: sessions.slice(0, RECENT) };
    }
    default:
      return before;
  }
}

export interface WatchDeps {
  client: Pick<GatewayClient, 'call' | 'events'>;
  onSnapshot(snapshot: Snapshot, event: ApiEvent | null): void;
  /** It does not answer any more, never did, or not as this version would. */
  onLost(error: unknown): void;
}

/** Listens to the gateway until stopped or lost. */
export class Watch {
  readonly #deps: WatchDeps;
  #stop: AbortController | null = null;
  snapshot: Snapshot = NOTHING;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.stop();
    const stop = new AbortController();
    this.#stop = stop;
    void this.#run(stop);
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = null;
  }

  async #run(stop: AbortController): Promise<void> {
    const { client } = this.#deps;
    /** What happens while the lists are read is put on top of them afterwards. */
    let early: ApiEvent[] | null = [];
    try {
      const events = client.events((event) => {
        if (stop.signal.aborted) return;
        if (early !== null) early.push(event);
        else this.#set(afterEvent(this.snapshot, event), event);
      }, stop.signal);
      // It is waited for below; a failure before that must not be an unhandled one.
      events.catch(() => {});
      const [status, approvals, sessions] = await Promise.all([
        client.call('status', {}),
        client.call('approvals', { state: 'waiting', limit: MAX_WAITING }),
        client.call('sessions', { limit: RECENT }),
      ]);
      if (stop.signal.aborted) return;
      let snapshot: Snapshot = { status, waiting: approvals.items, sessions: sessions.items };
      for (const event of early) snapshot = afterEvent(snapshot, event);
      early = null;
      this.#set(snapshot, null);
      await events;
    } catch (error) {
      if (stop.signal.aborted) return;
      this.#stop = null;
      stop.abort();
      this.#set(NOTHING, null);
      this.#deps.onLost(error);
    }
  }

  #set(snapshot: Snapshot, event: ApiEvent | null): void {
    this.snapshot = snapshot;
    this.#deps.onSnapshot(snapshot, event);
  }
}
