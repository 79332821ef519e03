import type { Decision } from '../../../contract/decision.ts';
import type { Parameter, StatementOperation } from '../../../contract/operation.ts';
import { IN_FAILED_TRANSACTION } from './denial.ts';
import type { StatementInfo } from './names.ts';
import type { HeldStatement } from './own-lane.ts';
import type { RelayState } from './state.ts';
import type { Wait } from './wait.ts';

/** A decision made, with what the approval was bound to. */
export interface Decided {
  decision: Decision;
  digest: string | null;
  heldMs: number;
  /** The client cancelled while it waited. */
  cancelled: boolean;
}

/**
 * Decides on a statement that is about to run. Goes on with `then` at once, or returns a Wait whose
 * resume does, while a person is asked; asking and answer are recorded.
 * @param parameters null: they are not at hand, so nobody can be asked.
 * @param look null: what it would do cannot be looked at.
 */
export function decide(
  state: RelayState,
  statement: StatementInfo,
  parameters: () => Parameter[] | null,
  then: (decided: Decided) => Wait | null,
  look: Pick<HeldStatement, 'execute'> | null,
): Wait | null {
  const { pipeline, connection, recorder, monotonic, database } = state.deps;
  const { effects } = statement.classification;
  const verdict = state.verdict(effects);
  const now = (decision: Decision, digest: string | null = null) =>
    then({ decision, digest, heldMs: 0, cancelled: false });
  let bound: Parameter[] = [];
  let reached = '';
  if (verdict.effect !== 'deny' && connection.mode === 'enforce' && effects.flags.includes('sets-pinned-setting')) {
    // What is read under one setting and run under another was never decided on, whatever the policy says.
    return now(refusal(verdict, PINNED));
  }
  if (verdict.effect === 'ask' && connection.mode === 'enforce') {
    // The server would refuse it unread; a person is not asked for that.
    if (state.transaction === 'failed' && state.pending.size === 0 && !endsTransaction(effects.ops)) {
      return now(refusal(verdict, IN_FAILED_TRANSACTION.message));
    }
    const kept = parameters();
    if (kept === null) return now(refusal(verdict, 'the parameters of this statement are not at hand; bind it again'));
    bound = kept;
    const named = state.reached(statement);
    if (named === null) return now(refusal(verdict, 'it runs a portal by its name; send Execute for it instead'));
    reached = named;
  }
  let operation: StatementOperation | null = null;
  const result = pipeline.decide(verdict, connection, () => {
    operation = state.operation(statement.text + reached, effects, bound);
    return operation;
  });
  const digest = (operation as StatementOperation | null)?.digest ?? null;
  if (result.kind === 'decided') return now(result.decision, digest);

  const { pending } = result;
  const { approvalId } = pending;
  const since = monotonic();
  recorder.event('asked', {
    exchange: state.upExchange,
    approvalId,
    digest,
    policyIds: verdict.policyIds,
    policyHash: verdict.policyHash,
    level: verdict.level,
    ...(verdict.approvers && { approvers: verdict.approvers }),
  });
  recordOperation(state, approvalId, operation);
  const { searchPath, role } = state.settings;
  database.estimate(statement.text, { searchPath, role }).then(
    (rows) => pending.setEstimate(rows),
    () => pending.setEstimate(null),
  );
  const wait: Wait<Decision> = {
    held: pending,
    cancelled: false,
    ready: pending.decision,
    resume: (decision) => {
      const heldMs = Math.round(monotonic() - since);
      const { effect, decidedBy, channel, grantId, proof, votes } = decision;
      recorder.event('decided', {
        approvalId,
        digest,
        effect,
        decidedBy,
        channel,
        grantId,
        heldMs,
        ...(proof && { proof }),
        ...(votes && { votes }),
      });
      return then({ decision, digest, heldMs, cancelled: wait.cancelled });
    },
  };
  if (look && operation) wait.look = { statement, operation, pending, ...look };
  return wait as Wait;
}

/** Longer ones are not repeated: their digest is then the gateway's word. */
const MAX_OPERATION_BYTES = 512 * 1024;

/** What the digest is made of, beyond what the open event says, so that anybody can make it again. */
function recordOperation(state: RelayState, approvalId: string, operation: StatementOperation | null): void {
  if (operation === null) return;
  const { role, searchPath, transaction, text, parameters } = operation;
  const size = text.length + parameters.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  if (size * 3 > MAX_OPERATION_BYTES) return;
  const detail = { approvalId, role, searchPath, transaction, text, parameters };
  state.deps.recorder.event('operation', detail, 'unit');
}

const PINNED =
  'it changes a setting by which statements are read (standard_conforming_strings, client_encoding), and these stay as they are';

/** ROLLBACK and COMMIT are what a failed transaction still takes. */
function endsTransaction(ops: readonly string[]): boolean {
  return ops.length === 1 && /^(ROLLBACK|COMMIT|ABORT|END)\b/.test(ops[0]!);
}

/** Denied without asking anybody. */
export function refusal(verdict: Decision['verdict'], message: string): Decision {
  return {
    effect: 'deny',
    verdict,
    approvalId: null,
    grantId: null,
    observed: null,
    decidedBy: null,
    channel: 'gateway',
    message,
  };
}
