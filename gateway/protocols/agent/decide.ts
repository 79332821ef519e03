import type { Decision, Verdict } from '../../contract/decision.ts';
import { isCountersignError } from '../../contract/errors.ts';
import type { ActionOperation, OperationClass } from '../../contract/operation.ts';
import type { CommandPreview } from '../../contract/preview.ts';
import type { StatementSummary } from '../../pipeline/ports.ts';
import type { Conversation, Entry } from './conversation.ts';
import type { HookAnswer, HookCall } from './events.ts';
import type { AgentDeps } from './ports.ts';
import type { Understood } from './understand.ts';
import { keepAction } from './undo/keep-action.ts';

/** What is asked, and what happens with the answer. */
export interface Asking {
  conversation: Conversation<unknown>;
  /** The tool's name, for what cannot be understood. */
  label: string;
  understood: Promise<Understood>;
  call: HookCall;
  /** The command to run in place of an allowed one. */
  rewrite(decision: Decision, understood: Understood): string | null;
  /** Nothing is told of it after the answer. */
  final: boolean;
  /** Its exchange has begun. */
  began(entry: Entry): void;
}

/** Longer operations are not repeated: their digest is then the gateway's word. */
const MAX_OPERATION_BYTES = 512 * 1024;
const UNDECIDED = 'Countersign could not decide on it; its log says why. Try again, or look at the log of the gateway';

/** Records what is asked, decides, records the answer. Never rejects: what fails is denied. */
export async function decideAction(deps: AgentDeps, asking: Asking): Promise<HookAnswer> {
  let entry: Entry | null = null;
  const begin = (line: Record<string, unknown>) => {
    entry = asking.conversation.begin(line);
    asking.began(entry);
    return entry;
  };
  try {
    return await decide(deps, asking, await asking.understood, begin);
  } catch (error) {
    return failed(deps, asking, entry, begin, error);
  }
}

async function decide(
  deps: AgentDeps,
  { conversation, call, rewrite, final }: Asking,
  understood: Understood,
  begin: (line: Record<string, unknown>) => Entry,
): Promise<HookAnswer> {
  const { session } = conversation;
  const { operation, record, question } = understood;
  const entry = begin({ event: question.action, tool: operation.tool, ...record });
  understood.record = {};
  const asked = { ...question, identity: session.identity };
  const found = deps.pipeline.actionVerdict(asked);
  const reached = understood.elsewhere
    ? now(decisionOf('allow', { ...found, effect: 'allow', reason: 'Countersign’s MCP proxy decides on this call' }))
    : await policyOrPerson(
        deps,
        conversation,
        entry,
        understood,
        verdictFor(deps, found, understood, session.id, call),
        call,
      );
  const bound = await afterwards(conversation, understood, reached.decision, call);
  const place = { sessionId: session.id, exchange: entry.exchange };
  const decision = understood.elsewhere ? bound : await kept(deps, understood, place, bound, reached.promised, call);
  const allow = decision.effect === 'allow';
  const message = allow ? '' : denialOf(decision);
  const command = allow ? rewrite(decision, understood) : null;
  entry.down({
    answer: decision.effect,
    ...(allow ? {} : { message }),
    ...(decision.decidedBy === null ? {} : { decidedBy: decision.decidedBy }),
    ...(command === null ? {} : { inTerminal: true }),
  });
  const summary = summaryOf(operation.tool, question.effects.class, operation.text, decision);
  const { fingerprint, flags } = question.effects;
  entry.decided({ ...summary, ...reached.facts, fingerprint, flags, objects: understood.objects }, final || !allow);
  return { permission: decision.effect, message, command, approved: allow && decision.approvalId !== null };
}

/** What it removes or replaces is kept first, where the person was told that it can be undone. */
async function kept(
  deps: AgentDeps,
  understood: Understood,
  place: { sessionId: string; exchange: number },
  decision: Decision,
  promised: boolean,
  call: HookCall,
): Promise<Decision> {
  if (decision.effect === 'deny') return decision;
  const message = await keepAction(deps, understood, place, call, promised);
  return message === null ? decision : { ...decision, effect: 'deny', channel: 'gateway', message };
}

interface Reached {
  decision: Decision;
  /** The person was told that all of it can be undone. */
  promised: boolean;
  facts: { digest: string | null; heldMs: number };
}
const now = (decision: Decision, digest: string | null = null): Reached => ({
  decision,
  promised: false,
  facts: { digest, heldMs: 0 },
});

/** What raised an alert waits for a person; nobody waits for longer than the agent does. */
function verdictFor(
  deps: AgentDeps,
  verdict: Verdict,
  { question }: Understood,
  sessionId: string,
  { deadlineMs }: HookCall,
): Verdict {
  const why = question.action === 'sendPrompt' ? null : deps.heldBecause(sessionId);
  const asked: Verdict =
    why === null || verdict.effect !== 'allow'
      ? verdict
      : { ...verdict, effect: 'ask', level: 'click', grantable: false, reason: why };
  const seconds = Math.max(1, Math.floor(deadlineMs / 1000));
  return asked.expiresSeconds <= seconds ? asked : { ...asked, expiresSeconds: seconds };
}

async function policyOrPerson(
  deps: AgentDeps,
  conversation: Conversation<unknown>,
  entry: Entry,
  understood: Understood,
  verdict: Verdict,
  call: HookCall,
): Promise<Reached> {
  const { session } = conversation;
  let operation: ActionOperation | null = null;
  const result = deps.pipeline.decide(verdict, { mode: session.mode }, () => {
    const { id: sessionId, connectionId, identity, agent } = session;
    const asked = { sessionId, connectionId, protocol: 'agent' as const, ...understood.operation };
    const digest = deps.digest({ ...asked, subject: identity.subject });
    operation = { ...asked, identity, agent, effects: understood.question.effects, digest };
    return operation;
  });
  const bound = operation as ActionOperation | null;
  const digest = bound?.digest ?? null;
  if (result.kind === 'decided') return now(result.decision, digest);
  const { pending } = result;
  const { approvalId } = pending;
  const since = deps.clock.now();
  const { policyIds, policyHash, level, approvers } = verdict;
  try {
    conversation.event('asked', {
      exchange: entry.exchange,
      approvalId,
      digest,
      policyIds,
      policyHash,
      level,
      ...(approvers && { approvers }),
    });
    if (bound !== null && bound.text.length * 3 <= MAX_OPERATION_BYTES) {
      const { protocol, tool, place, text, bindings } = bound;
      conversation.event('operation', { approvalId, protocol, tool, place, text, bindings }, 'unit');
    }
  } catch (error) {
    pending.withdraw('it could not be recorded');
    throw error;
  }
  const shown = showWhatItTouches(pending, understood, call);
  const gone = () => pending.withdraw('the agent does not wait for it any more');
  // A person may take more time than the agent gives.
  const stop = deps.schedule(call.deadlineMs, () =>
    pending.withdraw('nobody decided before the agent’s own time limit, so it was denied; ask for it again'),
  );
  const over = AbortSignal.any([call.signal, conversation.ended]);
  if (over.aborted) gone();
  over.addEventListener('abort', gone, { once: true });
  const decision = await pending.decision;
  stop();
  over.removeEventListener('abort', gone);
  const heldMs = deps.clock.now() - since;
  const { effect, decidedBy, channel, grantId, proof, votes } = decision;
  conversation.event('decided', {
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
  return { decision, promised: shown.canBeUndone, facts: { digest, heldMs } };
}

/** Looked at while the person reads; nothing waits for it. */
function showWhatItTouches(
  pending: { setPreview(preview: CommandPreview): void },
  { wishes }: Understood,
  call: HookCall,
): { canBeUndone: boolean } {
  const shown = { canBeUndone: false };
  const wanted = wishes?.() ?? [];
  if (wanted.length === 0) return shown;
  pending.setPreview({ kind: 'command', state: 'loading', parts: [], undo: null });
  const failed = () => pending.setPreview({ kind: 'command', state: 'failed', parts: [], undo: null });
  const told = (preview: CommandPreview) => {
    shown.canBeUndone = preview.undo?.can === 'all';
    pending.setPreview(preview);
  };
  call.look({ wishes: wanted, how: 'preview', told }).catch(failed);
  return shown;
}

/** What was approved has to be what is done, and has to be on disk before it is. */
async function afterwards(
  conversation: Conversation<unknown>,
  understood: Understood,
  decision: Decision,
  call: HookCall,
): Promise<Decision> {
  if (decision.effect === 'deny') return decision;
  const changed = decision.approvalId === null ? null : await changedFile(understood, call);
  if (changed !== null) return { ...decision, effect: 'deny', channel: 'gateway', message: changed };
  if (!understood.harmless || decision.emergency !== undefined) await conversation.durable();
  return decision;
}

/** A sentence, where a file that the decision was bound to is another by now. */
export async function changedFile({ bound }: Understood, call: HookCall): Promise<string | null> {
  if (bound.length === 0) return null;
  const facts = new Map(
    (await call.files(bound.map(({ path }) => ({ path, want: 'digest' as const })))).map((f) => [f.path, f]),
  );
  const changed = bound.find(({ path, sha256 }) => (facts.get(path)?.sha256 ?? null) !== sha256);
  if (changed === undefined) return null;
  return `${changed.path} has changed since it was decided on, so it was denied; ask for it again`;
}

export function denied(message: string): HookAnswer {
  return { permission: 'deny', message, command: null, approved: false };
}

/** It could not be recorded, or not be understood: then it is not let through. */
function failed(
  deps: AgentDeps,
  { conversation, label }: Asking,
  entry: Entry | null,
  begin: (line: Record<string, unknown>) => Entry,
  error: unknown,
): HookAnswer {
  const message = isCountersignError(error) ? error.message : UNDECIDED;
  if (!isCountersignError(error))
    deps.log.error({ err: error, session: conversation.session.id }, 'an action could not be decided on');
  try {
    const told = entry ?? begin({ event: 'not-understood', tool: label });
    told.down({ answer: 'deny', message });
    const verdict = ownVerdict(deps.pipeline.policyHash, 'deny', message);
    const decision: Decision = { ...decisionOf('deny', verdict), channel: 'gateway', message };
    told.decided(summaryOf(label, 'unknown', message, decision), true);
  } catch {
    // Where the recording does not work nothing is let through, and that cannot be recorded.
  }
  return denied(message);
}

/** For the agent: why, and who said so. */
function denialOf({ message, verdict, decidedBy }: Decision): string {
  const why = message ?? verdict.reason;
  return decidedBy === null || message === null || message.includes(decidedBy)
    ? `Countersign denied it: ${why}`
    : `Countersign denied it: ${why} (${decidedBy})`;
}

/** A verdict that no policy gave. */
export function ownVerdict(policyHash: string, effect: 'allow' | 'deny', reason: string): Verdict {
  return { effect, policyIds: [], policyHash, reason, level: 'click', expiresSeconds: 1, grantable: false };
}

export function decisionOf(effect: 'allow' | 'deny', verdict: Verdict): Decision {
  return {
    effect,
    verdict,
    approvalId: null,
    grantId: null,
    observed: null,
    decidedBy: null,
    channel: null,
    message: null,
  };
}

export function summaryOf(op: string, kind: OperationClass, text: string, decision: Decision): StatementSummary {
  return {
    fingerprint: '0000000000000000',
    class: kind,
    op,
    decision,
    own: true,
    text,
    digest: null,
    rows: 0,
    error: decision.effect === 'deny' ? 'DENIED' : null,
    heldMs: 0,
    masked: null,
    objects: [],
  };
}
