import { request as httpRequest, type IncomingMessage } from 'node:http';
import { ApiError, ApiEvent, type RouteInput, type RouteName, type RouteOutput, routes } from '../contract/api.ts';
import { CountersignError } from '../contract/errors.ts';

/** The control API as the command line and the hooks see it: over the gateway's unix socket or named pipe. */
export interface ControlClient {
  /**
   * Calls one route. Throws CountersignError: the gateway's own code and message, CONTROL_UNREACHABLE
   * when no gateway answers, CONTROL_BAD_ANSWER when what answered is not one.
   */
  call<N extends RouteName>(name: N, input: RouteInput<N>, options?: { signal?: AbortSignal }): Promise<RouteOutput<N>>;
  /**
   * Listens to what happens until `signal` aborts, which resolves; a connection that the gateway ends
   * rejects CONTROL_UNREACHABLE.
   */
  events(listener: (event: ApiEvent) => void, signal: AbortSignal): Promise<void>;
}

/** A page of results at its longest; above it the other side is not a gateway. */
const MAX_ANSWER = 256 * 1024 * 1024;
/** One event holds an approval with the whole text of its statement. */
const MAX_EVENT = 64 * 1024 * 1024;

export function createControlClient(options: { socketPath: string; timeoutMs?: number }): ControlClient {
  const { socketPath, timeoutMs = 60_000 } = options;

  function open(
    method: string,
    path: string,
    body: string | null,
    idleMs: number,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          socketPath,
          method,
          path,
          agent: false,
          headers: {
            host: 'localhost',
            accept: 'application/json, text/event-stream',
            ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          },
          ...(signal ? { signal } : {}),
        },
        resolve,
      );
      request.setTimeout(idleMs, () => request.destroy(new Error('timeout')));
      request.on('error', (cause) => reject(signal?.aborted ? cause : unreachable(socketPath, cause)));
      request.end(body ?? undefined);
    });
  }

  return {
    async call(name, input, { signal } = {}) {
      const { method, path, body } = prepare(name, input as Record<string, unknown>);
      const response = await open(method, path, body, timeoutMs, signal);
      const answer = parseJson(await readAll(response, socketPath));
      const status = response.statusCode ?? 0;
      if (status < 200 || status >= 300) throw refused(answer, status);
      const output = routes[name].output.safeParse(answer ?? {});
      if (!output.success) throw badAnswer(`its answer to ${name} has another shape`, output.error);
      return output.data as never;
    },

    async events(listener, signal) {
      try {
        // Twice the server's keepalive and some: silence means that it is gone.
        const response = await open('GET', '/api/events', null, 40_000, signal);
        if (response.statusCode !== 200) {
          throw refused(parseJson(await readAll(response, socketPath)), response.statusCode ?? 0);
        }
        response.setEncoding('utf8');
        let buffer = '';
        for await (const chunk of response) {
          buffer += chunk as string;
          if (buffer.length > MAX_EVENT) throw badAnswer('it sent an event without end');
          const messages = buffer.split('\n\n');
          buffer = messages.pop()!;
          for (const message of messages) {
            const data = message
              .split('\n')
              .filter((line) => line.startsWith('data:'))
              .map((line) => line.slice(5).trimStart())
              .join('\n');
            if (data === '') continue;
            const event = ApiEvent.safeParse(parseJson(data));
            if (event.success) listener(event.data);
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        throw error instanceof CountersignError ? error : unreachable(socketPath, error);
      }
      if (!signal.aborted) throw unreachable(socketPath);
    },
  };
}

/** Fills path parameters from the input; the rest is the query (GET, DELETE) or the JSON body. */
function prepare(name: RouteName, input: Record<string, unknown>) {
  const { method, path } = routes[name];
  const rest = { ...input };
  let filled = path.replaceAll(/:([a-zA-Z]+)/g, (_, parameter: string) => {
    const value = rest[parameter];
    delete rest[parameter];
    if (value === undefined || value === '') {
      throw new CountersignError('CONTROL_BAD_CALL', `${name} needs ${parameter}`);
    }
    return encodeURIComponent(String(value));
  });
  if (method !== 'GET' && method !== 'DELETE') return { method, path: filled, body: JSON.stringify(rest) };
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(rest)) if (value !== undefined) query.set(key, String(value));
  if (query.size > 0) filled += `?${query}`;
  return { method, path: filled, body: null };
}

async function readAll(response: IncomingMessage, socketPath: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER) throw badAnswer('its answer is too large');
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof CountersignError ? error : unreachable(socketPath, error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function refused(answer: unknown, status: number): CountersignError {
  const error = ApiError.safeParse(answer);
  return error.success
    ? new CountersignError(error.data.error.code, error.data.error.message)
    : badAnswer(`it answered with status ${status}`);
}

function badAnswer(what: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'CONTROL_BAD_ANSWER',
    `What answers on the control socket is not this version of Countersign: ${what}.`,
    { cause },
  );
}

function unreachable(socketPath: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'CONTROL_UNREACHABLE',
    `The Countersign gateway is not running, or ${socketPath} is not its socket; start it with: countersign start`,
    { cause },
  );
}
