import type { Decision, Verdict } from '../../../contract/decision.ts';
import type { McpServer } from '../../../contract/mcp.ts';
import type { ActionOperation, Binding, Effects } from '../../../contract/operation.ts';
import type { Session } from '../../../contract/session.ts';
import type { PendingDecision } from '../../../pipeline/pipeline.ts';
import type { SessionRecorder } from '../../../pipeline/ports.ts';
import { canonicalJson, type JsonObject } from '../codec/json.ts';
import type { McpDeps } from '../ports.ts';
import type { Sensitive } from './sensitive.ts';
import { effectsOf, type KnownTool, scalarArguments } from './tools.ts';

/** What a decision is about: a call of a tool, or another method that policy judges like one. */
export interface Subject {
  /** The tool's name, or the method's. */
  what: string;
  /** Exact: numbers as they were written. */
  args: JsonObject;
  tool: KnownTool | null;
}

export interface Weighed {
  effects: Effects;
  /** For the person and the recording: without secrets. */
  text: string;
  digest: string | null;
  outcome: { kind: 'decided'; decision: Decision } | { kind: 'held'; pending: PendingDecision; since: number };
}

/** Longer arguments are shown in part; the digest then covers all of them by a binding. */
const MAX_SHOWN = 128 * 1024;

/** Policy, grants, and (as a pending decision) a person, for one call. Asking and its operation are recorded. */
export class Decider {
  readonly #deps: McpDeps;
  readonly #server: McpServer;
  readonly #session: Session;
  readonly #recorder: SessionRecorder;
  readonly #sensitive: Sensitive;

  constructor(deps: McpDeps, server: McpServer, session: Session, recorder: SessionRecorder, sensitive: Sensitive) {
    this.#deps = deps;
    this.#server = server;
    this.#session = session;
    this.#recorder = recorder;
    this.#sensitive = sensitive;
  }

  /** @param exchange the number of the client's request; null: the server asks. */
  weigh({ what, args, tool }: Subject, agent: string, exchange: number | null): Weighed {
    const { pipeline } = this.#deps;
    const effects = effectsOf(this.#server.name, what, tool, args);
    const { value: shown, kinds } = this.#sensitive.withoutSecrets(args);
    const verdict = this.#held(
      pipeline.actionVerdict({
        identity: this.#session.identity,
        effects,
        secrets: kinds,
        action: 'callTool',
        agent,
        server: this.#server.name,
        tool: what,
        arguments: scalarArguments(args),
        readOnly: tool?.readOnly ?? false,
        destructive: tool?.destructive ?? true,
      }),
    );
    const text = canonicalJson(shown);
    let asked: ActionOperation | null = null;
    const result = pipeline.decide(verdict, { mode: this.#server.mode }, () => {
      asked = this.#operation(what, text, args, tool, effects, kinds.length > 0);
      return asked;
    });
    // Assigned by the callback, which the compiler does not see.
    const operation = asked as ActionOperation | null;
    const digest = operation?.digest ?? null;
    if (result.kind === 'decided') return { effects, text, digest, outcome: result };
    this.#tell(result.pending, verdict, operation!, exchange);
    return {
      effects,
      text,
      digest,
      outcome: { kind: 'held', pending: result.pending, since: this.#deps.clock.now() },
    };
  }

  /** Records how a held call was decided. @returns how long it waited, in milliseconds. */
  decided({ approvalId }: PendingDecision, decision: Decision, digest: string | null, since: number): number {
    const heldMs = Math.max(0, Math.round(this.#deps.clock.now() - since));
    const { effect, decidedBy, channel, grantId, proof, votes } = decision;
    this.#recorder.event('decided', {
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
    return heldMs;
  }

  #held(verdict: Verdict): Verdict {
    const why = this.#deps.heldBecause(this.#session.id);
    if (why === null || verdict.effect !== 'allow') return verdict;
    return { ...verdict, effect: 'ask', level: 'click', grantable: false, reason: why };
  }

  #operation(
    what: string,
    shown: string,
    args: JsonObject,
    tool: KnownTool | null,
    effects: Effects,
    hidden: boolean,
  ): ActionOperation {
    const whole = tool?.changed ? `${shown}\n\n${tool.changed.diff}` : shown;
    const cut = whole.length > MAX_SHOWN;
    const text = cut ? `${whole.slice(0, MAX_SHOWN)}\n… (${whole.length - MAX_SHOWN} more characters)` : whole;
    const bindings: Binding[] = [];
    if (hidden || cut) bindings.push({ name: 'arguments', value: this.#sensitive.keyedHash(canonicalJson(args)) });
    if (tool !== null) bindings.push({ name: 'description', value: tool.hash });
    if (tool?.changed) bindings.push({ name: 'accepted description', value: tool.changed.acceptedHash });
    const { id: sessionId, identity, agent } = this.#session;
    const parts = {
      sessionId,
      connectionId: this.#server.name,
      protocol: 'mcp' as const,
      tool: what.slice(0, 512),
      place: this.#server.name,
      text,
      bindings,
    };
    return {
      ...parts,
      identity,
      agent,
      effects,
      digest: this.#deps.digest({ ...parts, subject: identity.subject }),
    };
  }

  #tell(pending: PendingDecision, verdict: Verdict, operation: ActionOperation, exchange: number | null): void {
    const { approvalId } = pending;
    const { digest, protocol, tool, place, text, bindings } = operation;
    const { policyIds, policyHash, level, approvers } = verdict;
    this.#recorder.event('asked', {
      ...(exchange === null ? {} : { exchange }),
      approvalId,
      digest,
      policyIds,
      policyHash,
      level,
      ...(approvers && { approvers }),
    });
    this.#recorder.event('operation', { approvalId, protocol, tool, place, text, bindings }, 'unit');
  }
}

/** A decision that no policy made. */
export function ownDecision(policyHash: string, effect: 'allow' | 'deny', message: string | null): Decision {
  return {
    effect,
    verdict: {
      effect,
      policyIds: [],
      policyHash,
      reason: message ?? '',
      level: 'click',
      expiresSeconds: 600,
      grantable: false,
    },
    approvalId: null,
    grantId: null,
    observed: null,
    decidedBy: null,
    channel: effect === 'deny' ? 'gateway' : null,
    message,
  };
}
