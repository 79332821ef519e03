import type { Statement } from '../../../contract/session.ts';
import type { DerivedStatement, FieldShape, StatementFacts } from '../../../pipeline/derive.ts';
import { verdictOf } from '../../../pipeline/verdict-of.ts';
import type { ErrorSummary } from '../codec/backend.ts';
import { formatAt } from '../codec/frontend.ts';

/** `text` null: the bytes do not hold it (a portal of a statement that is not known). */
export interface RunText {
  text: string | null;
  parameters: (string | null)[];
}

/** A statement between its first answer and its end. */
export interface Run {
  ordinal: number;
  /** Which statement of its query string it is. */
  part: number;
  text: RunText;
  /** The statements of the query string; split once for all of them. */
  parts: (() => string[]) | null;
  facts: StatementFacts | null;
  atMs: number;
  rows: number;
  columns: Statement['columns'];
  fields: FieldShape[] | null;
  /** Result formats that Bind asked for. */
  formats: number[];
  copyIn: number | null;
  /** The sink wants its rows; undefined before it was asked. */
  wanted: boolean | undefined;
  /** The sink knows the columns. */
  told: boolean;
}

export function newRun(ordinal: number, text: RunText, facts: StatementFacts | null, atMs: number): Run {
  return {
    ordinal,
    part: 0,
    text,
    parts: null,
    facts,
    atMs,
    rows: 0,
    columns: [],
    fields: null,
    formats: [],
    copyIn: null,
    wanted: undefined,
    told: false,
  };
}

export interface RunOutcome {
  tag: string | null;
  error: ErrorSummary | null;
  rows: number;
}

const SYNTAX_ERROR = '42601';

/**
 * The part of a query string that a statement was. A string that was refused as a whole (by the
 * parser, or by Countersign) is one statement with all of it.
 */
function textOf(run: Run, outcome: RunOutcome): string | null {
  const { text } = run.text;
  if (text === null || run.parts === null) return text;
  const semicolon = text.indexOf(';');
  if (run.part === 0) {
    if (semicolon === -1 || semicolon === text.length - 1) return text;
    if (outcome.error?.sqlstate === SYNTAX_ERROR || run.facts?.decision?.effect === 'deny') return text;
  }
  const parts = run.parts();
  if (parts.length <= 1 && run.part === 0) return text;
  return parts[run.part] ?? laterPart(run.part);
}

function laterPart(part: number): string {
  return `(statement ${part + 1} of the query string above)`;
}

export function describeRun(run: Run, outcome: RunOutcome, exchange: number, endMs: number): DerivedStatement {
  const { facts, part } = run;
  const { tag, error, rows } = outcome;
  const decision = facts?.decision;
  const shown = textOf(run, outcome) ?? facts?.text ?? '(a portal whose statement is not at hand)';
  return {
    exchange,
    ordinal: run.ordinal,
    part,
    copyIn: run.copyIn,
    startedUs: Math.round(run.atMs * 1000),
    durationMs: Math.max(0, Math.round((endMs - run.atMs) * 1000) / 1000),
    // What a whole message was held or had masked is told with its first statement.
    heldMs: part === 0 ? (facts?.heldMs ?? 0) : 0,
    text: shown,
    parameters: run.text.parameters,
    op: part === 0 && facts?.op ? facts.op : operationOf(tag, shown),
    class: facts?.class ?? 'unknown',
    verdict: verdictOf(decision),
    policyIds: decision?.verdict.policyIds ?? [],
    approvalId: decision?.approvalId ?? null,
    decidedBy: decision?.decidedBy ?? null,
    rows,
    tag,
    error: error ? { sqlstate: error.sqlstate, message: error.message } : null,
    columns: run.columns,
    masked: part === 0 && facts?.masked ? { ...facts.masked } : {},
    formats: formatsOf(run),
    objects: part === 0 ? (facts?.objects ?? []) : [],
  };
}

function formatsOf({ fields, formats, columns }: Run): number[] {
  const codes = fields
    ? fields.map((field) => (field.format === 'binary' ? 1 : 0))
    : columns.map((_, i) => (formatAt(formats, i) === 'binary' ? 1 : 0));
  return codes.includes(1) ? codes : [];
}

/** The command's name: from its tag ("INSERT 0 1"), else the text's first word. */
function operationOf(tag: string | null, text: string): string {
  if (tag) return tag.replace(/( \d+)+$/, '');
  return (/^[\s(]*([A-Za-z]+)/.exec(text)?.[1] ?? '').toUpperCase();
}
