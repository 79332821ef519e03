import { CountersignError } from '../contract/errors.ts';
import type { Recorder } from '../pipeline/ports.ts';

export interface BudgetGate extends Recorder {
  /** A sentence: nothing is forwarded any more; null: it is again. */
  set(problem: string | null): void;
}

/** Lets no session begin, and ends those that run, while recordings that are not in the store fill the disk budget. */
export function createBudgetGate(recorder: Recorder, endSessions: (reason: string) => void): BudgetGate {
  let problem: string | null = null;
  return {
    open(info) {
      if (problem !== null) throw new CountersignError('RECORDING_BUDGET', problem);
      return recorder.open(info);
    },
    get failure() {
      return recorder.failure ?? problem;
    },
    onSealed: (listener) => recorder.onSealed(listener),
    close: () => recorder.close(),
    set(sentence) {
      problem = sentence === null ? null : `Nothing is forwarded: ${sentence}`;
      if (problem !== null) endSessions(problem);
    },
  };
}
