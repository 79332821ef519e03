import type { RecordingTap } from '../alerts/tap.ts';
import type { ApprovalsAdmin } from '../approvals/approvals.ts';

/** What is recorded of statements also counts against the grant that let them through. */
export function countingSpending(tap: RecordingTap, approvals: Pick<ApprovalsAdmin, 'grantSpent'>): RecordingTap {
  return {
    ...tap,
    statement(session, place, summary) {
      tap.statement(session, place, summary);
      const { grantId } = summary.decision;
      if (grantId !== null) approvals.grantSpent(grantId, summary.rows);
    },
  };
}
