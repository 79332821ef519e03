import { connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of what the server says to one connection. */
export interface Script {
  /** Dies (by a reset) when so many bytes of the server have passed. */
  dieAfter?: number;
  /** Sent in place of what the server says from that byte on. */
  say?: { at: number; bytes: Uint8Array };
  /** Sent over and over, as fast as it is taken, once the client has sent its first statement. */
  repeat?: Uint8Array;
}

/**
 * A server between the gateway and PostgreSQL that misbehaves as it is told to. The gateway's own
 * connections (application_name countersign) it leaves alone.
 */
export class Meddler {
  script: Script | null = null;
  /** Bytes that the last scripted connection has carried down. */
  carried = 0;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  constructor(port: number) {
    this.#server = createServer((client) => this.#serve(client, connect(port, '127.0.0.1')));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      this.#open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#open.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    let script: Script | null = null;
    let started = false;
    let down = 0;
    let said = false;
    client.on('data', (bytes: Buffer) => {
      if (!started) script = bytes.includes('countersign\0') ? null : this.script;
      started = true;
      if (script?.repeat && bytes[0] === 0x51) {
        this.#repeat(client, script.repeat);
        return;
      }
      server.write(bytes);
    });
    server.on('data', (bytes: Buffer) => {
      const from = down;
      down += bytes.length;
      if (script) this.carried = down;
      if (script?.dieAfter !== undefined && down >= script.dieAfter) {
        client.write(bytes.subarray(0, script.dieAfter - from));
        // A reset would take what is under way with it: first the bytes, then the death.
        client.end();
        server.destroy();
        return;
      }
      if (script?.say && down > script.say.at) {
        if (said) return;
        said = true;
        client.write(Buffer.concat([bytes.subarray(0, Math.max(script.say.at - from, 0)), script.say.bytes]));
        return;
      }
      client.write(bytes);
    });
  }

  #repeat(client: Socket, bytes: Uint8Array): void {
    const more = () => {
      while (!client.destroyed && client.write(bytes)) {}
    };
    client.on('drain', more);
    more();
  }
}
