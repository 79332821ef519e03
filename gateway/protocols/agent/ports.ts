import type { Decision } from '../../contract/decision.ts';
import type { Identity } from '../../contract/identity.ts';
import type { Binding } from '../../contract/operation.ts';
import type { ActionDigestInput } from '../../contract/operation-digest.ts';
import type { KeepingRules } from '../../contract/sync.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Approvals, Clock, LiveSessions, Recorder } from '../../pipeline/ports.ts';
import type { Withheld } from './keeping.ts';
import type { Understanding } from './understand.ts';
import type { UndoStore } from './undo/undo-store.ts';

/** What the actions of agents take from the composition root. */
export interface AgentDeps {
  pipeline: Pipeline;
  approvals: Pick<Approvals, 'sessionClosed'>;
  recorder: Recorder;
  live: LiveSessions;
  clock: Clock;
  /** Runs once after so many milliseconds; returns what stops it. */
  schedule(milliseconds: number, run: () => void): () => void;
  newSessionId(): string;
  digest(input: ActionDigestInput): string;
  identity(): Identity;
  protection: 'protected' | 'unprotected';
  understanding: Understanding;
  /** The team's rules on what of conversations is recorded, and what of it leaves. */
  keeping(): KeepingRules;
  /** For the device's log, at the end of a conversation. */
  withheld(entry: Withheld & { sid: string }): void;
  /** What actions remove or replace is kept there. */
  undo: UndoStore;
  /** Why whatever a session runs waits for a person meanwhile; null: nothing does but what policy says. */
  heldBecause(sessionId: string): string | null;
  /**
   * The command to run in place of an allowed one, so that it runs in a recorded terminal; null: as it is.
   * @param command.cwd absolute, or ''.
   */
  inTerminal(command: {
    text: string;
    cwd: string;
    bindings: readonly Binding[];
    decision: Decision;
    sessionId: string;
    conversationId: string | null;
  }): string | null;
  log: { warn(detail: object, message: string): void; error(detail: object, message: string): void };
}
