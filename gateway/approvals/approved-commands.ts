import { createHash } from 'node:crypto';
import type { Decision } from '../contract/decision.ts';
import type { Binding } from '../contract/operation.ts';
import type { Clock } from '../pipeline/ports.ts';

/** A command that was decided on before it runs in a recorded terminal (an agent's hook asked for it). */
export interface ApprovedCommand {
  /** The command line as the agent gave it, for a shell. */
  text: string;
  /** Its working directory, absolute; '' where it was not told. */
  cwd: string;
  /** What else the decision was bound to: `file:<absolute path>` → SHA-256, hex, or `absent`. */
  bindings: readonly Binding[];
  decision: Decision;
  /** The agent's session, whose recording has the question and the answer. */
  sessionId: string;
  conversationId: string | null;
}

export interface ApprovedCommands {
  /**
   * @returns a token for `countersign exec --approved`. It is visible in the process table, so it is worth
   * nothing but this one command, once, for a short time.
   */
  give(command: ApprovedCommand): string;
  /** The command, if the token is for this digest and was not taken. Taken or not, a wrong digest ends it. */
  take(token: string, digest: string): ApprovedCommand | null;
}

/** From an agent's answer to its shell; then the token is worth nothing any more. */
const LIFE_MS = 60_000;
const MAX_WAITING = 1024;

/** SHA-256, hex, over what is run and where. */
export function commandDigest({ text, cwd }: Pick<ApprovedCommand, 'text' | 'cwd'>): string {
  const hash = createHash('sha256').update('countersign/command/v1\n');
  for (const part of [cwd, text])
    hash
      .update(`${Buffer.byteLength(part)}:`)
      .update(part)
      .update('\n');
  return hash.digest('hex');
}

export function createApprovedCommands(deps: {
  clock: Clock;
  randomBytes(length: number): Uint8Array;
}): ApprovedCommands {
  const waiting = new Map<string, { command: ApprovedCommand; digest: string; until: number }>();

  function forget(): void {
    const now = deps.clock.now();
    for (const [token, { until }] of waiting) {
      if (until > now && waiting.size <= MAX_WAITING) break;
      waiting.delete(token);
    }
  }

  return {
    give(command) {
      const token = Buffer.from(deps.randomBytes(18)).toString('base64url');
      waiting.set(token, { command, digest: commandDigest(command), until: deps.clock.now() + LIFE_MS });
      forget();
      return token;
    },
    take(token, digest) {
      forget();
      const found = waiting.get(token);
      waiting.delete(token);
      return found !== undefined && found.digest === digest ? found.command : null;
    },
  };
}
