import type { AgentProcess, Identity } from '../../contract/identity.ts';
import type { OperationClass } from '../../contract/operation.ts';
import type { Session, Statement } from '../../contract/session.ts';

/**
 * What a SIEM is told of one thing that happened: the input of toOcsf and toCef, made by the gateway as
 * it happens and by `audit export` from recordings. It holds counts of what was masked, never values;
 * statement and error texts are there only where the caller was told to send them.
 */
export type SiemEvent = SiemSignIn | SiemSessionClosed | SiemStatement | SiemDecision | SiemAlert;

/** Whom, with what, where to: the same for all events of a session. */
export interface SiemSession {
  /** null: refused before there was a session. */
  id: string | null;
  /** ULID of the device that recorded; null where it is not enrolled. */
  device: string | null;
  identity: Identity;
  /** `version` and `model` as the agent says, where it does. */
  agent: AgentProcess & { version?: string; model?: { name: string; provider: string } };
  conversationId: string | null;
  connection: { id: string; kind: 'postgres'; host: string; port: number };
  database: string;
  role: string;
  applicationName: string;
  policyHash: string;
  protection: 'protected' | 'unprotected';
}

interface SiemCommon {
  /** Microseconds since the epoch. */
  at: number;
  session: SiemSession;
  /** Where the evidence is; null where it is not known (yet). `leafHash` is base64. */
  evidence: { seq: number | null; exchange: number | null; leafHash: string | null };
}

export interface SiemSignIn extends SiemCommon {
  type: 'sign-in';
  /** null: let in. Else why not. */
  refused: string | null;
}

export interface SiemSessionClosed extends SiemCommon {
  type: 'session-closed';
  state: 'closed' | 'incomplete';
  reason: string;
  counts: Pick<Session, 'statements' | 'asked' | 'denied' | 'errors' | 'rows' | 'bytesUp' | 'bytesDown' | 'masked'>;
}

export interface SiemStatement extends SiemCommon {
  type: 'statement';
  /** Order within the session. */
  index: number;
  op: string;
  class: OperationClass;
  fingerprint: string;
  /** `schema.table`. */
  objects: readonly string[];
  verdict: Statement['verdict'];
  policyIds: readonly string[];
  approvalId: string | null;
  grantId: string | null;
  decidedBy: string | null;
  heldMs: number;
  durationMs: number;
  rows: number;
  /** Bytes of the result; null where they are counted for the session alone. */
  bytesDown: number | null;
  /** Masked values by entity. */
  masked: Readonly<Record<string, number>>;
  /** SQLSTATE. */
  sqlstate: string | null;
  /** null: not sent. May hold values. */
  text: string | null;
  errorText: string | null;
}

/** A statement waits for a person, or a person (or the time) decided. */
export interface SiemDecision extends SiemCommon {
  type: 'asked' | 'decided';
  approvalId: string;
  digest: string | null;
  policyIds: readonly string[];
  /** For asked: when it expires, microseconds since the epoch, where known. */
  expiresAt: number | null;
  effect: 'allow' | 'deny' | null;
  decidedBy: string | null;
  channel: string | null;
  grantId: string | null;
}

export const ALERT_SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;

export interface SiemAlert extends SiemCommon {
  type: 'alert';
  rule: { id: string; title: string };
  severity: (typeof ALERT_SEVERITIES)[number];
  sentence: string;
  /** `<session>/<seq>` of what the rule counted, the first ones. */
  related: readonly string[];
  /** Of what the rule counted, microseconds since the epoch. */
  firstAt: number;
  lastAt: number;
}

/** Identifies one event wherever it is sent twice: a live one and an exported one have the same. */
export function eventUid(event: SiemEvent): string {
  const { id } = event.session;
  const at = `${id ?? 'none'}/${event.type}`;
  switch (event.type) {
    case 'statement':
      return `${at}/${event.index}`;
    case 'asked':
    case 'decided':
      return `${at}/${event.approvalId}`;
    case 'alert':
      return `${at}/${event.rule.id}/${event.at}`;
    case 'sign-in':
      return id === null ? `${at}/${event.at}` : at;
    case 'session-closed':
      return at;
  }
}
