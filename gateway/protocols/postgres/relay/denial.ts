import type { Decision } from '../../../contract/decision.ts';
import { frontend } from '../codec/messages.ts';
import { writeErrorResponse, writeMessage } from '../codec/write-backend.ts';
import { writeExecute, writeQuery } from '../codec/write-frontend.ts';

/**
 * Messages that take the place of a denied one. Each fails on the server at the same point of its
 * state machine as the denied message would have with a permission error, so transaction status,
 * portals and prepared statements end up as after a real 42501; the client sees our text in place
 * of the server's.
 */
/** No client of the session can have made a portal of this name: the relay refuses such a Bind. */
export const DENIED_PORTAL = 'countersign: denied';

export const failing = {
  /** Not SQL in any version: fails in the parser, before anything is looked up. */
  query: writeQuery('countersign: denied'),
  /** Of several statements, the first of which opened a block: BEGIN succeeds, and the block has failed. */
  queryInBlock: writeQuery('BEGIN; ROLLBACK TO SAVEPOINT "countersign: denied"'),
  execute: writeExecute(DENIED_PORTAL),
  /** Function OID 0 does not exist; no arguments, text result. */
  functionCall: writeMessage(frontend.FunctionCall, new Uint8Array(4 + 2 + 2 + 2)),
} as const;

/**
 * Whether the server would have run a BEGIN of the message before it came to what was denied. What comes after it
 * in other messages would then be refused up to the ROLLBACK, and must not run outside of a transaction.
 */
export function leavesBlock(ops: readonly string[]): boolean {
  let open = false;
  for (const op of ops) {
    if (op === 'BEGIN') open = true;
    else if (op === 'COMMIT' || op === 'ROLLBACK') open = false;
    else if (open) return true;
  }
  return false;
}

export interface ErrorText {
  sqlstate: string;
  message: string;
  detail?: string;
  hint?: string;
}

export function errorResponse(error: ErrorText, severity: 'ERROR' | 'FATAL' = 'ERROR'): Uint8Array {
  return writeErrorResponse({ severity, ...error });
}

/** What the agent reads when it was not let through. */
export function denialText(decision: Decision): ErrorText {
  const { verdict } = decision;
  const policies = verdict.policyIds.length > 0 ? verdict.policyIds.join(', ') : 'none that permits it';
  return {
    sqlstate: '42501',
    message: `Countersign denied this statement: ${decision.message ?? verdict.reason}`,
    detail: `Policy: ${policies} (set ${verdict.policyHash.slice(0, 12)}).${
      decision.message && decision.message !== verdict.reason ? ` ${verdict.reason}` : ''
    }`,
    hint: hintFor(decision),
  };
}

function hintFor(decision: Decision): string {
  if (decision.verdict.effect === 'deny') {
    return 'This is not approved by asking. Do it another way, or ask the person you work for to change the policy.';
  }
  if (decision.channel === 'timeout') return 'Run it again when somebody can approve it in the Countersign console.';
  return 'Tell the person you work for why it is needed; running it again asks them again.';
}

export const CANCELLED: ErrorText = { sqlstate: '57014', message: 'canceling statement due to user request' };

export const IN_FAILED_TRANSACTION: ErrorText = {
  sqlstate: '25P02',
  message: 'current transaction is aborted, commands ignored until end of transaction block',
};
