import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../../config/atomic-file.ts';
import { CountersignError } from '../../contract/errors.ts';
import type { McpToolView } from '../../contract/mcp.ts';
import { unifiedDiff } from '../../policy/diff.ts';
import { canonicalJson, type JsonObject } from './codec/json.ts';

const MAX_TOOLS = 2000;
const MAX_TEXT = 256 * 1024;

const PinsFile = z.strictObject({
  version: z.literal(1),
  /** By server, then by tool: its description when it was accepted, and another one where it has one now. */
  servers: z.record(
    z.string(),
    z.record(z.string(), z.strictObject({ accepted: z.string(), now: z.string().nullable() })),
  ),
});
type Pinned = z.infer<typeof PinsFile>['servers'][string];

export interface ToolState {
  /** SHA-256, hex, of the description as the server gives it now. */
  hash: string;
  /** null: as it was accepted. */
  changed: { acceptedHash: string; diff: string } | null;
}

export interface ToolPins {
  /** What a server says of its tools now, by name; a tool that was never seen is pinned as it is. */
  see(server: string, listed: readonly { name: string; description: JsonObject }[]): Map<string, ToolState>;
  /** Takes what is there now as accepted. @returns the names that were changed. */
  accept(server: string, tool: string | null): string[];
  pinned(server: string): { count: number; changed: string[] };
  /** As a person looks at them, those that changed first. */
  tools(server: string): McpToolView[];
  /** The server leads elsewhere now, or is gone. */
  forget(server: string): void;
}

/** The parts of a tool's entry that a model or a person reads, and that say what it takes and gives. */
const FIELDS = ['name', 'title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const;

/**
 * Descriptions of tools as they were first seen (trust on first use), in the gateway's home. A server that
 * changes one later changes what the agent is told, so its next calls are marked. Throws CONFIG_BROKEN.
 */
export function createToolPins(options: { file: string }): ToolPins {
  const { file } = options;
  const servers = new Map<string, Map<string, Pinned[string]>>(
    Object.entries(load(file)).map(([name, tools]) => [name, new Map(Object.entries(tools))]),
  );

  function save(): void {
    const plain = Object.fromEntries([...servers].map(([name, tools]) => [name, Object.fromEntries(tools)]));
    writeFileAtomic(file, `${JSON.stringify({ version: 1, servers: plain }, null, 1)}\n`);
  }

  return {
    see(server, listed) {
      const tools = servers.get(server) ?? new Map<string, Pinned[string]>();
      servers.set(server, tools);
      const states = new Map<string, ToolState>();
      let dirty = false;
      for (const { name, description } of listed) {
        const text = describe(description);
        const hash = sha256(text);
        const known = tools.get(name);
        if (known === undefined && tools.size < MAX_TOOLS) {
          tools.set(name, { accepted: text, now: null });
          dirty = true;
          states.set(name, { hash, changed: null });
          continue;
        }
        // A server without end of tools is not remembered without end: then each is as if changed.
        const accepted = known?.accepted ?? '';
        const now = text === accepted ? null : text;
        if (known !== undefined && now !== known.now) {
          tools.set(name, { accepted, now });
          dirty = true;
        }
        const changed = now === null ? null : { acceptedHash: sha256(accepted), diff: unifiedDiff(accepted, text) };
        states.set(name, { hash, changed });
      }
      if (dirty) save();
      return states;
    },
    accept(server, tool) {
      const tools = servers.get(server) ?? new Map<string, Pinned[string]>();
      const changed = [...tools].filter(([name, pin]) => pin.now !== null && (tool === null || tool === name));
      for (const [name, pin] of changed) tools.set(name, { accepted: pin.now!, now: null });
      if (changed.length > 0) save();
      return changed.map(([name]) => name);
    },
    pinned(server) {
      const tools = [...(servers.get(server) ?? [])];
      return { count: tools.length, changed: tools.filter(([, { now }]) => now !== null).map(([name]) => name) };
    },
    tools: (server) =>
      [...(servers.get(server) ?? [])]
        .map(([name, { accepted, now }]) => ({
          name,
          description: descriptionIn(accepted),
          diff: now === null ? null : unifiedDiff(accepted, now),
        }))
        .sort((a, b) => Number(a.diff === null) - Number(b.diff === null) || (a.name < b.name ? -1 : 1)),
    forget(server) {
      if (servers.delete(server)) save();
    },
  };
}

/** Indented, so that differences are told by line. */
function describe(description: JsonObject): string {
  const kept: JsonObject = {};
  for (const field of FIELDS) if (description[field] !== undefined) kept[field] = description[field];
  const canonical = canonicalJson(kept);
  if (canonical.length > MAX_TEXT) return `too long to keep; SHA-256 ${sha256(canonical)}`;
  return JSON.stringify(JSON.parse(canonical), null, 1);
}

const Described = z.object({ description: z.string().optional() });

/** Of the text that `describe` made; empty where it has none or was too long to keep. */
function descriptionIn(text: string): string {
  if (!text.startsWith('{')) return '';
  return Described.safeParse(JSON.parse(text)).data?.description ?? '';
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function load(file: string): z.infer<typeof PinsFile>['servers'] {
  const text = readFileIfThere(file);
  if (text === null) return {};
  try {
    return PinsFile.parse(JSON.parse(text)).servers;
  } catch (cause) {
    throw new CountersignError(
      'CONFIG_BROKEN',
      `${file} is damaged; restore it, or remove it to accept the tools of all MCP servers as they are then.`,
      { cause },
    );
  }
}
