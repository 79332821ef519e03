import type { Session } from '../../contract/session.ts';
import { begunSession } from '../../pipeline/begun-session.ts';
import type { RecorderSessionInfo, SessionRecorder, StatementSummary } from '../../pipeline/ports.ts';
import type { AgentContext } from './events.ts';
import { Withholding } from './keeping.ts';
import { Pairing } from './pairing.ts';
import type { AgentDeps } from './ports.ts';
import { withoutSecrets } from './secrets.ts';

/** One action in the recording: its exchange stays open until its outcome is told. */
export interface Entry {
  readonly exchange: number;
  /** A line of what the agent is told or gives back. */
  down(line: Record<string, unknown>): void;
  /** It was decided; `final` when nothing more will be told of it. */
  decided(summary: StatementSummary, final: boolean): void;
  /** Its outcome was told. @param error a code, or null. */
  finished(error: string | null): void;
  /** Its exchange is over: what is told now belongs to another. */
  readonly over: boolean;
  /** A person was asked about it. */
  readonly asked: boolean;
}

/** An outcome that keeps the exchanges behind it waiting for longer gets an exchange of its own. */
const GRACE_MS = 2_000;
const STATS_MS = 1_000;
const LAST_ANSWERS_MS = 2_000;
const encoder = new TextEncoder();

interface Queued {
  exchange: number;
  summary: StatementSummary | null;
  finished: boolean;
  over: boolean;
}

/** A conversation of an agent: one session, one recording. Calls throw once the recording does not work. */
export class Conversation<T> {
  readonly session: Session;
  readonly pairing = new Pairing<T>();
  /** Milliseconds since the epoch. */
  lastSeen: number;
  readonly #deps: AgentDeps;
  readonly #recorder: SessionRecorder;
  readonly #withholding: Withholding;
  #next = 0;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #ended = new AbortController();
  /** Exchanges end in their order, since readers of recordings go by it. */
  #queue: Queued[] = [];
  #grace: (() => void) | null = null;
  #stats: (() => void) | null = null;
  #closed: Promise<void> | null = null;
  #over = false;

  constructor(deps: AgentDeps, context: AgentContext, pid: number | null, kill: (reason: string) => void) {
    this.#deps = deps;
    this.lastSeen = deps.clock.now();
    const { session, recorder, openLocal } = openSession(deps, context, pid);
    this.session = session;
    this.#recorder = recorder;
    this.#withholding = new Withholding(session.id, () => deps.keeping(), openLocal);
    deps.live.opened(this.session, kill);
  }

  get closed(): boolean {
    return this.#over;
  }

  /** Decisions that are being made. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Counts a decision, and is waited for when the conversation ends. */
  during<R>(decision: Promise<R>): Promise<R> {
    this.#pending.add(decision);
    const over = () => this.#pending.delete(decision);
    decision.then(over, over);
    return decision;
  }

  /** Throws what the recorder throws: then nothing may be let through. */
  begin(line: Record<string, unknown>): Entry {
    const queued: Queued = { exchange: this.#next++, summary: null, finished: false, over: false };
    const withholding = this.#withholding;
    const { line: kept, keeping } = withholding.begin(queued.exchange, line);
    const bytes = encodeLine(kept);
    this.#recorder.request(queued.exchange, bytes);
    this.session.bytesUp += bytes.length;
    this.#queue.push(queued);
    const self = this;
    return {
      exchange: queued.exchange,
      down: (told) => {
        if (!queued.over) self.#down(queued, withholding.down(keeping, told));
      },
      decided(summary, final) {
        queued.summary = withholding.summary(keeping, summary);
        if (final) queued.finished = true;
        self.#count(summary);
        self.#advance();
      },
      finished(error) {
        if (queued.over) return;
        if (queued.summary !== null && error !== null) {
          queued.summary = { ...queued.summary, error };
          self.session.errors++;
        }
        queued.finished = true;
        self.#advance();
      },
      get over() {
        return queued.over;
      },
      get asked() {
        return queued.summary !== null && queued.summary.decision.approvalId !== null;
      },
    };
  }

  /** Asked and decided, as any protocol records them. */
  event(type: string, detail: Record<string, unknown>, how?: 'unit'): void {
    if (!this.#withholding.hides(type, detail)) this.#recorder.event(type, detail, how);
  }

  durable(): Promise<void> {
    return this.#recorder.durable();
  }

  /** Aborted when it ends: then nobody waits for a person any more. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  close(reason: string): Promise<void> {
    this.#closed ??= this.#close(reason);
    return this.#closed;
  }

  async #close(reason: string): Promise<void> {
    const { session } = this;
    this.#ended.abort();
    if (this.#pending.size > 0) {
      // What was withdrawn is still recorded.
      let stop = () => {};
      const late = new Promise<void>((resolve) => {
        stop = this.#deps.schedule(LAST_ANSWERS_MS, resolve);
      });
      await Promise.race([Promise.allSettled(this.#pending), late]);
      stop();
    }
    this.#over = true;
    this.#grace?.();
    this.#stats?.();
    const { approvals, live, clock, log } = this.#deps;
    approvals.sessionClosed(session.id);
    session.closedAt = new Date(clock.now()).toISOString();
    session.state = 'closed';
    try {
      for (const one of this.#queue) this.#end(one);
      this.#queue = [];
      const withheld = await this.#withholding.close(reason);
      await this.#recorder.close(reason);
      for (const one of withheld) this.#deps.withheld({ sid: session.id, ...one });
    } catch (error) {
      log.error({ err: error, session: session.id }, 'a recording could not be closed');
    } finally {
      live.closed(session);
    }
  }

  #down(queued: Queued, line: Record<string, unknown>): void {
    const bytes = encodeLine(line);
    this.#recorder.response(queued.exchange, bytes);
    this.session.bytesDown += bytes.length;
  }

  #count({ decision }: StatementSummary): void {
    const { session } = this;
    session.statements++;
    if (decision.effect === 'deny') {
      session.denied++;
      session.errors++;
    }
    if (decision.approvalId !== null && decision.channel !== 'grant') session.asked++;
    this.#stats ??= this.#deps.schedule(STATS_MS, () => {
      this.#stats = null;
      if (!this.closed) this.#deps.live.changed(session);
    });
  }

  /** Ends what can be ended, oldest first; what is decided and only lacks its outcome holds others up for a moment. */
  #advance(): void {
    if (this.closed) return;
    while (this.#queue[0]?.finished) this.#end(this.#queue.shift()!);
    const [first] = this.#queue;
    const waited = this.#queue.some((one) => one.finished);
    if (!first || first.summary === null || !waited) return;
    this.#grace ??= this.#deps.schedule(GRACE_MS, () => {
      this.#grace = null;
      if (this.closed || this.#queue[0] !== first) return this.#advance();
      first.finished = true;
      this.#advance();
    });
  }

  #end(one: Queued): void {
    if (one.over) return;
    one.over = true;
    if (one.summary !== null) this.#recorder.statement(one.exchange, one.summary);
    this.#recorder.end(one.exchange);
    this.#withholding.ended(one.exchange);
  }
}

const encodeLine = (line: Record<string, unknown>) => encoder.encode(`${JSON.stringify(line)}\n`);

function openSession(
  deps: AgentDeps,
  context: AgentContext,
  pid: number | null,
): { session: Session; recorder: SessionRecorder; openLocal: () => SessionRecorder } {
  const clean = (text: string, most: number) => withoutSecrets(text).text.slice(0, most);
  const session = begunSession(
    {
      id: deps.newSessionId(),
      connectionId: context.agent,
      protocol: 'agent',
      database: clean(context.workspaces[0] ?? '', 256),
      role: '',
      applicationName: clean(context.version === '' ? context.agent : `${context.agent} ${context.version}`, 256),
      identity: deps.identity(),
      agent: { pid, name: context.agent, parents: [] },
      conversationId: context.conversationId === '' ? null : context.conversationId,
      mode: 'enforce',
    },
    deps.clock.now(),
  );
  const info: RecorderSessionInfo = {
    id: session.id,
    openedAt: session.openedAt,
    identity: session.identity,
    agent: session.agent,
    connection: { id: context.agent, kind: 'agent', host: '', port: 0, mode: 'enforce', masking: 'off' },
    database: session.database,
    user: '',
    applicationName: session.applicationName,
    conversationId: session.conversationId,
    policyHash: deps.pipeline.policyHash,
    protection: deps.protection,
  };
  const openLocal = () =>
    deps.recorder.open({
      ...info,
      id: deps.newSessionId(),
      openedAt: new Date(deps.clock.now()).toISOString(),
      connection: { ...info.connection, sync: 'local' },
    });
  return { session, recorder: deps.recorder.open(info), openLocal };
}
