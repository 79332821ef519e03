import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connected,
  EVERYTHING,
  everythingOverHttp,
  FILESYSTEM,
  overHttp,
  overSse,
  overStdio,
  type Stage,
  startStage,
} from './support/stage.ts';

const CAPABILITIES = { sampling: {}, elicitation: {}, roots: {} };

let stage: Stage;
let http: Awaited<ReturnType<typeof everythingOverHttp>>;
let sse: Awaited<ReturnType<typeof everythingOverHttp>>;
let files: string;

beforeAll(async () => {
  files = mkdtempSync(join(tmpdir(), 'cs-mcp-files-'));
  mkdirSync(join(files, 'sub'));
  writeFileSync(join(files, 'a.txt'), 'one\ntwo\n');
  writeFileSync(join(files, 'sub', 'ü.json'), '{"n": 1}');
  [stage, http, sse] = await Promise.all([
    startStage(),
    everythingOverHttp('streamableHttp'),
    everythingOverHttp('sse'),
  ]);
  const asks = { sampling: 'policy', elicitation: 'policy' } as const;
  const node = process.execPath;
  await stage.add({ name: 'everything', transport: { type: 'stdio', command: node, args: [EVERYTHING] }, ...asks });
  await stage.add({ name: 'everything-http', transport: { type: 'http', url: http.url }, ...asks });
  await stage.add({ name: 'everything-sse', transport: { type: 'sse', url: sse.url }, ...asks });
  await stage.add({ name: 'files', transport: { type: 'stdio', command: node, args: [FILESYSTEM, files] } });
});

afterAll(async () => {
  await stage?.stop();
  await Promise.all([http?.stop(), sse?.stop()]);
  rmSync(files, { recursive: true, force: true });
});

const without = (client: { tools: { name: string }[] }) =>
  client.tools.filter(({ name }) => name !== 'countersign_wait');

/** What a client sees of server-everything, in order; what differs from run to run is left out. */
async function everything(client: Client): Promise<unknown[]> {
  const call = (name: string, args: object = {}) =>
    client.callTool({ name, arguments: { ...args } }).catch((error: Error) => error.message);
  const progress: unknown[] = [];
  const seen: unknown[] = [client.getServerVersion(), client.getServerCapabilities(), client.getInstructions()];
  seen.push(without(await client.listTools()));
  seen.push(await call('echo', { message: 'ünïcödé \u0000 "quoted"' }));
  seen.push(await call('echo', {}), await call('no-such-tool'));
  seen.push(await call('get-sum', { a: 1.5, b: 1e21 }), await call('get-tiny-image'));
  seen.push(await call('get-annotated-message', { messageType: 'error', includeImage: true }));
  seen.push(await call('get-structured-content', { location: 'Chicago' }));
  seen.push(await call('get-resource-links', { count: 3 }));
  seen.push(
    await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } },
      undefined,
      { onprogress: (one) => progress.push(one) },
    ),
    // The last one may come together with the result, and then the client drops it.
    progress.slice(0, 2),
  );
  seen.push(await client.listPrompts(), await client.getPrompt({ name: 'simple-prompt' }));
  const { resources } = await client.listResources();
  seen.push(resources.length, await client.readResource({ uri: resources[0]!.uri }));
  seen.push(
    await client.complete({
      ref: { type: 'ref/prompt', name: 'completable-prompt' },
      argument: { name: 'department', value: 'E' },
    }),
  );
  seen.push(await client.ping());
  return seen;
}

describe('server-everything through the gateway gives what it gives directly', () => {
  let direct: unknown[];
  beforeAll(async () => {
    const client = await connected(overStdio(process.execPath, [EVERYTHING]));
    direct = await everything(client);
    await client.close();
    // It is worth comparing.
    expect(direct.length).toBeGreaterThan(15);
    expect(JSON.stringify(direct)).toContain('ünïcödé');
  });

  it.each(['everything', 'everything-http', 'everything-sse'])('%s by the shim', async (name) => {
    const { command, args } = stage.shim(name);
    const client = await connected(overStdio(command, args));
    expect(await everything(client)).toEqual(direct);
    await client.close();
  });

  it.each(['everything', 'everything-http'])('%s over streamable HTTP', async (name) => {
    const { url, headers } = await stage.http(name);
    const client = await connected(overHttp(url, headers));
    expect(await everything(client)).toEqual(direct);
    await client.close();
  });

  it('over the server-sent events of 2024-11-05', async () => {
    const { url, headers } = await stage.http('everything');
    const client = await connected(overSse(new URL(`${url.href}/sse`), headers));
    expect(await everything(client)).toEqual(direct);
    await client.close();
  });
});

describe('what a server asks of its client comes through', () => {
  async function asked(client: Client): Promise<unknown[]> {
    const requests: unknown[] = [];
    client.setRequestHandler(CreateMessageRequestSchema, (request) => {
      requests.push(request);
      return { model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } };
    });
    client.setRequestHandler(ElicitRequestSchema, (request) => {
      requests.push(request);
      return { action: 'decline' };
    });
    const { tools } = await client.listTools();
    const named = (part: string) => tools.find(({ name }) => name.includes(part))!.name;
    const results = [
      await client.callTool({ name: named('sampling'), arguments: { prompt: 'hello', maxTokens: 5 } }),
      await client.callTool({ name: named('elicitation'), arguments: {} }),
    ];
    await client.close();
    return JSON.parse(JSON.stringify([...requests, ...results], (key, value) => (key === '_meta' ? undefined : value)));
  }

  it('on every way', async () => {
    const direct = await asked(await connected(overStdio(process.execPath, [EVERYTHING]), CAPABILITIES));
    expect(JSON.stringify(direct)).toContain('sampled');
    for (const name of ['everything', 'everything-http']) {
      const { command, args } = stage.shim(name);
      expect(await asked(await connected(overStdio(command, args), CAPABILITIES)), `${name}, shim`).toEqual(direct);
      const { url, headers } = await stage.http(name);
      expect(await asked(await connected(overHttp(url, headers), CAPABILITIES)), `${name}, HTTP`).toEqual(direct);
    }
  });
});

describe('server-filesystem through the gateway', () => {
  async function use(client: Client): Promise<unknown[]> {
    const call = (name: string, args: object) => client.callTool({ name, arguments: { ...args } });
    const path = (name: string) => join(files, name);
    const seen = [
      without(await client.listTools()),
      await call('list_directory', { path: files }),
      await call('read_text_file', { path: path('a.txt') }),
      await call('read_multiple_files', { paths: [path('a.txt'), path('sub/ü.json'), path('none')] }),
      await call('write_file', { path: path('big.txt'), content: 'x'.repeat(2_000_000) }),
      await call('read_text_file', { path: path('big.txt') }),
      await call('edit_file', { path: path('a.txt'), edits: [{ oldText: 'two', newText: '2' }], dryRun: true }),
      await call('directory_tree', { path: files }),
      await call('read_text_file', { path: '/etc/hostname' }),
    ];
    rmSync(path('big.txt'));
    await client.close();
    return seen;
  }

  it('gives what it gives directly, with files of 2 MB', async () => {
    const direct = await use(await connected(overStdio(process.execPath, [FILESYSTEM, files])));
    const { command, args } = stage.shim('files');
    expect(await use(await connected(overStdio(command, args)))).toEqual(direct);
    const { url, headers } = await stage.http('files');
    expect(await use(await connected(overHttp(url, headers)))).toEqual(direct);
  });

  it('is recorded, and what was recorded verifies', async () => {
    const closed = async () => {
      const { items } = await stage.control.call('sessions', { connectionId: 'files', state: 'closed' });
      return items;
    };
    await expect.poll(async () => (await closed()).length, { timeout: 30_000, interval: 200 }).toBe(1);
    const [session] = await closed();
    const { id, protocol, applicationName } = session!;
    expect([protocol, applicationName]).toEqual(['mcp', 'conformance 1.0.0']);
    const verification = await stage.control.call('verifySession', { id });
    expect(verification.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(verification.ok).toBe(true);
    const { items: statements } = await stage.control.call('statements', { id });
    const write = statements.find(({ text }) => text.startsWith('write_file'));
    expect(write).toMatchObject({ op: 'tools/call', class: 'write', verdict: 'allowed' });
  });
});
