import type { Decision } from '../../../contract/decision.ts';
import type { PendingDecision } from '../../../pipeline/pipeline.ts';
import { isObject, type JsonObject, parseExact } from '../codec/json.ts';
import {
  ErrorCode,
  errorText,
  type Notification,
  parseMessage,
  type Request,
  type RequestId,
  type Response,
} from '../codec/message.ts';
import { errorOf } from './calls.ts';
import { exactParams, type SessionContext } from './context.ts';
import { type Exchange, keyOf } from './exchange.ts';

const MAX_ASKED = 64;
const MAX_EVENT_TEXT = 64 * 1024;
/** What a server sends that is no message is noted so often, and then only dropped. */
const MAX_NOISE = 20;

/** Results that describe the server; masking them would change what its tools are called with. */
const DESCRIPTIONS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
]);

/** What a server may ask for without anybody deciding. */
const HARMLESS: ReadonlySet<string> = new Set(['ping', 'roots/list']);

/** Messages of the server: answers on their way to the client, and what it asks of the client itself. */
export class ServerSide {
  readonly #context: SessionContext;
  /** Requests of the server that the client has to answer. */
  readonly #asked = new Set<string>();
  readonly #held = new Set<PendingDecision>();
  #noise = 0;

  constructor(context: SessionContext) {
    this.#context = context;
  }

  /** @returns whether the server waits for this answer; it is taken once. */
  expects(id: RequestId): boolean {
    return this.#asked.delete(keyOf(id));
  }

  end(reason: string): void {
    for (const pending of [...this.#held]) pending.withdraw(reason);
  }

  receive(text: string, relatedTo: RequestId | null): void {
    const message = parseMessage(text, false);
    switch (message.kind) {
      case 'malformed':
        this.#noted(message.why);
        return;
      case 'response':
        this.#response(message);
        return;
      case 'notification':
        this.#notification(message, relatedTo);
        return;
      case 'request':
        this.#request(message, relatedTo);
        return;
    }
  }

  #noted(why: string): void {
    if (this.#noise++ < MAX_NOISE) this.#context.recorder.event('server-noise', { why });
  }

  #response(response: Response): void {
    if (this.#context.answered(response.id, { response })) return;
    const exchange = this.#context.inFlight.get(keyOf(response.id));
    if (exchange === undefined || exchange.answered) return;
    const shown = this.#shownAtOnce(exchange, response);
    if (shown !== null) {
      this.#context.answer(exchange, shown, errorOf(response));
      return;
    }
    this.shown(exchange, response).then((line) =>
      this.#context.guard(() => {
        if (!exchange.ended) this.#context.answer(exchange, line, errorOf(response));
      }),
    );
  }

  /** What the client may see of an answer. Never rejects. */
  async shown(exchange: Exchange, response: Response): Promise<string> {
    const refused = await this.#refusedInput(exchange, response);
    return refused ?? this.#masked(exchange, response);
  }

  /** null: somebody has to decide first. */
  #shownAtOnce(exchange: Exchange, response: Response): string | null {
    const { result, text } = response;
    const { method } = exchange.request;
    if (method === 'tools/list' && result !== null) {
      const learnt = this.#context.book.learn(result);
      return learnt === result ? text : withPart(text, 'result', learnt);
    }
    if (DESCRIPTIONS.has(method)) return text;
    return result?.resultType === 'input_required' ? null : this.#masked(exchange, response);
  }

  #masked(exchange: Exchange, { text, result, error }: Response): string {
    const { sensitive } = this.#context;
    const part = result === null ? 'error' : 'result';
    const value = result ?? { message: error!.message, ...(error!.data === undefined ? {} : { data: error!.data }) };
    if (sensitive.masked(value, exchange.masked) === value) return text;
    // Numbers stay as the server wrote them.
    const exact = parseExact(text) as JsonObject;
    return JSON.stringify({ ...exact, [part]: sensitive.masked(exact[part]!, {}) });
  }

  #notification(notification: Notification, relatedTo: RequestId | null): void {
    const { sensitive, book, log, client, recorder } = this.#context;
    const { method, params, text } = notification;
    if (method === 'notifications/tools/list_changed') book.changed();
    if (method === 'notifications/cancelled' && params.requestId !== undefined) {
      this.#asked.delete(JSON.stringify(params.requestId));
    }
    const exchange = this.#relatedExchange(notification, relatedTo);
    const masked = sensitive.masked(params, exchange?.masked ?? {});
    const line = masked === params ? text : withPart(text, 'params', masked as JsonObject);
    if (exchange === null) recorder.event('notification', { text: line.slice(0, MAX_EVENT_TEXT) }, 'unit');
    else log.down(exchange, line);
    client.send(line, exchange?.request.id ?? relatedTo, false);
  }

  #relatedExchange({ method, params }: Notification, relatedTo: RequestId | null): Exchange | null {
    const { inFlight } = this.#context;
    if (relatedTo !== null) return inFlight.get(keyOf(relatedTo)) ?? null;
    if (method !== 'notifications/progress') return null;
    for (const exchange of inFlight.values()) if (exchange.progressToken === params.progressToken) return exchange;
    return null;
  }

  #request(request: Request, relatedTo: RequestId | null): void {
    const { upstream, recorder } = this.#context;
    const refuse = (code: number, sentence: string) => {
      recorder.event('server-request', { method: request.method.slice(0, 256), refused: sentence });
      const text = errorText(request.id, code, sentence);
      upstream.send({ kind: 'response', id: request.id, result: null, error: { code, message: sentence }, text });
    };
    if (this.#asked.size >= MAX_ASKED || this.#asked.has(keyOf(request.id))) {
      refuse(ErrorCode.invalidRequest, 'Countersign: the server asks for too much at once.');
      return;
    }
    if (HARMLESS.has(request.method)) {
      this.#pass(request, relatedTo);
      return;
    }
    const { args, what } = { args: exactParams(request), what: request.method };
    const forbidden = this.#forbidden(what);
    if (forbidden !== null) {
      refuse(ErrorCode.refused, forbidden);
      return;
    }
    this.#decide(what, args).then(
      (decision) =>
        this.#context.guard(() => {
          if (decision.effect === 'allow') this.#pass(request, relatedTo);
          else refuse(ErrorCode.refused, `Countersign denied ${what}: ${decision.message ?? decision.verdict.reason}`);
        }),
      (error: unknown) => this.#context.broken(error),
    );
  }

  #pass(request: Request, relatedTo: RequestId | null): void {
    const { inFlight, log, recorder, client } = this.#context;
    this.#asked.add(keyOf(request.id));
    const exchange = relatedTo === null ? null : (inFlight.get(keyOf(relatedTo)) ?? null);
    if (exchange !== null) log.down(exchange, request.text);
    else recorder.event('server-request', { text: request.text.slice(0, MAX_EVENT_TEXT) }, 'unit');
    client.send(request.text, relatedTo, false);
  }

  /** By this server's registration, whatever policy says; a sentence. */
  #forbidden(method: string): string | null {
    const { server } = this.#context;
    const setting = method.startsWith('sampling/')
      ? server.sampling
      : method.startsWith('elicitation/')
        ? server.elicitation
        : 'policy';
    if (setting === 'policy') return null;
    const kind = method.startsWith('sampling/') ? 'sampling' : 'elicitation';
    return `Countersign: ${kind} is refused to the server ${server.name}; a person can register it with ${kind} under policy.`;
  }

  async #decide(what: string, args: JsonObject): Promise<Decision> {
    const { decider, agent } = this.#context;
    const { outcome, digest } = decider.weigh({ what, args, tool: null }, agent, null);
    if (outcome.kind === 'decided') return outcome.decision;
    const { pending, since } = outcome;
    this.#held.add(pending);
    const decision = await pending.decision;
    this.#held.delete(pending);
    decider.decided(pending, decision, digest, since);
    return decision;
  }

  /** The stateless revision asks in its results: what is refused there is refused as the whole result. */
  async #refusedInput(exchange: Exchange, { result }: Response): Promise<string | null> {
    if (result?.resultType !== 'input_required' || !isObject(result.inputRequests)) return null;
    for (const asked of Object.values(result.inputRequests)) {
      const method = isObject(asked) && typeof asked.method === 'string' ? asked.method : 'unknown';
      if (HARMLESS.has(method)) continue;
      const refused = this.#forbidden(method) ?? (await this.#denied(method, isObject(asked) ? asked : {}));
      if (refused !== null) return this.#context.refusal(exchange.request, refused);
    }
    return null;
  }

  async #denied(method: string, asked: JsonObject): Promise<string | null> {
    try {
      const decision = await this.#decide(method, isObject(asked.params) ? asked.params : {});
      return decision.effect === 'allow'
        ? null
        : `Countersign denied ${method}: ${decision.message ?? decision.verdict.reason}`;
    } catch (error) {
      this.#context.broken(error);
      return 'Countersign: the session has ended.';
    }
  }
}

function withPart(text: string, part: 'result' | 'params', value: JsonObject): string {
  // The parts that were not changed are those of the text as it was parsed; ids keep their form.
  return JSON.stringify({ ...(JSON.parse(text) as JsonObject), [part]: value });
}
