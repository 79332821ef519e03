export interface ServerSentEvent {
  event: string;
  data: string;
  id: string | null;
  /** Milliseconds until a new connection may be tried, where this event says so. */
  retry: number | null;
}

/**
 * Server-sent events (WHATWG HTML, 9.2.6) out of bytes. Bounded: an event above `maxBytes` makes push()
 * return null, and nothing after it is read.
 */
export class SseParser {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder();
  #buffer = '';
  #data: string[] = [];
  #size = 0;
  #event = '';
  #id: string | null = null;
  #retry: number | null = null;
  #afterReturn = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns the events that this chunk completes, those without data included when they have an id or a retry. */
  push(chunk: Uint8Array): ServerSentEvent[] | null {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === '') return [];
    // A line may end with CR LF, and the chunk between the two.
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1);
    this.#afterReturn = text.endsWith('\r');
    const lines = (this.#buffer + text).split(/\r\n|\n|\r/);
    this.#buffer = lines.pop()!;
    const events: ServerSentEvent[] = [];
    for (const line of lines) {
      const event = this.#line(line);
      if (event !== null) events.push(event);
      if (this.#size > this.#maxBytes) return null;
    }
    return this.#size + this.#buffer.length > this.#maxBytes ? null : events;
  }

  #line(line: string): ServerSentEvent | null {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return null;
    const field = colon === -1 ? line : line.slice(0, colon);
    let value = colon === -1 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length + 1;
    } else if (field === 'event') this.#event = value.slice(0, 256);
    else if (field === 'id' && !value.includes('\0')) this.#id = value.slice(0, 4096);
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) this.#retry = Number(value);
    return null;
  }

  #dispatch(): ServerSentEvent | null {
    const event = { event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id, retry: this.#retry };
    const something = this.#data.length > 0 || this.#id !== null || this.#retry !== null;
    this.#data = [];
    this.#size = 0;
    this.#event = '';
    this.#id = null;
    this.#retry = null;
    return something ? event : null;
  }
}
