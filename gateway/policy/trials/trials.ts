import { Worker } from 'node:worker_threads';
import type { Connection } from '../../contract/connection.ts';
import { CountersignError } from '../../contract/errors.ts';
import type { Identity } from '../../contract/identity.ts';
import type { PolicyCheck, PolicySuggestions, PolicyTrial, PolicyTrialInput } from '../../contract/policy.ts';
import type { PastOperation } from '../suggest/past.ts';
import type { TrialReply, TrialRequest } from './protocol.ts';

/** Looking at texts that are not in force. Calls reject with POLICY_INVALID, POLICY_BUSY, POLICY_TRIAL_FAILED. */
export interface PolicyTrials {
  check(text: string): Promise<PolicyCheck>;
  try(policy: string, what: PolicyTrialInput['what'], identity: Identity, connection: Connection): Promise<PolicyTrial>;
  suggest(policy: string, past: readonly PastOperation[], now: string): Promise<PolicySuggestions>;
  close(): Promise<void>;
}

const MAX_WAITING = 8;
const TIMEOUT_MS = 15_000;
/** A thread that nobody asks is ended: it holds a parser and Cedar, about 60 MB. */
const IDLE_MS = 120_000;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: CountersignError): void;
  cancel(): void;
}

type Unnumbered = TrialRequest extends infer R ? (R extends TrialRequest ? Omit<R, 'id'> : never) : never;

/** On a thread of its own, since traffic must not wait while a text is compiled. */
export function createPolicyTrials(): PolicyTrials {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null = null;
  let next = 0;
  let idle: NodeJS.Timeout | null = null;

  const end = (why: string) => {
    const ended = worker;
    worker = null;
    for (const { reject, cancel } of waiting.values()) {
      cancel();
      reject(new CountersignError('POLICY_TRIAL_FAILED', why));
    }
    waiting.clear();
    if (idle !== null) clearTimeout(idle);
    idle = null;
    return ended?.terminate();
  };
  const live = (): Worker => {
    if (worker !== null) return worker;
    const started = new Worker(new URL('./trial-worker.ts', import.meta.url));
    worker = started;
    const died = (why: string) => {
      if (worker === started) void end(why);
    };
    started.on('message', (reply: TrialReply) => {
      const one = waiting.get(reply.id);
      if (one === undefined) return;
      waiting.delete(reply.id);
      one.cancel();
      if ('error' in reply) one.reject(new CountersignError(reply.error.code, reply.error.message));
      else one.resolve(reply.value);
      if (waiting.size > 0) return;
      started.unref();
      idle = setTimeout(() => void end('it was not needed any more'), IDLE_MS);
      idle.unref();
    });
    started.on('error', (error) => died(error instanceof Error ? error.message : String(error)));
    started.on('exit', () => died('The text could not be looked at: its thread ended.'));
    return started;
  };
  const ask = <T>(request: Unnumbered): Promise<T> =>
    new Promise<unknown>((resolve, reject) => {
      if (waiting.size >= MAX_WAITING) {
        reject(new CountersignError('POLICY_BUSY', 'Too many texts are being looked at. Try again in a moment.'));
        return;
      }
      if (idle !== null) clearTimeout(idle);
      idle = null;
      next += 1;
      const timer = setTimeout(() => void end('It took too long to look at this text.'), TIMEOUT_MS);
      timer.unref();
      waiting.set(next, { resolve, reject, cancel: () => clearTimeout(timer) });
      const thread = live();
      thread.ref();
      thread.postMessage({ ...request, id: next });
    }) as Promise<T>;

  return {
    check: (text) => ask({ kind: 'check', text }),
    try: (policy, what, identity, connection) => ask({ kind: 'try', policy, what, identity, connection }),
    suggest: (policy, past, now) => ask({ kind: 'suggest', policy, past, now }),
    close: async () => {
      await end('The gateway stops.');
    },
  };
}
