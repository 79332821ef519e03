import type { ApprovedCommands } from '../../approvals/approved-commands.ts';
import type { AgentProcess, Identity } from '../../contract/identity.ts';
import type { ActionDigestInput } from '../../contract/operation-digest.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Approvals, Clock, LiveSessions, Recorder } from '../../pipeline/ports.ts';
import type { CommandClassifier } from './classifier/index.ts';
import type { CleanText } from './command.ts';

/** A way into one connection for as long as a command runs. */
export interface MintedAccess {
  agentSessionId: string;
  /** Environment variables of its clients. */
  variables: Record<string, string>;
}

/** What recorded terminals need of the rest. */
export interface TerminalDeps {
  classifier: CommandClassifier;
  pipeline: Pipeline;
  approvals: Pick<Approvals, 'sessionClosed'>;
  approved: ApprovedCommands;
  recorder: Recorder;
  live: LiveSessions;
  /** The conversation of a terminal that is open now; null where there is no such terminal. */
  conversationOf(sessionId: string): string | null;
  clock: Clock;
  newSessionId(): string;
  digest(input: ActionDigestInput): string;
  identity(): Identity;
  clientProcess(pid: number): AgentProcess;
  hasConnection(id: string): boolean;
  mint(connectionId: string, purpose: string, conversationId: string): MintedAccess;
  revoke(agentSessionId: string): void;
  /** `clean`: whatever a command asks for. */
  environment(): 'keep' | 'clean';
  withoutSecrets(text: string): CleanText;
  /** Equal for equal texts while the gateway runs, and of no use to who does not have its key. */
  keyed(text: string): string;
  protection: 'protected' | 'unprotected';
  log: { error(detail: object, message: string): void };
}
