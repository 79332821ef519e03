import { unreachable } from './failures.ts';

/**
 * Waits for calls into the file system of a share, which may hang for as long as the server is away and cannot be
 * interrupted. While one hangs no other is begun: the threads they run on are the gateway's own.
 */
export interface Patience {
  /** Throws SYNC_UNREACHABLE after `limitMs`; what the call throws; the signal's reason. */
  wait<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Closes a file, behind a call that still hangs, and never fails: what has to be on disk was synced before. */
  close(file: Closable): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

export function patience(description: string, limitMs: number): Patience {
  let hanging: Promise<unknown> | null = null;
  /** Whether it hangs longer than it may; one that was only given up may still end in time. */
  let overdue = false;
  const silent = () => unreachable(`${description} does not answer; is the server of the share there?`);

  async function wait<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (hanging !== null && !overdue) await atMost(hanging, limitMs);
    if (hanging !== null) {
      overdue = true;
      throw silent();
    }
    signal.throwIfAborted();
    const work = call();
    const given = Promise.withResolvers<never>();
    const giveUp = (reason: unknown, isOverdue: boolean) => {
      hanging = work;
      overdue = isOverdue;
      const ended = (result?: unknown) => {
        if (hanging === work) {
          hanging = null;
          overdue = false;
        }
        if (isClosable(result)) result.close().catch(() => {});
      };
      work.then(ended, () => ended());
      given.reject(reason);
    };
    const timer = setTimeout(() => giveUp(silent(), true), limitMs);
    const aborted = () => giveUp(signal.reason, false);
    signal.addEventListener('abort', aborted, { once: true });
    try {
      return await Promise.race([work, given.promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    }
  }

  return {
    wait,
    async close(file) {
      const closing = () => file.close().catch(() => {});
      if (hanging === null) await wait(closing, new AbortController().signal).catch(() => {});
      else hanging.then(closing, closing);
    },
  };
}

async function atMost(work: Promise<unknown>, limitMs: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, limitMs);
  await Promise.race([work.catch(() => {}), late.promise]);
  clearTimeout(timer);
}

/** What was opened for somebody who no longer waits for it. */
const isClosable = (value: unknown): value is Closable =>
  typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function';
