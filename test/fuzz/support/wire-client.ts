import { connect, type Socket } from 'node:net';
import { readErrorFields, summarizeError } from '../../../gateway/protocols/postgres/codec/backend.ts';
import { writeStartupMessage } from '../../../gateway/protocols/postgres/codec/startup.ts';
import { writePassword } from '../../../gateway/protocols/postgres/codec/write-frontend.ts';

export interface Target {
  host: string;
  port: number;
  user: string;
  database: string;
  /** null: the server trusts. */
  password: string | null;
}

/** One message of the server. */
export interface Frame {
  type: string;
  body: Uint8Array;
}

const AUTHENTICATION_OK = 0;
const CLEARTEXT = 3;

/**
 * A client that sends whatever bytes it is told to, when it is told to, and keeps what comes back as
 * messages. It knows of the protocol only as much as it takes to log in.
 */
export class WireClient {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  /** The peer has closed, or the connection broke. */
  ended = false;
  #rest: Buffer = Buffer.alloc(0);
  #waiting: { done: () => boolean; resolve: () => void }[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
      this.#cut();
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.ended = true;
      this.#wake();
    });
    socket.on('end', () => {
      this.ended = true;
      this.#wake();
    });
  }

  /** Logged in, at the first ReadyForQuery; the greeting is not among `frames`. Rejects with what the server said. */
  static async open(target: Target, parameters: Readonly<Record<string, string>> = {}): Promise<WireClient> {
    const client = await WireClient.dial(target);
    client.send(
      writeStartupMessage(0x30000, Object.entries({ user: target.user, database: target.database, ...parameters })),
    );
    await client.until(() => client.frames.length > 0);
    const first = client.frames[0];
    const method = first?.type === 'R' ? Buffer.from(first.body).readInt32BE(0) : -1;
    if (method === CLEARTEXT && target.password !== null) client.send(writePassword(target.password));
    else if (method !== AUTHENTICATION_OK) throw new Error(`no login: ${client.#said()}`);
    await client.until(() => client.frames.some((frame) => frame.type === 'Z'));
    if (!client.frames.some((frame) => frame.type === 'Z')) throw new Error(`no login: ${client.#said()}`);
    client.frames.length = 0;
    return client;
  }

  /** Connected, and nothing sent yet. */
  static async dial(target: Pick<Target, 'host' | 'port'>): Promise<WireClient> {
    const socket = connect({ host: target.host, port: target.port, allowHalfOpen: true });
    const client = new WireClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** Resolves when `done`, or when the connection has ended: the caller looks which. */
  until(done: () => boolean): Promise<void> {
    if (done() || this.ended) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ done, resolve }));
  }

  /** Resolves false where neither came in `ms`: a message that announces more than it has waits for ever. */
  async within(ms: number, done: () => boolean): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([this.until(done), promise]);
    clearTimeout(timer);
    return done() || this.ended;
  }

  /** Sends, and waits for so many ReadyForQuery more. @returns what came, up to the last of them. */
  async ask(bytes: Uint8Array, readies = 1): Promise<Frame[]> {
    const from = this.frames.length;
    const count = () => this.frames.slice(from).filter((frame) => frame.type === 'Z').length;
    this.send(bytes);
    await this.until(() => count() >= readies);
    return this.frames.slice(from);
  }

  async close(): Promise<void> {
    if (this.socket.destroyed) return;
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.destroy();
    await closed;
  }

  /** The last message has begun and not ended. */
  get torn(): boolean {
    return this.#rest.length > 0;
  }

  #said(): string {
    const error = this.frames.find((frame) => frame.type === 'E');
    return error ? errorOf(error).message : 'the connection was closed';
  }

  #cut(): void {
    let at = 0;
    const rest = this.#rest;
    while (rest.length - at >= 5) {
      const size = 1 + rest.readUInt32BE(at + 1);
      if (rest.length - at < size) break;
      this.frames.push({
        type: String.fromCharCode(rest[at] as number),
        body: rest.subarray(at + 5, at + size),
      });
      at += size;
    }
    this.#rest = rest.subarray(at);
  }

  #wake(): void {
    this.#waiting = this.#waiting.filter(({ done, resolve }) => {
      if (!done() && !this.ended) return true;
      resolve();
      return false;
    });
  }
}

export function errorOf(frame: Frame): { severity: string; sqlstate: string; message: string } {
  return summarizeError(readErrorFields(frame.body, 0, frame.body.length));
}

/** Message types with what tells two of a kind apart: "T D(1) C(SELECT 1) Z(I)". */
export function shown(frames: readonly Frame[]): string {
  const all = frames
    .map(({ type, body }) => {
      const text = Buffer.from(body);
      if (type === 'Z') return `Z(${text.toString('latin1')})`;
      if (type === 'C') return `C(${text.subarray(0, -1).toString('utf8')})`;
      if (type === 'E') return `E(${errorOf({ type, body }).sqlstate})`;
      return type;
    })
    .join(' ');
  return all.length > 2000 ? `${all.slice(0, 1000)} … ${all.slice(-1000)}` : all;
}
