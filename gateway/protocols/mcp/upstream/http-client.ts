import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isCountersignError } from '../../../contract/errors.ts';
import type { McpSecrets } from '../../../contract/mcp.ts';
import { type ServerSentEvent, SseParser } from '../codec/sse.ts';
import { MAX_MESSAGE, type UpstreamCredentials } from '../ports.ts';

const CONNECT_MS = 30_000;

/** HTTP as the transports need it: kept-alive connections, bodies and events with a largest size, no redirects. */
export class HttpClient {
  readonly #credentials: UpstreamCredentials;
  readonly #plain = new HttpAgent({ keepAlive: true, maxSockets: 64 });
  readonly #tls = new HttpsAgent({ keepAlive: true, maxSockets: 64 });

  constructor(credentials: UpstreamCredentials) {
    this.#credentials = credentials;
  }

  /**
   * Resolves with the head of the answer; where the server wants other credentials and there are, it was asked once
   * more. Rejects with what Node says, which holds no header, or as UpstreamCredentials.
   */
  async open(
    url: URL,
    method: 'GET' | 'POST' | 'DELETE',
    headers: Record<string, string>,
    body: string | null,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const given = this.#credentials.headers();
    const sent = given instanceof Promise ? await given : given;
    const response = await this.#send(url, method, { ...sent, ...headers }, body, signal);
    if (response.statusCode !== 401 || !(await this.#credentials.refused(sent))) return response;
    response.resume();
    return this.#send(url, method, { ...(await this.#credentials.headers()), ...headers }, body, signal);
  }

  #send(
    url: URL,
    method: string,
    headers: Readonly<McpSecrets>,
    body: string | null,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const secure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(
        url,
        {
          method,
          agent: secure ? this.#tls : this.#plain,
          signal,
          headers: {
            ...headers,
            ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          },
        },
        resolve,
      );
      request.once('socket', (socket) => {
        if (!socket.connecting) return;
        const timer = setTimeout(() => request.destroy(new Error('no connection within 30 seconds')), CONNECT_MS);
        const stop = () => clearTimeout(timer);
        socket.once(secure ? 'secureConnect' : 'connect', stop).once('close', stop);
      });
      request.once('error', reject);
      request.end(body ?? undefined);
    });
  }

  close(): void {
    this.#plain.destroy();
    this.#tls.destroy();
  }
}

/** The whole body, or null above `maxBytes`. */
export async function readBody(response: IncomingMessage, maxBytes = MAX_MESSAGE): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      response.destroy();
      return null;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @returns 'ended', or 'too-large'. Rejects when the connection breaks. */
export async function readEvents(
  response: IncomingMessage,
  take: (event: ServerSentEvent) => void | Promise<void>,
): Promise<'ended' | 'too-large'> {
  const parser = new SseParser(MAX_MESSAGE);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const events = parser.push(chunk);
    if (events === null) {
      response.destroy();
      return 'too-large';
    }
    for (const event of events) {
      const wait = take(event);
      if (wait !== undefined) await wait;
    }
  }
  return 'ended';
}

export function isEventStream(response: IncomingMessage): boolean {
  return (response.headers['content-type'] ?? '').toLowerCase().startsWith('text/event-stream');
}

/** Why a request did not come through, as a sentence without the words of a library that may quote what it was given. */
export function unreached({ host }: URL, error: unknown): string {
  if (isCountersignError(error)) return error.message;
  const code = (error as { code?: unknown } | null)?.code;
  const why = typeof code === 'string' && /^[A-Z_0-9]{2,60}$/.test(code) ? code : 'the connection broke';
  return `the server at ${host} cannot be reached: ${why}`;
}
