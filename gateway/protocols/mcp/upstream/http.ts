import type { IncomingMessage } from 'node:http';
import type { McpTransport } from '../../../contract/mcp.ts';
import { encodeHeaderValue, isStatelessVersion, nameOf, VERSION_KEY } from '../codec/headers.ts';
import { isObject } from '../codec/json.ts';
import { errorText, type Message, type RequestId } from '../codec/message.ts';
import { challengeOf } from '../oauth/discovery.ts';
import type { Upstream, UpstreamCredentials, UpstreamSink } from '../ports.ts';
import { HttpClient, isEventStream, readBody, readEvents, unreached } from './http-client.ts';

const GOODBYE_MS = 2_000;
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;
const MAX_RETRIES = 5;
const MAX_ERROR_BODY = 256 * 1024;

/** Streamable HTTP, in both eras: with Mcp-Session-Id and a stream of the server's own, and stateless. */
export function openHttp(
  transport: Extract<McpTransport, { type: 'http' }>,
  credentials: UpstreamCredentials,
  sink: UpstreamSink,
): Upstream {
  return new HttpUpstream(new URL(transport.url), new HttpClient(credentials), sink);
}

class HttpUpstream implements Upstream {
  readonly #url: URL;
  readonly #http: HttpClient;
  readonly #sink: UpstreamSink;
  readonly #running = new Map<RequestId, { abort: AbortController; stateless: boolean }>();
  readonly #life = new AbortController();
  #sessionId: string | null = null;
  #version: string | null = null;
  /** Notifications and answers reach the server before what was sent after them. */
  #before: Promise<unknown> | null = null;
  #listening = false;
  #closed = false;

  constructor(url: URL, http: HttpClient, sink: UpstreamSink) {
    this.#url = url;
    this.#http = http;
    this.#sink = sink;
  }

  send(message: Message): void {
    if (this.#closed) {
      if (message.kind === 'request') this.#sink.failed(message.id, 'the connection to the server is closed');
      return;
    }
    if (message.kind === 'request') {
      const abort = new AbortController();
      this.#running.set(message.id, { abort, stateless: versionOf(message) !== null });
      const start = () => this.#request(message, abort).finally(() => this.#running.delete(message.id));
      if (this.#before === null) void start();
      else void this.#before.then(start);
      return;
    }
    if (message.kind === 'notification' && message.method === 'notifications/cancelled') {
      const running = this.#running.get(message.params.requestId as RequestId);
      // In the stateless revision closing the stream is the cancellation.
      if (running?.stateless) {
        running.abort.abort();
        return;
      }
    }
    const sent = (this.#before ?? Promise.resolve()).then(() => this.#deliver(message));
    const turn = sent.finally(() => {
      if (this.#before === turn) this.#before = null;
    });
    this.#before = turn;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const goodbye = this.#goodbye();
    this.#life.abort();
    for (const { abort } of this.#running.values()) abort.abort();
    await goodbye;
    this.#http.close();
  }

  /** A server that has a session is told that it is over. */
  async #goodbye(): Promise<void> {
    if (this.#sessionId === null) return;
    try {
      const signal = AbortSignal.timeout(GOODBYE_MS);
      (await this.#http.open(this.#url, 'DELETE', this.#sessionHeaders(), null, signal)).resume();
    } catch {
      // It will find out by itself.
    }
  }

  #sessionHeaders(): Record<string, string> {
    return {
      ...(this.#sessionId === null ? {} : { 'mcp-session-id': this.#sessionId }),
      ...(this.#version === null ? {} : { 'mcp-protocol-version': this.#version }),
    };
  }

  #headers(message: Message): Record<string, string> {
    const accept = { accept: 'application/json, text/event-stream' };
    const version = versionOf(message);
    if (version === null || message.kind === 'response') return { ...accept, ...this.#sessionHeaders() };
    const name = nameOf(message.method, message.params);
    return {
      ...accept,
      'mcp-protocol-version': version,
      'mcp-method': message.method,
      ...(name === null ? {} : { 'mcp-name': encodeHeaderValue(name) }),
      ...(message.kind === 'request' ? message.paramHeaders : {}),
    };
  }

  #post(message: Message, signal: AbortSignal): Promise<IncomingMessage> {
    return this.#http.open(this.#url, 'POST', this.#headers(message), message.text, signal);
  }

  /** A notification or an answer. */
  async #deliver(message: Message): Promise<void> {
    try {
      const response = await this.#post(message, this.#life.signal);
      response.resume();
      const accepted = (response.statusCode ?? 0) < 300;
      const initialized = message.kind === 'notification' && message.method === 'notifications/initialized';
      if (accepted && initialized && !this.#listening) {
        this.#listening = true;
        void this.#listen();
      }
    } catch {
      // Nobody waits for an answer to it.
    }
  }

  async #request(message: Extract<Message, { kind: 'request' }>, abort: AbortController): Promise<void> {
    const fail = (sentence: string) => {
      if (!abort.signal.aborted) this.#sink.failed(message.id, sentence);
    };
    try {
      const response = await this.#post(message, abort.signal);
      const status = response.statusCode ?? 0;
      if (message.method === 'initialize') this.#take(response);
      if (status < 200 || status >= 300) return await this.#refused(message.id, response, fail);
      if (isEventStream(response)) return await this.#stream(message, response, abort, fail);
      const body = await readBody(response);
      if (body === null) return fail('the server’s answer is too large');
      if (body === '') return fail(`the server answered with HTTP ${status} and nothing in it`);
      this.#learn(message, body);
      await this.#sink.message(body, message.id);
    } catch (error) {
      fail(unreached(this.#url, error));
    }
  }

  #take({ headers }: IncomingMessage): void {
    const id = headers['mcp-session-id'];
    if (typeof id === 'string' && /^[\x21-\x7e]{1,1024}$/.test(id)) this.#sessionId = id;
  }

  /** Which revision the server chose. @returns whether it is the answer to this request. */
  #learn(message: Extract<Message, { kind: 'request' }>, text: string): boolean {
    try {
      const json: unknown = JSON.parse(text);
      if (!isObject(json) || json.id !== message.id || json.method !== undefined) return false;
      if (message.method === 'initialize' && isObject(json.result)) {
        const version = json.result.protocolVersion;
        if (typeof version === 'string' && /^[\x21-\x7e]{1,64}$/.test(version)) this.#version = version;
      }
      return true;
    } catch {
      return false;
    }
  }

  /** An error of HTTP, which may have an error of JSON-RPC in it. */
  async #refused(id: RequestId, response: IncomingMessage, fail: (sentence: string) => void): Promise<void> {
    const status = response.statusCode ?? 0;
    const body = await readBody(response, MAX_ERROR_BODY);
    if (status === 404 && this.#sessionId !== null) {
      fail('the server has ended its session');
      this.#over('the server has ended its session');
      return;
    }
    try {
      const json: unknown = JSON.parse(body ?? '');
      if (isObject(json) && isObject(json.error)) {
        const { code, message, data } = json.error;
        if (typeof code === 'number' && typeof message === 'string') {
          return void (await this.#sink.message(errorText(id, code, message, data), id));
        }
      }
    } catch {
      // Not JSON-RPC: told by its status.
    }
    const why =
      status === 401 || status === 403
        ? this.#wanted(response)
        : status >= 300 && status < 400
          ? 'it wants to be reached elsewhere; register that address'
          : 'that is not an answer of MCP';
    fail(`the server answered with HTTP ${status}: ${why}`);
  }

  /** What a person can do about missing credentials. */
  #wanted({ headers }: IncomingMessage): string {
    const { scope, error } = challengeOf(headers['www-authenticate'] ?? null);
    if (error !== 'insufficient_scope')
      return 'it wants other credentials; a person signs in with countersign mcp login NAME, or registers it again with the header that it wants';
    const scopes = scope === null ? 'more' : scope.slice(0, 300);
    return `it wants scopes that the sign-in does not have (${scopes}); a person registers it again with them (--scope)`;
  }

  /** The stream of one request; one that ends too early is taken up again where the server gave ids. */
  async #stream(
    message: Extract<Message, { kind: 'request' }>,
    first: IncomingMessage,
    abort: AbortController,
    fail: (sentence: string) => void,
  ): Promise<void> {
    let last: string | null = null;
    let retry = RETRY_MS;
    let answered = false;
    let response: IncomingMessage = first;
    for (let attempt = 0; ; attempt += 1) {
      let outcome: 'ended' | 'too-large' = 'ended';
      try {
        outcome = await readEvents(response, ({ event, data, id, retry: wanted }) => {
          if (id !== null) last = id;
          if (wanted !== null) retry = Math.min(wanted, MAX_RETRY_MS);
          if (event !== 'message' || data === '') return;
          attempt = 0;
          if (this.#learn(message, data)) answered = true;
          return this.#sink.message(data, message.id);
        });
      } catch (error) {
        if (last === null || abort.signal.aborted) throw error;
      }
      if (answered || abort.signal.aborted) return;
      if (outcome === 'too-large') return fail('the server’s answer is too large');
      if (last === null || attempt >= MAX_RETRIES) return fail('the server closed the stream without an answer');
      await delay(retry, abort.signal);
      const headers = { ...this.#sessionHeaders(), accept: 'text/event-stream', 'last-event-id': last };
      response = await this.#http.open(this.#url, 'GET', headers, null, abort.signal);
      if ((response.statusCode ?? 0) !== 200 || !isEventStream(response)) {
        response.resume();
        return fail('the server does not take up the stream that it closed');
      }
    }
  }

  /** The stream on which a server with sessions says what belongs to no request. Servers need not have one. */
  async #listen(): Promise<void> {
    const { signal } = this.#life;
    let last: string | null = null;
    let wait = RETRY_MS;
    for (let failures = 0; failures <= MAX_RETRIES && !this.#closed; failures += 1) {
      try {
        const headers: Record<string, string> = { ...this.#sessionHeaders(), accept: 'text/event-stream' };
        if (last !== null) headers['last-event-id'] = last;
        const response = await this.#http.open(this.#url, 'GET', headers, null, signal);
        if (response.statusCode !== 200 || !isEventStream(response)) return void response.resume();
        await readEvents(response, ({ event, data, id, retry }) => {
          failures = 0;
          if (id !== null) last = id;
          if (retry !== null) wait = Math.min(retry, MAX_RETRY_MS);
          if (event === 'message' && data !== '') return this.#sink.message(data, null);
        });
      } catch {
        // Tried again, a few times.
      }
      await delay(wait, signal);
    }
  }

  #over(sentence: string): void {
    if (this.#closed) return;
    this.#sessionId = null;
    this.#sink.closed(sentence);
  }
}

/** The stateless revision that a message says it is of; null: an earlier one. */
function versionOf(message: Message): string | null {
  if (message.kind === 'response') return null;
  const meta = message.params._meta;
  const version = isObject(meta) ? meta[VERSION_KEY] : undefined;
  return typeof version === 'string' && isStatelessVersion(version) ? version : null;
}

function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
