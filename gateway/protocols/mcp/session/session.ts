import { isCountersignError } from '../../../contract/errors.ts';
import { CLIENT_INFO_KEY } from '../codec/headers.ts';
import { isObject, type Json } from '../codec/json.ts';
import {
  ErrorCode,
  errorText,
  type Malformed,
  type Notification,
  parseMessage,
  type Request,
  type RequestId,
  type Response,
} from '../codec/message.ts';
import type { Upstream, UpstreamSink } from '../ports.ts';
import { Calls } from './calls.ts';
import type { SessionContext } from './context.ts';
import { ownDecision } from './decide.ts';
import { keyOf } from './exchange.ts';
import { ServerSide } from './server-side.ts';

const MAX_IN_FLIGHT = 256;
const STATS_MS = 1000;

/** Methods that nobody decides on: they describe, or keep the connection. */
const FREE: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'subscriptions/listen',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  'tasks/cancel',
  'tasks/update',
]);

/**
 * One client and one server, with the policy, a person and the recording between them. It has no
 * socket: messages come in by receive() and by the sink that its upstream was opened with.
 */
export class McpSession {
  readonly #context: SessionContext;
  readonly #calls: Calls;
  readonly #serverSide: ServerSide;
  readonly done: Promise<void>;
  #finished: () => void = () => {};
  #stats: (() => void) | null = null;

  constructor(context: SessionContext, open: (sink: UpstreamSink) => Upstream) {
    this.#context = context;
    this.#serverSide = new ServerSide(context);
    this.#calls = new Calls(context, (exchange, response) => this.#serverSide.shown(exchange, response));
    this.done = new Promise((resolve) => {
      this.#finished = resolve;
    });
    context.upstream = open({
      message: (text, relatedTo) => {
        this.#context.guard(() => this.#serverSide.receive(text, relatedTo));
        this.#changed();
      },
      failed: (id, sentence) => this.#context.guard(() => this.#failed(id, sentence)),
      closed: (sentence) => this.end(sentence),
    });
    context.deps.live.opened(context.session, (reason) => this.end(reason));
  }

  get id(): string {
    return this.#context.session.id;
  }
  get ended(): boolean {
    return this.#context.ended;
  }
  get inFlight(): number {
    return this.#context.inFlight.size;
  }

  /** Whether a request of this id waits for its answer: another one of that id needs another session. */
  has(id: RequestId): boolean {
    return this.#context.inFlight.has(keyOf(id));
  }

  /**
   * One message of the client.
   * @param paramHeaders those of its HTTP request that mirror arguments; absent: it came without HTTP.
   */
  receive(text: string, paramHeaders?: Readonly<Record<string, string>>): void {
    this.#context.guard(() => this.#receive(text, paramHeaders));
    this.#changed();
  }

  /** The client does not wait for the answer to this request any more. */
  abandon(id: RequestId): void {
    this.#context.guard(() => this.#cancel(id));
  }

  #receive(text: string, paramHeaders: Request['paramHeaders']): void {
    const message = parseMessage(text, true);
    switch (message.kind) {
      case 'malformed':
        this.#malformed(message);
        return;
      case 'request':
        this.#request(
          // Of other methods no such header is sent on.
          paramHeaders !== undefined && message.method === 'tools/call' ? { ...message, paramHeaders } : message,
        );
        return;
      case 'notification':
        this.#notification(message);
        return;
      case 'response':
        this.#response(message);
        return;
    }
  }

  #malformed({ id, code, why }: Malformed): void {
    const { recorder, client } = this.#context;
    recorder.event('malformed', { why }, 'unit');
    client.send(errorText(id, code, `Countersign: ${why}.`), id, id !== null);
  }

  #request(request: Request): void {
    const { inFlight, log, deps, client } = this.#context;
    const { id, method, params } = request;
    if (inFlight.has(keyOf(id)) || (typeof id === 'string' && id.startsWith(this.#context.ownId))) {
      const why = 'a request of this id is under way, or the id is the gateway’s own';
      this.#malformed({ kind: 'malformed', id: null, code: ErrorCode.invalidRequest, why });
      return;
    }
    if (inFlight.size >= MAX_IN_FLIGHT) {
      client.send(errorText(id, ErrorCode.refused, 'Countersign: too many requests are under way.'), id, true);
      return;
    }
    this.#name(params);
    const exchange = log.begin(
      request,
      this.#withoutSecrets(request),
      ownDecision(deps.pipeline.policyHash, 'allow', null),
    );
    inFlight.set(keyOf(id), exchange);
    if (method === 'tools/call') {
      this.#calls.tool(exchange);
      return;
    }
    if (method === 'resources/read') {
      this.#calls.resource(exchange);
      return;
    }
    if (!FREE.has(method)) {
      this.#calls.unknown(exchange);
      return;
    }
    this.#context.upstream.send(request);
  }

  #notification(notification: Notification): void {
    const { log, upstream, recorder } = this.#context;
    const { method, params } = notification;
    if (method === 'notifications/cancelled') {
      const { requestId } = params;
      if (typeof requestId === 'string' || typeof requestId === 'number') this.#cancel(requestId, notification);
      return;
    }
    // A request without an id would run without any answer; a server that takes one is not given any.
    if (!method.startsWith('notifications/')) {
      recorder.event('dropped', { why: 'a request without an id', method: method.slice(0, 256) });
      return;
    }
    log.alone(this.#withoutSecrets(notification));
    upstream.send(notification);
  }

  #cancel(id: RequestId, notification?: Notification): void {
    const exchange = this.#context.inFlight.get(keyOf(id));
    if (exchange === undefined) return;
    const { recorder, upstream } = this.#context;
    recorder.event('cancel-requested', { exchange: exchange.number });
    exchange.cancelled = true;
    this.#context.release(exchange);
    // What waits for a person has not reached the server.
    if (this.#calls.cancel(exchange)) return;
    const params = { requestId: id, reason: 'the client cancelled it' };
    const text = notification?.text ?? JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
    upstream.send(notification ?? { kind: 'notification', method: 'notifications/cancelled', params, text });
    this.#context.log.end(exchange, 'cancelled');
  }

  #response(response: Response): void {
    if (!this.#serverSide.expects(response.id)) return;
    this.#context.log.alone(this.#withoutSecrets(response));
    this.#context.upstream.send(response);
  }

  #withoutSecrets(message: Request | Notification | Response): string {
    const whole = JSON.parse(message.text) as Json;
    const { value, kinds } = this.#context.sensitive.withoutSecrets(whole);
    return kinds.length === 0 ? message.text : JSON.stringify(value);
  }

  /** What the client says of itself, once; a claim. */
  #name(params: Request['params']): void {
    const { server, session } = this.#context;
    if (this.#context.agent !== 'unknown') return;
    const meta = isObject(params._meta) ? params._meta : {};
    const info = isObject(params.clientInfo) ? params.clientInfo : meta[CLIENT_INFO_KEY];
    const name = isObject(info) && typeof info.name === 'string' ? info.name.slice(0, 64) : '';
    this.#context.agent = server.agent ?? (name === '' ? session.agent.name : name);
  }

  /** The server will not answer this request. */
  #failed(id: RequestId, sentence: string): void {
    if (this.#context.answered(id, { failed: sentence })) return;
    const exchange = this.#context.inFlight.get(keyOf(id));
    if (exchange !== undefined) this.#context.answerError(exchange, ErrorCode.internal, `Countersign: ${sentence}`);
  }

  #changed(): void {
    const { deps, session, ended } = this.#context;
    if (ended || this.#stats !== null) return;
    this.#stats = deps.after(STATS_MS, () => {
      this.#stats = null;
      if (!this.#context.ended) deps.live.changed(session);
    });
  }

  /** Ends both sides, and seals the recording. Idempotent. */
  end(reason: string): void {
    const context = this.#context;
    if (context.ended) return;
    try {
      const sentence = `Countersign: this session has ended: ${reason}.`;
      for (const exchange of [...context.inFlight.values()]) {
        if (!exchange.answered)
          context.client.send(errorText(exchange.request.id, ErrorCode.internal, sentence), exchange.request.id, true);
      }
    } catch (error) {
      context.deps.log.error({ err: error, session: this.id }, 'a client could not be told that its session ended');
    }
    context.ended = true;
    void this.#close(reason);
  }

  async #close(reason: string): Promise<void> {
    const { deps, session, recorder, client, upstream } = this.#context;
    this.#stats?.();
    this.#context.failOwn(reason);
    client.closed(reason);
    this.#serverSide.end(reason);
    await this.#calls.end(reason).catch(() => {});
    deps.approvals.sessionClosed(session.id);
    await upstream.close();
    session.closedAt = new Date(deps.clock.now()).toISOString();
    session.state = 'closed';
    await recorder
      .close(reason)
      .catch((error: unknown) =>
        deps.log.error({ err: error, session: session.id }, 'a recording could not be closed'),
      );
    deps.live.closed(session);
    this.#finished();
  }

  /** For SessionContext.broken: nothing is forwarded any more. */
  broken(error: unknown): void {
    if (!isCountersignError(error)) {
      this.#context.deps.log.error({ err: error, session: this.id }, 'a session ended by a mistake of ours');
    }
    this.end(isCountersignError(error) ? error.message : 'the gateway made a mistake; its log has more');
  }
}
