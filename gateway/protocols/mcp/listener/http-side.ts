import type { ServerResponse } from 'node:http';
import { ErrorCode, type RequestId } from '../codec/message.ts';
import type { ClientSide } from '../ports.ts';
import { keyOf } from '../session/exchange.ts';

const MAX_QUEUED = 64;

/** One answer over HTTP: JSON where the response is all there is to say, else a stream of events. */
class AnswerStream {
  #state: 'nothing' | 'events' | 'done' = 'nothing';

  readonly events: boolean;
  private readonly response: ServerResponse;
  private readonly stateless: boolean;

  constructor(response: ServerResponse, how: { events: boolean; stateless: boolean }) {
    this.response = response;
    this.events = how.events;
    this.stateless = how.stateless;
  }

  get done(): boolean {
    return this.#state === 'done' || this.response.destroyed;
  }

  write(text: string, final: boolean): void | Promise<void> {
    if (this.done) return;
    // Before 2026-07-28 servers answer by a stream where the client takes one, and clients may count on it.
    if (this.#state === 'nothing' && final && (this.stateless || !this.events)) {
      this.#state = 'done';
      this.response.writeHead(this.stateless ? statusOf(text) : 200, { 'content-type': 'application/json' });
      this.response.end(text);
      return;
    }
    if (!this.events) return;
    if (this.#state === 'nothing') startEvents(this.response);
    this.#state = final ? 'done' : 'events';
    if (!final) return writeEvent(this.response, text);
    // Head and answer in one piece, where it is the only one.
    this.response.end(eventOf(text));
  }

  /** Nothing will be answered. */
  end(): void {
    if (this.#state === 'nothing' && !this.response.headersSent) this.response.writeHead(503);
    this.#state = 'done';
    this.response.end();
  }
}

/** The client's end over streamable HTTP: each request has an answer of its own, and there may be one stream beside. */
export class HttpSide implements ClientSide {
  readonly #answers = new Map<string, AnswerStream>();
  #stream: ServerResponse | null = null;
  #queue: string[] = [];
  lastUsed: number;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.lastUsed = now();
  }

  get busy(): boolean {
    return this.#answers.size > 0 || this.#stream !== null;
  }

  /** @param gone called when the client closes the connection before it has its answer. */
  expect(
    id: RequestId,
    response: ServerResponse,
    how: { events: boolean; stateless: boolean },
    gone: () => void,
  ): void {
    const answer = new AnswerStream(response, how);
    const key = keyOf(id);
    this.#answers.set(key, answer);
    this.lastUsed = this.#now();
    response.on('close', () => {
      if (this.#answers.get(key) === answer) this.#answers.delete(key);
      this.lastUsed = this.#now();
      if (!answer.done || !response.writableFinished) gone();
    });
  }

  /** The stream for what belongs to no request; a new one takes the place of the one before. */
  listen(response: ServerResponse): void {
    this.#stream?.end();
    this.#stream = response;
    startEvents(response);
    response.flushHeaders();
    for (const text of this.#queue.splice(0)) writeEvent(response, text);
    response.on('close', () => {
      if (this.#stream === response) this.#stream = null;
    });
  }

  send(text: string, relatedTo: RequestId | null, final: boolean): void | Promise<void> {
    this.lastUsed = this.#now();
    const own = relatedTo === null ? undefined : this.#answers.get(keyOf(relatedTo));
    if (own !== undefined) return own.write(text, final);
    if (this.#stream !== null) return writeEvent(this.#stream, text);
    // Clients such as Cursor hold no stream beside, so it goes where one listens.
    const open = [...this.#answers.values()].reverse().find(({ events, done }) => events && !done);
    if (open !== undefined && !final) return open.write(text, false);
    if (this.#queue.length < MAX_QUEUED) this.#queue.push(text);
  }

  closed(): void {
    for (const answer of this.#answers.values()) if (!answer.done) answer.end();
    this.#stream?.end();
    this.#stream = null;
  }
}

/** The client's end of the transport of 2024-11-05: everything goes down one stream. */
export class OldSseSide implements ClientSide {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, endpoint: string) {
    this.#response = response;
    startEvents(response);
    response.write(`event: endpoint\ndata: ${endpoint}\n\n`);
  }

  send(text: string): void | Promise<void> {
    return writeEvent(this.#response, text);
  }

  closed(): void {
    this.#response.end();
  }
}

function startEvents(response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
}

const eventOf = (text: string): string => `event: message\ndata: ${text}\n\n`;

/** @param text one line. */
function writeEvent(response: ServerResponse, text: string): void | Promise<void> {
  if (response.destroyed || response.writableEnded) return;
  if (response.write(eventOf(text))) return;
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });
}

/** Which errors the stateless revision tells by the status too (2026-07-28, Streamable HTTP). */
const STATUS: ReadonlyMap<number, number> = new Map([
  [ErrorCode.parse, 400],
  [ErrorCode.invalidRequest, 400],
  [ErrorCode.methodNotFound, 404],
  [ErrorCode.headerMismatch, 400],
  [-32021, 400],
  [ErrorCode.unsupportedProtocolVersion, 400],
]);

function statusOf(text: string): number {
  const { error } = JSON.parse(text) as { error?: { code: number } };
  return error === undefined ? 200 : (STATUS.get(error.code) ?? 200);
}
