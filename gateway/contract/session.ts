import { z } from 'zod';
import { AgentProcess, Identity } from './identity.ts';
import { OperationClass } from './operation.ts';

/** `unverifiable` parts stay viewable. incomplete: the gateway died before it could close the session. */
export const SessionState = z.enum(['open', 'closed', 'incomplete']);
export type SessionState = z.infer<typeof SessionState>;

/** agent: what an agent does itself, one session a conversation. terminal: a command in a terminal of its own. */
export const SessionProtocol = z.enum(['postgres', 'agent', 'mcp', 'terminal']);
export type SessionProtocol = z.infer<typeof SessionProtocol>;

/** One connection on the wire, or one conversation of an agent; its own recording, its own key. */
export const Session = z.object({
  /** ULID: sorts by time of opening. */
  id: z.string(),
  state: SessionState,
  connectionId: z.string(),
  protocol: SessionProtocol,
  /** Empty where the protocol has none; a terminal's is its working directory. */
  database: z.string(),
  role: z.string(),
  applicationName: z.string(),
  identity: Identity,
  agent: AgentProcess,
  conversationId: z.string().nullable(),
  mode: z.enum(['enforce', 'observe']),
  openedAt: z.string(),
  closedAt: z.string().nullable(),
  statements: z.number().int(),
  asked: z.number().int(),
  denied: z.number().int(),
  errors: z.number().int(),
  rows: z.number().int(),
  bytesUp: z.number().int(),
  bytesDown: z.number().int(),
  /** Masked values by entity. */
  masked: z.record(z.string(), z.number().int()),
});
export type Session = z.infer<typeof Session>;

/** `masked`: at least one of its values is not the database's own. */
export const ResultColumn = z.object({ name: z.string(), typeOid: z.number().int(), masked: z.boolean() });

/**
 * Columns that have a masked value, from 0 and ascending, by result of the message (from 0: a query
 * string has one for each of its statements, with or without rows). null ends the list: in that
 * result and those after it columns were masked or may have been, too many to name.
 */
export type MaskedColumns = readonly (readonly [result: number, columns: readonly number[] | null])[];

/** One statement of a session, derived from its recording; what the replay paints and the index holds. */
export const Statement = z.object({
  sessionId: z.string(),
  /** Order within the session, from 0. */
  index: z.number().int(),
  exchange: z.number().int(),
  startedAt: z.string(),
  /** Until the response was complete, in milliseconds; includes the time it was held. */
  durationMs: z.number(),
  heldMs: z.number(),
  text: z.string(),
  parameters: z.array(z.string().nullable()),
  op: z.string(),
  class: OperationClass,
  verdict: z.enum(['allowed', 'asked-approved', 'asked-denied', 'asked-expired', 'denied', 'observed']),
  policyIds: z.array(z.string()),
  approvalId: z.string().nullable(),
  decidedBy: z.string().nullable(),
  rows: z.number().int(),
  /** CommandComplete's tag, e.g. "UPDATE 3". */
  tag: z.string().nullable(),
  error: z.object({ sqlstate: z.string(), message: z.string() }).nullable(),
  columns: z.array(ResultColumn),
  masked: z.record(z.string(), z.number().int()),
});
export type Statement = z.infer<typeof Statement>;

/** What both sides of one exchange said, where the protocol's recording is text. */
export const ExchangeText = z.object({
  up: z.string(),
  down: z.string(),
  /** There was more. */
  truncated: z.boolean(),
  /** A part was redacted, or cannot be read. */
  damaged: z.boolean(),
});
export type ExchangeText = z.infer<typeof ExchangeText>;

/** A page of result rows; text as the client saw it, null is NULL; binary values as \x hex. */
export const ResultPage = z.object({
  columns: z.array(ResultColumn),
  rows: z.array(z.array(z.string().nullable())),
  offset: z.number().int(),
  total: z.number().int(),
});
export type ResultPage = z.infer<typeof ResultPage>;

/** One thing that verification looked at. */
export const VerificationCheck = z.object({
  name: z.string(),
  status: z.enum(['ok', 'failed', 'not-checked']),
  sentence: z.string(),
});
export const Verification = z.object({
  sessionId: z.string(),
  ok: z.boolean(),
  state: SessionState,
  checks: z.array(VerificationCheck),
  /** Exchanges that are damaged, [first, last]. */
  brokenExchanges: z.array(z.tuple([z.number().int(), z.number().int()])),
});
export type Verification = z.infer<typeof Verification>;
