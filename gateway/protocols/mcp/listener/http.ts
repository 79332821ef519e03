import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { CountersignError, isCountersignError } from '../../../contract/errors.ts';
import type { AgentSession, Tokens } from '../../../pipeline/ports.ts';
import { headerMismatch, isStatelessVersion } from '../codec/headers.ts';
import { ErrorCode, type Message } from '../codec/message.ts';
import type { ClientSide } from '../ports.ts';
import { vaultName } from '../registry.ts';
import { isStateless } from '../session/context.ts';
import type { McpSession } from '../session/session.ts';
import { accepts, header, paramHeadersOf, readMessage, refuse, wrongOrigin } from './http-request.ts';
import { HttpSide, OldSseSide } from './http-side.ts';

const MAX_SESSIONS = 256;
/** A client that went away without a word. */
const IDLE_MS = 12 * 60 * 60 * 1000;
/** The stateless revision has no session; the gateway's own end soon when nothing comes. */
const LANE_IDLE_MS = 5 * 60 * 1000;
const SWEEP_MS = 60_000;

export interface HttpDeps {
  tokens: Pick<Tokens, 'verify' | 'touch' | 'onEnded'>;
  /** Opens a session with a server. Throws MCP_UNKNOWN and what opening throws. */
  open(name: string, agent: AgentSession, remotePort: number, first: string, side: ClientSide): Promise<McpSession>;
  newSessionKey(): string;
  every(milliseconds: number, run: () => void): () => void;
  now(): number;
  refused(reason: string): void;
  unexpected(error: unknown): void;
}

interface Held {
  session: McpSession;
  side: HttpSide | OldSseSide;
  name: string;
  agentId: string;
  kind: 'session' | 'lane' | 'sse';
}

export interface McpHttpListener {
  address: { host: string; port: number };
  close(): Promise<void>;
}

/**
 * `/mcp/NAME`: streamable HTTP with sessions, and stateless from 2026-07-28 on. `/mcp/NAME/sse` and
 * `/mcp/NAME/messages`: the transport of 2024-11-05. On loopback, for whoever has a token for that server.
 * `orAny`: another port where the wanted one is taken. Throws MCP_IN_USE.
 */
export async function listenHttp(
  deps: HttpDeps,
  where: { host: string; port: number; orAny: boolean },
): Promise<McpHttpListener> {
  const held = new Map<string, Held>();
  let port = where.port;

  const server = createServer(
    { maxHeaderSize: 32 * 1024, headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 60_000 },
    (request, response) => {
      serve(request, response).catch((error: unknown) => {
        if (!isCountersignError(error)) deps.unexpected(error);
        const sentence = isCountersignError(error) ? error.message : 'an unexpected error; the gateway’s log has more';
        refuse(response, isCountersignError(error, 'MCP_UNKNOWN') ? 404 : 503, sentence);
      });
    },
  );
  server.maxConnections = 512;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const wrong = wrongOrigin(request, port);
    if (wrong !== null) {
      deps.refused(wrong);
      return refuse(response, 403, wrong);
    }
    const url = new URL(request.url ?? '/', 'http://localhost');
    const path = /^\/mcp\/([a-z0-9][a-z0-9-]{0,62})(?:\/(sse|messages))?$/.exec(url.pathname);
    if (path === null) return refuse(response, 404, 'MCP servers are at /mcp/NAME');
    const [, name = '', old] = path;
    const token = /^Bearer +(\S{1,512}) *$/i.exec(request.headers.authorization ?? '')?.[1];
    const verified =
      token === undefined
        ? ({ ok: false, reason: 'a token is needed (Authorization: Bearer)' } as const)
        : deps.tokens.verify(token, vaultName(name));
    if (!verified.ok) {
      deps.refused(verified.reason);
      response.setHeader('www-authenticate', 'Bearer realm="countersign"');
      return refuse(response, 401, verified.reason);
    }
    const agent = verified.session;
    deps.tokens.touch(agent.id);
    if (old === 'sse') return openOld(request, response, name, agent);
    if (old === 'messages') return oldMessage(request, response, name, agent, url.searchParams.get('session') ?? '');
    switch (request.method) {
      case 'POST':
        return post(request, response, name, agent);
      case 'GET':
      case 'DELETE':
        return ofSession(request, response, name, agent);
      default:
        response.setHeader('allow', 'GET, POST, DELETE');
        return refuse(response, 405, 'this takes GET, POST and DELETE');
    }
  }

  function find(key: string | undefined, name: string, agent: AgentSession, kind: Held['kind']): Held | null {
    const found = key === undefined ? undefined : held.get(key);
    if (found === undefined || found.session.ended) return null;
    return found.kind === kind && found.name === name && found.agentId === agent.id ? found : null;
  }

  function ofSession(request: IncomingMessage, response: ServerResponse, name: string, agent: AgentSession): void {
    const key = header(request, 'mcp-session-id');
    if (key === undefined) {
      refuse(response, 405, 'this takes a session, which begins with initialize');
      return;
    }
    const found = find(key, name, agent, 'session');
    if (found === null) {
      refuse(response, 404, 'there is no such session; begin one with initialize');
      return;
    }
    if (request.method === 'DELETE') {
      found.session.end('the client ended it');
      response.writeHead(200).end();
      return;
    }
    if (!accepts(request, 'text/event-stream')) {
      refuse(response, 406, 'this is a stream of events');
      return;
    }
    (found.side as HttpSide).listen(response);
  }

  async function post(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    agent: AgentSession,
  ): Promise<void> {
    const message = await readMessage(request, response);
    if (message === null) return;
    const key = header(request, 'mcp-session-id');
    const version = header(request, 'mcp-protocol-version');
    const stateless =
      message.kind !== 'response' &&
      (isStateless(message.params) || (key === undefined && version !== undefined && isStatelessVersion(version)));
    const target = stateless
      ? await lane(request, response, message, name, agent)
      : await sessionFor(request, response, message, key, name, agent);
    if (target === null) return;
    const { session, side } = target;
    if (message.kind !== 'request') {
      session.receive(message.text);
      response.writeHead(202).end();
      return;
    }
    if (session.has(message.id)) {
      return refuse(response, 400, 'a request of this id is under way', message.id, ErrorCode.invalidRequest);
    }
    const how = { events: accepts(request, 'text/event-stream'), stateless };
    (side as HttpSide).expect(message.id, response, how, () => {
      // Before 2026-07-28 a broken connection is no cancellation.
      if (stateless) session.abandon(message.id);
    });
    session.receive(message.text, stateless ? paramHeadersOf(request) : undefined);
  }

  async function sessionFor(
    request: IncomingMessage,
    response: ServerResponse,
    message: Message,
    key: string | undefined,
    name: string,
    agent: AgentSession,
  ): Promise<Held | null> {
    if (message.kind === 'request' && message.method === 'initialize' && key === undefined) {
      const made = await begin(request, name, agent, message.text, 'session');
      response.setHeader('mcp-session-id', made.key);
      return made.held;
    }
    if (key === undefined) {
      const id = message.kind === 'request' ? message.id : null;
      refuse(response, 400, 'this takes a session, which begins with initialize', id, ErrorCode.invalidRequest);
      return null;
    }
    const found = find(key, name, agent, 'session');
    if (found === null) refuse(response, 404, 'there is no such session; begin one with initialize');
    return found;
  }

  /** A session in which no request of this id is under way, since ids of several clients may meet here. */
  async function lane(
    request: IncomingMessage,
    response: ServerResponse,
    message: Exclude<Message, { kind: 'response' }>,
    name: string,
    agent: AgentSession,
  ): Promise<Held | null> {
    if (message.kind === 'request') {
      const standard = {
        version: header(request, 'mcp-protocol-version'),
        method: header(request, 'mcp-method'),
        name: header(request, 'mcp-name'),
      };
      const mismatch = headerMismatch(standard, message.method, message.params);
      if (mismatch !== null) {
        refuse(response, 400, mismatch, message.id, ErrorCode.headerMismatch);
        return null;
      }
    }
    for (const one of held.values()) {
      if (one.kind !== 'lane' || one.name !== name || one.agentId !== agent.id || one.session.ended) continue;
      if (message.kind === 'notification' || !one.session.has(message.id)) return one;
    }
    return (await begin(request, name, agent, message.text, 'lane')).held;
  }

  async function begin(
    request: IncomingMessage,
    name: string,
    agent: AgentSession,
    first: string,
    kind: 'session' | 'lane',
  ): Promise<{ key: string; held: Held }> {
    const side = new HttpSide(deps.now);
    return keep(name, agent, kind, side, await open(request, name, agent, first, side));
  }

  async function open(
    request: IncomingMessage,
    name: string,
    agent: AgentSession,
    first: string,
    side: ClientSide,
  ): Promise<McpSession> {
    if (held.size >= MAX_SESSIONS) throw new CountersignError('MCP_FULL', 'Too many MCP sessions are open.');
    return deps.open(name, agent, request.socket.remotePort ?? 0, first, side);
  }

  function keep(
    name: string,
    agent: AgentSession,
    kind: Held['kind'],
    side: Held['side'],
    session: McpSession,
    key = deps.newSessionKey(),
  ): { key: string; held: Held } {
    const entry: Held = { session, side, name, agentId: agent.id, kind };
    held.set(key, entry);
    const stop = deps.tokens.onEnded(agent.id, (reason) =>
      session.end(`the token of this session has ended (${reason})`),
    );
    session.done.finally(() => {
      stop();
      held.delete(key);
    });
    return { key, held: entry };
  }

  async function openOld(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    agent: AgentSession,
  ): Promise<void> {
    if (request.method !== 'GET') return refuse(response, 405, 'this is a stream of events');
    const key = deps.newSessionKey();
    let side: OldSseSide | null = null;
    // Opened before the stream begins, so that what fails is told by the status.
    const early: ClientSide = { send: (text) => side?.send(text), closed: () => side?.closed() };
    const session = await open(request, name, agent, '', early);
    side = new OldSseSide(response, `/mcp/${name}/messages?session=${key}`);
    keep(name, agent, 'sse', side, session, key);
    response.on('close', () => session.end('the client went away'));
    if (session.ended) side.closed();
  }

  async function oldMessage(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    agent: AgentSession,
    key: string,
  ): Promise<void> {
    const found = find(key, name, agent, 'sse');
    if (request.method !== 'POST' || found === null) return refuse(response, 404, 'there is no such session');
    const message = await readMessage(request, response);
    if (message === null) return;
    found.session.receive(message.text);
    response.writeHead(202).end('Accepted');
  }

  const stopSweeping = deps.every(SWEEP_MS, () => {
    for (const { session, side, kind } of held.values()) {
      if (!(side instanceof HttpSide) || side.busy || session.inFlight > 0) continue;
      if (deps.now() - side.lastUsed > (kind === 'lane' ? LANE_IDLE_MS : IDLE_MS)) session.end('nothing came any more');
    }
  });

  const listen = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: where.host, port: wanted }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  await listen(where.port).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE' && where.orAny) return listen(0);
    throw error.code === 'EADDRINUSE'
      ? new CountersignError('MCP_IN_USE', `Port ${where.port} is taken; choose another for MCP.`)
      : error;
  });
  const bound = server.address();
  if (typeof bound === 'object' && bound !== null) port = bound.port;

  return {
    address: { host: where.host, port },
    async close() {
      stopSweeping();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
