import type { Connection } from '../../contract/connection.ts';
import type { Identity } from '../../contract/identity.ts';
import type { PolicyTrialInput } from '../../contract/policy.ts';
import type { PastOperation } from '../suggest/past.ts';

/** What the thread is asked. A trial's policy is always given: the thread does not know what is in force. */
export type TrialRequest =
  | { id: number; kind: 'check'; text: string }
  | { id: number; kind: 'suggest'; policy: string; past: readonly PastOperation[]; now: string }
  | {
      id: number;
      kind: 'try';
      policy: string;
      what: PolicyTrialInput['what'];
      identity: Identity;
      connection: Connection;
    };

export type TrialReply = { id: number; value: unknown } | { id: number; error: { code: string; message: string } };
