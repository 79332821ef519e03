import { z } from 'zod';
import type { Wish } from './preview/wish.ts';

/** The messages of frames.ts that are JSON. What comes from the command line is parsed; it is the agent's own user. */

const Path = z.string().min(1).max(4096);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Size = z.object({ cols: z.number().int().min(0).max(65_535), rows: z.number().int().min(0).max(65_535) });

export const Hello = z.object({
  kind: z.enum(['exec', 'shell']),
  /** As it would be typed: for a shell as it was given, for a program its words, quoted. */
  text: z
    .string()
    .min(1)
    // What an approval is bound to has to fit into one event of the recording.
    .max(128 * 1024, 'this command is too long to be decided on; put it into a script and run that'),
  cwd: Path,
  home: Path,
  /** The folder that the work is in: the next one above with .git, or the working directory. */
  workspace: Path,
  /** null: pipes. */
  terminal: Size.extend({ type: z.string().max(200) }).nullable(),
  pid: z.number().int().min(0),
  /** What stands in for the developer's own environment; `policy`: the gateway says. */
  environment: z.enum(['keep', 'clean', 'policy']),
  connections: z.array(z.string().min(1).max(64)).max(16),
  /** The token of a hook that decided already. */
  approved: z.string().max(64).nullable(),
  /** The recorded terminal that this runs in. */
  parent: z.string().max(64).nullable(),
});
export type Hello = z.infer<typeof Hello>;

export const Files = z.object({
  files: z.array(z.object({ path: Path, sha256: Sha256.nullable(), content: z.string().nullable() })).max(1000),
});
export type Files = z.infer<typeof Files>;

export const Started = z.object({ files: z.array(z.object({ path: Path, sha256: Sha256.nullable() })).max(1000) });
export type Started = z.infer<typeof Started>;

export const Resize = Size;
export type Resize = z.infer<typeof Size>;

/** `code`: as a shell tells it, 128 and the signal's number where one ended it. */
export const Ended = z.object({
  code: z.number().int().min(0).max(255),
  /** Why it did not run, or not to its end, in words. */
  problem: z.string().max(500).nullable(),
});
export type Ended = z.infer<typeof Ended>;

export const Note = z.object({
  name: z.enum(['input-hidden', 'input-shown', 'input-not-recorded']),
});
export type Note = z.infer<typeof Note>;

export interface LookFor {
  wishes: readonly Wish[];
}

export interface Need {
  paths: string[];
}

export interface Held {
  approvalId: string;
  reason: string;
  expiresSeconds: number;
}

export interface Denied {
  sentence: string;
}

export interface Start {
  sessionId: string;
  conversationId: string;
  environment: 'keep' | 'clean';
  /** Gateway tokens and where they are good. */
  variables: Record<string, string>;
  /** Files whose content was decided on: looked at once more right before it runs. */
  files: { path: string; sha256: string | null }[];
}

export interface Stop {
  sentence: string;
}
