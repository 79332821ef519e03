import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { connected, EVERYTHING, freePort, overHttp, overStdio } from '../conformance/mcp/support/stage.ts';

/**
 * What a call of a tool costs more through the gateway than directly, and through mcp-proxy (which decides
 * and records nothing), in turns of one run: `node test/bench/mcp.ts`. Tells medians, asserts nothing.
 */
const ROUNDS = 5;
const CALLS = 200;
const WARM_UP = 50;

const MCP_PROXY = fileURLToPath(import.meta.resolve('mcp-proxy').replace(/\/dist\/.*$/, '/dist/bin/mcp-proxy.mjs'));

async function measure(client: Client, calls: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < calls; i += 1) {
    const began = performance.now();
    await client.callTool({ name: 'echo', arguments: { message: 'x'.repeat(100) } });
    times.push(performance.now() - began);
  }
  return times;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function startProxy(): Promise<{ url: URL; stop(): void }> {
  const port = await freePort();
  const args = [MCP_PROXY, '--port', String(port), '--host', '127.0.0.1', '--server', 'stream'];
  const child = spawn(process.execPath, [...args, '--', process.execPath, EVERYTHING], { stdio: 'ignore' });
  const url = new URL(`http://127.0.0.1:${port}/mcp`);
  for (let i = 0; i < 100; i += 1) {
    const there = await fetch(url).then(
      () => true,
      () => false,
    );
    if (there) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url, stop: () => void child.kill() };
}

const gateway = spawn(process.execPath, [fileURLToPath(new URL('support/mcp-gateway.ts', import.meta.url))], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const told = await new Promise<string>((resolve) => gateway.stdout.once('data', (chunk) => resolve(String(chunk))));
const { shim, url, headers } = JSON.parse(told) as {
  shim: { command: string; args: string[] };
  url: string;
  headers: Record<string, string>;
};
const proxy = await startProxy();
const ways: Record<string, Transport> = {
  direct: overStdio(process.execPath, [EVERYTHING]),
  'gateway, shim': overStdio(shim.command, shim.args),
  'gateway, HTTP': overHttp(new URL(url), headers),
  'mcp-proxy, HTTP': overHttp(proxy.url),
};
const clients = new Map<string, Client>();
for (const [name, transport] of Object.entries(ways)) clients.set(name, await connected(transport));
const times = new Map([...clients.keys()].map((name) => [name, [] as number[]]));
for (const client of clients.values()) await measure(client, WARM_UP);
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, client] of clients) times.get(name)!.push(...(await measure(client, CALLS)));
}
const direct = median(times.get('direct')!);
for (const [name, all] of times) {
  const own = median(all);
  console.log(`${name.padEnd(16)} median ${own.toFixed(3)} ms, ${(own - direct).toFixed(3)} ms more than direct`);
}
const ratio = (median(times.get('gateway, HTTP')!) - direct) / (median(times.get('mcp-proxy, HTTP')!) - direct);
console.log(`The gateway adds ${ratio.toFixed(2)} times what mcp-proxy adds over HTTP.`);
for (const client of clients.values()) await client.close();
proxy.stop();
gateway.stdin.end();
await new Promise((resolve) => gateway.once('exit', resolve));
process.exit(0);
