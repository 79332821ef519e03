import { z } from 'zod';
import { OperationClass } from '../../contract/operation.ts';
import { SessionState, Statement, VerificationCheck } from '../../contract/session.ts';

/**
 * All that a report says, as plain data: rendering adds nothing but form. Every figure and finding names
 * the sessions and events it comes from. Texts may be from outside; renderers make them harmless.
 */

const count = z.number().int().nonnegative();

/** Where something is in the evidence: a session, and in it an event by its number. */
export const ReportReference = z.object({
  session: z.string().max(64),
  seq: count.nullable(),
  /** Index of a statement. */
  statement: count.nullable(),
});
export type ReportReference = z.infer<typeof ReportReference>;

/** At most so many of one thing; `more` says how many there are besides. */
const References = z.object({ first: z.array(ReportReference).max(50), more: count });

export const ReportSession = z.object({
  id: z.string().max(64),
  device: z.string().max(128).nullable(),
  openedAt: z.string(),
  closedAt: z.string().nullable(),
  state: SessionState,
  person: z.string().max(256),
  /** The identity was proven, not only claimed by the operating system. */
  verifiedPerson: z.boolean(),
  agent: z.string().max(256),
  connection: z.string().max(256),
  database: z.string().max(256),
  role: z.string().max(256),
  mode: z.string().max(32),
  protection: z.enum(['protected', 'unprotected']),
  policyHash: z.string().max(128),
  statements: count,
  asked: count,
  denied: count,
  errors: count,
  rows: count,
  bytesUp: count,
  bytesDown: count,
  verified: z.boolean(),
  checks: z.array(VerificationCheck).max(100),
});
export type ReportSession = z.infer<typeof ReportSession>;

export const ReportStatement = z.object({
  session: z.string().max(64),
  index: count,
  seq: count.nullable(),
  at: z.string(),
  op: z.string().max(256),
  class: OperationClass,
  verdict: Statement.shape.verdict,
  decidedBy: z.string().max(256).nullable(),
  objects: z.array(z.string().max(256)).max(20),
  rows: count,
  sqlstate: z.string().max(16).nullable(),
  /** null: left out, since texts hold values. */
  text: z.string().max(4000).nullable(),
});
export type ReportStatement = z.infer<typeof ReportStatement>;

export const REPORT_SEVERITIES = ['high', 'medium', 'low', 'info'] as const;

export const ReportFinding = z.object({
  id: z.string().max(64),
  severity: z.enum(REPORT_SEVERITIES),
  title: z.string().max(200),
  sentence: z.string().max(2000),
  evidence: References,
});
export type ReportFinding = z.infer<typeof ReportFinding>;

export const ReportFigure = z.object({
  id: z.string().max(64),
  group: z.string().max(64),
  label: z.string().max(200),
  value: z.number(),
  unit: z.enum(['count', 'bytes']),
  evidence: References,
});
export type ReportFigure = z.infer<typeof ReportFigure>;

export const ReportCompleteness = z.object({
  status: z.enum(['complete', 'incomplete', 'not-checked']),
  sentence: z.string().max(2000),
  devices: z
    .array(
      z.object({
        device: z.string().max(128),
        name: z.string().max(256),
        /** Sessions that the device's log names. */
        logged: count,
        present: count,
        missing: z.array(z.string().max(500)).max(1000),
        gaps: z.array(z.object({ from: z.string(), until: z.string(), sentence: z.string().max(500) })).max(1000),
        checks: z.array(VerificationCheck).max(100),
      }),
    )
    .max(10_000),
});
export type ReportCompleteness = z.infer<typeof ReportCompleteness>;

export const ReportData = z.object({
  v: z.literal(1),
  title: z.string().max(200),
  madeAt: z.string(),
  madeBy: z.string().max(256),
  /** Of Countersign. */
  version: z.string().max(32),
  scope: z.object({
    sentence: z.string().max(2000),
    since: z.string().nullable(),
    until: z.string().nullable(),
    devices: z.array(z.string().max(128)).max(10_000),
  }),
  /** What was done, and what nobody could check, as sentences. */
  method: z.array(z.string().max(1000)).max(100),
  notChecked: z.array(z.string().max(1000)).max(100),
  completeness: ReportCompleteness,
  findings: z.array(ReportFinding).max(1000),
  figures: z.array(ReportFigure).max(1000),
  sessions: z.array(ReportSession).max(100_000),
  /** What was asked, denied, destructive or raised privileges. */
  statements: z.array(ReportStatement).max(10_000),
  /** Such statements that are not listed. */
  statementsLeft: count,
});
export type ReportData = z.infer<typeof ReportData>;
