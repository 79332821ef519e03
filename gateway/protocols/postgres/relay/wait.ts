import type { PendingDecision } from '../../../pipeline/pipeline.ts';
import type { HeldStatement } from './own-lane.ts';

/**
 * The present message cannot be finished now. `ready` settles when it can; `resume` finishes it
 * (forwards or replaces it) or waits for something else.
 */
export interface Wait<T = unknown> {
  /** A person is asked; null while something of our own is awaited. */
  held: PendingDecision | null;
  /** The client took its statement back while it was held. */
  cancelled: boolean;
  ready: Promise<T>;
  resume: (value: T) => Wait | null;
  /** Where a person is asked about a statement that can be looked at meanwhile. */
  look?: HeldStatement;
}

export function waitFor<T>(ready: Promise<T>, resume: (value: T) => Wait | null): Wait {
  return { held: null, cancelled: false, ready, resume: resume as (value: unknown) => Wait | null };
}
