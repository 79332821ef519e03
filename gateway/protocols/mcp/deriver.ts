import type { DeriveSink, SessionDeriver, StatementFacts } from '../../pipeline/derive.ts';
import { verdictOf } from '../../pipeline/verdict-of.ts';
import { isObject, type Json, type JsonObject } from './codec/json.ts';
import { LineSplitter } from './codec/line-splitter.ts';
import { MAX_MESSAGE } from './ports.ts';

const TEXT_OID = 25;
const MAX_LINES = 10_000;
const MAX_TEXT = 64 * 1024;

/**
 * Reads what was recorded of MCP sessions: an exchange is one request of the client and the lines that
 * came of it. A result's content is its rows: what kind each item is, and what it says.
 */
export class McpDeriver implements SessionDeriver {
  #sink: DeriveSink = {};
  #exchange = 0;
  #facts: readonly StatementFacts[] = [];
  #up = new LineSplitter(MAX_MESSAGE * 2);
  #down = new LineSplitter(MAX_MESSAGE * 2);
  #request: JsonObject | null = null;
  #answer: JsonObject | null = null;
  #lines = 0;
  #first: number | null = null;
  #last = 0;

  begin(exchange: number, facts: readonly StatementFacts[], sink: DeriveSink): void {
    this.#exchange = exchange;
    this.#facts = facts;
    this.#sink = sink;
    this.#up = new LineSplitter(MAX_MESSAGE * 2);
    this.#down = new LineSplitter(MAX_MESSAGE * 2);
    this.#request = null;
    this.#answer = null;
    this.#lines = 0;
    this.#first = null;
  }

  up(bytes: Uint8Array, atMs: number): void {
    this.#came(atMs);
    for (const line of this.#up.push(bytes) ?? []) this.#request ??= parse(line);
  }

  down(bytes: Uint8Array, atMs: number): void {
    this.#came(atMs);
    for (const line of this.#down.push(bytes) ?? []) {
      if (this.#lines++ > MAX_LINES) return;
      const message = parse(line);
      // The answer is the last that is one; what is told meanwhile has a method.
      if (message !== null && message.method === undefined) this.#answer = message;
    }
  }

  #came(atMs: number): void {
    this.#first ??= atMs;
    this.#last = atMs;
  }

  gap(): void {}

  end(): void {
    const began = this.#first ?? this.#last;
    const rows = rowsOf(this.#answer);
    for (const [ordinal, facts] of this.#facts.entries()) {
      const { decision, error } = facts;
      const columns = rows.length === 0 ? [] : COLUMNS.map((name) => ({ name, typeOid: TEXT_OID, masked: false }));
      const masked = { ...facts.masked };
      if (columns.length > 0 && Object.keys(masked).length > 0) columns[1]!.masked = true;
      this.#sink.columns?.(ordinal, columns);
      if (rows.length > 0 && this.#sink.wantsRows?.(ordinal)) for (const row of rows) this.#sink.row?.(ordinal, row);
      this.#sink.statement?.({
        exchange: this.#exchange,
        ordinal,
        part: 0,
        copyIn: null,
        startedUs: Math.round(began * 1000),
        durationMs: Math.max(0, Math.round((this.#last - began) * 1000) / 1000),
        heldMs: facts.heldMs ?? 0,
        text: facts.text ?? textOf(this.#request, facts.op ?? ''),
        parameters: [],
        op: facts.op ?? '',
        class: facts.class ?? 'unknown',
        verdict: verdictOf(decision),
        policyIds: decision?.verdict.policyIds ?? [],
        approvalId: decision?.approvalId ?? null,
        decidedBy: decision?.decidedBy ?? null,
        rows: rows.length,
        tag: error == null ? (facts.op ?? null) : null,
        error:
          error == null ? null : { sqlstate: error, message: messageOf(this.#answer, rows) ?? decision?.message ?? '' },
        columns,
        masked,
        formats: columns.map(() => 0),
        objects: facts.objects ?? [],
      });
    }
  }

  snapshot(): unknown {
    return null;
  }

  restore(): void {}
}

const COLUMNS = ['kind', 'content'];

function parse(line: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function textOf(request: JsonObject | null, op: string): string {
  const params = isObject(request?.params) ? request.params : {};
  if (op !== 'tools/call') return op;
  return `${String(params.name ?? '')} ${JSON.stringify(params.arguments ?? {})}`.slice(0, MAX_TEXT);
}

/** The items of a result's content, or of what was read. */
function rowsOf(answer: JsonObject | null): [string, string | null][] {
  const result = isObject(answer?.result) ? answer.result : null;
  const items = result?.content ?? result?.contents ?? result?.messages;
  if (!Array.isArray(items)) return [];
  return items.map((item) => (isObject(item) ? [kindOf(item), sayingOf(item)] : ['', JSON.stringify(item)]));
}

const kindOf = (item: JsonObject): string =>
  typeof item.type === 'string' ? item.type : typeof item.mimeType === 'string' ? item.mimeType : 'item';

function sayingOf(item: JsonObject): string {
  if (typeof item.text === 'string') return item.text;
  const data = item.data ?? item.blob;
  if (typeof data === 'string')
    return `(${Math.floor((data.length * 3) / 4)} bytes of ${String(item.mimeType ?? 'data')})`;
  return JSON.stringify(item satisfies Json);
}

function messageOf(answer: JsonObject | null, rows: readonly [string, string | null][]): string | null {
  if (isObject(answer?.error) && typeof answer.error.message === 'string') return answer.error.message.slice(0, 2000);
  const result = isObject(answer?.result) ? answer.result : null;
  return result?.isError === true ? (rows[0]?.[1]?.slice(0, 2000) ?? '') : null;
}
