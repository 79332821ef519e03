import type { McpServer } from '../../../contract/mcp.ts';
import type { Session } from '../../../contract/session.ts';
import type { SessionRecorder } from '../../../pipeline/ports.ts';
import { isStatelessVersion, VERSION_KEY } from '../codec/headers.ts';
import { isObject, type Json, type JsonObject, parseExact } from '../codec/json.ts';
import {
  ErrorCode,
  errorText,
  notificationText,
  type Request,
  type RequestId,
  type Response,
  resultText,
} from '../codec/message.ts';
import type { ClientSide, McpDeps, Upstream } from '../ports.ts';
import type { Decider } from './decide.ts';
import { type Exchange, type ExchangeLog, keyOf } from './exchange.ts';
import type { Sensitive } from './sensitive.ts';
import type { ToolBook } from './tools.ts';

type OwnAnswer = { response: Response } | { failed: string };

/** What the parts of one session share. */
interface SessionParts {
  deps: McpDeps;
  server: McpServer;
  session: Session;
  recorder: SessionRecorder;
  client: ClientSide;
  log: ExchangeLog;
  book: ToolBook;
  sensitive: Sensitive;
  decider: Decider;
  /** What ends the session when a recording or the gateway itself fails. */
  broken(error: unknown): void;
}

export class SessionContext {
  readonly deps: McpDeps;
  readonly server: McpServer;
  readonly session: Session;
  readonly recorder: SessionRecorder;
  readonly client: ClientSide;
  readonly log: ExchangeLog;
  readonly book: ToolBook;
  readonly sensitive: Sensitive;
  readonly decider: Decider;
  readonly broken: (error: unknown) => void;
  readonly inFlight = new Map<string, Exchange>();
  readonly #own = new Map<RequestId, (answer: OwnAnswer) => void>();
  #ownCount = 0;
  /** Whose calls these are, for policies. */
  agent = 'unknown';
  ended = false;
  /** Set right after the session was made. */
  upstream!: Upstream;

  constructor(parts: SessionParts) {
    this.deps = parts.deps;
    this.server = parts.server;
    this.session = parts.session;
    this.recorder = parts.recorder;
    this.client = parts.client;
    this.log = parts.log;
    this.book = parts.book;
    this.sensitive = parts.sensitive;
    this.decider = parts.decider;
    this.broken = parts.broken;
  }

  /** Runs what may fail by a recording that does not work; then the session ends. */
  guard(run: () => void): void {
    if (this.ended) return;
    try {
      run();
    } catch (error) {
      this.broken(error);
    }
  }

  /** The client's answer; recorded before it is sent. @param error a code, or null. */
  answer(exchange: Exchange, line: string, error: string | null): void {
    this.log.down(exchange, line);
    this.log.end(exchange, error);
    this.release(exchange);
    if (exchange.answered) return;
    exchange.answered = true;
    this.client.send(line, exchange.request.id, true);
  }

  answerError(exchange: Exchange, code: number, sentence: string, data?: Json): void {
    this.answer(exchange, errorText(exchange.request.id, code, sentence, data), String(code));
  }

  /** A refusal in words: of a call as its result, which the model reads; of anything else as an error. */
  refuse(exchange: Exchange, sentence: string): void {
    const line = this.refusal(exchange.request, sentence);
    this.answer(exchange, line, 'denied');
  }

  refusal(request: Request, sentence: string): string {
    return request.method === 'tools/call'
      ? resultText(request.id, this.toolResult(request, sentence, true))
      : errorText(request.id, ErrorCode.refused, sentence, { countersign: 'denied' });
  }

  toolResult(request: Request, text: string, isError: boolean): JsonObject {
    return {
      content: [{ type: 'text', text }],
      isError,
      ...(isStateless(request.params) ? { resultType: 'complete' } : {}),
    };
  }

  /** A sign of life on the call's own stream, where the client asked for such. */
  progress(exchange: Exchange, step: number, message: string): void {
    if (exchange.progressToken === null || exchange.answered || exchange.cancelled) return;
    // Below what servers count in, since progress may only grow.
    const progress = step / 1000;
    const line = notificationText('notifications/progress', {
      progressToken: exchange.progressToken,
      progress,
      message,
    });
    this.log.down(exchange, line);
    this.client.send(line, exchange.request.id, false);
  }

  /** Ids of the gateway's own requests to the server; a client that uses them is refused. Gateways may stand in a row. */
  get ownId(): string {
    return `countersign:${this.session.id}:`;
  }

  /** A request of the gateway's own to the server. Never rejects. */
  ask(
    method: string,
    params: JsonObject,
    timeoutMs: number | null,
    paramHeaders: Request['paramHeaders'] = {},
  ): Promise<OwnAnswer> {
    const id = `${this.ownId}${this.#ownCount++}`;
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    return new Promise((resolve) => {
      const stop =
        timeoutMs === null
          ? () => {}
          : this.deps.after(timeoutMs, () => this.answered(id, { failed: 'the server did not answer' }));
      this.#own.set(id, (answer) => {
        stop();
        resolve(answer);
      });
      if (this.ended) this.answered(id, { failed: 'the session has ended' });
      else this.upstream.send({ kind: 'request', id, method, params, text, paramHeaders });
    });
  }

  /** @returns false when nobody asked for it. */
  answered(id: RequestId, answer: OwnAnswer): boolean {
    const waiting = this.#own.get(id);
    this.#own.delete(id);
    waiting?.(answer);
    return waiting !== undefined;
  }

  failOwn(sentence: string): void {
    for (const id of [...this.#own.keys()]) this.answered(id, { failed: sentence });
  }

  /** The id may be used again. */
  release(exchange: Exchange): void {
    const key = keyOf(exchange.request.id);
    if (this.inFlight.get(key) === exchange) this.inFlight.delete(key);
  }
}

export function isStateless(params: JsonObject): boolean {
  const version = isObject(params._meta) ? params._meta[VERSION_KEY] : undefined;
  return typeof version === 'string' && isStatelessVersion(version);
}

/** The arguments with every number as it was written. */
export function exactParams(request: { params: JsonObject; text: string }): JsonObject {
  // The version is the one number in quotes that every message has.
  if (!/\d(\.|[eE]|\d{14})/.test(request.text.replace('"2.0"', ''))) return request.params;
  const exact = parseExact(request.text);
  return isObject(exact) && isObject(exact.params) ? exact.params : {};
}

/** The same message under another id, or with other parts. */
export function rewritten(text: string, changes: JsonObject): string {
  return JSON.stringify({ ...(parseExact(text) as JsonObject), ...changes });
}
