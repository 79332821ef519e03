import { join } from 'node:path';
import { object } from '../adapter.ts';

/** Where Cursor's MCP servers are named; the project's win. Other agents: not known. */
export function cursorMcpFiles(agent: string, home: string, workspaces: readonly string[]): string[] {
  if (agent !== 'cursor' || home === '') return [];
  return [...workspaces, home].map((folder) => join(folder, '.cursor', 'mcp.json'));
}

/** The shim of one gateway: what an entry of mcp.json has to start for its calls to be decided there. */
export interface OwnShim {
  /** Absolute paths of the program's Node and of bin/countersign.mjs. */
  node: string;
  program: string;
  /** The gateway's home; null: the machine's protected one, which is found without. */
  home: string | null;
  /** Whether the home is found without `--home`. */
  usualHome: boolean;
  isRegistered(server: string): boolean;
}

/**
 * Whether a server (null: each that there is) is reached through the gateway's own shim. A program of another place is
 * not the shim whatever its name, since an agent may have written it there.
 * @param files texts of mcp.json, the one that counts more first; null: there is none.
 */
export function throughProxy(server: string | null, files: readonly (string | null)[], own: OwnShim): boolean {
  const servers = new Map<string, Record<string, unknown>>();
  for (const text of files) {
    if (text === null) continue;
    const entries = entriesOf(text);
    // Nobody knows what Cursor makes of it.
    if (entries === null) return false;
    for (const [name, entry] of Object.entries(entries)) if (!servers.has(name)) servers.set(name, object.parse(entry));
  }
  if (server === null) return servers.size > 0 && [...servers.values()].every((entry) => isOwnShim(entry, own));
  const entry = servers.get(server);
  return entry !== undefined && isOwnShim(entry, own);
}

/** Names of the servers in a mcp.json. */
export const serversOf = (text: string | null): string[] => Object.keys((text === null ? null : entriesOf(text)) ?? {});

/** null: it cannot be read. */
function entriesOf(text: string): Record<string, unknown> | null {
  try {
    return object.parse(object.parse(JSON.parse(text.replace(/^\uFEFF/, ''))).mcpServers);
  } catch {
    return null;
  }
}

/** Settings with which an entry would start something else, or the shim in other surroundings. */
const ELSEWHERE = ['env', 'envFile', 'url', 'headers', 'auth', 'transport', 'cwd'];

function isOwnShim(entry: Record<string, unknown>, own: OwnShim): boolean {
  const { type = 'stdio', command, args } = entry;
  if (type !== 'stdio' || ELSEWHERE.some((key) => key in entry)) return false;
  if (command !== own.node || !Array.isArray(args)) return false;
  const [program, mcp, name, ...rest]: unknown[] = args;
  if (program !== own.program || mcp !== 'mcp' || typeof name !== 'string' || !own.isRegistered(name)) return false;
  let home: unknown = null;
  for (let at = 0; at < rest.length; at += 2) {
    if (rest[at] === '--home') home = rest[at + 1];
    else if (rest[at] !== '--agent' || typeof rest[at + 1] !== 'string') return false;
  }
  return home === own.home || (home === null && own.usualHome);
}
