import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { actionDigest } from '../approvals/digest.ts';
import { MCP_PATH, MCP_UPGRADE } from '../contract/mcp.ts';
import { createProcScanner } from '../identity/proc-scanner.ts';
import type { TokensAdmin } from '../identity/tokens.ts';
import type { Vault } from '../pipeline/ports.ts';
import { createMcpHandlers } from '../protocols/mcp/handlers.ts';
import { createSignIns } from '../protocols/mcp/oauth/sign-ins.ts';
import { createToolPins } from '../protocols/mcp/pins.ts';
import type { McpDeps } from '../protocols/mcp/ports.ts';
import { type McpProtocol, type McpProtocolDeps, startMcp } from '../protocols/mcp/protocol.ts';
import { createMcpServers } from '../protocols/mcp/registry.ts';
import type { SessionRegistry } from '../sessions/live-sessions.ts';
import { timers } from './timers.ts';

const DEFAULT_PORT = 7717;

type Given = Pick<
  McpDeps,
  | 'pipeline'
  | 'approvals'
  | 'recorder'
  | 'clock'
  | 'newSessionId'
  | 'identity'
  | 'maskingKey'
  | 'heldBecause'
  | 'protection'
  | 'log'
> &
  Pick<McpProtocolDeps, 'every' | 'clientProcess' | 'refused'>;

/** The MCP servers, their listener, their control routes, and where the control socket hands shims to them. */
export async function serviceMcp(
  given: Given & {
    home: string;
    /** Absent: 7717 where it is free, else any. */
    port: number | undefined;
    vault: Vault;
    tokens: TokensAdmin & McpProtocolDeps['tokens'];
    registry: SessionRegistry;
  },
): Promise<
  McpProtocol & {
    handlers: ReturnType<typeof createMcpHandlers>;
    isRegistered(name: string): boolean;
    /** Of the servers that are reached over HTTP. */
    urls(): { name: string; url: string }[];
    upgrade: { path: string; protocol: string; accept: McpProtocol['accept'] };
  }
> {
  const { home, vault, tokens, registry } = given;
  const servers = createMcpServers({ file: join(home, 'mcp-servers.json') });
  const pins = createToolPins({ file: join(home, 'mcp-pins.json') });
  const signIns = createSignIns({
    vault,
    now: () => given.clock.now(),
    newId: () => randomBytes(16).toString('base64url'),
    schedule: timers.schedule,
  });
  const processes = process.platform === 'linux' ? createProcScanner() : null;
  const protocol = await startMcp(
    {
      ...given,
      servers,
      pins,
      credentials: signIns.credentials,
      live: registry,
      digest: actionDigest,
      where: { cwd: home, env: process.env },
      processOf: (pid) => (pid === null ? null : processes?.describe(pid)) ?? { pid, name: 'unknown', parents: [] },
      newSessionKey: () => randomBytes(24).toString('base64url'),
      after: timers.schedule,
    },
    { host: '127.0.0.1', port: given.port ?? DEFAULT_PORT, orAny: given.port === undefined },
  );
  return {
    ...protocol,
    async close(reason) {
      signIns.close();
      await protocol.close(reason);
    },
    isRegistered: (name) => servers.get(name) !== null,
    urls: () =>
      servers.list().flatMap(({ name, transport }) => ('url' in transport ? [{ name, url: transport.url }] : [])),
    handlers: createMcpHandlers({
      servers,
      pins,
      vault,
      tokens,
      signIns,
      protocol,
      identity: given.identity,
      openSessions: (name) =>
        registry.list().filter((session) => session.protocol === 'mcp' && session.connectionId === name).length,
    }),
    upgrade: { path: MCP_PATH, protocol: MCP_UPGRADE, accept: protocol.accept },
  };
}
