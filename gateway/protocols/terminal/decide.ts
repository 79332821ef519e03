import type { Decision } from '../../contract/decision.ts';
import type { AgentProcess, Identity } from '../../contract/identity.ts';
import type { ActionOperation } from '../../contract/operation.ts';
import { CommandPreview } from '../../contract/preview.ts';
import type { PendingDecision } from '../../pipeline/pipeline.ts';
import type { SessionRecorder } from '../../pipeline/ports.ts';
import { CONNECTION } from './about.ts';
import type { UnderstoodCommand } from './command.ts';
import { FRAME } from './frames.ts';
import { type Link, parseMessage } from './link.ts';
import type { Held, Hello, LookFor } from './messages.ts';
import type { TerminalDeps } from './ports.ts';
import { commandWishes } from './preview/wishes.ts';

export interface Decided {
  decision: Decision;
  digest: string | null;
  heldMs: number;
}

/** Asks policy, and a person where policy says so; question and answer are recorded. Never rejects. */
export async function decideCommand(
  deps: TerminalDeps,
  link: Link,
  recorder: SessionRecorder,
  about: { sessionId: string; identity: Identity; agent: AgentProcess; hello: Hello; understood: UnderstoodCommand },
): Promise<Decided> {
  const { sessionId, identity, agent, hello, understood } = about;
  const { command, effects, secrets } = understood;
  const verdict = deps.pipeline.actionVerdict({
    action: 'shell',
    identity,
    effects,
    secrets,
    agent: CONNECTION,
    model: '',
    workspace: hello.workspace,
    cwd: hello.cwd,
    programs: command.programs.map(({ name }) => name),
    reads: command.reads,
    writes: command.writes,
    removes: command.removes,
    hosts: command.hosts,
  });
  let operation: ActionOperation | null = null;
  const result = deps.pipeline.decide(verdict, { mode: 'enforce' }, () => {
    const { text, bindings } = understood;
    const asked = {
      sessionId,
      connectionId: CONNECTION,
      protocol: 'terminal' as const,
      tool: hello.kind,
      place: hello.cwd,
      text,
      bindings: [...bindings],
    };
    const digest = deps.digest({ ...asked, subject: identity.subject });
    operation = { ...asked, identity, agent, effects, digest };
    return operation;
  });
  const bound = operation as ActionOperation | null;
  const digest = bound?.digest ?? null;
  if (result.kind === 'decided') return { decision: result.decision, digest, heldMs: 0 };

  const { approvalId, decision: answer, withdraw } = result.pending;
  const { policyIds, policyHash, level, approvers, reason, expiresSeconds } = verdict;
  const since = performance.now();
  recorder.event('asked', {
    exchange: 0,
    approvalId,
    digest,
    policyIds,
    policyHash,
    level,
    ...(approvers && { approvers }),
  });
  if (bound !== null) {
    const { protocol, tool, place, text, bindings } = bound;
    recorder.event('operation', { approvalId, protocol, tool, place, text, bindings }, 'unit');
  }
  link.send(FRAME.held, { approvalId, reason, expiresSeconds } satisfies Held);
  showWhatItTouches(deps, link, hello, result.pending);
  const left = link.closed.then(() => withdraw('the command line went away'));
  const decision = await answer;
  void left;
  const heldMs = Math.round(performance.now() - since);
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
  return { decision, digest, heldMs };
}

/** Whoever runs the command looks, while the person reads; nothing waits for it. */
function showWhatItTouches(deps: TerminalDeps, link: Link, { text, cwd, home }: Hello, pending: PendingDecision): void {
  const wishes = commandWishes(deps.classifier, text, { cwd, home });
  if (wishes.length === 0) return;
  pending.setPreview({ kind: 'command', state: 'loading', parts: [], undo: null });
  link.aside(FRAME.looked, (frame) => {
    try {
      // What it does is not kept to be undone.
      pending.setPreview({ ...parseMessage(frame, CommandPreview), undo: null });
    } catch {
      link.destroy();
    }
  });
  link.send(FRAME.look, { wishes } satisfies LookFor);
}

/** Denied by the gateway itself, whatever policy and person said. */
export function refused(verdict: Decision['verdict'], message: string): Decision {
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
