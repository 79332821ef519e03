import type { EventKeeping } from '../pipeline/ports.ts';
import type { SessionFact } from './session-facts.ts';

/** What goes between the recorder's main thread and its worker. */

export type ToWorker =
  | {
      type: 'batch';
      buffer: ArrayBuffer;
      length: number;
      /** The journal in use when this was sent: earlier ones hold nothing newer. */
      journal: number;
    }
  | { type: 'prepare'; journal: number }
  /** Answer with the newest heads of open sessions. */
  | { type: 'heads'; request: number }
  /** Seal everything, and answer `stopped`. */
  | { type: 'stop' };

export type FromWorker =
  | { type: 'done'; buffer: ArrayBuffer; length: number }
  | { type: 'prepared'; journal: number }
  | { type: 'sealed'; sessions: { id: string; closed: boolean }[] }
  | { type: 'closed'; session: number }
  | { type: 'fact'; fact: SessionFact }
  | { type: 'heads'; request: number; heads: OpenHead[] }
  | { type: 'failed'; what: string; code: string | null; message: string }
  | { type: 'stopped' };

/** Session, lines, base64 root. */
export type OpenHead = [sid: string, size: number, root: string];

export interface WorkerSettings {
  dir: string;
  journalBytes: number;
  /** Base64 of the recorder's run, in each journal's header. */
  runId: string;
}

/** Payload of an event's journal record. */
export interface EventRecord {
  type: string;
  detail: Record<string, unknown>;
  /** `line` where it is not said. */
  how?: EventKeeping;
}
