import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { SentinelFinding } from '../contract/sentinel.ts';
import { endpointKeys, rowsTo } from './net-table.ts';
import { createSentinel, type SentinelDeps } from './sentinel.ts';

const children: ChildProcess[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) server.close();
});

async function target(host = '127.0.0.1'): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}));
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A process that speaks to a port, directly or through a child of its own. @returns its pid. */
async function client(port: number, host = '127.0.0.1', nested = false): Promise<number> {
  const code = `require('net').connect(${port}, '${host}', () => console.log('there')); setTimeout(() => {}, 60000)`;
  const outer = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(code)}], { stdio: 'inherit' }); setTimeout(() => {}, 60000)`;
  const child = spawn(process.execPath, ['-e', nested ? outer : code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  children.push(child);
  if (nested) children.push({ kill: () => process.kill(-child.pid!, 'SIGKILL') } as unknown as ChildProcess);
  await once(child.stdout!, 'data');
  return child.pid!;
}

function watch(port: number, deps: Partial<SentinelDeps>) {
  const found: SentinelFinding[] = [];
  const sentinel = createSentinel({
    targets: () => [{ name: 'demo', host: 'db.test', port }],
    resolve: async () => ['127.0.0.1', '::1'],
    agents: () => new Set(),
    risks: () => [],
    ownUid: null,
    ownPid: -1,
    platform: 'linux',
    every: () => () => {},
    now: () => Date.now(),
    found: (finding) => found.push(finding),
    onProblem: (sentence) => {
      throw new Error(sentence);
    },
    ...deps,
  });
  return { sentinel, found };
}

const onLinux = process.platform === 'linux';

describe.skipIf(!onLinux)('connections (proc(5) is there on Linux alone)', () => {
  test('of an agent, or of what it started, to a registered target are seen, each once', async () => {
    const port = await target();
    const [one, two] = [await client(port), await client(port, '127.0.0.1', true)];
    const { sentinel, found } = watch(port, { agents: () => new Set([one, two]) });
    await sentinel.scan();
    await sentinel.scan();
    expect(found.map(({ how }) => how)).toEqual(['certain', 'certain']);
    expect(found.some(({ sentence }) => sentence.includes(`(${one}) speaks to demo (db.test:${port})`))).toBe(true);
    expect(found.some(({ sentence }) => sentence.includes(`(${two}) speaks to demo`))).toBe(true);
    expect(sentinel.view()).toMatchObject({ scans: 2, findings: [{ count: 1 }, { count: 1 }] });
  });

  test('over IPv6 are seen too', async () => {
    const port = await target('::1');
    const pid = await client(port, '::1');
    const { sentinel, found } = watch(port, { agents: () => new Set([pid]) });
    await sentinel.scan();
    expect(found).toMatchObject([{ kind: 'connection', how: 'certain' }]);
  });

  test('of others, of the gateway and its children, and to other ports are none', async () => {
    const port = await target();
    const pid = await client(port);
    const stranger = watch(port, {});
    await stranger.sentinel.scan();
    expect(stranger.found).toEqual([]);
    const own = watch(port, { agents: () => new Set([pid]), ownPid: pid });
    await own.sentinel.scan();
    expect(own.found).toEqual([]);
    const elsewhere = watch(await target(), { agents: () => new Set([pid]) });
    await elsewhere.sentinel.scan();
    expect(elsewhere.found).toEqual([]);
  });
});

test('what an agent could do is told once, and a name that does not resolve stops nothing', async () => {
  const { sentinel, found } = watch(1, {
    resolve: () => Promise.reject(new Error('ENOTFOUND')),
    risks: () => [{ kind: 'credential', sentence: 'An agent could take credentials from /home/dev/.pgpass' }],
  });
  await sentinel.scan();
  sentinel.lookForRisks();
  sentinel.lookForRisks();
  expect(found).toMatchObject([{ kind: 'credential', how: 'possible', count: 1 }]);
});

test('findings are bounded', () => {
  let n = 0;
  const { sentinel } = watch(1, {
    risks: () => Array.from({ length: 50 }, () => ({ kind: 'credential', sentence: `${n++}` })),
  });
  for (let i = 0; i < 10; i += 1) sentinel.lookForRisks();
  expect(sentinel.view().findings).toHaveLength(200);
});

describe('the kernel’s tables', () => {
  test('have addresses in the byte order of the machine', () => {
    expect(endpointKeys('127.0.0.1', 5432)).toEqual(['0100007F:1538', '0000000000000000FFFF00000100007F:1538']);
    expect(endpointKeys('::1', 80)).toEqual(['00000000000000000000000001000000:0050']);
    expect(endpointKeys('db.example.com', 80)).toEqual([]);
  });

  test('are read whatever is in them', () => {
    fc.assert(
      fc.property(fc.string(), (text) => rowsTo(text, new Set([''])).every(({ inode }) => /^\d+$/.test(inode))),
    );
    fc.assert(fc.property(fc.ipV6(), fc.nat(65_535), (address, port) => endpointKeys(address, port).length >= 1));
  });
});
