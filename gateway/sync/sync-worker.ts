import { Worker } from 'node:worker_threads';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { FromWorker, Method, SyncWork, ToWorker, WorkerSetup } from './worker-protocol.ts';

type Call = <M extends Method>(
  method: M,
  ...args: Parameters<SyncWork[M]>
) => Promise<Awaited<ReturnType<SyncWork[M]>>>;

export interface SyncThread {
  call: Call;
  close(): Promise<void>;
}

/** The main thread's half of worker.ts. Calls reject with what the worker says, SYNC_FAILED when it broke, SYNC_CLOSED. */
export function startSyncThread(
  setup: WorkerSetup,
  vault: { read(id: string): Promise<string | null> },
  onProblem: (sentence: string) => void,
): SyncThread {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: setup, name: 'sync' });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let next = 0;
  let ended: CountersignError | null = null;

  const send = (message: ToWorker) => worker.postMessage(message);
  const end = (why: CountersignError) => {
    ended ??= why;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  async function giveSecret(id: string, secret: number): Promise<void> {
    try {
      send({ secret, value: await vault.read(id) });
    } catch (error) {
      const code = isCountersignError(error) ? error.code : 'VAULT_UNAVAILABLE';
      send({ secret, error: { code, message: isCountersignError(error) ? error.message : 'The vault failed.' } });
    }
  }

  worker.on('message', (message: FromWorker) => {
    if ('problem' in message) onProblem(message.problem);
    else if ('secret' in message) void giveSecret(message.wanted, message.secret);
    else {
      const one = waiting.get(message.id);
      waiting.delete(message.id);
      if ('error' in message) one?.reject(new CountersignError(message.error.code, message.error.message));
      else one?.resolve(message.value);
    }
  });
  worker.on('error', (cause) => {
    const error = new CountersignError('SYNC_FAILED', `The part that syncs broke: ${(cause as Error).message}`, {
      cause,
    });
    onProblem(error.message);
    end(error);
  });
  worker.on('exit', () => end(new CountersignError('SYNC_CLOSED', 'Sync was stopped.')));
  worker.unref();

  const call = ((method: Method, ...args: unknown[]) =>
    new Promise((resolve, reject) => {
      if (ended !== null) {
        reject(ended);
        return;
      }
      const id = next++;
      waiting.set(id, { resolve, reject });
      send({ id, method, args });
    })) as Call;

  return {
    call,
    async close() {
      if (ended !== null) return;
      worker.ref();
      await call('close').catch(() => {});
      await worker.terminate();
    },
  };
}
