import { join } from 'node:path';
import { object } from '../adapter.ts';
import { isShim } from './mcp-config.ts';

/** Where Cursor's MCP servers are named; the project's win. Other agents: not known. */
export function cursorMcpFiles(agent: string, home: string, workspaces: readonly string[]): string[] {
  if (agent !== 'cursor' || home === '') return [];
  return [...workspaces, home].map((folder) => join(folder, '.cursor', 'mcp.json'));
}

/**
 * Whether a server (null: each that there is) is reached through Countersign's shim.
 * @param files texts of mcp.json, the one that counts more first; null: there is none.
 */
export function throughProxy(server: string | null, files: readonly (string | null)[]): boolean {
  const servers = new Map<string, Record<string, unknown>>();
  for (const text of files) {
    if (text === null) continue;
    let value: unknown;
    try {
      value = JSON.parse(text.replace(/^\uFEFF/, ''));
    } catch {
      // Nobody knows what Cursor makes of it.
      return false;
    }
    for (const [name, entry] of Object.entries(object.parse(object.parse(value).mcpServers)))
      if (!servers.has(name)) servers.set(name, object.parse(entry));
  }
  if (server === null) return servers.size > 0 && [...servers.values()].every(isShim);
  const entry = servers.get(server);
  return entry !== undefined && isShim(entry);
}
