import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { AgentProcess } from '../contract/identity.ts';
import { findClientProcess } from './peer-process.ts';
import { findInode } from './proc-net.ts';

// proc_pid_net(5), lines as a kernel writes them.
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1538 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 200 1 0000000000000000 20 4 30 10 -1
   2: 0200007F:C350 0100007F:1538 01 00000000:00000000 00:00000000 00000000  1000        0 300 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:C350 0100007F:1538 01 00000000:00000000 00:00000000 00000000  1000        0 400 1 0000000000000000 20 4 30 10 -1
   4: 0100007F:C351 0100007F:1538 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0000000000000000
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0000000000000000FFFF00000100007F:C352 0000000000000000FFFF00000100007F:1538 01 00000000:00000000 00:00000000 00000000  1000        0 500 1 0000000000000000 20 0 0 10 -1
   1: 00000000000000000000000001000000:C353 00000000000000000000000001000000:1538 01 00000000:00000000 00:00000000 00000000  1000        0 600 1 0000000000000000 20 0 0 10 -1
`;

describe('the tables of sockets', () => {
  it.each([
    ['127.0.0.1', 50000, '400'],
    ['127.0.0.2', 50000, '300'],
    ['::ffff:127.0.0.1', 50000, '400'],
    ['127.0.0.1', 50002, '500'],
    ['::1', 50003, '600'],
    ['127.0.0.1', 50001, null],
    ['127.0.0.1', 50009, null],
  ])('name the socket of %s:%i', (remoteAddress, remotePort, inode) => {
    expect(findInode([TCP, TCP6], { localPort: 5432, remotePort, remoteAddress })).toBe(inode);
  });

  it('hold nothing for another port of ours', () => {
    expect(findInode([TCP, TCP6], { localPort: 5433, remotePort: 50000, remoteAddress: '127.0.0.1' })).toBeNull();
  });
});

/** Half a second is all that a lookup takes, and a busy machine may need more. */
async function found(peer: ReturnType<typeof peerOf>): Promise<AgentProcess> {
  for (let tries = 1; ; tries += 1) {
    const process = await findClientProcess(peer);
    if (process.pid !== null || tries === 20) return process;
  }
}

const peerOf = (socket: Socket) => ({
  localPort: socket.localPort!,
  remotePort: socket.remotePort!,
  remoteAddress: socket.remoteAddress!,
});

describe.skipIf(process.platform !== 'linux')('the process of a connection', () => {
  it('is found with its parents', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const script = `require('node:net').connect(${port}, '127.0.0.1'); process.stdin.resume()`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'ignore', 'ignore'] });
    const [socket] = (await once(server, 'connection')) as [Socket];
    try {
      const { pid, name, parents } = await found(peerOf(socket));
      expect({ pid, name }).toEqual({ pid: child.pid, name: 'node' });
      expect(parents[0]?.pid).toBe(process.pid);
      expect(parents.length).toBeLessThanOrEqual(16);
    } finally {
      child.kill();
      socket.destroy();
      server.close();
    }
  });

  it('is answered for every one of many connections at once, found or not', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const accepted: Socket[] = [];
    const all = new Promise<void>((resolve) => {
      server.on('connection', (socket) => accepted.push(socket) === 200 && resolve());
    });
    const clients = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'));
    await all;
    const found = await Promise.all(accepted.map((socket) => findClientProcess(peerOf(socket))));
    for (const process_ of found) expect([process.pid, null]).toContain(process_.pid);
    for (const socket of [...clients, ...accepted]) socket.destroy();
    server.close();
  });

  it('is unknown for a connection that is not there', async () => {
    const peer = { localPort: 1, remotePort: 2, remoteAddress: '127.0.0.1' };
    expect(await findClientProcess(peer)).toEqual({ pid: null, name: 'unknown', parents: [] });
  });
});
