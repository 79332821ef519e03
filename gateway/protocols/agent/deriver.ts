import type { DeriveSink, SessionDeriver, StatementFacts } from '../../pipeline/derive.ts';
import { verdictOf } from '../../pipeline/verdict-of.ts';

type Line = Record<string, unknown>;

const TEXT_OID = 25;
const COLUMNS = ['part', 'content'];
/** Bytes of one direction of one exchange that are read: an event of 8 MiB, written as JSON, with what it was before. */
const MAX_BYTES = 48 * 1024 * 1024;
const MAX_TEXT = 64 * 1024;

/**
 * Reads what was recorded of an agent's conversation: an exchange is one action or one thing that was said, in
 * lines of JSON. What a file was and became, what was read, and what came out of it are its rows.
 */
export class AgentDeriver implements SessionDeriver {
  #sink: DeriveSink = {};
  #exchange = 0;
  #facts: readonly StatementFacts[] = [];
  #up = new Lines();
  #down = new Lines();
  #first: number | null = null;
  #last = 0;

  begin(exchange: number, facts: readonly StatementFacts[], sink: DeriveSink): void {
    this.#exchange = exchange;
    this.#facts = facts;
    this.#sink = sink;
    this.#up = new Lines();
    this.#down = new Lines();
    this.#first = null;
  }

  up(bytes: Uint8Array, atMs: number): void {
    this.#came(atMs);
    this.#up.push(bytes);
  }

  down(bytes: Uint8Array, atMs: number): void {
    this.#came(atMs);
    this.#down.push(bytes);
  }

  #came(atMs: number): void {
    this.#first ??= atMs;
    this.#last = atMs;
  }

  gap(): void {}

  end(): void {
    const [asked = {}] = this.#up.parsed();
    const told = this.#down.parsed();
    const rows = rowsOf(asked, told);
    // Cut off by a crash before its statement was recorded: then its bytes are all there is.
    const facts = this.#facts.length > 0 ? this.#facts : this.#first === null ? [] : [factsOf(asked, told)];
    for (const [ordinal, one] of facts.entries()) this.#tell(ordinal, one, asked, told, rows);
  }

  #tell(
    ordinal: number,
    facts: StatementFacts,
    asked: Line,
    told: readonly Line[],
    rows: readonly [string, string | null][],
  ): void {
    const { decision, error } = facts;
    const began = this.#first ?? this.#last;
    const columns = rows.length === 0 ? [] : COLUMNS.map((name) => ({ name, typeOid: TEXT_OID, masked: false }));
    this.#sink.columns?.(ordinal, columns);
    if (rows.length > 0 && this.#sink.wantsRows?.(ordinal)) for (const row of rows) this.#sink.row?.(ordinal, [...row]);
    this.#sink.statement?.({
      exchange: this.#exchange,
      ordinal,
      part: 0,
      copyIn: null,
      startedUs: Math.round(began * 1000),
      durationMs: Math.max(0, Math.round((this.#last - began) * 1000) / 1000),
      heldMs: facts.heldMs ?? 0,
      text: facts.text ?? textOf(asked),
      parameters: [],
      op: facts.op ?? opOf(asked),
      class: facts.class ?? 'unknown',
      verdict: decision === undefined && told.some(({ answer }) => answer === 'deny') ? 'denied' : verdictOf(decision),
      policyIds: decision?.verdict.policyIds ?? [],
      approvalId: decision?.approvalId ?? null,
      decidedBy: decision?.decidedBy ?? null,
      rows: rows.length,
      tag: error == null ? (facts.op ?? opOf(asked)) : null,
      error: error == null ? null : { sqlstate: error, message: messageOf(told) ?? decision?.message ?? '' },
      columns,
      masked: { ...facts.masked },
      formats: columns.map(() => 0),
      objects: facts.objects ?? [],
    });
  }

  snapshot(): unknown {
    return null;
  }

  restore(): void {}
}

/** Lines of JSON from pieces; what is too long, or lacks a part, is left out. */
class Lines {
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  push(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes <= MAX_BYTES) this.#pieces.push(bytes.slice());
  }

  parsed(): Line[] {
    if (this.#bytes > MAX_BYTES) return [];
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return new TextDecoder().decode(all).split('\n').flatMap(parse);
  }
}

function parse(line: string): Line[] {
  if (line === '') return [];
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? [value as Line] : [];
  } catch {
    // Half a line: redacted, damaged, or cut off.
    return [];
  }
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

const opOf = (asked: Line): string => text(asked.tool) ?? text(asked.event) ?? '';

function textOf(asked: Line): string {
  const said = text(asked.command) ?? text(asked.path) ?? text(asked.text) ?? text(asked.change);
  return (said ?? (asked.arguments === undefined ? '' : JSON.stringify(asked.arguments))).slice(0, MAX_TEXT);
}

function factsOf(asked: Line, told: readonly Line[]): StatementFacts {
  const outcome = told.find((line) => line.outcome !== undefined);
  const denied = told.some(({ answer }) => answer === 'deny');
  return { op: opOf(asked), error: denied ? 'DENIED' : outcome?.outcome === 'failed' ? 'FAILED' : null };
}

function messageOf(told: readonly Line[]): string | null {
  for (const line of told) {
    const message = text(line.error) ?? (line.answer === 'deny' ? text(line.message) : null);
    if (message !== null) return message.slice(0, 2000);
  }
  return null;
}

function rowsOf(asked: Line, told: readonly Line[]): [string, string | null][] {
  const rows: [string, string | null][] = [];
  const add = (part: string, value: unknown) => {
    if (text(value) !== null) rows.push([part, String(value)]);
  };
  for (const part of ['before', 'after', 'content']) add(part, asked[part]);
  for (const line of told) for (const part of ['content', 'output', 'error']) add(part, line[part]);
  return rows;
}
