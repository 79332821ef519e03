import { Worker } from 'node:worker_threads';
import type { AuditExportFormat, Redaction, RedactionChoice } from '../../contract/audit.ts';
import { CountersignError } from '../../contract/errors.ts';
import type { ImportProgress } from '../import/store.ts';
import type { AuditReport } from '../verify/report.ts';

/** Work on a workspace that would hold up the server; `folder` is the workspace's. */
export type Task =
  | {
      kind: 'import';
      folder: string;
      what: string;
      recheck: boolean;
      secrets: Record<string, string>;
      identities: string[];
    }
  | { kind: 'verify'; folder: string; only: { device?: string; session?: string } }
  | { kind: 'redact'; folder: string; sid: string; choice: RedactionChoice; leaveSigned: boolean; out: string | null }
  | {
      kind: 'report';
      folder: string;
      form: 'html' | 'pdf';
      title: string;
      scope: { sentence: string; since: string | null; until: string | null; devices: string[] };
      texts: boolean;
      madeBy: string;
      out: string;
    }
  | { kind: 'alerts'; folder: string }
  | {
      kind: 'export';
      folder: string;
      sids: string[];
      format: AuditExportFormat;
      statement: number | null;
      texts: boolean;
      out: string;
    };

export interface ImportResult extends ImportProgress {
  stopped: boolean;
  touched: string[];
  sentences: string[];
}

export interface TaskResults {
  import: ImportResult;
  verify: AuditReport;
  /** `note`: what the bundle lacks, as a sentence. */
  redact: { redaction: Redaction; note: string | null };
  report: { sessions: number; findings: { severity: string; title: string }[] };
  alerts: { found: number; problems: string[] };
  export: { sessions: number; notes: string[] };
}

export interface Progress {
  sentence: string;
  done: number;
  of: number | null;
}

export type FromTask =
  | { progress: Progress }
  | { result: TaskResults[Task['kind']] }
  | { error: { code: string; message: string } };

/** How long a task has to end once it was told to; what it left is found by the next one. */
const STOP_MS = 5000;

/** Runs a task on a thread of its own. Throws what it throws, and STOPPED where it had to be cut off. */
export function runTask<K extends Task['kind']>(
  task: Extract<Task, { kind: K }>,
  { signal, progress = () => {} }: { signal: AbortSignal; progress?: (at: Progress) => void },
): Promise<TaskResults[K]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./task-worker.ts', import.meta.url), { workerData: task });
    let timer: NodeJS.Timeout | null = null;
    const stop = () => {
      worker.postMessage('stop');
      timer = setTimeout(() => void worker.terminate(), STOP_MS);
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', stop);
      if (timer !== null) clearTimeout(timer);
      settle();
      void worker.terminate();
    };
    worker.on('message', (message: FromTask) => {
      if ('progress' in message) progress(message.progress);
      else if ('result' in message) end(() => resolve(message.result as TaskResults[K]));
      else end(() => reject(new CountersignError(message.error.code, message.error.message)));
    });
    worker.on('error', (cause) => end(() => reject(cause)));
    worker.on('exit', () => end(() => reject(new CountersignError('STOPPED', 'it was stopped'))));
  });
}
