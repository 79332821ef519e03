import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A network between a client and a server on loopback that can be cut and brought back. */
export interface TcpProxy {
  port: number;
  /** How many there have been. */
  readonly connections: number;
  /** Ends every connection at once and refuses new ones. */
  cut(): void;
  /** Carries nothing more, without anybody being told: a cable that was pulled. */
  silence(): void;
  restore(): void;
  stop(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let isSilent = false;
  let connections = 0;
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    connections += 1;
    const upstream = connect(target.port, target.host);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('data', (bytes) => {
        if (isSilent) return;
        if (!to.write(bytes)) from.pause();
      });
      to.on('drain', () => from.resume());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cut,
    silence() {
      isSilent = true;
    },
    restore() {
      isCut = false;
      isSilent = false;
    },
    async stop() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
