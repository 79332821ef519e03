import type { ApproverVote } from '../contract/approvers.ts';
import type { Connection } from '../contract/connection.ts';
import type {
  Approval,
  Decision,
  DecisionChannel,
  Grant,
  GrantScope,
  PresenceLevel,
  Verdict,
} from '../contract/decision.ts';
import type { AgentProcess, Identity } from '../contract/identity.ts';
import type { Effects, Operation, OperationClass } from '../contract/operation.ts';
import type { PasskeyProof } from '../contract/passkey.ts';
import type { Preview } from '../contract/preview.ts';
import type { MaskedColumns, Session } from '../contract/session.ts';

/**
 * What the pipeline and the protocols need from the rest, as interfaces. Implementations live in
 * their own folders and meet in the composition root (gateway/service.ts).
 */

// ---- policy ---------------------------------------------------------------------------------

export interface PolicyInput {
  identity: Identity;
  agent: AgentProcess;
  connection: Connection;
  database: string;
  role: string;
  effects: Effects;
}

/** What an agent does itself or through a tool, as policies see it (policy/schema.ts has the same names). */
export type ActionInput = { identity: Identity; effects: Effects; secrets: readonly string[] } & (
  | {
      action: 'shell';
      /** The agent's name: cursor, claude-code … */
      agent: string;
      model: string;
      workspace: string;
      cwd: string;
      programs: readonly string[];
      reads: readonly string[];
      writes: readonly string[];
      removes: readonly string[];
      hosts: readonly string[];
    }
  | {
      action: 'readFile' | 'writeFile' | 'deleteFile';
      agent: string;
      model: string;
      workspace: string;
      /** Absolute, without links. */
      path: string;
      inWorkspace: boolean;
    }
  | {
      action: 'callTool';
      agent: string;
      server: string;
      tool: string;
      /** `name=value` of each argument that is a string, a number or a boolean; values as JSON has them. */
      arguments: readonly string[];
      /** What the server says of its tool; a hint, since the server is not trusted. */
      readOnly: boolean;
      destructive: boolean;
    }
  | { action: 'sendPrompt'; agent: string; model: string; workspace: string }
);

export interface PolicyEngine {
  /** Synchronous and cached: on the path of every statement. Never throws: what fails is a deny that says why. */
  decide(input: PolicyInput): Verdict;
  /** Synchronous, not cached. Never throws. */
  decideAction(input: ActionInput): Verdict;
  /** Hash of the set in force; verdict caches are keyed by it. */
  readonly hash: string;
}

// ---- approvals ------------------------------------------------------------------------------

export interface Hold {
  readonly approvalId: string;
  /** Settles once: a person's decision, expiry, or withdrawal. Never rejects. */
  readonly outcome: Promise<HoldOutcome>;
  /** The client went away or cancelled: the request leaves the queue. Idempotent. */
  withdraw(reason: string): void;
  setEstimate(rows: number | null): void;
  /** What it would touch, as far as that is known by now; replaces what was told before. */
  setPreview(preview: Preview): void;
}

export interface HoldOutcome {
  state: 'approved' | 'denied' | 'expired' | 'withdrawn';
  approval: Approval;
}

export interface Approvals {
  /** A live grant that covers the operation; counts a use. Synchronous. */
  coveredBy(operation: Operation, verdict: Verdict): Grant | null;
  /**
   * Queues the operation for a person. Throws APPROVALS_FULL when too many wait.
   * @param longestMs how long the client itself waits; no extension goes past it.
   */
  hold(operation: Operation, verdict: Verdict, longestMs?: number): Hold;
  /** Ends grants of a session. */
  sessionClosed(sessionId: string): void;
}

export interface DecisionInput {
  approvalId: string;
  digest: string;
  decision: 'approve' | 'deny';
  scope: GrantScope;
  message: string | null;
  channel: DecisionChannel;
  /** What the channel proved; PIN and passkey are verified before this. */
  level: PresenceLevel;
  proof?: PasskeyProof | undefined;
  /** Of a denial on another machine: as it was signed. */
  vote?: ApproverVote | undefined;
  decidedBy: string;
}

// ---- recording ------------------------------------------------------------------------------

export interface RecorderSessionInfo {
  id: string;
  openedAt: string;
  identity: Identity;
  agent: AgentProcess;
  connection: {
    id: string;
    kind: string;
    host: string;
    port: number;
    mode: string;
    masking: string;
    /** `local`: this recording never leaves the machine. Absent: all does. */
    sync?: 'all' | 'local';
  };
  database: string;
  user: string;
  applicationName: string;
  conversationId: string | null;
  policyHash: string;
  protection: 'protected' | 'unprotected';
}

/** One statement of an exchange as the gateway saw it end. Interned strings keep the hot path cheap. */
export interface StatementSummary {
  fingerprint: string;
  class: OperationClass;
  op: string;
  decision: Decision;
  /** Own line in the log: changes data, was asked, denied, failed. Its text becomes a disclosure. */
  own: boolean;
  /** Given when `own`, and at the first use of a fingerprint in the session. */
  text: string | null;
  digest: string | null;
  rows: number;
  /** SQLSTATE, or null. */
  error: string | null;
  heldMs: number;
  masked: Readonly<Record<string, number>> | null;
  /** null where nothing was masked; absent in what was journalled before it was recorded. */
  maskedColumns?: MaskedColumns | null;
  /** Objects touched: `schema.table`. */
  objects: readonly string[];
  /** Facts of its effects (Effects.flags); absent in what was recorded before they were told. */
  flags?: readonly string[];
}

/** `unit`: holds texts or values of statements, so it lies where it can be redacted; else in the signed line. */
export type EventKeeping = 'line' | 'unit';

/**
 * Records one session. All calls are synchronous on the gateway's main thread and cheap; hashing,
 * compression, signing and sealed files happen on the worker. After any failure every call throws
 * CountersignError RECORDING_FAILED, and nothing may be forwarded any more.
 *
 * An exchange is one request cycle of the protocol (PostgreSQL: up to ReadyForQuery), numbered from 0
 * by the caller, each opened by its first request() and closed by end().
 */
export interface SessionRecorder {
  /**
   * Bytes of the client, verbatim, in the order of arrival. On return they are in the journal
   * (page cache: they survive kill -9), so they may be forwarded. Copies what it needs.
   */
  request(exchange: number, bytes: Uint8Array): void;
  /** Bytes as the client will see them (after masking). Copies what it needs. May be lost (≤ 1 s) by a crash. */
  response(exchange: number, bytes: Uint8Array): void;
  statement(exchange: number, summary: StatementSummary): void;
  end(exchange: number): void;
  /** Resolves when all that was request()ed so far is on disk (fdatasync, group commit). Rejects RECORDING_FAILED. */
  durable(): Promise<void>;
  /** Something that is not an exchange: asked, decided, cancelled, observed, pinned setting … `detail` is plain JSON without secrets. */
  event(type: string, detail: Record<string, unknown>, how?: EventKeeping): void;
  /** Seals and signs; resolves when the session's files are complete. Idempotent. */
  close(reason: string): Promise<void>;
  /** When the last thing of this session was recorded, microseconds since the epoch, as the recording has it. */
  readonly at: number;
  /** Bytes handed over and not yet sealed, over all sessions; the caller pauses the upstream above its limit. */
  readonly backlog: number;
  /** Resolves when the backlog is below half of the limit again. */
  drained(): Promise<void>;
}

export interface Recorder {
  open(info: RecorderSessionInfo): SessionRecorder;
  /** null while it works; a sentence once it does not. */
  readonly failure: string | null;
  /** Called once for each session whose sealed files grew or were closed (drives the index). */
  onSealed(listener: (sessionId: string, closed: boolean) => void): void;
  close(): Promise<void>;
}

// ---- identity, tokens, vault ----------------------------------------------------------------

export interface AgentSession {
  id: string;
  identity: Identity;
  connectionId: string;
  purpose: string;
  conversationId: string | null;
}

/** `reason` is the sentence for the client. */
export type CredentialCheck = { ok: true; session: AgentSession } | { ok: false; reason: string };

export interface Tokens {
  /**
   * Finds the agent session of a token as sent in clear. Constant time in the secret.
   * `reason` is the sentence for the client.
   */
  verify(token: string, connectionId: string): CredentialCheck;
  /** SCRAM-SHA-256 keys of every live token for the connection (the client proves one without sending it). */
  scramCandidates(connectionId: string): ReadonlyArray<{
    session: AgentSession;
    salt: Uint8Array;
    iterations: number;
    storedKey: Uint8Array;
    serverKey: Uint8Array;
  }>;
  /** A sign of life: extends the token. Cheap; called per exchange at most once a second. */
  touch(agentSessionId: string): void;
  /** Calls back when the agent session ends (revoked or expired). Returns the unsubscription. */
  onEnded(agentSessionId: string, listener: (reason: string) => void): () => void;
}

export interface Vault {
  /** The secret of a connection, read at connect time; null when none is stored. */
  read(connectionId: string): Promise<string | null>;
  write(connectionId: string, secret: string): Promise<void>;
  remove(connectionId: string): Promise<void>;
  has(connectionId: string): Promise<boolean>;
}

export interface Connections {
  get(id: string): Connection | null;
  list(): readonly Connection[];
}

// ---- sessions as they live --------------------------------------------------------------------

export interface LiveSessions {
  opened(session: Session, kill: (reason: string) => void): void;
  changed(session: Session): void;
  closed(session: Session): void;
}

/** Everything that reads time or randomness takes it from here, so that tests decide it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export type ClassifyResult = { effects: Effects };
