import type { MessagePort } from 'node:worker_threads';
import { CountersignError } from '../contract/errors.ts';
import type { RebuildProgress, StoreCore } from './core.ts';

export interface WorkerSetup {
  file: string;
  recordingsDir: string;
  role: 'read' | 'write';
}

/** Calls that answer from the index, and calls that write it; `rebuild` and `close` are their own. */
export type ReadMethod =
  | 'sessions'
  | 'session'
  | 'touching'
  | 'statements'
  | 'search'
  | 'summary'
  | 'exchange'
  | 'insights'
  | 'insightShapes'
  | 'result'
  | 'incomplete';
export type WriteMethod = 'indexSession' | 'removeSession';
type Method = ReadMethod | WriteMethod | 'rebuild' | 'close';

export type ToWorker = { id: number; method: Method; args: unknown[] } | { id: number; cancel: true };

export type FromWorker =
  | { id: number; value: unknown }
  | { id: number; error: { code: string; message: string } }
  | { id: number; progress: RebuildProgress };

type Answer = (value: unknown) => void;

/** The worker's side: writes run one after the other, reads as they come. */
export function serve(port: MessagePort, core: StoreCore): void {
  const running = new Map<number, AbortController>();
  let writes: Promise<unknown> = Promise.resolve();

  const call = async (id: number, method: Method, args: unknown[]): Promise<unknown> => {
    if (method === 'close') return core.close();
    if (method === 'rebuild') {
      const abort = running.get(id)!;
      const progress = (at: RebuildProgress) => port.postMessage({ id, progress: { ...at } } satisfies FromWorker);
      return core.rebuild(
        args[0] as { fresh: boolean; devices?: ReadonlyMap<string, string> },
        throttled(progress),
        abort.signal,
      );
    }
    if (method === 'indexSession') {
      return core.indexSession(args[0] as string, args[1] as string | null, running.get(id)!.signal);
    }
    // The caller's types (store.ts) tie arguments to methods.
    return (core[method] as (...given: unknown[]) => unknown).apply(core, args);
  };

  port.on('message', (message: ToWorker) => {
    const { id } = message;
    if ('cancel' in message) {
      running.get(id)?.abort();
      return;
    }
    const { method, args } = message;
    // Closing does not wait for a rebuild: what was written stays, and it can be gone on with.
    if (method === 'close') for (const abort of running.values()) abort.abort();
    running.set(id, new AbortController());
    const answer: Answer = (value) => port.postMessage({ id, value } satisfies FromWorker);
    const run = async () => {
      try {
        answer(await call(id, method, args));
      } catch (error) {
        port.postMessage({ id, error: plain(error) } satisfies FromWorker);
      } finally {
        running.delete(id);
      }
    };
    if (isRead(method)) void run();
    else writes = writes.then(run);
  });
}

function isRead(method: Method): boolean {
  return method !== 'indexSession' && method !== 'removeSession' && method !== 'rebuild' && method !== 'close';
}

function plain(error: unknown): { code: string; message: string } {
  if (error instanceof CountersignError) return { code: error.code, message: error.message };
  return { code: 'STORE_FAILED', message: error instanceof Error ? error.message : String(error) };
}

/** At most ten a second: progress is for a person. */
function throttled<T>(report: (value: T) => void): (value: T) => void {
  let last = 0;
  return (value) => {
    const now = performance.now();
    if (now - last < 100) return;
    last = now;
    report(value);
  };
}
