import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { PAGE_KEY_HEADER } from '../contract/api.ts';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { ConsoleHost } from '../contract/routes/console.ts';
import type { ApiRoute } from '../contract/routes/route.ts';
import type { Clock } from '../pipeline/ports.ts';
import { serveConsole } from './console-files.ts';
import { EventStreams, KEEPALIVE_MS } from './event-streams.ts';
import { assertJson, assertOwnOrigin, expiredCookie, sessionCookie, sessionSecrets } from './guard.ts';
import { createLogins } from './login.ts';
import { type Input, parseInput, statusOf } from './translate.ts';
import { listenOnSocket } from './unix-socket.ts';

const MAX_CONNECTIONS = 256;

/** console: loopback. terminal: the socket for commands. root: the socket that gives one-time codes only. */
export type Channel = 'console' | 'terminal' | 'root';

export interface Upgrade {
  path: string;
  protocol: string;
  accept(socket: Duplex, head: Uint8Array): void;
}

export interface ConsoleServerDeps {
  /** Told to the page that is served, which shows what that host has. */
  host: ConsoleHost;
  /** `host`, `login` and `logout` among them are answered here. */
  routes: Readonly<Record<string, ApiRoute>>;
  /** Called once the caller was let in and the input is as the route wants it. `signal`: the caller has gone away. */
  handle(name: string, input: Input, channel: Channel, signal: AbortSignal): Promise<unknown>;
  clock: Clock;
  /** The built console (renderer/dist). */
  consoleDir: string;
  /** The one route that the root socket answers, to whoever opens it. */
  rootRoute?: string;
  /** Files to fetch whole, by what follows `below` in the path. */
  files?: { below: string; open(name: string): Promise<Response | null> };
  /** What speaks other protocols than HTTP, on the socket for commands only: by path and name of the protocol. */
  upgrades?: readonly Upgrade[] | undefined;
  /** A mistake of ours; the caller is told nothing of it. */
  unexpected(error: unknown): void;
  /** Called when a one-time code was used up, so that the terminal can show the next. */
  onCodeUsed?: (() => void) | undefined;
  /** For tests: an output that is not as the contract says is an error. */
  checkOutput?: boolean | undefined;
  keepaliveMs?: number | undefined;
}

export interface ListenWhere {
  host: string;
  port: number;
  socketPath: string | null;
  rootSocketPath?: string | undefined;
  socketGroup?: number | undefined;
}

export interface ConsoleAddress {
  host: string;
  port: number;
  /** With a name in place of the address where the name is this server's alone: WebAuthn knows no addresses. */
  url: string;
  socketPath: string | null;
}

export interface ConsoleServer {
  /** `port` 0 takes a free one. Throws CONTROL_NOT_LOOPBACK, CONTROL_IN_USE, CONTROL_SOCKET. */
  listen(where: ListenWhere): Promise<void>;
  /** null before listen(). */
  readonly address: ConsoleAddress | null;
  newLoginCode(): string;
  /** Uses a one-time code up. Throws LOGIN_CODE_WRONG, LOGIN_TOO_MANY. */
  redeem(code: string): void;
  publish(event: object): void;
  /** Pages and commands that hear what is published. */
  readonly listeners: number;
  close(): Promise<void>;
}

interface Bindings {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  channel: Channel;
}
type Env = { Bindings: Bindings };

/** A table of routes, events and the console's files, for whoever logged in with a one-time code. */
export function createConsoleServer(deps: ConsoleServerDeps): ConsoleServer {
  const { routes } = deps;
  const logins = createLogins(deps.clock);
  const streams = new EventStreams(deps.keepaliveMs ?? KEEPALIVE_MS);
  let address: ConsoleServer['address'] = null;
  const servers: Server[] = [];

  function sessionOf(c: Context<Env>): string | null {
    const key = c.req.header(PAGE_KEY_HEADER) ?? '';
    for (const secret of sessionSecrets(c.env.incoming)) {
      const id = logins.find(secret, key);
      if (id !== null) return id;
    }
    return null;
  }

  /** The socket's file mode is its check; on loopback it takes a console session. Throws UNAUTHENTICATED. */
  function assertCaller(c: Context<Env>): void {
    if (sessionOf(c) !== null) return;
    // Who shows a session that has ended on the socket is told so, instead of being taken for a command.
    if (c.env.channel === 'terminal' && sessionSecrets(c.env.incoming).length === 0) return;
    throw new CountersignError('UNAUTHENTICATED', 'Open a session with the one-time code that was printed.');
  }

  /** Who carries a console session on the socket is that console: the desktop app, whose pages a person logged in. */
  function channelOf(c: Context<Env>): Channel {
    return c.env.channel === 'terminal' && sessionOf(c) !== null ? 'console' : c.env.channel;
  }

  function assertNotRoot(c: Context<Env>, name?: string): void {
    if (c.env.channel !== 'root' || (name !== undefined && name === deps.rootRoute)) return;
    throw new CountersignError('NOT_FOUND', 'This socket gives one-time codes only.');
  }

  async function serveRoute(name: string, c: Context<Env>): Promise<Response> {
    const route = routes[name]!;
    const { channel } = c.env;
    assertNotRoot(c, name);
    if (channel !== 'root' && route.access === 'session') assertCaller(c);
    const input = channel === 'root' ? {} : await parseInput(route, c.req, c.env.incoming);
    const output = await call(name, input, c);
    return c.json((deps.checkOutput ? route.output.parse(output) : output) as object);
  }

  async function call(name: string, input: Input, c: Context<Env>): Promise<unknown> {
    switch (name) {
      case 'host':
        return { host: deps.host };
      case 'login':
        redeem(String(input.code));
        return openSession(c);
      case 'logout': {
        const id = sessionOf(c);
        if (id !== null) logins.closeSession(id);
        streams.prune();
        c.header('set-cookie', expiredCookie());
        return {};
      }
      default:
        return await deps.handle(name, input, channelOf(c), goneSignal(c.env.outgoing));
    }
  }

  function redeem(code: string): void {
    logins.redeem(code);
    deps.onCodeUsed?.();
  }

  function openSession(c: Context<Env>): { key: string } {
    const { secret, key } = logins.openSession();
    c.header('set-cookie', sessionCookie(secret));
    return { key };
  }

  const app = new Hono<Env>();
  app.use('*', async (c, next) => {
    if (c.env.channel === 'console') assertOwnOrigin(c.env.incoming, address?.port ?? 0);
    await next();
  });
  app.use('/api/*', async (c, next) => {
    await next();
    if (c.res === RESPONSE_ALREADY_SENT) return;
    c.header('cache-control', 'no-store');
    c.header('x-content-type-options', 'nosniff');
    c.header('cross-origin-resource-policy', 'same-origin');
  });
  app.use('/api/*', async (c, next) => {
    const { method } = c.req;
    if (method === 'POST' || method === 'PUT' || method === 'PATCH') assertJson(c.env.incoming);
    await next();
  });
  for (const [name, { method, path }] of Object.entries(routes)) {
    app.on(method, path, (c) => serveRoute(name, c));
  }
  app.get('/api/events', (c) => {
    assertNotRoot(c);
    assertCaller(c);
    const id = sessionOf(c);
    const alive = c.env.channel === 'terminal' ? () => true : () => id !== null && logins.has(id);
    streams.open(c.env.outgoing, alive);
    return RESPONSE_ALREADY_SENT;
  });
  const { files } = deps;
  if (files !== undefined) {
    app.get(`${files.below}:name`, async (c) => {
      assertCaller(c);
      const found = await files.open(c.req.param('name') ?? '');
      if (found === null) throw new CountersignError('NOT_FOUND', 'There is no such file.');
      return found;
    });
  }
  app.all('/api/*', () => {
    throw new CountersignError('NOT_FOUND', 'There is no such route.');
  });
  app.get('*', (c) => serveConsole(deps.consoleDir, new URL(c.req.url).pathname));
  app.onError((error, c) => {
    if (!isCountersignError(error)) deps.unexpected(error);
    const { code, message } = isCountersignError(error)
      ? error
      : { code: 'INTERNAL', message: 'An unexpected error; the log of what serves this page has more.' };
    return c.json({ error: { code, message } }, statusOf(code) as ContentfulStatusCode, {
      'cache-control': 'no-store',
    });
  });

  function upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const { url, headers } = request;
    const wanted = deps.upgrades?.find(({ path, protocol }) => url === path && headers.upgrade === protocol);
    if (wanted === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${wanted.protocol}\r\n\r\n`);
    wanted.accept(socket, head);
  }

  function serverFor(channel: Channel): Server {
    const listener = getRequestListener(
      (request, env) => app.fetch(request, { ...(env as Omit<Bindings, 'channel'>), channel }),
      { overrideGlobalObjects: false },
    );
    const server = createServer(
      { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000 },
      listener,
    );
    server.maxConnections = MAX_CONNECTIONS;
    if (channel === 'terminal') server.on('upgrade', upgrade);
    servers.push(server);
    return server;
  }

  return {
    async listen({ host, port, socketPath, rootSocketPath, socketGroup }) {
      if (host !== '127.0.0.1') {
        throw new CountersignError('CONTROL_NOT_LOOPBACK', 'The console is served on 127.0.0.1 only.');
      }
      // The socket first: it is what tells that another gateway runs.
      if (socketPath !== null) await listenOnSocket(serverFor('terminal'), socketPath, socketGroup);
      if (rootSocketPath !== undefined) await listenOnSocket(serverFor('root'), rootSocketPath);
      const bound = await listenOnLoopback(serverFor('console'), host, port);
      const name = (await listenOnIpv6(serverFor('console'), bound)) ? 'localhost' : host;
      address = { host, port: bound, url: `http://${name}:${bound}/`, socketPath };
    },
    get address() {
      return address;
    },
    newLoginCode: () => logins.newCode(),
    redeem,
    publish: (event) => streams.publish(event),
    get listeners() {
      return streams.size;
    },
    async close() {
      streams.close();
      await Promise.all(
        servers.map(
          (server) =>
            new Promise<void>((resolve) => {
              server.close(() => resolve());
              server.closeAllConnections();
            }),
        ),
      );
    },
  };
}

/** Aborted when the caller goes away before it was answered. */
function goneSignal(outgoing: ServerResponse): AbortSignal {
  const gone = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  return gone.signal;
}

/**
 * Browsers try ::1 first for localhost, so the name is ours only where nobody else listens there.
 * @returns whether that is so: it listens now, or the machine has no IPv6.
 */
function listenOnIpv6(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'),
    );
    server.listen({ host: '::1', port, ipv6Only: true }, () => resolve(true));
  });
}

function listenOnLoopback(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === 'EADDRINUSE'
          ? new CountersignError('CONTROL_IN_USE', `Port ${port} of ${host} is taken; choose another for the console.`)
          : cause,
      ),
    );
    server.listen({ host, port }, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}
