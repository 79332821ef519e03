import { Session, type Statement } from '../contract/session.ts';
import type { DerivedStatement } from '../pipeline/derive.ts';

/** A row of `sessions`. */
export interface SessionRow {
  seq: number;
  id: string;
  state: string;
  connection_id: string;
  protocol: string;
  opened_at: string;
  closed_at: string | null;
  database: string;
  role: string;
  application_name: string;
  conversation_id: string | null;
  mode: string;
  identity: string;
  agent: string;
  statements: number;
  asked: number;
  denied: number;
  errors: number;
  rows: number;
  bytes_up: number;
  bytes_down: number;
  next_unit: number;
  last_exchange: number;
  deriver: string | null;
  finished: number;
  problem: string | null;
  device: string | null;
}

export function sessionOf(row: SessionRow, masked: Record<string, number>): Session {
  return Session.parse({
    id: row.id,
    state: row.state,
    connectionId: row.connection_id,
    protocol: row.protocol,
    database: row.database,
    role: row.role,
    applicationName: row.application_name,
    identity: JSON.parse(row.identity),
    agent: JSON.parse(row.agent),
    conversationId: row.conversation_id,
    mode: row.mode,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
    statements: row.statements,
    asked: row.asked,
    denied: row.denied,
    errors: row.errors,
    rows: row.rows,
    bytesUp: row.bytes_up,
    bytesDown: row.bytes_down,
    masked,
  });
}

/** What many statements of a session share, stored once for all of them. */
export type SharedFacts = Pick<
  Statement,
  'op' | 'class' | 'verdict' | 'policyIds' | 'approvalId' | 'decidedBy' | 'columns'
> & { copyIn: number | null; formats: number[] };

export function sharedFacts(statement: DerivedStatement): string {
  const { op, class: kind, verdict, policyIds, approvalId, decidedBy, columns, copyIn, formats } = statement;
  return JSON.stringify({ op, class: kind, verdict, policyIds, approvalId, decidedBy, columns, copyIn, formats });
}

/** sharedFacts gives the same for both; false where that would have to be looked at closely. */
export function sameFacts(a: DerivedStatement, b: DerivedStatement): boolean {
  return (
    a.op === b.op &&
    a.class === b.class &&
    a.verdict === b.verdict &&
    a.approvalId === b.approvalId &&
    a.decidedBy === b.decidedBy &&
    a.copyIn === b.copyIn &&
    sameItems(a.policyIds, b.policyIds) &&
    sameItems(a.formats, b.formats) &&
    a.columns.length === b.columns.length &&
    a.columns.every((column, i) => sameColumn(column, b.columns[i]!))
  );
}

type Column = Statement['columns'][number];

const sameColumn = (a: Column, b: Column): boolean =>
  a.name === b.name && a.typeOid === b.typeOid && a.masked === b.masked;

const sameItems = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a === b || (a.length === b.length && a.every((item, i) => item === b[i]));

/** A row of `statements` with its strings and the id of its session. */
export interface StatementRow {
  id: number;
  session_id: string;
  idx: number;
  exchange: number;
  ordinal: number;
  unit: number;
  started_us: number;
  duration_us: number;
  held_us: number;
  text: string;
  facts: string;
  parameters: string | null;
  rows: number;
  tag: string | null;
  sqlstate: string | null;
  message: string | null;
  masked: string | null;
}

export const STATEMENT_COLUMNS = `
  s.id, n.id AS session_id, s.idx, s.exchange, s.ordinal, s.unit, s.started_us, s.duration_us, s.held_us,
  t.value AS text, f.value AS facts, s.parameters, s.rows, s.tag, s.sqlstate, s.message, s.masked
  FROM statements s
  JOIN sessions n ON n.seq = s.session JOIN strings t ON t.id = s.text JOIN strings f ON f.id = s.facts`;

export function statementOf(row: StatementRow): Statement {
  const { copyIn: _copyIn, formats: _formats, ...facts } = JSON.parse(row.facts) as SharedFacts;
  return {
    sessionId: row.session_id,
    index: row.idx,
    exchange: row.exchange,
    startedAt: new Date(row.started_us / 1000).toISOString(),
    durationMs: row.duration_us / 1000,
    heldMs: row.held_us / 1000,
    text: row.text,
    parameters: row.parameters === null ? [] : (JSON.parse(row.parameters) as (string | null)[]),
    ...facts,
    rows: row.rows,
    tag: row.tag,
    error: row.sqlstate === null ? null : { sqlstate: row.sqlstate, message: row.message ?? '' },
    masked: row.masked === null ? {} : (JSON.parse(row.masked) as Record<string, number>),
  };
}
