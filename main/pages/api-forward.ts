import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { type RouteName, routes } from '../../gateway/contract/api.ts';
import { isCountersignError } from '../../gateway/contract/errors.ts';
import { securityHeaders } from '../../gateway/contract/page.ts';
import type { ConsoleSession } from '../gateway/console-session.ts';
import type { SocketCall } from '../gateway/socket.ts';

/** The gateway takes no more. */
const MAX_BODY = 2 * 1024 * 1024;
/** The gateway keeps a stream of events alive every 15 seconds. */
const EVENTS_IDLE_MS = 40_000;

const PATTERNS = (Object.entries(routes) as [RouteName, (typeof routes)[RouteName]][]).map(([name, route]) => ({
  name,
  method: route.method as string,
  pattern: new RegExp(`^${route.path.replaceAll(/:[a-zA-Z]+/g, '[^/]+')}$`),
}));

export interface ApiForwardDeps {
  call: SocketCall;
  session: ConsoleSession;
}

/**
 * Passes a page's call on to the gateway with the app's own console session, whose secrets the page never
 * has. Only routes of the contract go through; what the page says of cookies or keys does not.
 */
export function createApiForward({ call, session }: ApiForwardDeps): (request: Request) => Promise<Response> {
  async function forward(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const isEvents = request.method === 'GET' && pathname === '/api/events';
    const name = isEvents
      ? null
      : PATTERNS.find(({ method, pattern }) => method === request.method && pattern.test(pathname))?.name;
    if (name === undefined) return failure(404, 'NOT_FOUND', 'There is no such route.');
    const body = request.method === 'GET' || request.method === 'DELETE' ? undefined : await readBounded(request);
    if (body === null) return failure(413, 'BODY_TOO_LARGE', 'The request is larger than 2 MiB.');
    if (name === 'login') return login(body);
    const own = session.headers();
    // With the PIN a person gets a code before being signed in; everything else waits for that.
    if (own === null && name !== 'host' && name !== 'newLoginCode') {
      return failure(401, 'UNAUTHENTICATED', 'Sign in with the one-time code or the PIN.');
    }
    const response = await call({
      method: request.method,
      path: pathname + search,
      headers: {
        accept: isEvents ? 'text/event-stream' : 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...own,
      },
      ...(body === undefined ? {} : { body }),
      ...(isEvents ? { idleMs: EVENTS_IDLE_MS } : {}),
    });
    if (name === 'logout') session.leave();
    else if (response.statusCode === 401) session.forget();
    return passedOn(response);
  }

  async function login(body: Uint8Array | undefined): Promise<Response> {
    let code: unknown;
    try {
      code = (JSON.parse(new TextDecoder().decode(body)) as { code?: unknown } | null)?.code;
    } catch {
      code = undefined;
    }
    if (typeof code !== 'string') return failure(400, 'BAD_REQUEST', 'The request is not valid.');
    await session.open(code);
    // The page keeps it and sends it back, where it is dropped.
    return json(200, { key: 'desktop' });
  }

  return async (request) => {
    try {
      return await forward(request);
    } catch (error) {
      if (!isCountersignError(error)) return failure(502, 'GATEWAY_UNREACHABLE', 'The gateway does not answer.');
      return failure(error.code === 'GATEWAY_UNREACHABLE' ? 502 : 403, error.code, error.message);
    }
  };
}

const HEADERS = { ...securityHeaders('none'), 'cache-control': 'no-store' };

function json(status: number, value: object): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { ...HEADERS, 'content-type': 'application/json' },
  });
}

const failure = (status: number, code: string, message: string) => json(status, { error: { code, message } });

/** Status, type and body; cookies and everything else of the gateway's answer stay here. */
function passedOn(response: IncomingMessage): Response {
  const status = response.statusCode ?? 502;
  return new Response(Readable.toWeb(response) as ReadableStream<Uint8Array>, {
    status: status >= 200 && status <= 599 ? status : 502,
    headers: { ...HEADERS, 'content-type': response.headers['content-type'] ?? 'application/octet-stream' },
  });
}

/** undefined: none; null: too large. */
async function readBounded(request: Request): Promise<Uint8Array | undefined | null> {
  if (request.body === null) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_BODY) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
