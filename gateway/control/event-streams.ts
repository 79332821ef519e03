import type { ServerResponse } from 'node:http';
import { CountersignError } from '../contract/errors.ts';

const MAX_STREAMS = 32;
/** Bytes that a reader may leave unread before it is dropped; it reads the lists again when it comes back. */
const MAX_BEHIND = 4 * 1024 * 1024;
export const KEEPALIVE_MS = 15_000;

/** Server-sent events to the open consoles and command lines. */
export class EventStreams {
  readonly #streams = new Map<ServerResponse, { alive: () => boolean }>();
  readonly #timer: NodeJS.Timeout;

  constructor(keepaliveMs: number) {
    this.#timer = setInterval(() => this.#send(': keepalive\n\n'), keepaliveMs);
    this.#timer.unref();
  }

  /** @param alive false once the session that opened the stream has ended. Throws TOO_MANY_STREAMS. */
  open(response: ServerResponse, alive: () => boolean): void {
    if (this.#streams.size >= MAX_STREAMS) {
      throw new CountersignError('TOO_MANY_STREAMS', `There are ${MAX_STREAMS} listeners already; close a console.`);
    }
    this.#streams.set(response, { alive });
    response.on('close', () => this.#streams.delete(response));
    response.on('error', () => this.#streams.delete(response));
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.write('retry: 2000\n\n');
  }

  publish(event: object): void {
    if (this.#streams.size > 0) this.#send(`data: ${JSON.stringify(event)}\n\n`);
  }

  /** Ends the streams whose session has ended. */
  prune(): void {
    for (const [response, { alive }] of [...this.#streams]) if (!alive()) this.#drop(response);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const response of [...this.#streams.keys()]) this.#drop(response);
  }

  get size(): number {
    return this.#streams.size;
  }

  #send(text: string): void {
    for (const [response, { alive }] of [...this.#streams]) {
      if (!alive() || response.writableLength > MAX_BEHIND) this.#drop(response);
      else response.write(text);
    }
  }

  #drop(response: ServerResponse): void {
    this.#streams.delete(response);
    response.destroy();
  }
}
