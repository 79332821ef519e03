import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { PinGuard } from '../approvals/pin-guard.ts';
import { type ApiEvent, PAGE_KEY_HEADER, type RouteName, routes } from '../contract/api.ts';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { Clock } from '../pipeline/ports.ts';
import { serveConsole } from './console-files.ts';
import { EventStreams, KEEPALIVE_MS } from './event-streams.ts';
import { assertJson, assertOwnOrigin, expiredCookie, sessionCookie, sessionSecrets } from './guard.ts';
import type { CallContext, ControlHandlers } from './handlers.ts';
import { createLogins } from './login.ts';
import { provePresence } from './presence.ts';
import { parseInput, statusOf } from './translate.ts';
import { listenOnSocket } from './unix-socket.ts';

const MAX_CONNECTIONS = 256;

export interface ControlDeps {
  handlers: ControlHandlers;
  pin: PinGuard;
  clock: Clock;
  /** Who is written down as having decided, e.g. Identity.display. */
  person: string;
  /** The built console (renderer/dist). */
  consoleDir: string;
  /** Protected mode: number of the group (the developers) that reaches the socket of the gateway's own user. */
  socketGroup?: number | undefined;
  /** A mistake of ours; the caller is told nothing of it. */
  unexpected(error: unknown): void;
  /** Called when a one-time code was used up, so that the terminal can show the next. */
  onCodeUsed?: () => void;
  /** Called when the PIN was set or changed. */
  onPinSet?: () => void;
  /** For tests: an output that is not as the contract says is an error. */
  checkOutput?: boolean;
  keepaliveMs?: number;
}

export interface ControlServer {
  /**
   * Loopback (the console) and, when given, a unix socket or named pipe (command line and hooks).
   * `rootSocketPath`: a socket that only the gateway's user and root can open, for one-time codes and
   * nothing else. `port` 0 takes a free one. Throws CONTROL_NOT_LOOPBACK, CONTROL_IN_USE, CONTROL_SOCKET.
   */
  listen(where: {
    host: string;
    port: number;
    socketPath: string | null;
    rootSocketPath?: string | undefined;
  }): Promise<void>;
  /** null before listen(). */
  readonly address: { host: string; port: number; url: string; socketPath: string | null } | null;
  /** A one-time code for the person at the terminal: opens one console, or sets the first PIN. */
  newLoginCode(): string;
  publish(event: ApiEvent): void;
  close(): Promise<void>;
}

type Channel = CallContext['channel'] | 'root';

interface Bindings {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  channel: Channel;
}
type Env = { Bindings: Bindings };

/** The control API of contract/api.ts, its events, and the console's files. */
export function createControlServer(deps: ControlDeps): ControlServer {
  const { handlers, pin } = deps;
  const logins = createLogins(deps.clock);
  const streams = new EventStreams(deps.keepaliveMs ?? KEEPALIVE_MS);
  let address: ControlServer['address'] = null;
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
    if (c.env.channel === 'terminal' || sessionOf(c) !== null) return;
    throw new CountersignError('UNAUTHENTICATED', 'Open a session with the one-time code that the gateway printed.');
  }

  async function serveRoute(name: RouteName, c: Context<Env>): Promise<Response> {
    const route = routes[name];
    const { channel } = c.env;
    if (channel === 'root') {
      if (name !== 'newLoginCode') throw new CountersignError('NOT_FOUND', 'This socket gives one-time codes only.');
      return c.json({ code: logins.newCode() });
    }
    if (route.access === 'session') assertCaller(c);
    const input = await parseInput(name, c.req, c.env.incoming);
    const level = await provePresence(name, input, channel, pin);
    const output = await call(name, input, { channel, decidedBy: deps.person, level }, c);
    return c.json((deps.checkOutput ? route.output.parse(output) : output) as object);
  }

  async function call(name: RouteName, input: object, context: CallContext, c: Context<Env>): Promise<unknown> {
    switch (name) {
      case 'login':
        logins.redeem((input as { code: string }).code);
        deps.onCodeUsed?.();
        return openSession(c);
      case 'logout': {
        const id = sessionOf(c);
        if (id !== null) logins.closeSession(id);
        streams.prune();
        c.header('set-cookie', expiredCookie());
        return {};
      }
      case 'newLoginCode':
        return { code: logins.newCode() };
      case 'setPin':
        await setPin(input as { pin: string; current?: string; code?: string });
        return {};
      default:
        return await (handlers[name] as (input: object, context: CallContext) => unknown)(input, context);
    }
  }

  function openSession(c: Context<Env>): { key: string } {
    const { secret, key } = logins.openSession();
    c.header('set-cookie', sessionCookie(secret));
    return { key };
  }

  /** The first PIN takes a fresh one-time code, which only the person at the terminal has; a change takes the old PIN. */
  async function setPin(input: { pin: string; current?: string; code?: string }): Promise<void> {
    if (pin.isSet) {
      if (input.current === undefined) {
        throw new CountersignError('PIN_REQUIRED', 'A PIN is set already; changing it takes the current one.');
      }
      await pin.verify(input.current);
    } else {
      if (input.code === undefined) {
        throw new CountersignError(
          'LOGIN_CODE_REQUIRED',
          'Setting the first PIN takes a fresh one-time code; the terminal in which the gateway runs shows it.',
        );
      }
      logins.redeem(input.code);
      deps.onCodeUsed?.();
    }
    await pin.set(input.pin);
    deps.onPinSet?.();
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
  for (const name of Object.keys(routes) as RouteName[]) {
    app.on(routes[name].method, routes[name].path, (c) => serveRoute(name, c));
  }
  app.get('/api/events', (c) => {
    if (c.env.channel === 'root') throw new CountersignError('NOT_FOUND', 'This socket gives one-time codes only.');
    assertCaller(c);
    const id = sessionOf(c);
    const alive = c.env.channel === 'terminal' ? () => true : () => id !== null && logins.has(id);
    streams.open(c.env.outgoing, alive);
    return RESPONSE_ALREADY_SENT;
  });
  app.all('/api/*', () => {
    throw new CountersignError('NOT_FOUND', 'There is no such route.');
  });
  app.get('*', (c) => serveConsole(deps.consoleDir, new URL(c.req.url).pathname));
  app.onError((error, c) => {
    if (!isCountersignError(error)) deps.unexpected(error);
    const { code, message } = isCountersignError(error)
      ? error
      : { code: 'INTERNAL', message: 'An unexpected error; the gateway’s log has more.' };
    return c.json({ error: { code, message } }, statusOf(code) as ContentfulStatusCode, {
      'cache-control': 'no-store',
    });
  });

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
    servers.push(server);
    return server;
  }

  return {
    async listen({ host, port, socketPath, rootSocketPath }) {
      if (host !== '127.0.0.1') {
        throw new CountersignError('CONTROL_NOT_LOOPBACK', 'The console is served on 127.0.0.1 only.');
      }
      // The socket first: it is what tells that another gateway runs.
      if (socketPath !== null) await listenOnSocket(serverFor('terminal'), socketPath, deps.socketGroup);
      if (rootSocketPath !== undefined) await listenOnSocket(serverFor('root'), rootSocketPath);
      const bound = await listenOnLoopback(serverFor('console'), host, port);
      address = { host, port: bound, url: `http://${host}:${bound}/`, socketPath };
    },
    get address() {
      return address;
    },
    newLoginCode: () => logins.newCode(),
    publish: (event) => streams.publish(event),
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
