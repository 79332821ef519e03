import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { McpServerInput } from '../../../../gateway/contract/mcp.ts';
import { ALLOW_ALL, startTestService, type TestService } from '../../../support/service.ts';

export const PIN = '728193';
const BIN = fileURLToPath(new URL('../../../../gateway/bin/countersign.mjs', import.meta.url));
export const EVERYTHING = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
export const FILESYSTEM = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'));

/** These servers listen on every address unless they are made not to. */
const ON_LOOPBACK = `data:text/javascript,${encodeURIComponent(`
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (port, ...rest) {
    if (typeof port !== 'number' && typeof port !== 'string') return listen.call(this, port, ...rest);
    return listen.call(this, { port: Number(port), host: '127.0.0.1' }, ...rest.filter((one) => typeof one === 'function'));
  };
`)}`;

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen({ host: '127.0.0.1', port: 0 }, () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** server-everything over HTTP, and what ends it. */
export async function everythingOverHttp(
  kind: 'streamableHttp' | 'sse',
): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const child: ChildProcess = spawn(process.execPath, ['--import', ON_LOOPBACK, EVERYTHING, kind], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      if (/running|listening/i.test(chunk.toString())) resolve();
    };
    child.stdout!.on('data', hear);
    child.stderr!.on('data', hear);
    child.once('exit', (code) => reject(new Error(`server-everything ended with ${code}`)));
  });
  return {
    url: `http://127.0.0.1:${port}/${kind === 'sse' ? 'sse' : 'mcp'}`,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export interface Stage extends TestService {
  add(server: McpServerInput, secrets?: Record<string, string>): Promise<void>;
  /** How a client starts the shim of a server. */
  shim(name: string): { command: string; args: string[] };
  http(name: string): Promise<{ url: URL; headers: Record<string, string> }>;
}

/** A gateway with a PIN, where policy lets everything through unless told otherwise. */
export async function startStage(policy: string | null = ALLOW_ALL): Promise<Stage> {
  const service = await startTestService({ connections: [], ...(policy === null ? {} : { policy }) });
  await service.control.call('setPin', { pin: PIN, code: service.service.loginCode });
  return {
    ...service,
    async add(server, secrets) {
      await service.control.call('putMcpServer', {
        name: server.name,
        server,
        pin: PIN,
        ...(secrets === undefined ? {} : { secrets }),
      });
    },
    shim: (name) => ({
      command: process.execPath,
      args: [BIN, 'mcp', name, '--socket', service.service.control.socketPath],
    }),
    async http(name) {
      const { url, token } = await service.control.call('mintMcpToken', { name });
      return { url: new URL(url), headers: { authorization: `Bearer ${token}` } };
    },
  };
}

export const overStdio = (command: string, args: string[]): Transport =>
  new StdioClientTransport({ command, args, stderr: 'ignore' });

export const overHttp = (url: URL, headers: Record<string, string> = {}): Transport =>
  // The SDK's own types are not exact about optional properties.
  new StreamableHTTPClientTransport(url, { requestInit: { headers } }) as Transport;

export const overSse = (url: URL, headers: Record<string, string> = {}): Transport =>
  new SSEClientTransport(url, {
    requestInit: { headers },
    eventSourceInit: { fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers } }) },
  });

export async function connected(transport: Transport, capabilities: object = {}): Promise<Client> {
  const client = new Client({ name: 'conformance', version: '1.0.0' }, { capabilities });
  await client.connect(transport);
  return client;
}
