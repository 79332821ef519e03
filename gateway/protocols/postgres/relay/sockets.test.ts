import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionRecorder } from '../../../pipeline/ports.ts';
import { directWriter } from './direct-write.ts';
import type { Relay } from './relay.ts';
import { SocketPair } from './sockets.ts';

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

async function connected(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  open.push(near, far);
  return { near, far };
}

const recorder = { backlog: 0 } as SessionRecorder;

/** A relay that only counts. */
function relay(onServerData: (bytes: Uint8Array) => void = () => {}): Relay {
  const nothing = () => {};
  const stub = {
    clientData: nothing,
    serverData: onServerData,
    clientEnded: nothing,
    serverEnded: nothing,
    closed: nothing,
  };
  return stub as unknown as Relay;
}

const EMPTY = new Uint8Array(0);

describe('the sockets of a session', () => {
  it('send every byte in order, whatever the sizes and however slowly the client reads', async () => {
    const client = await connected();
    const server = await connected();
    const pair = new SocketPair(client.near, server.near, recorder, () => {});
    pair.start(relay(), EMPTY, EMPTY);
    const sent: Uint8Array[] = [];
    const got: Buffer[] = [];
    let bytes = 0;
    client.far.on('data', (chunk: Buffer) => {
      got.push(chunk);
      bytes += chunk.length;
      client.far.pause();
      setTimeout(() => client.far.resume(), 1);
    });
    let total = 0;
    for (let i = 0; i < 400; i++) {
      const pieces = Array.from({ length: i % 7 === 0 ? 3 : 1 }, (_, j) =>
        new Uint8Array(1 + ((i * 7919 + j) % (i % 5 === 0 ? 40_000 : 900))).fill((i * 3 + j) & 255),
      );
      pair.toClient(pieces);
      for (const piece of pieces) {
        sent.push(piece);
        total += piece.length;
      }
      if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    while (bytes < total) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(Buffer.concat(got).equals(Buffer.concat(sent))).toBe(true);
  });

  it('do not read the server while the client does not take what there is', async () => {
    const client = await connected();
    const server = await connected();
    let read = 0;
    const pair: SocketPair = new SocketPair(client.near, server.near, recorder, () => {});
    pair.start(
      relay((bytes) => {
        read += bytes.length;
        pair.toClient([bytes.slice()]);
      }),
      EMPTY,
      EMPTY,
    );
    client.far.pause();
    const block = new Uint8Array(1024 * 1024);
    for (let i = 0; i < 64; i++) server.far.write(block);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const stalled = read;
    expect(stalled).toBeLessThan(block.length * 64);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(read).toBe(stalled);
    client.far.resume();
    while (read < block.length * 64) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('writes nothing to a descriptor that was closed', async () => {
    const { near } = await connected();
    const write = directWriter(near)!;
    expect(write(new Uint8Array(3))).toBe(3);
    near.destroy();
    expect(write(new Uint8Array(3))).toBe(0);
    await once(near, 'close');
    expect(write(new Uint8Array(3))).toBe(0);
  });
});
