import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everythingOverHttp, type Stage, startStage } from './support/stage.ts';

const SUITE = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
const SUITE_SERVER = fileURLToPath(new URL('support/suite-server.ts', import.meta.url));

/** The official suite has no way to send a token, so this adds one; everything else passes as it comes. */
async function withToken(target: {
  url: URL;
  headers: Record<string, string>;
}): Promise<{ url: string; server: Server }> {
  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    const own = `127.0.0.1:${(server.address() as { port: number }).port}`;
    const { host, origin } = incoming.headers;
    const moved = (value: string | undefined) =>
      value?.replace(own, target.url.host).replace(`localhost:${own.split(':')[1]}`, target.url.host);
    const headers = { ...incoming.headers, ...target.headers, host: moved(host) ?? target.url.host };
    if (origin !== undefined) Object.assign(headers, { origin: moved(origin) });
    const { hostname, port, pathname } = target.url;
    const forward = request({ hostname, port, path: pathname, method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
      response.flushHeaders();
    });
    forward.on('error', () => response.destroy());
    response.on('close', () => forward.destroy());
    incoming.pipe(forward);
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}/mcp`, server };
}

/** What each check of each scenario said; without what differs from run to run. */
async function runSuite(url: string): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-mcp-suite-'));
  const child = spawn(process.execPath, [SUITE, 'server', '--url', url, '--suite', 'all', '-o', folder], {
    stdio: 'ignore',
  });
  await new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const found = readdirSync(folder).map((name) => {
    const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    const checks = JSON.parse(readFileSync(join(folder, name, 'checks.json'), 'utf8')) as {
      id: string;
      status: string;
      errorMessage?: string;
    }[];
    // INFO tells of each event: streams of the gateway cannot be taken up again, so they have none for that.
    const said = checks.filter(({ status }) => status !== 'INFO');
    return [
      scenario,
      said.map(({ id, status, errorMessage }) => ({
        id,
        status,
        errorMessage: errorMessage?.replace(', countersign_wait', ''),
      })),
    ] as const;
  });
  rmSync(folder, { recursive: true, force: true });
  return Object.fromEntries(found.sort(([a], [b]) => a.localeCompare(b)));
}

/** The gateway refuses other hosts though the server itself does not, and that is its own. */
const comparable = ({ 'dns-rebinding-protection': _, ...rest }: Record<string, unknown>) => rest;
const passed = (results: Record<string, unknown>) =>
  Object.values(results)
    .flat()
    .filter((check) => (check as { status: string }).status === 'SUCCESS').length;

describe('the official conformance suite', { timeout: 240_000 }, () => {
  let stage: Stage;
  let everything: Awaited<ReturnType<typeof everythingOverHttp>>;
  const servers: Server[] = [];

  beforeAll(async () => {
    [stage, everything] = await Promise.all([startStage(), everythingOverHttp('streamableHttp')]);
  });
  afterAll(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await stage?.stop();
    await everything?.stop();
  });

  async function through(name: string): Promise<Record<string, unknown>> {
    const { url, server } = await withToken(await stage.http(name));
    servers.push(server);
    return runSuite(url);
  }

  it('says the same of server-everything directly and through the gateway', async () => {
    const asks = { sampling: 'policy', elicitation: 'policy' } as const;
    await stage.add({ name: 'everything', transport: { type: 'http', url: everything.url }, ...asks });
    const direct = await runSuite(everything.url);
    expect(passed(direct)).toBeGreaterThan(10);
    expect(comparable(await through('everything'))).toEqual(comparable(direct));
  });

  it('passes with a server that has what it calls, over HTTP, and by the shim', async () => {
    const asks = { sampling: 'policy', elicitation: 'policy' } as const;
    const node = process.execPath;
    await stage.add({ name: 'suite', transport: { type: 'stdio', command: node, args: [SUITE_SERVER] }, ...asks });
    // The shim as the server of another: each message goes through the gateway twice.
    const shim = stage.shim('suite');
    await stage.add({ name: 'shimmed', transport: { type: 'stdio', ...shim }, ...asks });
    const [results, shimmed] = await Promise.all([through('suite'), through('shimmed')]);
    const failed = Object.entries(results).filter(([, checks]) =>
      (checks as { status: string }[]).some(({ status }) => status === 'FAILURE'),
    );
    expect(failed).toEqual([]);
    expect(shimmed).toEqual(results);
  });
});
