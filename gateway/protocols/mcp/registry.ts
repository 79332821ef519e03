import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../../config/atomic-file.ts';
import { CountersignError } from '../../contract/errors.ts';
import { McpSecrets, McpServer, type McpServerInput, OAUTH_CLIENT_SECRET } from '../../contract/mcp.ts';
import type { Vault } from '../../pipeline/ports.ts';

const MAX_SERVERS = 500;

const ServersFile = z.strictObject({ version: z.literal(1), servers: z.array(McpServer).max(MAX_SERVERS) });

export interface McpServers {
  get(name: string): McpServer | null;
  list(): readonly McpServer[];
  /** Adds or replaces, on disk before it returns. Throws CONFIG_CHANGED, CONFIG_BROKEN, CONFIG_FULL. */
  put(server: McpServerInput): McpServer;
  /** @returns false when there was none. Throws CONFIG_CHANGED. */
  remove(name: string): boolean;
}

/**
 * The registered MCP servers, in a JSON file without secrets, by the rules of connections.json: read once,
 * never overwritten unseen. Throws CONFIG_BROKEN.
 */
export function createMcpServers(options: { file: string }): McpServers {
  const { file } = options;
  let text = readFileIfThere(file);
  let servers = new Map(parse(file, text).map((server) => [server.name, server]));

  function save(next: Map<string, McpServer>): void {
    if (readFileIfThere(file) !== text) {
      throw new CountersignError(
        'CONFIG_CHANGED',
        `${file} was changed outside of Countersign; nothing was written. Restart the gateway to take those changes, or undo them.`,
      );
    }
    const written = `${JSON.stringify({ version: 1, servers: [...next.values()] }, null, 2)}\n`;
    writeFileAtomic(file, written);
    text = written;
    servers = next;
  }

  return {
    get: (name) => servers.get(name) ?? null,
    list: () => [...servers.values()],
    put(input) {
      const parsed = McpServer.safeParse(input);
      if (!parsed.success) {
        throw new CountersignError('CONFIG_BROKEN', `The MCP server is not valid: ${firstProblem(parsed.error)}.`);
      }
      const server = Object.freeze(parsed.data);
      if (!servers.has(server.name) && servers.size >= MAX_SERVERS) {
        throw new CountersignError('CONFIG_FULL', `There are ${MAX_SERVERS} MCP servers already; remove one first.`);
      }
      save(new Map(servers).set(server.name, server));
      return server;
    },
    remove(name) {
      if (!servers.has(name)) return false;
      const next = new Map(servers);
      next.delete(name);
      save(next);
      return true;
    },
  };
}

function parse(file: string, text: string | null): McpServer[] {
  if (text === null) return [];
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new CountersignError('CONFIG_BROKEN', `${file} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const parsed = ServersFile.safeParse(json);
  if (!parsed.success) throw new CountersignError('CONFIG_BROKEN', `${file}: ${firstProblem(parsed.error)}.`);
  const names = parsed.data.servers.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new CountersignError('CONFIG_BROKEN', `${file}: the MCP server ${twice} is there twice.`);
  }
  return parsed.data.servers.map((server) => Object.freeze(server));
}

function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? `${issue.path.join('.') || 'the whole'}: ${issue.message}` : 'unknown problem';
}

/** Under this name its secrets are in the vault, and tokens for its HTTP endpoint are minted. */
export const vaultName = (server: string): string => `mcp/${server}`;

/** The values of secretNames(). Throws MCP_SECRET_MISSING: nothing is started half equipped. */
export async function readStored(vault: Pick<Vault, 'read'>, server: McpServer): Promise<McpSecrets> {
  const names = secretNames(server);
  if (names.length === 0) return {};
  const stored = await vault.read(vaultName(server.name));
  let secrets: McpSecrets = {};
  try {
    if (stored !== null) secrets = McpSecrets.parse(JSON.parse(stored));
  } catch {
    // Told below; without the words of the parser, which may quote what it read.
  }
  const missing = names.filter((name) => !Object.hasOwn(secrets, name));
  if (missing.length > 0) {
    throw new CountersignError(
      'MCP_SECRET_MISSING',
      `The vault has no value for ${missing.join(', ')} of the MCP server ${server.name}; add it again with its values.`,
    );
  }
  return Object.fromEntries(names.map((name) => [name, secrets[name]!]));
}

export function secretNames(server: McpServer): readonly string[] {
  const { transport } = server;
  if (transport.type === 'stdio') return transport.env;
  return transport.oauth?.clientSecret ? [...transport.headers, OAUTH_CLIENT_SECRET] : transport.headers;
}

/** Whether two servers are one target, so that the stored secrets may go on to be sent there. */
export function sameTarget(a: McpServer, b: McpServer): boolean {
  return JSON.stringify(a.transport) === JSON.stringify(b.transport);
}
