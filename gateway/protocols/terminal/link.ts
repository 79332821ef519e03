import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import { CountersignError } from '../../contract/errors.ts';
import { encodeFrame, encodeMessage, type Frame, FrameReader, type FrameType } from './frames.ts';

/** Bytes that the other side may leave unread; it reads all it is sent at once, or is broken. */
const MAX_UNREAD = 1024 * 1024;

/** One connection with a command line: its frames in order, as they come. */
export class Link {
  readonly #socket: Duplex;
  readonly #reader = new FrameReader();
  readonly #queue: Frame[] = [];
  #waiting: ((frame: Frame | null) => void) | null = null;
  #closed = false;
  #onFrames: ((frames: readonly Frame[]) => Promise<void>) | null = null;
  #busy = false;
  #aside: { type: FrameType; take(frame: Frame): void } | null = null;
  /** Resolves when the connection is over, whoever ended it. */
  readonly closed: Promise<void>;

  constructor(socket: Duplex, head: Uint8Array) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#closed = true;
        this.#waiting?.(null);
        resolve();
      });
    });
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk: Uint8Array) => this.#push(chunk));
    if (head.length > 0) this.#push(head);
  }

  #push(chunk: Uint8Array): void {
    let frames: Frame[];
    try {
      frames = [...this.#reader.push(chunk)];
    } catch {
      this.#socket.destroy();
      return;
    }
    for (const frame of frames) {
      if (frame.type === this.#aside?.type) this.#aside.take(frame);
      else if (this.#waiting) {
        const taken = this.#waiting;
        this.#waiting = null;
        taken(frame);
      } else this.#queue.push(frame);
    }
    void this.#drain();
    // Nothing is read while nobody takes what was read: memory is bounded by one chunk and one frame.
    if (this.#queue.length > 0) this.#socket.pause();
  }

  async #drain(): Promise<void> {
    if (this.#onFrames === null || this.#busy) return;
    this.#busy = true;
    while (this.#queue.length > 0 && !this.#closed) await this.#onFrames(this.#queue.splice(0));
    this.#busy = false;
    if (!this.#closed) this.#socket.resume();
  }

  /** Frames of this type are in no order with the others, and may come too late to matter. */
  aside(type: FrameType, take: (frame: Frame) => void): void {
    this.#aside = { type, take };
  }

  /** The next frame. Throws TERMINAL_GONE, TERMINAL_SLOW. */
  async next(timeoutMs: number): Promise<Frame> {
    const queued = this.#queue.shift();
    if (queued !== undefined) return queued;
    if (this.#closed) throw gone();
    this.#socket.resume();
    let timer: NodeJS.Timeout | undefined;
    try {
      const frame = await new Promise<Frame | null>((resolve, reject) => {
        this.#waiting = resolve;
        timer = setTimeout(() => {
          this.#waiting = null;
          reject(new CountersignError('TERMINAL_SLOW', 'the command line did not answer in time'));
        }, timeoutMs);
      });
      if (frame === null) throw gone();
      return frame;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next frame, which has to be this message. Throws TERMINAL_PROTOCOL besides. */
  async message<S extends z.ZodType>(type: FrameType, schema: S, timeoutMs: number): Promise<z.output<S>> {
    const frame = await this.next(timeoutMs);
    if (frame.type !== type) throw misspoken(`frame ${frame.type} where ${type} was expected`);
    return parseMessage(frame, schema);
  }

  /** From now on frames go to `listener`, those of one read together; more is read once it is done. */
  listen(listener: (frames: readonly Frame[]) => Promise<void>): void {
    this.#onFrames = listener;
    this.#socket.resume();
    void this.#drain();
  }

  send(type: FrameType, message: object): void {
    this.write(encodeMessage(type, message));
  }

  write(frame: Uint8Array): void {
    if (this.#closed) return;
    this.#socket.write(frame);
    if (this.#socket.writableLength > MAX_UNREAD) this.#socket.destroy();
  }

  /** Sends what was written, then ends. */
  end(last?: { type: FrameType; message: object }): void {
    if (this.#closed) return;
    this.#socket.end(last === undefined ? undefined : encodeFrame(last.type, jsonBytes(last.message)));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  get isClosed(): boolean {
    return this.#closed;
  }
}

const jsonBytes = (message: object) => new TextEncoder().encode(JSON.stringify(message));

/** Throws TERMINAL_PROTOCOL. */
export function parseMessage<S extends z.ZodType>(frame: Frame, schema: S): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(frame.payload));
  } catch {
    throw misspoken('a message that is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw misspoken(`${issue?.path.join('.') || 'a message'}: ${issue?.message ?? 'is not as it should be'}`);
}

const gone = () => new CountersignError('TERMINAL_GONE', 'the command line went away');
const misspoken = (what: string) =>
  new CountersignError('TERMINAL_PROTOCOL', `What the command line said was not understood: ${what}.`);
