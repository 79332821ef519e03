import type { Decision } from '../../../contract/decision.ts';
import type { PendingDecision } from '../../../pipeline/pipeline.ts';
import { CLIENT_CAPABILITIES_KEY, CLIENT_INFO_KEY, VERSION_KEY } from '../codec/headers.ts';
import { isObject, type JsonObject, parseExact } from '../codec/json.ts';
import { ErrorCode, type Request, type Response, resultText } from '../codec/message.ts';
import { mirroredHeaders, paramMismatch } from '../codec/param-headers.ts';
import { exactParams, isStateless, rewritten, type SessionContext } from './context.ts';
import type { Subject, Weighed } from './decide.ts';
import type { Exchange } from './exchange.ts';
import { isShown, type KnownTool, WAIT_TOOL } from './tools.ts';

/** Clients give up after 60 s unless they are told of progress, so a held call answers before that. */
const HOLD_MS = 45_000;
const BEAT_MS = 10_000;
const LIST_TIMEOUT_MS = 30_000;
const MAX_PAGES = 100;
const MAX_DETACHED = 64;
const MAX_KEPT = 64 * 1024 * 1024;

/** A call that was answered before a person decided. */
interface Detached {
  id: string;
  request: Request;
  /** null: it still waits, or runs. */
  answer: string | null;
  waiters: Set<() => void>;
}

const READS_ONLY: KnownTool = {
  hash: '',
  changed: null,
  readOnly: true,
  destructive: false,
  hasOutputSchema: false,
  paramHeaders: [],
};

/** Requests that policy decides on: calls of tools, reading of resources, and methods that are not known. */
export class Calls {
  readonly #context: SessionContext;
  private readonly mask: (exchange: Exchange, response: Response) => Promise<string>;
  readonly #detached = new Map<string, Detached>();
  readonly #holds = new Map<Exchange, PendingDecision>();
  readonly #deciding = new Set<Promise<void>>();
  #listing: Promise<void> | null = null;

  /** @param mask what the client may see of a server's answer. */
  constructor(context: SessionContext, mask: Calls['mask']) {
    this.#context = context;
    this.mask = mask;
  }

  tool(exchange: Exchange): void {
    const { request } = exchange;
    const { server, book } = this.#context;
    const { name } = request.params;
    const args = exactParams(request).arguments ?? {};
    if (typeof name !== 'string' || !isObject(args)) {
      const sentence = 'a call of a tool has its name and, as an object, its arguments';
      this.#context.answerError(exchange, ErrorCode.invalidParams, sentence);
      return;
    }
    exchange.text = name;
    if (name === WAIT_TOOL && book.ownWait) {
      this.#waitFor(exchange, args);
      return;
    }
    if (!isShown(server, name)) {
      const sentence = `Countersign: the tool ${name} of ${server.name} is not among those that agents may use here.`;
      this.#context.refuse(exchange, sentence);
      return;
    }
    const known = book.get(name);
    if (known !== null || book.complete) {
      this.#call(exchange, name, args, known);
      return;
    }
    this.#learn(request).then(() =>
      this.#context.guard(() => {
        if (exchange.cancelled || exchange.ended) return;
        this.#call(exchange, name, args, book.get(name));
      }),
    );
  }

  #call(exchange: Exchange, name: string, args: JsonObject, tool: KnownTool | null): void {
    const { request } = exchange;
    const wanted = isStateless(request.params) ? (tool?.paramHeaders ?? []) : [];
    const mismatch = request.paramHeaders === undefined ? null : paramMismatch(wanted, args, request.paramHeaders);
    if (mismatch !== null) {
      this.#context.answerError(exchange, ErrorCode.headerMismatch, `Countersign: ${mismatch}.`);
      return;
    }
    // What was decided on is what the server reads, in its headers too.
    if (wanted.length > 0 || request.paramHeaders !== undefined) {
      exchange.request = { ...request, paramHeaders: mirroredHeaders(wanted, args) };
    }
    this.#weigh(exchange, { what: name, args, tool });
  }

  resource(exchange: Exchange): void {
    const { uri } = exchange.request.params;
    this.#weigh(exchange, {
      what: 'resources/read',
      args: { uri: typeof uri === 'string' ? uri : null },
      tool: READS_ONLY,
    });
  }

  unknown(exchange: Exchange): void {
    const { _meta, ...args } = exactParams(exchange.request);
    this.#weigh(exchange, { what: exchange.request.method, args, tool: null });
  }

  /** @returns true when nothing of it has reached the server. */
  cancel(exchange: Exchange): boolean {
    const held = this.#holds.get(exchange);
    held?.withdraw('the client cancelled it');
    return held !== undefined;
  }

  /** Resolves when how each held call was decided has been recorded. */
  async end(reason: string): Promise<void> {
    for (const pending of [...this.#holds.values()]) pending.withdraw(reason);
    for (const { waiters } of this.#detached.values()) for (const wake of [...waiters]) wake();
    await Promise.all(this.#deciding);
  }

  #weigh(exchange: Exchange, subject: Subject): void {
    const weighed = this.#context.decider.weigh(subject, this.#context.agent, exchange.number);
    exchange.effects = weighed.effects;
    exchange.text = `${subject.what} ${weighed.text}`;
    exchange.digest = weighed.digest;
    if (weighed.outcome.kind === 'held') {
      this.#hold(exchange, weighed, subject);
      return;
    }
    this.#go(exchange, weighed.outcome.decision, null);
  }

  #go(exchange: Exchange, decision: Decision, detached: Detached | null): void {
    exchange.decision = decision;
    if (decision.effect === 'deny') {
      this.#denied(exchange, decision, detached);
      return;
    }
    const { recorder } = this.#context;
    const forward = () => (detached === null ? this.#forward(exchange) : this.#runDetached(exchange, detached));
    if (exchange.effects?.class === 'read' && decision.emergency === undefined) {
      forward();
      return;
    }
    recorder.durable().then(
      () => this.#context.guard(forward),
      (error: unknown) => this.#context.broken(error),
    );
  }

  #forward(exchange: Exchange): void {
    if (exchange.cancelled) this.#context.log.end(exchange, 'cancelled');
    else if (!exchange.ended) this.#context.upstream.send(exchange.request);
  }

  #denied(exchange: Exchange, decision: Decision, detached: Detached | null): void {
    const why = decision.message ?? decision.verdict.reason;
    const rule = decision.verdict.policyIds.length > 0 ? ` (${decision.verdict.policyIds.join(', ')})` : '';
    const sentence = `Countersign denied this call: ${why}${rule}`;
    if (detached === null) {
      this.#context.refuse(exchange, sentence);
      return;
    }
    this.#context.log.end(exchange, 'denied');
    this.#finish(detached, this.#context.refusal(exchange.request, sentence));
  }

  #hold(exchange: Exchange, { digest, outcome }: Weighed, { what, tool }: Subject): void {
    if (outcome.kind !== 'held') return;
    const { deps, decider } = this.#context;
    const { pending, since } = outcome;
    let detached: Detached | null = null;
    const stopBeating = this.#beat(exchange, `Waiting for a person to approve ${what}.`);
    const stopWaiting = deps.after(HOLD_MS, () =>
      this.#context.guard(() => {
        detached = this.#detach(exchange, pending.approvalId, tool);
      }),
    );
    this.#holds.set(exchange, pending);
    const deciding = pending.decision.then((decision) => {
      stopBeating();
      stopWaiting();
      this.#holds.delete(exchange);
      this.#deciding.delete(deciding);
      // The recording still takes how it was decided while the session ends.
      try {
        exchange.heldMs = decider.decided(pending, decision, digest, since);
      } catch (error) {
        return this.#context.broken(error);
      }
      this.#context.guard(() => this.#go(exchange, decision, detached));
    });
    this.#deciding.add(deciding);
  }

  /** Tells of progress now and again and again; returns what stops it. */
  #beat(exchange: Exchange, message: string): () => void {
    let step = 0;
    let stop = () => {};
    const beat = () => {
      this.#context.guard(() => this.#context.progress(exchange, ++step, message));
      stop = this.#context.deps.after(BEAT_MS, beat);
    };
    if (exchange.progressToken !== null) beat();
    return () => stop();
  }

  /** The client has its answer now: where to come back. The call itself goes on waiting. */
  #detach(exchange: Exchange, id: string, tool: KnownTool | null): Detached | null {
    const { request } = exchange;
    if (request.method !== 'tools/call' || exchange.answered || exchange.cancelled) return null;
    if (this.#detached.size >= MAX_DETACHED && !this.#evict()) return null;
    const detached: Detached = { id, request, answer: null, waiters: new Set() };
    this.#detached.set(id, detached);
    const text = waitingText(id);
    // A client checks results against the tool's output schema unless they are errors.
    const result = this.#context.toolResult(request, text, tool?.hasOutputSchema ?? false);
    const line = resultText(request.id, result);
    this.#context.log.down(exchange, line);
    this.#context.release(exchange);
    exchange.answered = true;
    this.#context.client.send(line, request.id, true);
    return detached;
  }

  #runDetached(exchange: Exchange, detached: Detached): void {
    const { _meta, ...params } = exactParams(exchange.request);
    const meta = isObject(_meta) ? _meta : {};
    const { progressToken, ...rest } = meta;
    const sent = Object.keys(rest).length > 0 ? { ...params, _meta: rest } : params;
    this.#context.ask(exchange.request.method, sent, null, exchange.request.paramHeaders).then(async (answer) => {
      if ('failed' in answer) {
        this.#context.guard(() => this.#context.log.end(exchange, 'failed'));
        return this.#finish(detached, this.#context.refusal(exchange.request, answer.failed));
      }
      const { response } = answer;
      const text = await this.mask(exchange, response);
      this.#context.guard(() => this.#context.log.end(exchange, errorOf(response)));
      this.#finish(detached, text);
    });
  }

  #finish(detached: Detached, answer: string): void {
    detached.answer = answer;
    for (const wake of [...detached.waiters]) wake();
    let kept = 0;
    for (const one of this.#detached.values()) kept += one.answer?.length ?? 0;
    if (kept > MAX_KEPT) this.#evict();
  }

  /** Forgets the oldest result that nobody came for. */
  #evict(): boolean {
    for (const [id, { answer, waiters }] of this.#detached) {
      if (answer !== null && waiters.size === 0) return this.#detached.delete(id);
    }
    return false;
  }

  #waitFor(exchange: Exchange, args: JsonObject): void {
    const { request } = exchange;
    const id = typeof args.id === 'string' ? args.id : '';
    const detached = this.#detached.get(id);
    exchange.text = `${WAIT_TOOL} ${JSON.stringify({ id: id.slice(0, 64) })}`;
    const say = (text: string, isError: boolean) =>
      this.#context.answer(exchange, resultText(request.id, this.#context.toolResult(request, text, isError)), null);
    if (detached === undefined) {
      say('Countersign: no call of this session waits under this id, or its result was fetched already.', true);
      return;
    }
    let stopTimer = () => {};
    const stopBeating = this.#beat(exchange, 'Still waiting for a person.');
    const settle = () => {
      stopTimer();
      stopBeating();
      detached.waiters.delete(settle);
      this.#context.guard(() => {
        if (exchange.ended || exchange.cancelled) return;
        if (detached.answer === null) return say(waitingText(id), false);
        this.#detached.delete(id);
        const failed = errorOf(parseExact(detached.answer) as unknown as Response);
        this.#context.answer(exchange, rewritten(detached.answer, { id: request.id }), failed);
      });
    };
    if (detached.answer !== null) {
      settle();
      return;
    }
    detached.waiters.add(settle);
    stopTimer = this.#context.deps.after(HOLD_MS, settle);
  }

  /** All pages of tools/list, once for whoever waits for it. Never rejects. */
  #learn(request: Request): Promise<void> {
    this.#listing ??= this.#list(request).finally(() => {
      this.#listing = null;
    });
    return this.#listing;
  }

  async #list(request: Request): Promise<void> {
    const meta = isObject(request.params._meta) ? request.params._meta : {};
    const kept = [VERSION_KEY, CLIENT_INFO_KEY, CLIENT_CAPABILITIES_KEY].filter((key) => meta[key] !== undefined);
    const envelope: JsonObject =
      kept.length > 0 ? { _meta: Object.fromEntries(kept.map((key) => [key, meta[key]!])) } : {};
    let cursor: string | null = null;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const params: JsonObject = cursor === null ? envelope : { ...envelope, cursor };
      const answer = await this.#context.ask('tools/list', params, LIST_TIMEOUT_MS);
      if ('failed' in answer || answer.response.result === null) return;
      const { result } = answer.response;
      this.#context.guard(() => void this.#context.book.learn(result));
      if (typeof result.nextCursor !== 'string') return;
      cursor = result.nextCursor;
    }
  }
}

export function errorOf({ error, result }: Pick<Response, 'error' | 'result'>): string | null {
  if (error != null) return String(error.code);
  return result?.isError === true ? 'isError' : null;
}

function waitingText(id: string): string {
  return (
    `Countersign: a person has not decided on this call yet. It is still waiting, and nothing has run. ` +
    `Do not send it again: call the tool ${WAIT_TOOL} with {"id": "${id}"} to get its result.`
  );
}
