import type { ActionOperation, Binding, Effects } from '../../contract/operation.ts';
import type { ActionInput } from '../../pipeline/ports.ts';
import type { AgentAction, AgentContext, FileFact, FileWish, HookCall } from './events.ts';

/** What a command would do, as far as its text tells; terminal/classifier has this shape. */
export interface CommandEffects {
  class: Effects['class'];
  flags: string[];
  programs: { name: string; arguments: (string | null)[] }[];
  reads: string[];
  writes: string[];
  removes: string[];
  hosts: string[];
  scripts: string[];
  words: string[];
  unknown: string[];
}

/** What the engine is given to understand actions with. */
export interface Understanding {
  command(
    text: string,
    context: { cwd: string | null; home: string; readScript?(path: string): string | null },
  ): CommandEffects;
  /** What is to be looked at where the files are, to tell a person what a command would touch. */
  wishes(
    text: string,
    context: { cwd: string | null; home: string; readScript?(path: string): string | null },
  ): readonly object[];
  /** What a path is that would be read. */
  isSecret(path: string, place: { cwd: string | null; home: string }): boolean;
  /** What a write to a path amounts to. */
  writeKind(path: string): 'nothing' | 'file' | 'device' | 'system' | 'start-file' | 'guard' | 'credentials';
  sha256(text: string): string;
  /** Files that say how an agent reaches its MCP servers, the one that counts more first. */
  mcpFiles(agent: string, home: string, workspaces: readonly string[]): readonly string[];
  /**
   * Whether calls of a server go through Countersign's own MCP proxy, which decides on them: asking here too would
   * ask twice. @param server null: of any server there is. @param files texts of mcpFiles(), in their order.
   */
  throughProxy(server: string | null, files: readonly (string | null)[]): boolean;
  /** With a key that only this process has: binds a secret that must not be guessed from a recording. */
  keyed(text: string): string;
}

/** Identity is the engine's to add. */
export type Question = ActionInput extends infer A ? (A extends ActionInput ? Omit<A, 'identity'> : never) : never;

/** An action, understood: what policy is asked, what a person is shown, what an approval is bound to. */
export interface Understood {
  question: Question;
  operation: Pick<ActionOperation, 'tool' | 'place' | 'text' | 'bindings'>;
  /** What the recording keeps of it; emptied once it is there, since it may be large. */
  record: Record<string, unknown>;
  /** Files that have to be as they were when it is let through. */
  bound: readonly { path: string; sha256: string | null }[];
  /** Files that the index finds it by. */
  objects: readonly string[];
  /** Countersign's MCP proxy decides on it; `any`: whichever server it is for. */
  elsewhere?: 'named' | 'any' | null;
  /** What it would touch, to be looked at; empty where there is nothing to look at. */
  wishes?: () => readonly object[];
  /** It changes nothing, so it need not be on disk before it happens. */
  harmless: boolean;
}

export interface Surroundings {
  understanding: Understanding;
  context: AgentContext;
  call: HookCall;
}

export const MAX_BINDINGS = 200;
const MAX_TEXT = 256 * 1024;

export function effectsOf(
  parts: Pick<Effects, 'class' | 'ops' | 'flags' | 'words'> & { shape: string },
  understanding: Understanding,
): Effects {
  return {
    class: parts.class,
    ops: parts.ops,
    flags: [...new Set(parts.flags)].sort(),
    reads: [],
    writes: [],
    filtersOn: [],
    functions: [],
    words: parts.words,
    fingerprint: understanding.sha256(parts.shape).slice(0, 16),
    shape: parts.shape.slice(0, 1000),
  };
}

export function workOf({ agent, model, workspaces }: AgentContext): {
  agent: string;
  model: string;
  workspace: string;
} {
  return { agent, model, workspace: workspaces[0] ?? '' };
}

/** A value for a binding: the exact text, or its digest; with a secret in it a digest that cannot be guessed at. */
export function boundText(text: string, hasSecret: boolean, { understanding }: Surroundings): string {
  return hasSecret ? `keyed ${understanding.keyed(text)}` : understanding.sha256(text);
}

/** Texts are shown and recorded up to a size; their digest is bound in any case. */
export function bounded(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}\n… ${text.length - MAX_TEXT} more characters`;
}

export function bindingsOf(pairs: readonly (readonly [name: string, value: string])[]): Binding[] {
  return pairs
    .slice(0, MAX_BINDINGS)
    .map(([name, value]) => ({ name: name.slice(0, 4200), value: value.slice(0, 4200) }));
}

/** Facts of paths, found by path. */
export async function factsOf(paths: readonly FileWish[], call: HookCall): Promise<ReadonlyMap<string, FileFact>> {
  if (paths.length === 0) return new Map();
  const facts = await call.files(paths);
  return new Map(facts.map((fact) => [fact.path, fact]));
}

/** The workspaces as they really are, for what is inside and what is outside. */
export async function realWorkspaces(
  { workspaces }: AgentContext,
  facts: ReadonlyMap<string, FileFact>,
): Promise<string[]> {
  return workspaces.map((folder) => facts.get(folder)?.real ?? folder);
}

/** In words, for a sentence about a tool. */
export function describe(action: AgentAction): string {
  switch (action.kind) {
    case 'shell':
      return action.command;
    case 'read':
    case 'write':
    case 'delete':
      return action.path;
    case 'patch':
      return action.files.map(({ path }) => path).join(', ');
    case 'call':
      return action.server === null ? action.tool : `${action.server}: ${action.tool}`;
  }
}
