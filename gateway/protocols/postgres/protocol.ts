import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Connection } from '../../contract/connection.ts';
import type { AgentProcess, Identity } from '../../contract/identity.ts';
import type { StatementDigestInput } from '../../contract/operation-digest.ts';
import type { Session } from '../../contract/session.ts';
import { begunSession } from '../../pipeline/begun-session.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type {
  Approvals,
  Clock,
  Connections,
  CredentialCheck,
  LiveSessions,
  Recorder,
  SessionRecorder,
  Tokens,
  Vault,
} from '../../pipeline/ports.ts';
import type { ParseOutcome } from './classifier/parser.ts';
import type { Classifier, Masking } from './ports.ts';
import { createLook } from './preview/look.ts';
import { CancelRegistry } from './relay/cancel-registry.ts';
import { type DatabaseInspector, Databases } from './relay/databases.ts';
import { Relay } from './relay/relay.ts';
import { SocketPair } from './relay/sockets.ts';
import { writeGreeting, writeOpeningFailure } from './wire/answers.ts';
import { type AcceptedSession, createPostgresListener, type PostgresListenerOptions } from './wire/listener.ts';
import { connectUpstream, sendCancel, type Upstream } from './wire/upstream.ts';

/** What the PostgreSQL protocol takes from the composition root. */
export interface PostgresDeps {
  connections: Connections;
  tokens: Tokens;
  /** What a client sent as its password: a token, or what else lets somebody in. Never rejects. */
  credential(sent: string, connectionId: string): CredentialCheck | Promise<CredentialCheck>;
  vault: Vault;
  pipeline: Pipeline;
  approvals: Approvals;
  classifier: Classifier & { parse(text: string): ParseOutcome };
  recorder: Recorder;
  live: LiveSessions;
  clock: Clock;
  newSessionId(): string;
  digest(input: StatementDigestInput): string;
  masking(connection: Connection, identity: Identity, scope: MaskingScope): Masking;
  inspect(connection: Connection, database: string): DatabaseInspector;
  clientProcess(remote: { address: string; port: number }, localPort: number): Promise<AgentProcess>;
  /** SCRAM salt and iterations for any connection name; the same ones each time. */
  scramDefaults(connectionId: string): { salt: Uint8Array; iterations: number };
  protection: 'protected' | 'unprotected';
  /** A client that had no session yet was turned away. */
  refused(reason: string): void;
  /** See RelayDeps. */
  heldBecause(sessionId: string): string | null;
  log: { info(detail: object, message: string): void; error(detail: object, message: string): void };
}

/** What tokens of masked values are good for, beside the connection and the person. */
export interface MaskingScope {
  database: string;
  /** The agent's conversation, or its session where it has none. */
  conversation: string;
}

export interface PostgresProtocol {
  address: { host: string; port: number };
  close(reason: string): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 30_000;
const TOUCH_MS = 30_000;
const STATS_MS = 1_000;

/** Listens for PostgreSQL clients on `listen` and serves each a session of its own. */
export async function startPostgres(
  deps: PostgresDeps,
  listen: Pick<PostgresListenerOptions, 'host' | 'port' | 'tls' | 'keepAliveMs'>,
): Promise<PostgresProtocol> {
  const databases = new Databases(deps.inspect, () => deps.clock.now());
  const cancels = new CancelRegistry(
    (count) => randomBytes(count),
    (a, b) => timingSafeEqual(a, b),
  );
  const open = new Map<string, OpenSession>();

  const listener = await createPostgresListener({
    ...listen,
    verifyToken: (token, connectionId) => deps.credential(token, connectionId),
    scramKeys: (connectionId) => {
      const candidates = deps.tokens.scramCandidates(connectionId);
      const first = candidates[0];
      const { salt, iterations } = first ?? deps.scramDefaults(connectionId);
      return { salt, iterations, candidates };
    },
    findConnection: (id) => deps.connections.get(id),
    onCancel: (pid, secret) => cancels.cancel(pid, secret),
    onRefused: (reason, remoteAddress) => {
      deps.log.info({ reason, remoteAddress }, 'refused a client');
      deps.refused(reason);
    },
    onSession: (accepted) => {
      serve(accepted).catch((error: unknown) => {
        deps.log.error({ err: error }, 'a session could not be opened');
        accepted.socket.destroy();
      });
    },
  });

  async function serve(accepted: AcceptedSession): Promise<void> {
    const { socket, startup, agentSession } = accepted;
    const gone = new AbortController();
    socket.on('error', () => gone.abort());
    socket.on('close', () => gone.abort());
    let opened: { upstream: Upstream; connection: Connection } | null = null;
    try {
      const connection = deps.connections.get(startup.connectionId);
      if (!connection) throw new Error('the connection was removed while its client connected');
      const [agent, secret, database] = await Promise.all([
        deps.clientProcess({ address: accepted.remoteAddress, port: accepted.remotePort }, listener.address.port),
        deps.vault.read(connection.id),
        databases.open(connection, startup.database),
      ]);
      const upstream = await connectUpstream({
        connection,
        database: startup.database,
        parameters: startup.parameters,
        protocolMinor: startup.protocolMinor,
        secret,
        signal: gone.signal,
        timeoutMs: CONNECT_TIMEOUT_MS,
      });
      opened = { upstream, connection };
      const session = newSession(deps, connection, accepted, agent);
      const recorder = deps.recorder.open({
        id: session.id,
        openedAt: session.openedAt,
        identity: session.identity,
        agent,
        connection: {
          id: connection.id,
          kind: connection.kind,
          host: connection.host,
          port: connection.port,
          mode: connection.mode,
          masking: connection.masking,
          sync: connection.sync,
        },
        database: session.database,
        user: session.role,
        applicationName: session.applicationName,
        conversationId: session.conversationId,
        policyHash: deps.pipeline.policyHash,
        protection: deps.protection,
      });
      const running = new OpenSession(deps, accepted, upstream, connection, session, recorder, cancels, secret, {
        database,
        onClosed: () => open.delete(session.id),
      });
      open.set(session.id, running);
      running.start();
    } catch (error) {
      opened?.upstream.socket.destroy();
      deps.log.info(
        { reason: error instanceof Error ? error.message : String(error), agentSession: agentSession.id },
        'no session',
      );
      socket.end(writeOpeningFailure(error));
      setTimeout(() => socket.destroy(), 2_000).unref();
    }
  }

  return {
    address: listener.address,
    async close(reason) {
      await listener.close();
      const all = [...open.values()];
      for (const session of all) session.end(reason);
      await Promise.all(all.map((session) => session.done));
      await databases.close();
    },
  };
}

function newSession(
  deps: PostgresDeps,
  connection: Connection,
  { startup, agentSession }: AcceptedSession,
  agent: AgentProcess,
): Session {
  return begunSession(
    {
      id: deps.newSessionId(),
      connectionId: connection.id,
      protocol: 'postgres',
      database: startup.database,
      role: connection.user,
      applicationName: (startup.parameters.get('application_name') ?? '').slice(0, 256),
      identity: agentSession.identity,
      agent,
      conversationId: agentSession.conversationId,
      mode: connection.mode,
    },
    deps.clock.now(),
  );
}

function scopeOf({ database, conversationId }: Session, agentSessionId: string): MaskingScope {
  return {
    database,
    conversation: conversationId === null ? `session ${agentSessionId}` : `conversation ${conversationId}`,
  };
}

/** One session with its sockets, recording and timers; ends once, from whichever side. */
class OpenSession {
  readonly #deps: PostgresDeps;
  readonly #relay: Relay;
  readonly #pair: SocketPair;
  readonly #accepted: AcceptedSession;
  readonly #upstream: Upstream;
  readonly #session: Session;
  readonly #recorder: SessionRecorder;
  readonly #release: (() => void)[] = [];
  readonly #cancels: CancelRegistry;
  readonly #cancelUpstream: () => Promise<void>;
  readonly #onClosed: () => void;
  readonly done: Promise<void>;
  #finished: () => void = () => {};

  constructor(
    deps: PostgresDeps,
    accepted: AcceptedSession,
    upstream: Upstream,
    connection: Connection,
    session: Session,
    recorder: SessionRecorder,
    cancels: CancelRegistry,
    secret: string | null,
    more: { database: Awaited<ReturnType<Databases['open']>>; onClosed: () => void },
  ) {
    this.#deps = deps;
    this.#accepted = accepted;
    this.#upstream = upstream;
    this.#session = session;
    this.#recorder = recorder;
    this.#cancels = cancels;
    this.#onClosed = more.onClosed;
    this.done = new Promise((resolve) => {
      this.#finished = resolve;
    });
    this.#cancelUpstream = async () => {
      const key = upstream.backendKey;
      if (!key) return;
      await sendCancel(connection, key, { secret }).catch((error: unknown) =>
        deps.log.info({ reason: String(error), session: session.id }, 'the server did not take a cancellation'),
      );
    };
    this.#pair = new SocketPair(accepted.socket, upstream.socket, recorder, (reason) => this.#closed(reason));
    this.#relay = new Relay({
      session,
      connection,
      io: this.#pair,
      recorder,
      pipeline: deps.pipeline,
      classifier: deps.classifier,
      masking:
        connection.masking === 'on'
          ? deps.masking(connection, session.identity, scopeOf(session, accepted.agentSession.id))
          : null,
      database: more.database,
      digest: deps.digest,
      monotonic: () => performance.now(),
      unexpected: (error) =>
        deps.log.error({ err: error, session: session.id }, 'a session ended by a mistake of ours'),
      parameters: upstream.parameters,
      heldBecause: () => deps.heldBecause(session.id),
      cancelServer: this.#cancelUpstream,
      look: createLook({
        parse: (sql) => deps.classifier.parse(sql),
        limits: connection.preview,
        now: () => deps.clock.now(),
        newName: () => `countersign ${randomBytes(12).toString('hex')}`,
        unexpected: (error) => deps.log.error({ err: error, session: session.id }, 'a preview failed'),
      }),
    });
  }

  start(): void {
    const { agentSession, startup, socket, leftover } = this.#accepted;
    const { tokens, live } = this.#deps;
    const upstream = this.#upstream;
    const session = this.#session;
    const key = this.#cancels.add(startup.protocolMinor, upstream.backendKey?.pid ?? null, () => {
      this.#recorder.event('cancel-requested', {});
      if (!this.#relay.cancel()) void this.#cancelUpstream();
    });
    this.#release.push(() => this.#cancels.remove(key));
    this.#release.push(
      tokens.onEnded(agentSession.id, (reason) => this.end(`the token of this session has ended (${reason})`)),
    );
    tokens.touch(agentSession.id);
    const touch = setInterval(() => tokens.touch(agentSession.id), TOUCH_MS);
    this.#release.push(() => clearInterval(touch));
    let told = '';
    const stats = setInterval(() => {
      const now = `${session.statements} ${session.bytesDown} ${session.bytesUp} ${session.denied} ${session.asked}`;
      if (now === told) return;
      told = now;
      live.changed(session);
    }, STATS_MS);
    this.#release.push(() => clearInterval(stats));
    live.opened(session, (reason) => this.end(reason));
    socket.write(
      writeGreeting({
        parameters: upstream.parameters,
        key,
        notices: upstream.notices,
        transactionStatus: upstream.transactionStatus,
      }),
    );
    this.#pair.start(this.#relay, leftover, upstream.leftover);
  }

  end(reason: string): void {
    this.#relay.end(reason);
  }

  #closed(reason: string): void {
    for (const release of this.#release) release();
    this.#release.length = 0;
    const { approvals, live, clock, log } = this.#deps;
    const session = this.#session;
    approvals.sessionClosed(session.id);
    session.closedAt = new Date(clock.now()).toISOString();
    session.state = 'closed';
    this.#recorder
      .close(reason)
      .catch((error: unknown) => log.error({ err: error, session: session.id }, 'a recording could not be closed'))
      .finally(() => {
        live.closed(session);
        this.#onClosed();
        this.#finished();
      });
  }
}
