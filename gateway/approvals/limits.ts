import type { Operation } from '../contract/operation.ts';

export interface ApprovalLimits {
  /** Requests that wait at once, over all sessions and in one. */
  waiting: number;
  waitingPerSession: number;
  /** Text and parameters of waiting requests, and of the history, in UTF-16 units. */
  waitingSize: number;
  historySize: number;
  /** Decided requests kept for the API. */
  history: number;
}

export const DEFAULT_APPROVAL_LIMITS: ApprovalLimits = {
  waiting: 200,
  waitingPerSession: 20,
  waitingSize: 64 * 1024 * 1024,
  historySize: 16 * 1024 * 1024,
  history: 500,
};

/** In UTF-16 units: what a request keeps in memory. */
export function sizeOf(operation: Operation): number {
  const beside =
    operation.protocol === 'postgres'
      ? operation.parameters.map(({ value }) => value?.length ?? 0)
      : operation.bindings.map(({ name, value }) => name.length + value.length);
  return beside.reduce((size, length) => size + length, operation.text.length);
}
