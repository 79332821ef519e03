import { CountersignError } from '../../contract/errors.ts';
import type { Identity } from '../../contract/identity.ts';
import { McpSecrets, type McpServer, type McpServerView } from '../../contract/mcp.ts';
import type { ControlHandlers } from '../../control/handlers.ts';
import type { TokensAdmin } from '../../identity/tokens.ts';
import type { Vault } from '../../pipeline/ports.ts';
import type { SignIns } from './oauth/sign-ins.ts';
import type { ToolPins } from './pins.ts';
import type { McpProtocol } from './protocol.ts';
import { type McpServers, sameTarget, secretNames, vaultName } from './registry.ts';

type McpRoutes =
  | 'mcpServers'
  | 'putMcpServer'
  | 'deleteMcpServer'
  | 'mcpTools'
  | 'testMcpServer'
  | 'acceptMcpTools'
  | 'signInMcpServer'
  | 'mcpSignInState'
  | 'signOutMcpServer'
  | 'mintMcpToken';

/** The control API's routes on MCP servers. Presence was established by the server. */
export function createMcpHandlers(deps: {
  servers: McpServers;
  pins: ToolPins;
  vault: Vault;
  tokens: TokensAdmin;
  signIns: Pick<SignIns, 'begin' | 'view' | 'end' | 'isSignedIn'>;
  protocol: Pick<McpProtocol, 'address' | 'test' | 'endSessions'>;
  identity: () => Identity;
  openSessions: (name: string) => number;
}): Pick<ControlHandlers, McpRoutes> {
  const { servers, pins, vault, tokens, signIns, protocol } = deps;

  function known(name: string): McpServer {
    const server = servers.get(name);
    if (server === null) throw new CountersignError('MCP_UNKNOWN', `There is no MCP server ${name}.`);
    return server;
  }

  async function view(server: McpServer): Promise<McpServerView> {
    const { count, changed } = pins.pinned(server.name);
    return {
      ...server,
      hasSecrets: await vault.has(vaultName(server.name)).catch(() => false),
      signedIn: await signIns.isSignedIn(server).catch(() => false),
      openSessions: deps.openSessions(server.name),
      pinned: count,
      changed,
    };
  }

  return {
    mcpServers: async () => ({ items: await Promise.all(servers.list().map(view)) }),
    async putMcpServer({ name, server, secrets }) {
      if (server.name !== name) {
        throw new CountersignError('BAD_REQUEST', 'The server’s name and the one in the path differ.');
      }
      const before = servers.get(name);
      const wanted = secretNames(server);
      const moved = before === null || !sameTarget(before, server);
      if (secrets === undefined && moved && wanted.length > 0) {
        // Whoever may change where a server leads must not get its stored secrets sent there.
        throw new CountersignError(
          'CONNECTION_SECRET_REQUIRED',
          `This changes where the server leads, so the values of ${wanted.join(', ')} have to be entered again.`,
        );
      }
      const given = Object.keys(secrets ?? {});
      const strange = given.find((one) => !wanted.includes(one));
      const missing = secrets === undefined ? undefined : wanted.find((one) => !given.includes(one));
      if (strange !== undefined || missing !== undefined) {
        throw new CountersignError(
          'BAD_REQUEST',
          strange === undefined
            ? `The value of ${missing} is missing.`
            : `${strange} is not among the names of the server.`,
        );
      }
      if (secrets !== undefined && wanted.length > 0) {
        await vault.write(vaultName(name), JSON.stringify(McpSecrets.parse(secrets)));
      } else if (wanted.length === 0) await vault.remove(vaultName(name));
      // Tokens are for the address, and the client, that they were given for.
      if (moved && before !== null) await signIns.end(before);
      if (moved) pins.forget(name);
      const stored = servers.put(server);
      protocol.endSessions(name, `the MCP server ${name} was changed`);
      return view(stored);
    },
    async deleteMcpServer({ name }) {
      await signIns.end(known(name));
      servers.remove(name);
      tokens.revokeConnection(vaultName(name), `the MCP server ${name} was removed`);
      protocol.endSessions(name, `the MCP server ${name} was removed`);
      pins.forget(name);
      await vault.remove(vaultName(name));
      return {};
    },
    mcpTools({ name }) {
      known(name);
      return { items: pins.tools(name) };
    },
    testMcpServer({ name }) {
      known(name);
      return protocol.test(name);
    },
    acceptMcpTools({ name, tool }) {
      known(name);
      return { accepted: pins.accept(name, tool ?? null) };
    },
    signInMcpServer: ({ name }) => signIns.begin(known(name)),
    mcpSignInState: ({ name, id }) => signIns.view(name, id),
    async signOutMcpServer({ name }) {
      await signIns.end(known(name));
      protocol.endSessions(name, `the gateway was signed out of ${name}`);
      return {};
    },
    mintMcpToken({ name, purpose, conversationId }) {
      known(name);
      const minted = tokens.mint({
        identity: deps.identity(),
        connectionId: vaultName(name),
        purpose,
        conversationId,
      });
      const { host, port } = protocol.address;
      return {
        token: minted.token,
        agentSessionId: minted.session.id,
        expiresAt: minted.expiresAt,
        url: `http://${host}:${port}/mcp/${name}`,
      };
    },
  };
}
