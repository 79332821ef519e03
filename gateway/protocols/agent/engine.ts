import type { Decision } from '../../contract/decision.ts';
import { isCountersignError } from '../../contract/errors.ts';
import { Conversation, type Entry } from './conversation.ts';
import { changedFile, decideAction, decisionOf, denied, ownVerdict, summaryOf } from './decide.ts';
import {
  type AgentAction,
  type AgentContext,
  type AgentEvent,
  type HookAnswer,
  type HookCall,
  NOTHING,
} from './events.ts';
import { absolutePath } from './paths.ts';
import type { AgentDeps } from './ports.ts';
import { valueWithoutSecrets, withoutSecrets } from './secrets.ts';
import { describe, type Understood } from './understand.ts';
import { understandCall, understandPrompt } from './understand-call.ts';
import { understandFile } from './understand-file.ts';
import { understandPatch } from './understand-patch.ts';
import { understandShell } from './understand-shell.ts';
import { lookAfterwards } from './undo/keep-action.ts';

/** Decides on what agents do themselves, and records it: one session a conversation. */
export interface AgentEngine {
  /** Never rejects: what fails is denied where the event asks, and passes where it does not. */
  handle(event: AgentEvent, context: AgentContext, call: HookCall): Promise<HookAnswer>;
  /** Ends all conversations. */
  close(reason: string): Promise<void>;
}

const IDLE_MS = 30 * 60_000;
const SWEEP_MS = 60_000;
const MAX_CONVERSATIONS = 256;
/** Characters of what was said that the index finds; the recording has all of it. */
const MAX_TOLD = 8 * 1024;

/** An action between its events. */
interface Acting {
  entry: Entry | null;
  answer: Promise<HookAnswer>;
  understood: Promise<Understood>;
}
type Talk = Conversation<Acting>;

export function createAgentEngine(deps: AgentDeps): AgentEngine {
  const open = new Map<string, Talk>();
  const closing = new Set<Promise<void>>();
  let stopped = false;
  let stopSweep = deps.schedule(SWEEP_MS, tidy);

  function tidy(): void {
    const now = deps.clock.now();
    for (const [key, talk] of open) {
      if (now - talk.lastSeen > IDLE_MS && talk.waiting === 0)
        end(key, talk, 'nothing was heard of it for half an hour');
    }
    stopSweep = deps.schedule(SWEEP_MS, tidy);
  }

  function end(key: string, talk: Talk, reason: string): void {
    if (open.get(key) === talk) open.delete(key);
    const done = talk.close(reason);
    closing.add(done);
    void done.finally(() => closing.delete(done));
  }

  /** Throws what opening a recording throws. */
  function talkOf(context: AgentContext, pid: number | null): Talk {
    const key = keyOf(context);
    let talk = open.get(key);
    if (!talk) {
      if (open.size >= MAX_CONVERSATIONS) {
        const [oldest] = [...open].sort(([, a], [, b]) => a.lastSeen - b.lastSeen);
        if (oldest) end(...oldest, 'too many conversations were open');
      }
      const opened: Talk = new Conversation(deps, context, pid, (reason) => end(key, opened, reason));
      talk = opened;
      open.set(key, talk);
    }
    talk.lastSeen = deps.clock.now();
    return talk;
  }

  async function handle(event: AgentEvent, context: AgentContext, call: HookCall): Promise<HookAnswer> {
    const talk = talkOf(context, call.pid);
    switch (event.type) {
      case 'ask':
        return asked(talk, event, context, call);
      case 'prompt':
        return said(talk, 'Prompt', event.text, event.attachments, context, call);
      case 'subagent':
        return said(talk, 'Subagent', `${event.name}: ${event.task}`, [], context, call);
      case 'done':
        await ended(talk, event, context, call);
        return NOTHING;
      case 'session-start':
        return NOTHING;
      case 'session-end':
        tell(talk, 'SessionEnd', event.reason);
        end(keyOf(context), talk, 'the conversation ended');
        return NOTHING;
      case 'thought':
        tell(talk, 'Thought', event.text);
        return NOTHING;
      case 'answer':
        tell(talk, 'Answer', event.text);
        return NOTHING;
      case 'note':
        tell(talk, event.name, event.detail);
        return NOTHING;
    }
  }

  async function asked(
    talk: Talk,
    { phase, id, action: given }: Extract<AgentEvent, { type: 'ask' }>,
    context: AgentContext,
    call: HookCall,
  ): Promise<HookAnswer> {
    const action = absolute(given, context, call.home);
    const known = talk.pairing.find(phase, id, action);
    if (known) {
      const before = await again(known.value, call);
      // Whose tool it is, and what is in a file, may be known only now, and be a question of its own.
      if (!(await isNew(known.value, before, action, context, call))) return before;
    }
    const understood = understand(action, context, call);
    // A failure is told by the answer.
    understood.catch(() => {});
    const acting: Acting = { entry: null, understood, answer: Promise.resolve(NOTHING) };
    // Before anything is waited for: what comes meanwhile has to find it.
    const paired = talk.pairing.add(phase, id, action, acting);
    acting.answer = talk.during(
      decideAction(deps, {
        conversation: talk,
        label: action.tool,
        understood,
        call,
        rewrite: (decision, { operation }) =>
          action.kind === 'shell' && phase === 'first' && operation.place !== '' && mayRewrite(context, decision)
            ? deps.inTerminal({
                text: action.command,
                cwd: operation.place,
                bindings: operation.bindings,
                decision,
                sessionId: talk.session.id,
                conversationId: talk.session.conversationId,
              })
            : null,
        final: false,
        began: (entry) => {
          acting.entry = entry;
        },
      }),
    );
    const answer = await acting.answer;
    if (answer.permission === 'deny') talk.pairing.forget(paired);
    paired.rewritten = answer.command;
    return answer;
  }

  function understand(action: AgentAction, context: AgentContext, call: HookCall): Promise<Understood> {
    const around = { understanding: deps.understanding, context, call };
    switch (action.kind) {
      case 'shell':
        return understandShell(action, around);
      case 'read':
      case 'write':
      case 'delete':
        return understandFile(action, around);
      case 'patch':
        return understandPatch(action, around);
      case 'call':
        return understandCall(action, around);
    }
  }

  async function isNew(
    { entry, understood }: Acting,
    { permission }: HookAnswer,
    action: AgentAction,
    context: AgentContext,
    call: HookCall,
  ): Promise<boolean> {
    if (permission !== 'allow') return false;
    if (action.kind === 'call' && action.server !== null && (await understood).elsewhere === 'any')
      return (await understand(action, context, call)).elsewhere !== 'named';
    if (action.kind !== 'read' || action.content === null) return false;
    const { text, kinds } = withoutSecrets(action.content);
    entry?.down({ content: text });
    return kinds.length > 0 && entry?.asked !== true;
  }

  /** A later event of an action: answered as the first was, unless a file that it names is another by now. */
  async function again({ answer, understood }: Acting, call: HookCall): Promise<HookAnswer> {
    const given = await answer;
    if (given.permission !== 'allow') return given;
    const changed = await changedFile(await understood, call);
    return changed === null ? given : denied(`Countersign denied it: ${changed}`);
  }

  function said(
    talk: Talk,
    tool: string,
    text: string,
    attachments: readonly string[],
    context: AgentContext,
    call: HookCall,
  ): Promise<HookAnswer> {
    const around = { understanding: deps.understanding, context, call };
    return talk.during(
      decideAction(deps, {
        conversation: talk,
        label: tool,
        understood: Promise.resolve(understandPrompt(tool, text, attachments, around)),
        call,
        rewrite: () => null,
        final: true,
        began: () => {},
      }),
    );
  }

  async function ended(
    talk: Talk,
    { id, action: given, outcome, final }: Extract<AgentEvent, { type: 'done' }>,
    context: AgentContext,
    call: HookCall,
  ): Promise<void> {
    const action = absolute(given, context, call.home);
    const paired = talk.pairing.ended(id, action);
    const acted = paired?.value.entry ?? null;
    told(talk, paired, action, { outcome, final });
    if (acted !== null) await lookAfterwards(deps, { sessionId: talk.session.id, exchange: acted.exchange }, call);
  }

  function told(
    talk: Talk,
    paired: ReturnType<Talk['pairing']['ended']>,
    action: AgentAction,
    { outcome, final }: Pick<Extract<AgentEvent, { type: 'done' }>, 'outcome' | 'final'>,
  ): void {
    const clean = (text: string | null) => (text === null ? null : withoutSecrets(text).text);
    const { ok, durationMs } = outcome;
    const line = {
      outcome: ok ? 'ok' : 'failed',
      output: clean(outcome.output),
      error: clean(outcome.error),
      durationMs,
    };
    const entry = paired?.value.entry ?? null;
    // Of an action that was told of twice, two ends are told too.
    if (paired && (final || paired.done || !paired.first)) talk.pairing.forget(paired);
    if (paired && entry !== null && !entry.over) {
      if (!paired.done || line.output !== '') entry.down(line);
      if (final || paired.done || !paired.first) entry.finished(ok ? null : 'FAILED');
      paired.done = true;
      return;
    }
    if (paired?.done) return;
    if (paired) paired.done = true;
    // It was never asked about, or it took so long that its exchange has ended.
    const own = talk.begin({
      event: paired ? 'outcome' : 'not-asked',
      tool: action.tool,
      ...(entry === null ? { action: valueWithoutSecrets(action, new Set()) } : { of: entry.exchange }),
    });
    own.down(line);
    const what = clean(describe(action).slice(0, MAX_TOLD)) ?? '';
    record(own, `${action.tool} result`, paired ? what : `Countersign was not asked: ${what}`, ok ? null : 'FAILED');
  }

  /** Said, not done: there is nothing to decide. */
  function tell(talk: Talk, name: string, text: string): void {
    const cleaned = withoutSecrets(text).text;
    record(talk.begin({ event: name, text: cleaned }), name, cleaned.slice(0, MAX_TOLD), null);
  }

  function record(entry: Entry, op: string, text: string, error: string | null): void {
    const decision = decisionOf('allow', ownVerdict(deps.pipeline.policyHash, 'allow', ''));
    entry.decided({ ...summaryOf(op, 'session', text, decision), error }, true);
  }

  return {
    async handle(event, context, call) {
      try {
        if (stopped) throw new Error('the gateway stops');
        return await handle(event, context, call);
      } catch (error) {
        if (!isCountersignError(error)) deps.log.error({ err: error }, 'an event of an agent could not be handled');
        if (event.type !== 'ask' && event.type !== 'prompt' && event.type !== 'subagent') return NOTHING;
        const why = isCountersignError(error)
          ? error.message
          : 'it could not be decided on; the log of the gateway says why';
        return denied(`Countersign denied it: ${why}`);
      }
    },
    async close(reason) {
      stopped = true;
      stopSweep();
      for (const [key, talk] of [...open]) end(key, talk, reason);
      await Promise.all(closing);
    },
  };
}

function mayRewrite({ rewrites }: AgentContext, { approvalId }: Decision): boolean {
  return rewrites === 'any' || (rewrites === 'approved' && approvalId !== null);
}

/** One file has one name in all events of an action. */
function absolute(action: AgentAction, context: AgentContext, home: string): AgentAction {
  if (action.kind === 'shell' || action.kind === 'call' || action.kind === 'patch') return action;
  return { ...action, path: absolutePath(action.path, context, home) ?? action.path };
}

const keyOf = ({ agent, conversationId }: AgentContext): string => `${agent}\n${conversationId}`;
