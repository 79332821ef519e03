import { createHash } from 'node:crypto';
import type { McpServer } from '../../../contract/mcp.ts';
import type { Effects } from '../../../contract/operation.ts';
import { isObject, isRaw, type Json, type JsonObject } from '../codec/json.ts';
import { type ParamHeader, paramHeadersOf } from '../codec/param-headers.ts';
import type { ToolPins, ToolState } from '../pins.ts';

/** The gateway's own tool in every list, by which an agent comes back for a call that waited for a person. */
export const WAIT_TOOL = 'countersign_wait';

const WAIT_DESCRIPTION: JsonObject = {
  name: WAIT_TOOL,
  title: 'Wait for an approval',
  description:
    'Countersign holds some calls until a person has approved them. When a call answers that it is waiting, call this with the id that it gives: it returns the result of the call once it was approved and has run, or says why not.',
  inputSchema: {
    type: 'object',
    properties: { id: { type: 'string', description: 'the id that the waiting call gave' } },
    required: ['id'],
    additionalProperties: false,
  },
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
};

/** A tool as its server describes it. */
export interface KnownTool extends ToolState {
  readOnly: boolean;
  destructive: boolean;
  hasOutputSchema: boolean;
  /** Arguments that its server wants as headers too. */
  paramHeaders: readonly ParamHeader[];
}

/** `*` at the end stands for anything. */
function named(names: readonly string[], tool: string): boolean {
  return names.some((name) => (name.endsWith('*') ? tool.startsWith(name.slice(0, -1)) : name === tool));
}

export function isShown({ tools }: McpServer, tool: string): boolean {
  return !named(tools.deny, tool) && (tools.allow === null || named(tools.allow, tool));
}

/** What one session knows of its server's tools. */
export class ToolBook {
  readonly #server: McpServer;
  readonly #pins: ToolPins;
  readonly #known = new Map<string, KnownTool>();
  /** The server has a tool of the gateway's name, so the gateway's is not there. */
  ownWait = true;
  /** Everything was listed since the session began, or since the server said that its list changed. */
  complete = false;

  constructor(server: McpServer, pins: ToolPins) {
    this.#server = server;
    this.#pins = pins;
  }

  get(name: string): KnownTool | null {
    return this.#known.get(name) ?? null;
  }

  changed(): void {
    this.complete = false;
    this.#known.clear();
  }

  /** Learns from a page of tools/list. @returns what the client may see of it. */
  learn(result: JsonObject): JsonObject {
    if (!Array.isArray(result.tools)) return result;
    const listed = result.tools.flatMap((entry) =>
      isObject(entry) && typeof entry.name === 'string' ? [{ name: entry.name, description: entry }] : [],
    );
    const states = this.#pins.see(this.#server.name, listed);
    for (const { name, description } of listed) {
      if (name === WAIT_TOOL) this.ownWait = false;
      this.#known.set(name, { ...states.get(name)!, ...hintsOf(description) });
    }
    const shown: Json[] = result.tools.filter(
      (entry) => isObject(entry) && typeof entry.name === 'string' && isShown(this.#server, entry.name),
    );
    const last = result.nextCursor === undefined;
    if (last) this.complete = true;
    return { ...result, tools: last && this.ownWait ? [...shown, WAIT_DESCRIPTION] : shown };
  }
}

/** Defaults as the specification has them: not read-only, and then destructive. */
function hintsOf(description: JsonObject): Omit<KnownTool, keyof ToolState> {
  const annotations = isObject(description.annotations) ? description.annotations : {};
  const readOnly = annotations.readOnlyHint === true;
  return {
    readOnly,
    destructive: !readOnly && annotations.destructiveHint !== false,
    hasOutputSchema: isObject(description.outputSchema),
    paramHeaders: paramHeadersOf(description.inputSchema),
  };
}

/** What a call would do, as far as the server's own words and its policy tell. */
export function effectsOf(server: string, what: string, tool: KnownTool | null, args: JsonObject): Effects {
  const flags: string[] = [];
  const words: string[] = [];
  if (tool === null) {
    flags.push('unknown');
    words.push(`Nothing is known of ${what}: the server does not list it`);
  } else if (tool.changed !== null) {
    flags.push('description-changed');
    words.push(`The description of ${what} changed since it was accepted; what is different is shown below`);
  }
  if (tool?.destructive) flags.push('destructive');
  if (tool !== null) {
    words.push(
      tool.readOnly
        ? 'The server says that it only reads'
        : tool.destructive
          ? 'The server says that it may destroy something, or does not say that it would not'
          : 'The server says that it changes things and destroys nothing',
    );
  }
  const names = Object.keys(args).sort();
  const shape = `${what}(${names.join(', ')})`.slice(0, 1000);
  return {
    class: tool === null ? 'unknown' : tool.readOnly ? 'read' : 'write',
    ops: [what],
    flags,
    reads: [],
    writes: [],
    filtersOn: [],
    functions: [],
    words,
    fingerprint: createHash('sha256')
      .update(JSON.stringify([server, what, names]))
      .digest('hex')
      .slice(0, 16),
    shape,
  };
}

/** `name=value` of what a policy can compare. */
export function scalarArguments(args: JsonObject): string[] {
  return Object.entries(args).flatMap(([name, value]) =>
    typeof value === 'string'
      ? [`${name}=${value}`]
      : typeof value === 'number' || typeof value === 'boolean' || isRaw(value)
        ? [`${name}=${JSON.stringify(value)}`]
        : [],
  );
}
