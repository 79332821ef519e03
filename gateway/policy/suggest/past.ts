import type { CedarRequest } from '../decisions/request.ts';

/** Something that an agent asked for, with what became of it. */
export interface PastOperation {
  /** ISO 8601. */
  at: string;
  /** As a person reads it. */
  text: string;
  request: CedarRequest;
  outcome: 'approved' | 'refused' | 'unasked';
}
