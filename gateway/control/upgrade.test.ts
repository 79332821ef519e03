import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ConsoleServer, createConsoleServer } from './console-server.ts';

const dir = mkdtempSync(join(tmpdir(), 'cs-upgrade-'));
const socketPath = join(dir, 'run', 'control.sock');
const rootSocketPath = join(dir, 'run', 'root.sock');
let server: ConsoleServer;

beforeAll(async () => {
  server = createConsoleServer({
    host: 'gateway',
    routes: {},
    handle: async () => ({}),
    upgrades: [
      {
        path: '/api/other',
        protocol: 'other/1',
        accept: (socket, head) => void socket.end(`taken ${head.length}`),
      },
    ],
    clock: { now: () => 0 },
    consoleDir: join(dir, 'none'),
    unexpected: () => {},
  });
  await server.listen({ host: '127.0.0.1', port: 0, socketPath, rootSocketPath });
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

function ask(where: NetConnectOpts, path: string, protocol: string, more = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(where);
    let said = '';
    const host = 'port' in where ? `127.0.0.1:${where.port}` : 'localhost';
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n${more}`);
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // Whoever is not taken may be kept for another request.
      if (said.startsWith('HTTP/1.1 4')) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(said));
  });
}

test('the socket for commands hands over who asks for the protocol by its name', async () => {
  const said = await ask({ path: socketPath }, '/api/other', 'other/1', 'more');
  expect(said).toMatch(
    /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\/1\r\n\r\ntaken 4$/,
  );
});

test.each([
  ['/api/other', 'websocket'],
  ['/api/others', 'other/1'],
  ['/', 'h2c'],
])('%s as %s is not found there', async (path, protocol) => {
  expect(await ask({ path: socketPath }, path, protocol)).toMatch(/^HTTP\/1\.1 404/);
});

test('loopback and the root socket hand over nothing', async () => {
  const { port } = server.address!;
  expect(await ask({ host: '127.0.0.1', port }, '/api/other', 'other/1')).toMatch(/^HTTP\/1\.1 4/);
  expect(await ask({ path: rootSocketPath }, '/api/other', 'other/1')).toMatch(/^HTTP\/1\.1 4/);
});
