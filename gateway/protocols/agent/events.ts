import type { CommandPreview } from '../../contract/preview.ts';
import type { Kept } from '../../contract/undo.ts';

/** What an agent is about to do, in one form for all agents. Strings are as the agent gave them, bounded by the adapter. */
export type AgentAction =
  | { kind: 'shell'; tool: string; command: string; cwd: string | null }
  | { kind: 'read'; tool: string; path: string; content: string | null }
  | { kind: 'write'; tool: string; path: string; change: FileChange }
  | { kind: 'delete'; tool: string; path: string }
  /** Several files at once; `text` is what the patch says of each. */
  | {
      kind: 'patch';
      tool: string;
      patch: string;
      files: readonly { path: string; how: 'write' | 'delete'; text: string }[];
    }
  | {
      kind: 'call';
      tool: string;
      /** null: the agent does not say whose tool it is. */
      server: string | null;
      input: unknown;
      /** How the agent reaches the server: a command or an address. */
      target: string | null;
    };

/** The whole new content, or replacements in the old one, in order; `unknown`: the agent does not say. */
export type FileChange =
  | { kind: 'content'; text: string }
  | { kind: 'edits'; edits: readonly { before: string; after: string; all: boolean }[] }
  | { kind: 'unknown'; text: string };

export type AgentEvent =
  | { type: 'session-start' }
  | { type: 'session-end'; reason: string }
  | { type: 'prompt'; text: string; attachments: readonly string[] }
  | { type: 'thought' | 'answer'; text: string }
  | { type: 'subagent'; name: string; task: string; id: string | null }
  /**
   * Asks whether it may. `first`: the agent tells of any tool this way before it tells of some of them once
   * more (`second`), so that a second one belongs to a first one of the same action.
   */
  | { type: 'ask'; phase: 'first' | 'second'; id: string | null; action: AgentAction }
  /** `final`: nothing more is told of it. */
  | { type: 'done'; id: string | null; action: AgentAction; outcome: Outcome; final: boolean }
  | { type: 'note'; name: string; detail: string };

export interface Outcome {
  ok: boolean;
  /** What the agent was given back. */
  output: string;
  error: string | null;
  durationMs: number | null;
}

/** Whose event it is. */
export interface AgentContext {
  /** cursor, claude-code … */
  agent: string;
  /** The agent's version, as it says. */
  version: string;
  /** '' where an event belongs to none. */
  conversationId: string;
  model: string;
  /** Absolute folders; the first one is where it works. May be empty. */
  workspaces: readonly string[];
  /** Where relative paths are from; null: not told. */
  cwd: string | null;
  /** When it runs another command in place of an allowed one: of any, or only of what a person allowed. */
  rewrites: 'any' | 'approved' | 'none';
}

/** What the hook's client found at a path, on the agent's side. */
export interface FileFact {
  path: string;
  /** Without links; of a file that is not there: its folder's, with the name. */
  real: string;
  /** Hex; null: not wanted, not a file, not there, or not to be read. */
  sha256: string | null;
  /** UTF-8 text where it was wanted, is one, and is not too long. */
  text: string | null;
  state: 'file' | 'folder' | 'missing' | 'unreadable' | 'other';
}

export interface FileWish {
  path: string;
  /** place: where it really is. digest: that of its content too. text: the content too. */
  want: 'place' | 'digest' | 'text';
}

/** Further looks at what a command would touch: terminal/preview has the shape of a wish. */
export interface HookLook {
  wishes: readonly object[];
  /** preview: told as it is found, and not waited for. keep: what would be gone is copied. */
  how: 'preview' | 'keep';
  told(preview: CommandPreview): void;
}

/** One call of the agent's hook, held until it is answered. */
export interface HookCall {
  /** Throws where the client is gone or does not answer. */
  files(wishes: readonly FileWish[]): Promise<FileFact[]>;
  /** Resolves once it is on its way, or with what was kept. Throws as `files` does. */
  look(wanted: HookLook): Promise<Kept | null>;
  /** The answer has to be out within so many milliseconds. */
  deadlineMs: number;
  /** Aborted when the client goes away. */
  signal: AbortSignal;
  /** The developer's home. */
  home: string;
  /** The process that ran the hook, as it says itself. */
  pid: number | null;
}

/** `permission` null: the event asks nothing. */
export interface HookAnswer {
  permission: 'allow' | 'deny' | null;
  /** For agent and person; '' where there is nothing to say. */
  message: string;
  /** In place of the command that was asked for. */
  command: string | null;
  /** A person allowed this very thing: nobody else needs to be asked. */
  approved: boolean;
}

export const NOTHING: HookAnswer = Object.freeze({ permission: null, message: '', command: null, approved: false });
