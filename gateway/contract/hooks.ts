import { z } from 'zod';
import { CommandPreview } from './preview.ts';
import { Kept } from './undo.ts';

/** Agents whose hooks are understood. */
export const AGENT_NAMES = ['cursor', 'claude-code', 'codex', 'copilot', 'gemini-cli', 'windsurf'] as const;
export const AgentName = z.enum(AGENT_NAMES);
export type AgentName = z.infer<typeof AgentName>;

const Path = z.string().max(4096);

/** What a hook's client has of one event. `event` is as the agent gave it: its adapter reads it. */
export const HookInput = z.object({
  agent: AgentName,
  event: z.record(z.string(), z.unknown()),
  /** Agents that do not say the event's name have it in the installed command. */
  eventName: z.string().max(100).nullish(),
  /** The answer has to be out by then. */
  timeoutMs: z.number().int().min(1).max(3_600_000),
  /** The developer's home. */
  home: Path,
  projectDir: Path.nullish(),
  pid: z.number().int().nonnegative().nullish(),
  /** Allowed commands run as they are, not in a recorded terminal. */
  plain: z.boolean().nullish(),
});
export type HookInput = z.infer<typeof HookInput>;

/** More than one event names. */
const MAX_FILES = 400;

/** What is found at a path by the hook's client, which runs as the developer; the gateway may not be able to look. */
export const HookFile = z.object({
  path: Path,
  real: Path,
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  text: z.string().nullable(),
  state: z.enum(['file', 'folder', 'missing', 'unreadable', 'other']),
});

const Ticket = z.string().max(64);

export const HookFiles = z.object({
  ticket: Ticket,
  files: z.array(HookFile).max(MAX_FILES),
  /** Where it was asked to keep what a command would remove or replace. */
  kept: Kept.nullish(),
});

/** What was found of what a command would touch, while it waits for a person. */
export const HookPreview = z.object({ ticket: Ticket, preview: CommandPreview });

export const HookOutput = z.union([
  z.object({
    /** To be looked at, and told with the ticket. */
    want: z.object({
      ticket: z.string(),
      files: z.array(z.object({ path: Path, want: z.enum(['place', 'digest', 'text']) })).max(MAX_FILES),
    }),
  }),
  z.object({
    /** Previews are told when they are there, and the client goes on waiting; what is kept is told at once. */
    look: z.object({
      ticket: z.string(),
      wishes: z.array(z.record(z.string(), z.unknown())).max(32),
      how: z.enum(['preview', 'keep']),
    }),
  }),
  z.object({
    answer: z.object({
      /** null: the event asks nothing. */
      permission: z.enum(['allow', 'deny']).nullable(),
      message: z.string(),
      /** To be run in place of the command that was asked for. */
      command: z.string().nullable(),
      /** A person allowed this very thing. */
      approved: z.boolean(),
    }),
  }),
]);
export type HookOutput = z.infer<typeof HookOutput>;
