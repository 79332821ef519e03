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
  /** Seal everything, and answer `stopped`. */
  | { type: 'stop' };

export type FromWorker =
  | { type: 'done'; buffer: ArrayBuffer; length: number }
  | { type: 'prepared'; journal: number }
  | { type: 'sealed'; sessions: { id: string; closed: boolean }[] }
  | { type: 'closed'; session: number }
  | { type: 'failed'; what: string; code: string | null; message: string }
  | { type: 'stopped' };

export interface WorkerSettings {
  dir: string;
  journalBytes: number;
  /** Base64 of the recorder's run, in each journal's header. */
  runId: string;
}
