import { createHash } from 'node:crypto';
import type { AgentAction } from './events.ts';

/** One thing the agent does, over the events that tell of it. */
export interface PairedAction<T> {
  /** The agent's own id of it. */
  readonly ids: Set<string>;
  readonly key: string;
  readonly cwd: string | null;
  /** The command that was given back in place of its own. */
  rewritten: string | null;
  first: boolean;
  second: boolean;
  /** It was allowed, so its end may be told. */
  done: boolean;
  readonly value: T;
}

/** Longer ones are kept as their digest: many actions may be open, and an event may have 8 MiB. */
const MAX_KEY = 2048;

/** What has to be the same in all events of one action. */
function actionKey(action: AgentAction): string {
  const key = wholeKey(action);
  return key.length <= MAX_KEY ? key : createHash('sha256').update(key).digest('hex');
}

function wholeKey(action: AgentAction): string {
  switch (action.kind) {
    case 'shell':
      return `shell\n${action.command}`;
    case 'read':
    case 'write':
    case 'delete':
      return `${action.kind}\n${action.path}`;
    case 'patch':
      return `patch\n${action.patch}`;
    case 'call':
      return `call\n${bareTool(action.tool)}\n${canonicalJson(action.input)}`;
  }
}

/** Agents name tools of MCP servers in several ways: `MCP:tool`, `mcp__server__tool`, `tool`. */
export function bareTool(tool: string): string {
  const named = /^mcp__.+?__(.+)$/s.exec(tool)?.[1];
  return named ?? tool.replace(/^MCP:\s*/, '');
}

/** Names in order, so that the same arguments have the same text. */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > 64) return '"…"';
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join()}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item, depth + 1)}`).join()}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

const MAX_OPEN = 256;

/**
 * Finds which events are about the same action of one conversation. A first event is always an action of its
 * own, unless it repeats the agent's id of one; a second one takes the oldest first one that has had none. So
 * two equal actions at once are two, and what was decided for one counts once.
 */
export class Pairing<T> {
  #open: PairedAction<T>[] = [];

  /** The action that this event repeats or follows; null: it is a new one. */
  find(phase: 'first' | 'second', id: string | null, action: AgentAction): PairedAction<T> | null {
    const key = actionKey(action);
    if (id !== null) {
      const repeated = this.#open.find((one) => one.ids.has(id));
      if (repeated && (repeated.key === key || isRewritten(repeated, action))) {
        if (phase === 'second') repeated.second = true;
        return repeated;
      }
    }
    if (phase === 'first') return null;
    const found = this.#open.find((one) => one.first && !one.second && !one.done && matches(one, action, key));
    if (!found) return null;
    found.second = true;
    if (id !== null) found.ids.add(id);
    return found;
  }

  add(phase: 'first' | 'second', id: string | null, action: AgentAction, value: T): PairedAction<T> {
    const added: PairedAction<T> = {
      ids: new Set(id === null ? [] : [id]),
      key: actionKey(action),
      cwd: action.kind === 'shell' ? action.cwd : null,
      rewritten: null,
      first: phase === 'first',
      second: phase === 'second',
      done: false,
      value,
    };
    this.#open.push(added);
    if (this.#open.length > MAX_OPEN) this.#open.shift();
    return added;
  }

  /** The action whose end this is: by the agent's id, else the oldest equal one that has not ended. */
  ended(id: string | null, action: AgentAction): PairedAction<T> | null {
    const byId = id === null ? undefined : this.#open.find((one) => one.ids.has(id));
    const key = actionKey(action);
    return byId ?? this.#open.find((one) => !one.done && matches(one, action, key)) ?? null;
  }

  /** It was denied, or everything was told of it. */
  forget(action: PairedAction<T>): void {
    this.#open = this.#open.filter((one) => one !== action);
  }

  get open(): readonly PairedAction<T>[] {
    return this.#open;
  }
}

function isRewritten(one: PairedAction<unknown>, action: AgentAction): boolean {
  return action.kind === 'shell' && one.rewritten !== null && action.command === one.rewritten;
}

/** A directory that one of the two events leaves out is no difference. */
function matches(one: PairedAction<unknown>, action: AgentAction, key: string): boolean {
  if (isRewritten(one, action)) return true;
  if (one.key !== key) return false;
  const cwd = action.kind === 'shell' ? action.cwd : null;
  return one.cwd === null || cwd === null || one.cwd === cwd;
}
