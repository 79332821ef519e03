import type { Socket } from 'node:net';
import pg from 'pg';
import { writeQuery } from '../../../gateway/protocols/postgres/codec/write-frontend.ts';

/** What a session of the agent got, byte for byte, and how its statements ended. */
export interface Answer {
  bytes: Buffer;
  /** SQLSTATE of every error, in order. */
  errors: string[];
}

const READY = 0x5a;
const ERROR = 0x45;

/** A session that is signed in by a driver and then spoken to in bare messages. */
export class Wire {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #rest = Buffer.alloc(0);
  #readies = 0;
  #errors: string[] = [];
  #ended = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => this.#data(chunk));
    for (const event of ['close', 'error', 'end'])
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
  }

  static async open(env: NodeJS.ProcessEnv, options?: string): Promise<Wire> {
    const client = new pg.Client({
      host: env.PGHOST,
      port: Number(env.PGPORT),
      user: env.PGUSER,
      database: env.PGDATABASE,
      password: env.PGPASSWORD,
      options,
    });
    client.on('error', () => {});
    await client.connect();
    return new Wire((client as unknown as { connection: { stream: Socket } }).connection.stream);
  }

  #data(chunk: Buffer): void {
    this.#received.push(chunk);
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 5) {
      const end = 1 + this.#rest.readInt32BE(1);
      if (this.#rest.length < end) break;
      const type = this.#rest[0];
      if (type === READY) this.#readies += 1;
      if (type === ERROR) this.#errors.push(/C([0-9A-Z]{5})\0/.exec(this.#rest.toString('latin1', 5, end))?.[1] ?? '?');
      this.#rest = this.#rest.subarray(end);
    }
    this.#wake();
  }

  /** Sends, and waits for that many ReadyForQuery more (or the end of the session). */
  async send(bytes: Uint8Array, readies = 1): Promise<void> {
    const until = this.#readies + readies;
    this.#socket.write(bytes);
    while (this.#readies < until && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  query(sql: string): Promise<void> {
    return this.send(writeQuery(sql));
  }

  answer(): Answer {
    return { bytes: Buffer.concat(this.#received), errors: this.#errors };
  }

  close(): void {
    this.#socket.destroy();
  }
}
