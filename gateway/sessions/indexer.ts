import { performance } from 'node:perf_hooks';
import type { Store } from '../store/store.ts';

export interface Indexer {
  /** A session's recording grew or was closed. */
  sealed(sessionId: string): void;
  /** Stops after the session that is being indexed; the next start goes on from there. */
  close(): Promise<void>;
}

/** Of one core: what the index may take. Traffic comes first: what it does not get now it catches up on later. */
const SHARES = [
  { busierThan: 0.5, share: 0.05 },
  { busierThan: 0.1, share: 0.15 },
  { busierThan: -1, share: 0.5 },
];
/** Whoever looks for a session that has just ended does not wait longer than this for it. */
const MAX_REST_MS = 3000;

/** How busy this thread was since the last call, 0 to 1. */
function loopBusyness(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const elapsed = performance.eventLoopUtilization(last);
    last = performance.eventLoopUtilization();
    return elapsed.utilization;
  };
}

/**
 * Feeds the index one session at a time; one that grows while it waits is indexed once. At start it
 * brings the index up to the recordings, since the last run may have stopped before it was done.
 */
export function createIndexer(
  store: Pick<Store, 'indexSession' | 'rebuild'>,
  log: { error(detail: object, message: string): void },
  busy: () => number = loopBusyness(),
): Indexer {
  const waiting = new Set<string>();
  const stop = new AbortController();
  let wake: () => void = () => {};

  // Leaves nothing at the signal when its time is over: there is one rest for each session.
  const rest = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const over = () => {
        clearTimeout(timer);
        stop.signal.removeEventListener('abort', over);
        resolve();
      };
      const timer = setTimeout(over, milliseconds);
      timer.unref();
      stop.signal.addEventListener('abort', over, { once: true });
    });
  const more = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
      if (waiting.size > 0 || stop.signal.aborted) resolve();
    });

  async function run(): Promise<void> {
    const { problems } = await store.rebuild({ signal: stop.signal });
    for (const problem of problems) log.error({ problem }, 'a recording could not be indexed');
    while (!stop.signal.aborted) {
      await more();
      const next = waiting.values().next();
      if (next.done) continue;
      waiting.delete(next.value);
      const since = performance.now();
      try {
        await store.indexSession(next.value);
      } catch (error) {
        // The recording is what counts: `countersign sessions reindex` makes the index good again.
        log.error({ err: error, session: next.value }, 'a session could not be indexed');
      }
      const took = performance.now() - since;
      const load = busy();
      const { share } = SHARES.find(({ busierThan }) => load > busierThan)!;
      await rest(Math.min(took / share - took, MAX_REST_MS));
    }
  }

  const running = run().catch((error: unknown) => log.error({ err: error }, 'the index stopped'));
  return {
    sealed(sessionId) {
      waiting.add(sessionId);
      wake();
    },
    async close() {
      stop.abort();
      wake();
      await running;
    },
  };
}
