import type { Progress } from './tasks.ts';

/** What a task is given beside its input. */
export interface TaskContext {
  signal: AbortSignal;
  /** Told a few times a second at most. */
  progress(at: Progress): void;
}
