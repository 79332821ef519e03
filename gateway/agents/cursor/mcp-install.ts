import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CountersignError } from '../../contract/errors.ts';
import { readSettings, replaceSettings } from '../install/files.ts';
import {
  type McpConfigChange,
  type McpConfigSurroundings,
  unwrapMcpConfig,
  type WrappedMcpConfig,
  wrapMcpConfig,
} from './mcp-config.ts';

/** The way back. Values of variables and headers are not in it: they are in the vault, where no agent reads them. */
const Kept = z.object({
  changes: z.array(
    z.object({
      entry: z.string(),
      server: z.object({ name: z.string() }),
      original: z.record(z.string(), z.unknown()),
      emptied: z.array(z.string()),
    }),
  ),
});
type Kept = z.infer<typeof Kept>;

export const mcpFile = (folder: string): string => join(folder, '.cursor', 'mcp.json');
const keptFile = (file: string): string => `${file}.countersign`;

/** What an mcp.json would be; nothing is written. null: there is no such file. Throws MCP_CONFIG. */
export function planMcp(file: string, around: McpConfigSurroundings): WrappedMcpConfig | null {
  const text = readSettings(file);
  return text === null ? null : wrapMcpConfig(text, around);
}

/** Writes the plan, once its servers are registered. */
export function writeMcp(file: string, { text, changes }: WrappedMcpConfig): void {
  const kept: Kept = { changes: [...readKept(file), ...changes.map(withoutValues)] };
  replaceSettings(keptFile(file), `${JSON.stringify(kept, null, 2)}\n`, 0o600);
  replaceSettings(file, text);
}

/**
 * Puts the servers back as they were, but for the values that are in the vault.
 * @returns names of the entries, with the values that have to be filled in; null: nothing was kept.
 */
export function unwrapMcp(file: string): { restored: { entry: string; emptied: string[] }[]; left: string[] } | null {
  const text = readSettings(file);
  const changes = readKept(file);
  if (text === null || changes.length === 0) return null;
  const back = unwrapMcpConfig(text, changes);
  replaceSettings(file, back.text);
  rmSync(keptFile(file), { force: true });
  const restored = changes.filter(({ entry }) => back.restored.includes(entry));
  return { restored: restored.map(({ entry, emptied }) => ({ entry, emptied })), left: back.left };
}

function readKept(file: string): Kept['changes'] {
  const text = readSettings(keptFile(file));
  if (text === null) return [];
  try {
    return Kept.parse(JSON.parse(text)).changes;
  } catch (cause) {
    throw new CountersignError(
      'MCP_CONFIG',
      `${keptFile(file)} cannot be read; what the servers were before is not known`,
      { cause },
    );
  }
}

function withoutValues({ entry, server, original }: McpConfigChange): Kept['changes'][number] {
  const emptied: string[] = [];
  const empty = (values: unknown) =>
    Object.fromEntries(
      Object.entries((values ?? {}) as Record<string, unknown>).map(([name, value]) => {
        // `${env:X}` only says where it comes from; these say nothing that is secret.
        if (typeof value === 'string' && /^\$\{env:[^}]*\}$/.test(value)) return [name, value];
        if (values === original.auth && name !== 'CLIENT_SECRET') return [name, value];
        emptied.push(name);
        return [name, ''];
      }),
    );
  const kept = { ...original };
  for (const name of ['env', 'headers', 'auth']) if (name in kept) kept[name] = empty(kept[name]);
  return { entry, server: { name: server.name }, original: kept, emptied };
}
