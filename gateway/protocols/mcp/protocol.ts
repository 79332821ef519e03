import type { Duplex } from 'node:stream';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import type { AgentProcess } from '../../contract/identity.ts';
import type { McpServer, McpTestResult } from '../../contract/mcp.ts';
import type { Tokens } from '../../pipeline/ports.ts';
import { isObject, type JsonObject } from './codec/json.ts';
import { type Message, parseMessage } from './codec/message.ts';
import { listenHttp, type McpHttpListener } from './listener/http.ts';
import { serveLines } from './listener/line-client.ts';
import { readHello, refuseClient } from './listener/shim.ts';
import type { ClientSide, McpClient, McpDeps, Upstream, UpstreamCredentials, UpstreamSink } from './ports.ts';
import type { McpServers } from './registry.ts';
import { openSession } from './session/open.ts';
import type { McpSession } from './session/session.ts';
import { isShown } from './session/tools.ts';
import { upstreamOf } from './upstream/open.ts';
import { withoutValues } from './upstream/without-values.ts';

export interface McpProtocolDeps extends McpDeps {
  servers: McpServers;
  /** Of a server, from the vault. Rejects MCP_SECRET_MISSING, MCP_SIGN_IN. */
  credentials(server: McpServer): Promise<UpstreamCredentials>;
  tokens: Pick<Tokens, 'verify' | 'touch' | 'onEnded'>;
  /** Where servers run that are child processes, and what they are given of the gateway's environment. */
  where: { cwd: string; env: NodeJS.ProcessEnv };
  clientProcess(remote: { address: string; port: number }, localPort: number): Promise<AgentProcess>;
  /** The client's process as it says itself: a claim. */
  processOf(pid: number | null): AgentProcess;
  newSessionKey(): string;
  every(milliseconds: number, run: () => void): () => void;
  /** A client that had no session yet was turned away. */
  refused(reason: string): void;
}

export interface McpProtocol {
  address: { host: string; port: number };
  /** Serves the shim at the other end of a socket; `head` was read from it already. */
  accept(socket: Duplex, head: Uint8Array): void;
  /** Connects to a server as for an agent, and lists its tools. */
  test(name: string): Promise<McpTestResult>;
  /** Ends the sessions of one server. */
  endSessions(name: string, reason: string): void;
  close(reason: string): Promise<void>;
}

/** A server that may be connected to. */
interface Prepared {
  server: McpServer;
  open(sink: UpstreamSink): Upstream;
}

const TEST_MS = 20_000;
const TEST_VERSION = '2025-11-25';

/** Serves the registered MCP servers: over HTTP on `listen`, and to sockets that are handed over. */
export async function startMcp(
  deps: McpProtocolDeps,
  listen: { host: string; port: number; orAny: boolean },
): Promise<McpProtocol> {
  const sessions = new Set<{ session: McpSession; name: string }>();

  /** Throws MCP_UNKNOWN, MCP_STDIO_PROTECTED, MCP_SECRET_MISSING, MCP_SIGN_IN. */
  async function prepare(name: string): Promise<Prepared> {
    const server = deps.servers.get(name);
    if (server === null) {
      const sentence = `There is no MCP server ${name}; a person adds one with: countersign mcp add ${name}`;
      throw new CountersignError('MCP_UNKNOWN', sentence);
    }
    if (server.transport.type === 'stdio' && deps.protection === 'protected') {
      throw new CountersignError(
        'MCP_STDIO_PROTECTED',
        `The MCP server ${name} is a program, and in protected mode the gateway runs none: it would run as the gateway's own user, who can read the vault. Let it run under an account of its own and register the address at which it is reached over HTTP.`,
      );
    }
    const credentials = await deps.credentials(server);
    const open = await upstreamOf(server, credentials, deps.where);
    const shown = (text: string) => withoutValues(text, credentials.values());
    return {
      server,
      open: (sink) => open({ ...sink, message: (text, relatedTo) => sink.message(shown(text), relatedTo) }),
    };
  }

  function begin(prepared: Prepared, client: McpClient, first: string, side: ClientSide): McpSession {
    const session = openSession(deps, prepared, client, first, side);
    const entry = { session, name: prepared.server.name };
    sessions.add(entry);
    session.done.finally(() => sessions.delete(entry));
    return session;
  }

  const http: McpHttpListener = await listenHttp(
    {
      tokens: deps.tokens,
      newSessionKey: deps.newSessionKey,
      every: deps.every,
      now: () => deps.clock.now(),
      refused: deps.refused,
      unexpected: (error) => deps.log.error({ err: error }, 'the MCP listener made a mistake'),
      async open(name, agent, remotePort, first, side) {
        const [prepared, process] = await Promise.all([
          prepare(name),
          deps.clientProcess({ address: '127.0.0.1', port: remotePort }, http.address.port),
        ]);
        return begin(
          prepared,
          { process, identity: agent.identity, conversationId: agent.conversationId, agent: null },
          first,
          side,
        );
      },
    },
    listen,
  );

  async function serveShim(socket: Duplex, head: Uint8Array): Promise<void> {
    const read = await readHello(socket, head);
    if (read === null) return;
    const { server, agent, conversationId, pid } = read.hello;
    let prepared: Prepared;
    try {
      prepared = await prepare(server);
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      deps.refused(error.message);
      await refuseClient(socket, read.rest, error.message);
      return;
    }
    const client = { process: deps.processOf(pid), identity: null, conversationId, agent };
    await serveLines(socket, read.rest, (first, side) => begin(prepared, client, first, side));
  }

  return {
    address: http.address,
    accept(socket, head) {
      serveShim(socket, head).catch((error: unknown) => {
        deps.log.error({ err: error }, 'an MCP session ended by a mistake of ours');
        socket.destroy();
      });
    },
    async test(name) {
      const prepared = await prepare(name);
      return testServer(deps, prepared);
    },
    endSessions(name, reason) {
      for (const entry of [...sessions]) if (entry.name === name) entry.session.end(reason);
    },
    async close(reason) {
      const all = [...sessions];
      for (const { session } of all) session.end(reason);
      await http.close();
      await Promise.all(all.map(({ session }) => session.done));
    },
  };
}

/** Initializes, lists and leaves, with nobody's session and no recording: nothing of an agent passes. */
async function testServer(deps: McpProtocolDeps, { server, open }: Prepared): Promise<McpTestResult> {
  const waiting = new Map<string, (result: JsonObject) => void>();
  let over: (sentence: string) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    over = (sentence) => reject(new Error(sentence));
  });
  failed.catch(() => {});
  const upstream = open({
    message(text) {
      const message = parseMessage(text, false);
      if (message.kind !== 'response') return;
      if (message.error !== null) over(`the server answered with an error: ${message.error.message.slice(0, 300)}`);
      else waiting.get(String(message.id))?.(message.result!);
    },
    failed: (_, sentence) => over(sentence),
    closed: (sentence) => over(sentence),
  });
  const stop = deps.after(TEST_MS, () => over(`the server did not answer within ${TEST_MS / 1000} seconds`));
  const ask = (id: string, method: string, params: JsonObject): Promise<JsonObject> => {
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params });
    const answer = new Promise<JsonObject>((resolve) => waiting.set(id, resolve));
    upstream.send({ kind: 'request', id, method, params, text });
    return Promise.race([answer, failed]);
  };
  try {
    const hello = await ask('1', 'initialize', {
      protocolVersion: TEST_VERSION,
      capabilities: {},
      clientInfo: { name: 'countersign', version: '1' },
    });
    const method = 'notifications/initialized';
    const text = JSON.stringify({ jsonrpc: '2.0', method });
    upstream.send({ kind: 'notification', method, params: {}, text } satisfies Message);
    const listed = isObject(hello.capabilities) && hello.capabilities.tools ? await ask('2', 'tools/list', {}) : {};
    const entries = (Array.isArray(listed.tools) ? listed.tools : []).flatMap((tool) =>
      isObject(tool) && typeof tool.name === 'string' ? [{ name: tool.name, description: tool }] : [],
    );
    const states = deps.pins.see(server.name, entries);
    const info = isObject(hello.serverInfo) ? hello.serverInfo : {};
    return {
      ok: true,
      sentence: `${server.name} answers: ${String(info.name ?? 'a server').slice(0, 100)} ${String(info.version ?? '').slice(0, 50)}, ${entries.length} tools.`,
      tools: entries.map(({ name, description }) => ({
        name,
        title: typeof description.title === 'string' ? description.title.slice(0, 200) : '',
        state: !isShown(server, name) ? 'hidden' : states.get(name)?.changed ? 'changed' : 'listed',
      })),
    };
  } catch (error) {
    return { ok: false, sentence: `${server.name} does not work: ${(error as Error).message}.`, tools: [] };
  } finally {
    stop();
    await upstream.close();
  }
}
