import { connect, type Socket } from 'node:net';
import { TERMINAL_PATH, TERMINAL_UPGRADE } from '../../contract/terminal-upgrade.ts';
import {
  encodeFrame,
  encodeMessage,
  FRAME,
  type Frame,
  FrameReader,
  type FrameType,
} from '../../protocols/terminal/frames.ts';

const MAX_HEAD = 8 * 1024;

/** The command line's end of a terminal's connection with the gateway. */
export class GatewayLink {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #queue: Frame[] = [];
  #waiting: ((frame: Frame | null) => void) | null = null;
  #onFrame: ((frame: Frame) => void) | null = null;
  #closed = false;
  /** Called once when the gateway has gone, or ended the connection. */
  onClosed: () => void = () => {};

  private constructor(socket: Socket, rest: Uint8Array) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#push(chunk));
    socket.on('close', () => {
      this.#closed = true;
      this.#waiting?.(null);
      this.onClosed();
    });
    if (rest.length > 0) this.#push(rest);
  }

  /** The first message goes along with the question for the connection. Resolves to null when no gateway answers there, or it is another program. */
  static open(path: string, hello: object): Promise<GatewayLink | null> {
    return new Promise((resolve) => {
      const socket = connect({ path });
      let head = Buffer.alloc(0);
      const failed = () => {
        socket.destroy();
        resolve(null);
      };
      socket.on('error', failed);
      socket.once('close', failed);
      socket.on('connect', () => {
        socket.cork();
        socket.write(
          `GET ${TERMINAL_PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${TERMINAL_UPGRADE}\r\n\r\n`,
        );
        socket.write(encodeMessage(FRAME.hello, hello));
        socket.uncork();
      });
      const read = (chunk: Buffer) => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0 && head.length < MAX_HEAD) return;
        socket.off('data', read);
        socket.off('close', failed);
        if (end < 0 || !head.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) return failed();
        resolve(new GatewayLink(socket, head.subarray(end + 4)));
      };
      socket.on('data', read);
    });
  }

  #push(chunk: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#onFrame) this.#onFrame(frame);
        else if (this.#waiting) {
          const taken = this.#waiting;
          this.#waiting = null;
          taken(frame);
        } else this.#queue.push(frame);
      }
    } catch {
      this.#socket.destroy();
    }
  }

  /** The next frame; null once the gateway has gone. */
  next(): Promise<Frame | null> {
    const queued = this.#queue.shift();
    if (queued !== undefined || this.#closed) return Promise.resolve(queued ?? null);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  listen(listener: (frame: Frame) => void): void {
    this.#onFrame = listener;
    for (const frame of this.#queue.splice(0)) listener(frame);
  }

  send(type: FrameType, message: object): void {
    if (!this.#closed) this.#socket.write(encodeMessage(type, message));
  }

  data(type: FrameType, bytes: Uint8Array): void {
    if (!this.#closed) this.#socket.write(encodeFrame(type, bytes));
  }

  close(): void {
    this.#socket.destroy();
  }

  get isClosed(): boolean {
    return this.#closed;
  }
}

export function messageOf<T>(frame: Frame): T {
  return JSON.parse(new TextDecoder().decode(frame.payload)) as T;
}
