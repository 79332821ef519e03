import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readIntoOwnBuffer } from './own-buffer.ts';

const open: { destroy(): unknown }[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** An accepted socket, paused as the handshake leaves it, and its peer. */
async function pair(): Promise<{ accepted: Socket; peer: Socket }> {
  const server = createServer({ pauseOnConnect: false }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  accepted.pause();
  server.close();
  open.push(accepted, peer);
  return { accepted, peer };
}

/** Bytes whose every position can be told from its neighbours. */
const pattern = (length: number) => Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255));

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('reading into a buffer of our own', () => {
  it('takes the place of data events for accepted and for connected sockets', async () => {
    const { accepted, peer } = await pair();
    for (const socket of [accepted, peer]) {
      readIntoOwnBuffer(socket, () => true);
      // With the fallback the socket would have a listener.
      expect(socket.listenerCount('data')).toBe(0);
    }
  });

  it('gives every byte in order, those held before it began first', async () => {
    const { accepted, peer } = await pair();
    const sent = pattern(700_001);
    peer.write(sent.subarray(0, 10));
    await once(accepted, 'readable');
    const got: Buffer[] = [];
    readIntoOwnBuffer(accepted, (chunk) => {
      got.push(Buffer.from(chunk));
      return true;
    });
    accepted.resume();
    peer.end(sent.subarray(10));
    await once(accepted, 'end');
    expect(Buffer.concat(got).equals(sent)).toBe(true);
  });

  it('never writes again to bytes that are kept', async () => {
    const { accepted, peer } = await pair();
    const sent = pattern(900_000);
    const kept: Uint8Array[] = [];
    readIntoOwnBuffer(accepted, (chunk) => {
      kept.push(chunk);
      return false;
    });
    accepted.resume();
    for (let at = 0; at < sent.length; at += 30_000) {
      peer.write(sent.subarray(at, at + 30_000));
      if (at % 90_000 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    peer.end();
    await once(accepted, 'end');
    expect(Buffer.concat(kept).equals(sent)).toBe(true);
  });

  it('gives nothing while the socket is paused, and goes on afterwards', async () => {
    const { accepted, peer } = await pair();
    let bytes = 0;
    readIntoOwnBuffer(accepted, (chunk) => {
      bytes += chunk.length;
      accepted.pause();
      return true;
    });
    accepted.resume();
    peer.write('one');
    await until(() => bytes === 3);
    peer.write('two');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(bytes).toBe(3);
    accepted.resume();
    await until(() => bytes === 6);
  });
});
