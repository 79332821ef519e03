import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connected, EVERYTHING, freePort, overStdio, type Stage, startStage } from './support/stage.ts';

const STATELESS = fileURLToPath(new URL('support/stateless-server.ts', import.meta.url));
const SECRET = 'k3y-of-the-upstream-0123456789';
const VERSION = '2026-07-28';
const META = {
  'io.modelcontextprotocol/protocolVersion': VERSION,
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

let stage: Stage;
let upstream: ChildProcess;

beforeAll(async () => {
  const port = await freePort();
  upstream = spawn(process.execPath, [STATELESS, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => upstream.stdout!.once('data', resolve));
  stage = await startStage();
  const node = process.execPath;
  await stage.add({ name: 'stateless', transport: { type: 'stdio', command: node, args: [STATELESS] } });
  await stage.add(
    {
      name: 'stateless-http',
      transport: { type: 'http', url: `http://127.0.0.1:${port}/mcp`, headers: ['x-api-key'] },
    },
    { 'x-api-key': SECRET },
  );
  await stage.add(
    { name: 'environment', transport: { type: 'stdio', command: node, args: [EVERYTHING], env: ['API_KEY'] } },
    { API_KEY: SECRET },
  );
});
afterAll(async () => {
  await stage?.stop();
  upstream?.kill();
});

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]!.text;

/** A request that can lie about its Host, which fetch cannot. */
function send(
  url: URL,
  headers: Record<string, string>,
  body: object | null,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: body === null ? 'GET' : 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body === null ? undefined : JSON.stringify(body));
  });
}
const JSON_TYPE = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

describe('the HTTP endpoint', () => {
  it('answers to whoever has a token for that server, and to no other', async () => {
    const { url, headers } = await stage.http('stateless');
    const other = await stage.http('environment');
    for (const wrong of [{}, { authorization: 'Bearer x' }, other.headers]) {
      expect((await send(url, { ...JSON_TYPE, ...wrong }, initialize)).status).toBe(401);
    }
    expect((await send(url, { ...JSON_TYPE, ...headers }, initialize)).status).toBe(200);
  });

  it('answers to its own Host and Origin only', async () => {
    const { url, headers } = await stage.http('stateless');
    const lies: Record<string, string>[] = [
      { host: 'evil.example' },
      { host: `evil.example:${url.port}` },
      { origin: 'http://evil.example' },
      { origin: `http://127.0.0.1:1` },
      { origin: 'null' },
    ];
    for (const wrong of lies) {
      expect([wrong, (await send(url, { ...JSON_TYPE, ...headers, ...wrong }, initialize)).status]).toEqual([
        wrong,
        403,
      ]);
    }
  });

  it('keeps sessions apart, and takes no message without one', async () => {
    const mine = await stage.http('stateless');
    const other = await stage.http('stateless');
    const ask = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
    expect((await send(mine.url, { ...JSON_TYPE, ...mine.headers }, ask)).status).toBe(400);
    const begun = await fetch(mine.url, {
      method: 'POST',
      headers: { ...JSON_TYPE, ...mine.headers },
      body: JSON.stringify(initialize),
    });
    const key = begun.headers.get('mcp-session-id')!;
    await begun.text();
    expect((await send(mine.url, { ...JSON_TYPE, ...mine.headers, 'mcp-session-id': key }, ask)).status).toBe(200);
    expect((await send(other.url, { ...JSON_TYPE, ...other.headers, 'mcp-session-id': key }, ask)).status).toBe(404);
  });

  it('ties its sessions to the conversation that its token was given for', async () => {
    const conversationId = 'conversation-of-the-token';
    const { url, token } = await stage.control.call('mintMcpToken', { name: 'stateless', conversationId });
    const headers = { ...JSON_TYPE, authorization: `Bearer ${token}` };
    expect((await send(new URL(url), headers, initialize)).status).toBe(200);
    const { items } = await stage.control.call('sessions', { connectionId: 'stateless' });
    expect(items.map((session) => session.conversationId)).toContain(conversationId);
  });

  it('ends with its token', async () => {
    const { url, token, agentSessionId } = await stage.control.call('mintMcpToken', { name: 'stateless' });
    const headers = { ...JSON_TYPE, authorization: `Bearer ${token}` };
    expect((await send(new URL(url), headers, initialize)).status).toBe(200);
    await stage.control.call('revokeToken', { id: agentSessionId });
    expect((await send(new URL(url), headers, initialize)).status).toBe(401);
  });
});

describe('the stateless revision', () => {
  const call = (params: object) => ({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { ...params, _meta: META },
  });
  const body = call({ name: 'whoami', arguments: {} });
  const right = { 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call', 'mcp-name': 'whoami' };

  it.each(['stateless', 'stateless-http'])(
    '%s: takes headers that mirror the body, and refuses others',
    async (name) => {
      const { url, headers } = await stage.http(name);
      const reply = await send(url, { ...JSON_TYPE, ...headers, ...right }, body);
      expect([reply.status, textOf(JSON.parse(reply.text).result)]).toEqual([
        200,
        name === 'stateless' ? 'key none' : `key of ${SECRET.length}, [SECRET OF THE GATEWAY]`,
      ]);
      for (const wrong of [
        { 'mcp-method': 'tools/list' },
        { 'mcp-name': 'rm' },
        { 'mcp-protocol-version': '2027-01-01' },
      ]) {
        const refused = await send(url, { ...JSON_TYPE, ...headers, ...right, ...wrong }, body);
        expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([400, -32020]);
      }
      const { 'mcp-name': _, ...less } = right;
      expect((await send(url, { ...JSON_TYPE, ...headers, ...less }, body)).status).toBe(400);
    },
  );

  it.each(['stateless', 'stateless-http'])(
    '%s: is what the official client finds, over HTTP and by the shim',
    async (name) => {
      const { url, headers } = await stage.http(name);
      const { command, args } = stage.shim(name);
      const transports = [
        new StreamableHTTPClientTransport(url, { requestInit: { headers } }),
        new StdioClientTransport({ command, args, stderr: 'ignore' }),
      ];
      for (const transport of transports) {
        const client = new Client({ name: 'new', version: '1' }, { versionNegotiation: { mode: 'auto' } });
        await client.connect(transport);
        expect(client.getNegotiatedProtocolVersion()).toBe(VERSION);
        const all = await Promise.all(
          [1, 2, 3, 4].map((a) => client.callTool({ name: 'add', arguments: { a, b: 10 } })),
        );
        expect(all.map(textOf)).toEqual(['11', '12', '13', '14']);
        await client.close();
      }
    },
  );
});

describe('headers that a tool asks for (x-mcp-header)', () => {
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: META } };
  const listed = { 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/list' };
  const route = (args: object) => ({
    jsonrpc: '2.0',
    id: 7,
    method: 'tools/call',
    params: { name: 'route', arguments: args, _meta: META },
  });
  const called = { 'mcp-protocol-version': VERSION, 'mcp-method': 'tools/call', 'mcp-name': 'route' };

  it('are made of the arguments that were decided on, also for clients on stdio', async () => {
    const { url, headers } = await stage.http('stateless-http');
    const { command, args } = stage.shim('stateless-http');
    for (const transport of [
      new StreamableHTTPClientTransport(url, { requestInit: { headers } }),
      new StdioClientTransport({ command, args, stderr: 'ignore' }),
    ]) {
      const client = new Client({ name: 'new', version: '1' }, { versionNegotiation: { mode: 'auto' } });
      await client.connect(transport);
      await client.listTools();
      const said = async (given: Record<string, unknown>) =>
        textOf(await client.callTool({ name: 'route', arguments: given }));
      expect(await said({ region: 'us-west1', at: { shard: 42 } })).toBe('us-west1 42');
      expect(await said({ region: 'Zürich' })).toBe('=?base64?WsO8cmljaA==?= none');
      await client.close();
    }
  });

  it('are refused where they say something else, and what no tool asks for is not sent on', async () => {
    const { url, headers } = await stage.http('stateless-http');
    const all = { ...JSON_TYPE, ...headers };
    expect((await send(url, { ...all, ...listed }, list)).status).toBe(200);
    const sent = async (more: Record<string, string>, args: object) => {
      const { status, text } = await send(url, { ...all, ...called, ...more }, route(args));
      return [status, status === 200 ? textOf(JSON.parse(text).result) : JSON.parse(text).error.code];
    };
    expect(await sent({ 'mcp-param-region': 'us' }, { region: 'us' })).toEqual([200, 'us none']);
    expect(
      await sent({ 'mcp-param-region': 'us', 'mcp-param-shard': '42.0' }, { region: 'us', at: { shard: 42 } }),
    ).toEqual([200, 'us 42']);
    expect(await sent({ 'mcp-param-region': 'eu' }, { region: 'us' })).toEqual([400, -32020]);
    expect(await sent({}, { region: 'us' })).toEqual([400, -32020]);
    expect(await sent({ 'mcp-param-region': '=?base64?%?=' }, { region: 'us' })).toEqual([400, -32020]);
    expect(await sent({ 'mcp-param-region': 'us', 'mcp-param-shard': '7' }, { region: 'us' })).toEqual([
      200,
      'us none',
    ]);
  });
});

describe('secrets of a server', () => {
  it('are in its environment alone, which holds nothing of the gateway’s', async () => {
    process.env.COUNTERSIGN_TEST_LEAK = 'leak';
    const { command, args } = stage.shim('environment');
    const client = await connected(overStdio(command, args));
    const environment = JSON.parse(textOf(await client.callTool({ name: 'get-env', arguments: {} })));
    await client.close();
    delete process.env.COUNTERSIGN_TEST_LEAK;
    // It is there, and what says it is not shown.
    expect(environment.API_KEY).toBe('[SECRET OF THE GATEWAY]');
    expect(Object.keys(environment).filter((name) => /COUNTERSIGN|VITEST|NODE_OPTIONS/.test(name))).toEqual([]);
  });

  it('are in no file of the gateway but its vault, though servers repeat them', () => {
    const { home } = stage.service;
    const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThan(5);
    for (const entry of files) {
      const path = join(entry.parentPath, entry.name);
      let bytes = readFileSync(path);
      if (path.endsWith('.zst')) bytes = Buffer.from(zstdDecompressSync(bytes));
      expect([path, bytes.includes(SECRET)]).toEqual([path, false]);
    }
  });

  it('have to be entered again when the server leads elsewhere', async () => {
    const server = { name: 'environment', transport: { type: 'stdio' as const, command: 'thief', env: ['API_KEY'] } };
    await expect(stage.add(server)).rejects.toThrow('have to be entered again');
  });
});

describe('the shim', () => {
  const run = (args: string[]) =>
    new Promise<{ out: string; err: string; code: number | null }>((resolve) => {
      const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
      const said = { out: '', err: '' };
      child.stdout.on('data', (chunk: Buffer) => {
        said.out += chunk;
      });
      child.stderr.on('data', (chunk: Buffer) => {
        said.err += chunk;
      });
      child.on('exit', (code) => resolve({ ...said, code }));
      child.stdin.write(`${JSON.stringify(initialize)}\n`);
    });

  it('answers with a sentence where no gateway runs, and where the server is not registered', async () => {
    const { args } = stage.shim('nobody');
    const unknown = await run(args);
    expect(JSON.parse(unknown.out)).toMatchObject({
      id: 1,
      error: { message: expect.stringContaining('no MCP server nobody') },
    });
    const alone = await run([...args.slice(0, -1), '/nowhere/control.sock']);
    expect(JSON.parse(alone.out)).toMatchObject({
      id: 1,
      error: { message: expect.stringContaining('gateway is not running') },
    });
    expect(alone.code).toBe(1);
  });
});
