import { type ApprovedCommand, commandDigest } from '../../approvals/approved-commands.ts';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import type { Session } from '../../contract/session.ts';
import { begunSession } from '../../pipeline/begun-session.ts';
import type { SessionRecorder } from '../../pipeline/ports.ts';
import { CONNECTION, ERRORS_EXCHANGE, EVENT, MAIN_EXCHANGE } from './about.ts';
import type { CommandEffects } from './classifier/index.ts';
import { understood } from './command.ts';
import { type Decided, decideCommand, refused } from './decide.ts';
import { classifyWithFiles, type KnownFiles } from './files.ts';
import { encodeAck, FRAME, type Frame, WINDOW } from './frames.ts';
import { type Link, parseMessage } from './link.ts';
import { Ended, Hello, Note, Resize, type Start, Started } from './messages.ts';
import type { MintedAccess, TerminalDeps } from './ports.ts';

const ANSWER_MS = 10_000;
/** Reading scripts and large programs. */
const FILES_MS = 60_000;
const STATS_MS = 1_000;
/** After "stop", until the line is cut. */
const STOP_MS = 5_000;
/** Bytes of output after which it is said that they are recorded. */
const OWED = WINDOW / 4;
/** Bytes of all sessions that are not sealed yet, above which no terminal goes on. */
const BACKLOG_LIMIT = 16 * 1024 * 1024;

/** One command in a terminal, from what it asks to its end. Never rejects. */
export async function serveTerminal(deps: TerminalDeps, link: Link): Promise<void> {
  try {
    const hello = await link.message(FRAME.hello, Hello, ANSWER_MS);
    for (const id of hello.connections) {
      if (!deps.hasConnection(id)) throw new CountersignError('CONNECTION_UNKNOWN', `There is no connection ${id}.`);
    }
    const { command, files } = await classifyWithFiles(deps.classifier, link, hello, FILES_MS);
    await new TerminalSession(deps, link, hello).run(command, files);
  } catch (error) {
    if (!isCountersignError(error)) deps.log.error({ err: error }, 'a terminal made a mistake');
    const sentence = isCountersignError(error) ? error.message : 'An unexpected error; the gateway’s log has more.';
    link.end({ type: FRAME.denied, message: { sentence } });
  }
}

class TerminalSession {
  readonly #deps: TerminalDeps;
  readonly #link: Link;
  readonly #hello: Hello;
  readonly #session: Session;
  readonly #recorder: SessionRecorder;
  readonly #approved: ApprovedCommand | null;
  #access: MintedAccess[] = [];
  #counts: [input: number, output: number, errors: number] = [0, 0, 0];
  #acknowledged: [input: number, output: number, errors: number] = [0, 0, 0];
  #ended: Ended | null = null;
  #stopped: string | null = null;

  constructor(deps: TerminalDeps, link: Link, hello: Hello) {
    this.#deps = deps;
    this.#link = link;
    this.#hello = hello;
    const id = deps.newSessionId();
    const approved =
      hello.approved === null
        ? null
        : deps.approved.take(hello.approved, commandDigest({ text: hello.text, cwd: hello.cwd }));
    this.#approved = approved;
    const inherited = hello.parent === null ? null : deps.conversationOf(hello.parent);
    const begun = begunSession(
      {
        id,
        connectionId: CONNECTION,
        protocol: 'terminal',
        database: hello.cwd,
        role: '',
        applicationName: hello.kind,
        identity: deps.identity(),
        agent: deps.clientProcess(hello.pid),
        // What a terminal opens belongs to its conversation, so it always has one.
        conversationId: approved?.conversationId ?? inherited ?? id,
        mode: 'enforce',
      },
      deps.clock.now(),
    );
    // The command is all that it runs.
    this.#session = { ...begun, statements: 1 };
    const session = this.#session;
    this.#recorder = deps.recorder.open({
      id,
      openedAt: session.openedAt,
      identity: session.identity,
      agent: session.agent,
      connection: { id: CONNECTION, kind: 'terminal', host: '', port: 0, mode: 'enforce', masking: 'off' },
      database: session.database,
      user: '',
      applicationName: session.applicationName,
      conversationId: session.conversationId,
      policyHash: deps.pipeline.policyHash,
      protection: deps.protection,
    });
  }

  async run(command: CommandEffects, files: KnownFiles): Promise<void> {
    const { live } = this.#deps;
    live.opened(this.#session, (reason) => this.#stop(reason));
    let reason = 'the command ended';
    try {
      reason = await this.#walk(command, files);
    } catch (error) {
      if (!isCountersignError(error)) this.#deps.log.error({ err: error }, 'a terminal made a mistake');
      reason = isCountersignError(error) ? error.message : 'an unexpected error';
      this.#stop(reason);
    } finally {
      await this.#close(reason);
    }
  }

  /** @returns why the session is over. */
  async #walk(command: CommandEffects, files: KnownFiles): Promise<string> {
    const deps = this.#deps;
    const hello = this.#hello;
    const recorder = this.#recorder;
    const link = this.#link;
    const asWanted = { ...hello, environment: environmentOf(hello, deps.environment()) };
    const known = understood(asWanted, command, deps.withoutSecrets(hello.text), files, deps.keyed);
    recorder.request(MAIN_EXCHANGE, new Uint8Array(0));
    recorder.event(
      EVENT.command,
      {
        text: known.text,
        cwd: hello.cwd,
        workspace: hello.workspace,
        terminal: hello.terminal,
        environment: asWanted.environment,
        connections: hello.connections,
        class: known.effects.class,
        flags: known.effects.flags,
        words: known.effects.words,
        secrets: known.secrets,
      },
      'unit',
    );
    const decided = await this.#decide(known);
    const finish = (problem: string | null) => {
      const { decision, digest, heldMs } = decided;
      recorder.statement(MAIN_EXCHANGE, {
        fingerprint: known.effects.fingerprint,
        class: known.effects.class,
        op: hello.kind,
        decision,
        own: true,
        text: known.text,
        digest,
        rows: 0,
        error: problem,
        heldMs,
        masked: null,
        objects: [],
        flags: known.effects.flags,
      });
      recorder.end(MAIN_EXCHANGE);
      if (this.#counts[2] > 0) recorder.end(ERRORS_EXCHANGE);
      if (problem !== null) this.#session.errors = 1;
    };
    if (decided.decision.approvalId !== null) this.#session.asked = 1;
    if (decided.decision.effect === 'deny') {
      this.#session.denied = 1;
      finish('denied');
      link.end({
        type: FRAME.denied,
        message: { sentence: decided.decision.message ?? decided.decision.verdict.reason },
      });
      return 'the command was denied';
    }
    let problem: string | null = 'not started';
    try {
      this.#letIn(asWanted);
      if (known.effects.class !== 'read' || decided.decision.emergency !== undefined) await recorder.durable();
      link.send(FRAME.start, this.#startMessage(asWanted, files));
      if (files.size > 0) assertUnchanged(files, await link.message(FRAME.started, Started, FILES_MS));
      recorder.event(EVENT.started, {
        environment: asWanted.environment,
        connections: this.#access.map(({ agentSessionId }, i) => ({ id: hello.connections[i], agentSessionId })),
      });
      // Nothing runs before this is said.
      this.#acknowledge();
      problem = 'cut off';
      await this.#follow();
      problem = this.#ended === null ? 'cut off' : this.#ended.code === 0 ? null : `exit ${this.#ended.code}`;
    } finally {
      finish(problem);
    }
    if (this.#ended === null) return this.#stopped ?? 'the command line went away';
    link.end({ type: FRAME.done, message: {} });
    return this.#stopped ?? 'the command ended';
  }

  async #decide(known: ReturnType<typeof understood>): Promise<Decided> {
    const approved = this.#approved;
    const decided = () =>
      decideCommand(this.#deps, this.#link, this.#recorder, {
        sessionId: this.#session.id,
        identity: this.#session.identity,
        agent: this.#session.agent,
        hello: this.#hello,
        understood: known,
      });
    if (approved === null) return decided();
    for (const { name, value } of approved.bindings) {
      const now = known.bindings.find((one) => one.name === name);
      // What a hook read and this did not is not compared; what both read has to be the same.
      if (now !== undefined && now.value !== value) {
        return {
          decision: refused(approved.decision.verdict, changed(name.replace(/^file:/, ''))),
          digest: null,
          heldMs: 0,
        };
      }
    }
    this.#recorder.event(EVENT.approvedBefore, {
      sessionId: approved.sessionId,
      approvalId: approved.decision.approvalId,
    });
    return { decision: approved.decision, digest: null, heldMs: 0 };
  }

  #letIn(hello: Hello): void {
    const { conversationId, id } = this.#session;
    for (const connection of hello.connections) {
      const purpose = `${hello.kind} in terminal ${id}`;
      this.#access.push(this.#deps.mint(connection, purpose, conversationId ?? id));
    }
  }

  #startMessage(hello: Hello, files: KnownFiles): Start {
    const { id, conversationId } = this.#session;
    const variables: Record<string, string> = {};
    // Where there are several, the plain names are the first one's; each has its own besides.
    for (const [i, access] of this.#access.entries()) {
      const prefix = (hello.connections[i] ?? '').toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
      for (const [name, value] of Object.entries(access.variables)) {
        variables[name] ??= value;
        variables[`${prefix}_${name}`] = value;
      }
    }
    return {
      sessionId: id,
      conversationId: conversationId ?? id,
      environment: hello.environment === 'clean' ? 'clean' : 'keep',
      variables,
      files: [...files].map(([path, sha256]) => ({ path, sha256 })),
    };
  }

  /** Records what comes until the command has ended or the line is cut. Rejects what the recorder throws. */
  async #follow(): Promise<void> {
    const { live } = this.#deps;
    const session = this.#session;
    let told = 0;
    const stats = setInterval(() => {
      const now = session.bytesUp + session.bytesDown;
      if (now !== told) live.changed(session);
      told = now;
    }, STATS_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        void this.#link.closed.then(resolve);
        this.#link.listen(async (frames) => {
          try {
            for (const frame of frames) this.#take(frame);
            if (this.#ended !== null) return resolve();
            if (this.#recorder.backlog > BACKLOG_LIMIT) await this.#recorder.drained();
            if (this.#isOwed()) this.#acknowledge();
          } catch (error) {
            reject(error);
          }
        });
      });
    } finally {
      clearInterval(stats);
    }
  }

  /** Input waits for the word that it is recorded; output goes on until its window is full, well before which it is said. */
  #isOwed(): boolean {
    const [input, output, errors] = this.#counts;
    const [heard, ...shown] = this.#acknowledged;
    return input > heard || output - shown[0] >= OWED || errors - shown[1] >= OWED;
  }

  #acknowledge(): void {
    this.#acknowledged = [...this.#counts];
    this.#link.write(encodeAck(this.#counts));
  }

  #take(frame: Frame): void {
    const { payload } = frame;
    if (this.#ended !== null) return;
    switch (frame.type) {
      case FRAME.input:
        this.#recorder.request(MAIN_EXCHANGE, payload);
        this.#counts[0] += payload.length;
        this.#session.bytesUp += payload.length;
        return;
      case FRAME.output:
        this.#recorder.response(MAIN_EXCHANGE, payload);
        this.#counts[1] += payload.length;
        this.#session.bytesDown += payload.length;
        return;
      case FRAME.errors:
        this.#recorder.response(ERRORS_EXCHANGE, payload);
        this.#counts[2] += payload.length;
        this.#session.bytesDown += payload.length;
        return;
      case FRAME.resize: {
        const { cols, rows } = parseMessage(frame, Resize);
        this.#recorder.event(EVENT.resize, { cols, rows });
        return;
      }
      case FRAME.note:
        this.#recorder.event(parseMessage(frame, Note).name, {});
        return;
      case FRAME.ended: {
        this.#ended = parseMessage(frame, Ended);
        this.#recorder.event(EVENT.ended, { ...this.#ended });
        return;
      }
      default:
        throw new CountersignError(
          'TERMINAL_PROTOCOL',
          `What the command line said was not understood: frame ${frame.type}.`,
        );
    }
  }

  #stop(reason: string): void {
    this.#stopped ??= reason;
    this.#link.send(FRAME.stop, { sentence: reason });
    const timer = setTimeout(() => this.#link.destroy(), STOP_MS);
    void this.#link.closed.then(() => clearTimeout(timer));
  }

  async #close(reason: string): Promise<void> {
    const { approvals, live, clock, revoke, log } = this.#deps;
    const session = this.#session;
    for (const { agentSessionId } of this.#access) revoke(agentSessionId);
    approvals.sessionClosed(session.id);
    session.closedAt = new Date(clock.now()).toISOString();
    session.state = 'closed';
    await this.#recorder
      .close(reason)
      .catch((error: unknown) => log.error({ err: error, session: session.id }, 'a recording could not be closed'));
    live.closed(session);
  }
}

/** Who asks may do without its credentials, and not get back what the team took. */
function environmentOf({ environment }: Hello, demanded: 'keep' | 'clean'): 'keep' | 'clean' {
  return demanded === 'clean' || environment === 'clean' ? 'clean' : 'keep';
}

const changed = (path: string) =>
  `${path} is not what it was when this command was approved, so it was not run; run it again to have it decided on anew`;

/** Throws TERMINAL_CHANGED. */
function assertUnchanged(files: KnownFiles, { files: now }: Started): void {
  const found = new Map(now.map(({ path, sha256 }) => [path, sha256]));
  for (const [path, sha256] of files) {
    if (found.get(path) !== sha256) throw new CountersignError('TERMINAL_CHANGED', changed(path));
  }
}
