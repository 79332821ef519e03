import {
  ApiError,
  ApiEvent,
  type RouteInput,
  type RouteName,
  type RouteOutput,
  routes,
} from '../../gateway/contract/api.ts';
import { CountersignError } from '../../gateway/contract/errors.ts';
import type { ConsoleSession } from './console-session.ts';
import { readBody, type SocketCall } from './socket.ts';

/** What main itself asks of the gateway: small answers only. */
export interface GatewayClient {
  /** As the person where a console session is open, else as any program of this user. Throws CountersignError. */
  call<N extends RouteName>(name: N, input: RouteInput<N>): Promise<RouteOutput<N>>;
  /** Until `signal` aborts, which resolves. Throws CountersignError when the gateway ends it. */
  events(listener: (event: ApiEvent) => void, signal: AbortSignal): Promise<void>;
}

const MAX_ANSWER = 64 * 1024 * 1024;
/** The gateway says something every 15 seconds. */
const SILENCE_MS = 40_000;

export function createGatewayClient(
  call: SocketCall,
  session: Pick<ConsoleSession, 'headers' | 'forget'>,
): GatewayClient {
  return {
    async call(name, input) {
      const { method, path, body } = prepare(name, input as Record<string, unknown>);
      const own = session.headers();
      const response = await call({
        method,
        path,
        headers: {
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...own,
        },
        ...(body === undefined ? {} : { body }),
      });
      const answer = parseJson((await readBody(response, MAX_ANSWER)).toString('utf8'));
      if (response.statusCode !== 200) throw refused(answer);
      const output = routes[name].output.safeParse(answer);
      if (!output.success)
        throw new CountersignError('GATEWAY_BAD_ANSWER', 'The gateway is of another version than the app.');
      return output.data as never;
    },

    async events(listener, signal) {
      try {
        const response = await call({
          method: 'GET',
          path: '/api/events',
          headers: { accept: 'text/event-stream' },
          idleMs: SILENCE_MS,
          signal,
        });
        if (response.statusCode !== 200) throw refused(null);
        response.setEncoding('utf8');
        let rest = '';
        for await (const chunk of response) {
          rest += chunk as string;
          if (rest.length > MAX_ANSWER) throw new CountersignError('GATEWAY_BAD_ANSWER', 'An event has no end.');
          const messages = rest.split('\n\n');
          rest = messages.pop()!;
          for (const message of messages) {
            const data = message.startsWith('data: ') ? ApiEvent.safeParse(parseJson(message.slice(6))) : null;
            if (data?.success) listener(data.data);
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        throw error instanceof CountersignError ? error : ended(error);
      }
      if (!signal.aborted) throw ended();
    },
  };
}

/** Path parameters come from the input; the rest is the query (GET, DELETE) or the JSON body. */
function prepare(name: RouteName, input: Record<string, unknown>) {
  const { method, path } = routes[name];
  const rest = { ...input };
  const filled = path.replaceAll(/:([a-zA-Z]+)/g, (_, parameter: string) => {
    const value = rest[parameter];
    delete rest[parameter];
    return encodeURIComponent(String(value));
  });
  if (method !== 'GET' && method !== 'DELETE') return { method, path: filled, body: JSON.stringify(rest) };
  const query = new URLSearchParams(Object.entries(rest).map(([key, value]) => [key, String(value)]));
  return { method, path: query.size > 0 ? `${filled}?${query}` : filled, body: undefined };
}

function refused(answer: unknown): CountersignError {
  const error = ApiError.safeParse(answer);
  return error.success
    ? new CountersignError(error.data.error.code, error.data.error.message)
    : new CountersignError('GATEWAY_BAD_ANSWER', 'What answers is not this version of the Countersign gateway.');
}

const ended = (cause?: unknown) =>
  new CountersignError('GATEWAY_UNREACHABLE', 'The gateway ended the connection.', { cause });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
