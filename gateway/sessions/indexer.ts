import type { Store } from '../store/store.ts';

export interface Indexer {
  /** A session's recording grew or was closed. */
  sealed(sessionId: string): void;
  /** Indexes what is known to wait, then stops. */
  close(): Promise<void>;
}

/** Feeds the index one session at a time; a session that grows while it waits is indexed once. */
export function createIndexer(
  store: Pick<Store, 'indexSession'>,
  log: { error(detail: object, message: string): void },
): Indexer {
  const waiting = new Set<string>();
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    for (let next = waiting.values().next(); !next.done; next = waiting.values().next()) {
      const id = next.value;
      waiting.delete(id);
      try {
        await store.indexSession(id);
      } catch (error) {
        // The recording is what counts: `countersign sessions reindex` makes the index good again.
        log.error({ err: error, session: id }, 'a session could not be indexed');
      }
    }
  }

  const start = () => {
    running ??= run().finally(() => {
      running = null;
      if (waiting.size > 0) start();
    });
  };

  return {
    sealed(sessionId) {
      waiting.add(sessionId);
      start();
    },
    async close() {
      while (running) await running;
    },
  };
}
