import type { ApprovalsAdmin } from '../approvals/approvals.ts';
import { isCountersignError } from '../contract/errors.ts';

/** Denies whatever waits for a person, in the name of who halted everything. */
export function denyWaiting(approvals: Pick<ApprovalsAdmin, 'list' | 'decide'>, by: string, message: string): void {
  for (const { id, operation } of approvals.list({ state: 'waiting', offset: 0, limit: Number.MAX_SAFE_INTEGER })
    .items) {
    try {
      approvals.decide({
        approvalId: id,
        digest: operation.digest,
        decision: 'deny',
        scope: { kind: 'once' },
        message,
        channel: 'gateway',
        level: 'click',
        decidedBy: by,
      });
    } catch (error) {
      // It expired just now.
      if (!isCountersignError(error, 'APPROVAL_NOT_WAITING')) throw error;
    }
  }
}
