import { Worker } from 'node:worker_threads';
import { CountersignError } from '../contract/errors.ts';
import type { TeamOutcome, TeamProgress } from './writer.ts';

export interface FillSetup {
  url: string;
  /** Where the password comes from. */
  env: Readonly<Record<'PGPASSWORD' | 'PGPASSFILE' | 'HOME', string | undefined>>;
  /** Folder of the auditor's workspace. */
  workspace: string;
}

export type FromTeamWorker =
  | { progress: TeamProgress }
  | { outcome: TeamOutcome }
  | { error: { code: string; message: string } };

/** Statements pass through by the million; left to itself, V8 takes 100 MB more for what is soon forgotten. */
const YOUNG_MB = 24;

/**
 * Brings a team's index up to an auditor's workspace, in a thread of its own. Rejects with what connectTeamDb(),
 * ensureSchema() and indexTeam() throw, or TEAM_INDEX_FAILED.
 */
export function fillTeamIndex(
  setup: FillSetup,
  { signal, progress }: { signal: AbortSignal; progress?: (progress: TeamProgress) => void },
): Promise<TeamOutcome> {
  const worker = new Worker(new URL('./team-worker.ts', import.meta.url), {
    workerData: setup,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  const stop = () => worker.postMessage('stop');
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return new Promise<TeamOutcome>((done, fail) => {
    worker.on('message', (message: FromTeamWorker) => {
      if ('progress' in message) progress?.(message.progress);
      else if ('outcome' in message) done(message.outcome);
      else fail(new CountersignError(message.error.code, message.error.message));
    });
    const failed = (cause: unknown) =>
      fail(new CountersignError('TEAM_INDEX_FAILED', 'the import into the database ended by itself', { cause }));
    worker.once('error', failed);
    worker.once('exit', failed);
  }).finally(() => signal.removeEventListener('abort', stop));
}
