import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { readErrorFields, summarizeError } from '../../gateway/protocols/postgres/codec/backend.ts';
import { writeSslRequest, writeStartupMessage } from '../../gateway/protocols/postgres/codec/startup.ts';
import { writePassword } from '../../gateway/protocols/postgres/codec/write-frontend.ts';

/** A message of the server: its type letter and its body. */
export interface Message {
  type: string;
  body: Buffer;
}

/** A client that sends exactly the bytes it is told to. */
export class RawClient {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  readonly #messages: Message[] = [];
  #wake: () => void = () => {};
  closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      for (;;) {
        if (this.#buffer.length < 5) break;
        const end = 1 + this.#buffer.readInt32BE(1);
        if (this.#buffer.length < end) break;
        const type = String.fromCharCode(this.#buffer[0] as number);
        this.#messages.push({ type, body: this.#buffer.subarray(5, end) });
        this.#buffer = this.#buffer.subarray(end);
      }
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  /**
   * Connects with the password in clear (or none asked) and reads up to the first ReadyForQuery; over TLS, unverified,
   * where PGSSLMODE is `require`.
   */
  static async connect(env: NodeJS.ProcessEnv, parameters: Record<string, string> = {}): Promise<RawClient> {
    const socket = connect(Number(env.PGPORT), env.PGHOST);
    await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
    const client = new RawClient(env.PGSSLMODE === 'require' ? await encrypted(socket) : socket);
    const startup = { user: env.PGUSER ?? '', database: env.PGDATABASE ?? '', client_encoding: 'UTF8', ...parameters };
    client.send(writeStartupMessage(0x30000, Object.entries(startup)));
    for (;;) {
      const { type, body } = await client.next();
      if (type === 'E') throw new Error(describe({ type, body }));
      if (type === 'R' && body.readInt32BE(0) === 3) client.send(writePassword(env.PGPASSWORD ?? ''));
      if (type === 'Z') return client;
    }
  }

  send(...pieces: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(pieces));
  }

  /** The next message. Throws when the connection ends or nothing comes for `seconds`. */
  async next(seconds = 30): Promise<Message> {
    const message = await this.#arrived(seconds);
    if (message === null) throw new Error('the connection was closed');
    return message;
  }

  /** The next message; null once the connection is closed. */
  async #arrived(seconds: number): Promise<Message | null> {
    const until = Date.now() + seconds * 1000;
    for (;;) {
      const message = this.#messages.shift();
      if (message) return message;
      if (this.closed) return null;
      if (Date.now() > until) throw new Error(`no message came within ${seconds} s`);
      await new Promise<void>((done) => {
        const timer = setTimeout(done, 200);
        this.#wake = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
  }

  /** Reads up to the `count`th message of a type and describes what came. */
  async until(type: string, count = 1): Promise<string[]> {
    const seen: string[] = [];
    let left = count;
    while (left > 0) {
      const message = await this.next();
      seen.push(describe(message));
      if (message.type === type) left -= 1;
    }
    return seen;
  }

  /** Everything that comes until the other side closes. */
  async rest(): Promise<string[]> {
    const seen: string[] = [];
    for (;;) {
      const message = await this.#arrived(30);
      if (message === null) return seen;
      seen.push(describe(message));
    }
  }

  /** Reads nothing until resume(). */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes the writing side alone. */
  endWriting(): void {
    this.#socket.end();
  }

  end(): void {
    this.#socket.destroy();
  }
}

async function encrypted(socket: Socket): Promise<Socket> {
  socket.write(writeSslRequest());
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (answer.toString('latin1') !== 'S') throw new Error('TLS was refused');
  const tls = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ['postgresql'] });
  await once(tls, 'secureConnect');
  return tls;
}

/** A message as one line: errors by severity and SQLSTATE, rows by their values. */
export function describe({ type, body }: Message): string {
  switch (type) {
    case 'E':
    case 'N': {
      const { severity, sqlstate } = summarizeError(readErrorFields(body, 0, body.length));
      return `${type} ${severity} ${sqlstate}`;
    }
    case 'Z':
      return `Z ${body.toString('latin1')}`;
    case 'C':
      return `C ${body.subarray(0, -1).toString('utf8')}`;
    case 'D':
      return `D ${values(body).join('|')}`;
    default:
      return type;
  }
}

/** Values of a DataRow as text. */
export function values(body: Buffer): (string | null)[] {
  const found: (string | null)[] = [];
  let at = 2;
  for (let i = 0; i < body.readInt16BE(0); i++) {
    const length = body.readInt32BE(at);
    at += 4;
    found.push(length < 0 ? null : body.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  return found;
}
