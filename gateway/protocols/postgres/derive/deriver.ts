import type { Statement } from '../../../contract/session.ts';
import type { DeriveSink, FieldShape, SessionDeriver, StatementFacts } from '../../../pipeline/derive.ts';
import {
  type ErrorSummary,
  readCommandComplete,
  readErrorFields,
  readParameterDescription,
  readReadyForQuery,
  readRowDescription,
  rowsOfTag,
  summarizeError,
} from '../codec/backend.ts';
import { FrameScanner } from '../codec/frame-scanner.ts';
import { formatAt } from '../codec/frontend.ts';
import { backendLimits, frontendLimits } from '../codec/limits.ts';
import { backend, frontend } from '../codec/messages.ts';
import { type Request, readRequest } from './requests.ts';
import { RowFeed } from './row-feed.ts';
import { unnamedColumns } from './rows.ts';
import { SessionNames } from './session-names.ts';
import { describeRun, newRun, type Run, type RunOutcome, type RunText } from './statement.ts';
import { COPY_COLUMNS, type DeriverSnapshot, MASKED_COPY_COLUMNS } from './types.ts';
import { valueText } from './values.ts';

/** Requests of one exchange that are kept until they are answered; more end the derivation of the exchange. */
const MAX_REQUESTS = 100_000;
/** Statements that are told of one exchange (a query string may hold millions). */
const MAX_STATEMENTS = 100_000;
const ASYNC = new Set<number>([backend.ParameterStatus, backend.NotificationResponse, backend.BackendKeyData]);

/**
 * Turns the recorded bytes of a session into its statements and results, exchange by exchange:
 *
 *   deriver.begin(exchange, facts, sink);
 *   deriver.up(bytes, ms) …; deriver.down(bytes, ms) …; deriver.end();
 *
 * Each direction comes in order, and a message of the client before the server's answer to it.
 * The exchanges of a session come in order, since names of prepared statements and portals carry over;
 * snapshot() after end() allows to go on later with another instance.
 *
 * It never throws on what bytes hold: an exchange that cannot be read gives its statements with an
 * error that says so. Memory is bounded by the largest message of the client, not by results.
 */
export class Deriver implements SessionDeriver {
  readonly #names = new SessionNames();
  #sink: DeriveSink = {};
  #exchange = 0;
  #facts: readonly StatementFacts[] = [];
  #factAt = 0;
  #up = new FrameScanner('frontend', frontendLimits(), [frontend.CopyData]);
  #down = new FrameScanner('backend', backendLimits(), [backend.DataRow, backend.CopyData]);
  #requests: Request[] = [];
  #head = 0;
  #ordinal = 0;
  #copiesIn = 0;
  #now = 0;
  #problem: string | null = null;
  #run: Run | null = null;
  readonly #feed = new RowFeed();

  snapshot(): DeriverSnapshot {
    return this.#names.snapshot();
  }

  restore(snapshot: unknown): void {
    this.#names.restore(snapshot as DeriverSnapshot);
  }

  begin(exchange: number, facts: readonly StatementFacts[], sink: DeriveSink): void {
    this.#exchange = exchange;
    this.#facts = facts;
    this.#factAt = 0;
    this.#sink = sink;
    this.#requests = [];
    this.#head = 0;
    this.#ordinal = 0;
    this.#copiesIn = 0;
    this.#run = null;
    this.#problem = null;
    if (!this.#up.idle) this.#up = new FrameScanner('frontend', frontendLimits(), [frontend.CopyData]);
    if (!this.#down.idle) {
      this.#down = new FrameScanner('backend', backendLimits(), [backend.DataRow, backend.CopyData]);
    }
  }

  /** @param atMs when the bytes came, milliseconds since the epoch. */
  up(bytes: Uint8Array, atMs: number): void {
    if (this.#problem !== null) return;
    this.#now = atMs;
    this.#guard(() => {
      this.#up.feed(bytes);
      while (this.#up.next()) {
        if (this.#up.type === frontend.CopyData) continue;
        const request = readRequest(this.#up, atMs);
        if (!request) continue;
        if (this.#requests.length >= MAX_REQUESTS) throw new Error('more messages in one exchange than are looked at');
        this.#requests.push(request);
      }
    });
  }

  down(bytes: Uint8Array, atMs: number): void {
    if (this.#problem !== null) return;
    this.#now = atMs;
    this.#guard(() => {
      this.#down.feed(bytes);
      while (this.#down.next()) this.#answer();
    });
  }

  /** Bytes are missing here (redacted or damaged): the rest of the exchange is told from its facts. */
  gap(why: string): void {
    this.#problem ??= why;
  }

  /** What was not answered is told as such; the exchange is over. */
  end(): void {
    for (let request = this.#current(); request; request = this.#current()) {
      this.#head++;
      // A string whose statements were all answered only lacks its ReadyForQuery.
      const over = this.#run === null && request === this.#ran && this.#allAnswered(request);
      const run = over ? null : this.#runOf(request);
      this.#run = null;
      if (run) this.#finish(run, { tag: null, error: this.#unread(), rows: run.rows });
    }
    if (this.#problem !== null) {
      while (this.#factAt < this.#facts.length)
        this.#finish(this.#unseen(), { tag: null, error: this.#unread(), rows: 0 });
    }
    this.#requests = [];
    if (!this.#up.idle) this.#up = new FrameScanner('frontend', frontendLimits(), [frontend.CopyData]);
  }

  #allAnswered(request: Request): boolean {
    return request.kind === 'query' && this.#part + 1 >= request.parts().length;
  }

  /** A statement of which only the facts are at hand. */
  #unseen(): Run {
    const facts = this.#nextFacts();
    const text = { text: facts?.text ?? null, parameters: [] };
    return newRun(this.#ordinal++, text, facts, this.#now);
  }

  #unread(): ErrorSummary | null {
    return this.#problem === null ? null : { severity: 'ERROR', sqlstate: '', message: this.#problem };
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#problem = `the recorded bytes of this exchange cannot be shown as statements: ${why}`;
      this.#down = new FrameScanner('backend', backendLimits(), [backend.DataRow, backend.CopyData]);
      this.#up = new FrameScanner('frontend', frontendLimits(), [frontend.CopyData]);
    }
  }

  /** The request that the server is answering. */
  #current(): Request | undefined {
    return this.#requests[this.#head];
  }

  #answer(): void {
    const { type } = this.#down;
    if (ASYNC.has(type)) return;
    if (type === backend.NoticeResponse) {
      this.#notice();
      return;
    }
    if (type === backend.ErrorResponse) {
      this.#error();
      return;
    }
    const request = this.#current();
    // Bytes of the server that nothing asked for: the client's side of the exchange is missing.
    if (!request) return;
    switch (type) {
      case backend.DataRow:
        this.#rows(request);
        return;
      case backend.CopyData:
        this.#copyOut(request);
        return;
      case backend.RowDescription:
      case backend.NoData:
        this.#described(request, type);
        return;
      case backend.ParameterDescription:
        this.#parameterTypes(request);
        return;
      case backend.ParseComplete:
        if (request.kind === 'parse') {
          this.#names.setStatement(request.name, { text: request.text, types: request.types, fields: null });
        }
        this.#head++;
        return;
      case backend.BindComplete:
        if (request.kind === 'bind') this.#bound(request);
        this.#head++;
        return;
      case backend.CloseComplete:
        if (request.kind === 'close') {
          if (request.target === 'statement') this.#names.dropStatement(request.name);
          else this.#names.dropPortal(request.name);
        }
        this.#head++;
        return;
      case backend.CopyInResponse:
        this.#copyIn(request);
        return;
      case backend.CopyOutResponse: {
        const run = this.#runOf(request);
        if (run) run.columns = copyColumns(run);
        return;
      }
      case backend.CommandComplete: {
        const tag = readCommandComplete(this.#down.bytes, this.#down.bodyStart, this.#down.end);
        this.#completed(request, tag);
        return;
      }
      case backend.EmptyQueryResponse:
      case backend.PortalSuspended:
        this.#completed(request, null);
        return;
      case backend.FunctionCallResponse: {
        const run = this.#runOf(request);
        this.#run = null;
        if (run) this.#finish(run, { tag: null, error: null, rows: 1 });
        return;
      }
      case backend.ReadyForQuery:
        this.#ready();
        return;
      default:
        return;
    }
  }

  // ---- results --------------------------------------------------------------------------------

  /** The run that `request` opened or opens now; null for requests that run nothing. */
  #runOf(request: Request): Run | null {
    this.#run ??= this.#open(request);
    return this.#run;
  }

  #open(request: Request): Run | null {
    switch (request.kind) {
      case 'query': {
        const part = this.#ran === request ? this.#part + 1 : 0;
        this.#ran = request;
        this.#part = part;
        const facts = part === 0 ? this.#nextFacts() : this.#lastFacts;
        // Later statements of a string start when the one before them ended.
        const atMs = part === 0 ? request.atMs : this.#lastEnd;
        const run = newRun(this.#ordinal++, { text: request.text, parameters: [] }, facts, atMs);
        run.part = part;
        run.parts = request.parts;
        return run;
      }
      case 'execute': {
        const portal = this.#names.portals.get(request.portal);
        const text = portal ?? { text: null, parameters: [] };
        const run = newRun(this.#ordinal++, text, this.#nextFacts(), request.atMs);
        run.fields = portal?.fields ?? null;
        run.formats = portal?.resultFormats ?? [];
        run.columns = columnsOf(run, portal?.fields ?? []);
        return run;
      }
      case 'function': {
        const text = { text: `FunctionCall of the function with OID ${request.oid}`, parameters: [] };
        return newRun(this.#ordinal++, text, this.#nextFacts(), request.atMs);
      }
      default:
        return null;
    }
  }
  /** The Query whose parts are being answered. */
  #ran: Request | null = null;
  #part = 0;
  #lastFacts: StatementFacts | null = null;
  #lastEnd = 0;

  #nextFacts(): StatementFacts | null {
    this.#lastFacts = this.#facts[this.#factAt++] ?? null;
    return this.#lastFacts;
  }

  #finish(run: Run, outcome: RunOutcome): void {
    this.#lastEnd = this.#now;
    if (run.ordinal >= MAX_STATEMENTS) {
      this.#problem ??= `only the first ${MAX_STATEMENTS} statements of this exchange are shown`;
      return;
    }
    if (run.columns.length > 0 && this.#sink.columns && this.#wants(run)) this.#tellColumns(run);
    this.#sink.statement?.(describeRun(run, outcome, this.#exchange, this.#now));
  }

  #wants(run: Run): boolean {
    run.wanted ??= this.#sink.wantsRows?.(run.ordinal) ?? false;
    return run.wanted;
  }

  #completed(request: Request, tag: string | null): void {
    const run = this.#runOf(request);
    if (!run) return;
    this.#run = null;
    if (request.kind === 'execute') this.#head++;
    const rows = run.rows > 0 || tag === null ? run.rows : rowsOfTag(tag);
    this.#finish(run, { tag, error: null, rows });
    if (tag === 'DEALLOCATE ALL' || tag === 'DISCARD ALL') this.#names.dropStatements();
  }

  #rows(request: Request): void {
    const run = this.#runOf(request);
    if (!run) return;
    run.rows += this.#down.count;
    if (!this.#wants(run)) return;
    this.#feed.step(this.#down, (bytes, start, end, cut) => {
      run.fields ??= this.#sink.knownFields?.(run.ordinal) ?? null;
      if (!run.fields) {
        run.fields = unnamedColumns((bytes[start]! << 8) | bytes[start + 1]!);
        run.fields = run.fields.map((field, i) => ({ ...field, format: formatAt(run.formats, i) }));
      }
      if (run.columns.length === 0) run.columns = columnsOf(run, run.fields);
      this.#tellColumns(run);
      this.#sink.row?.(run.ordinal, RowFeed.values(bytes, start, end, run.fields, cut));
    });
  }

  #tellColumns(run: Run): void {
    if (run.told) return;
    run.told = true;
    this.#sink.columns?.(run.ordinal, run.columns);
  }

  #copyOut(request: Request): void {
    const run = this.#runOf(request);
    if (!run || !this.#wants(run)) return;
    this.#feed.step(this.#down, (bytes, start, end, cut) => {
      this.#tellColumns(run);
      this.#sink.row?.(run.ordinal, [RowFeed.line(bytes, start, end, cut)]);
    });
  }

  #copyIn(request: Request): void {
    const run = this.#runOf(request);
    if (!run) return;
    run.columns = COPY_COLUMNS;
    run.copyIn = this.#copiesIn++;
  }

  // ---- the rest -------------------------------------------------------------------------------

  #described(request: Request, type: number): void {
    const { bytes, bodyStart, end } = this.#down;
    const fields: FieldShape[] | null =
      type === backend.NoData
        ? []
        : readRowDescription(bytes, bodyStart, end).map(({ name, typeOid, format }) => ({ name, typeOid, format }));
    if (request.kind === 'describe') {
      this.#head++;
      if (request.target === 'statement') {
        const statement = this.#names.statements.get(request.name);
        if (statement) statement.fields = fields;
      } else {
        const portal = this.#names.portals.get(request.name);
        if (portal) portal.fields = fields;
      }
      return;
    }
    const run = this.#runOf(request);
    if (!run) return;
    run.fields = fields;
    run.columns = columnsOf(run, fields);
  }

  #parameterTypes(request: Request): void {
    if (request.kind !== 'describe') return;
    const statement = this.#names.statements.get(request.name);
    if (statement) statement.types = readParameterDescription(this.#down.bytes, this.#down.bodyStart, this.#down.end);
  }

  #bound(request: Request & { kind: 'bind' }): void {
    const statement = this.#names.statements.get(request.statement);
    const fields = statement?.fields?.map((field, i) => ({ ...field, format: formatAt(request.resultFormats, i) }));
    this.#names.setPortal(request.portal, {
      text: statement?.text ?? `(prepared statement ${JSON.stringify(request.statement)}, whose text is not at hand)`,
      parameters: request.values.map((value, i) =>
        value === null
          ? null
          : valueText(value, 0, value.length, statement?.types[i] ?? 0, formatAt(request.formats, i)),
      ),
      resultFormats: request.resultFormats,
      fields: fields ?? null,
    });
  }

  #notice(): void {
    if (!this.#sink.notice) return;
    const { severity, sqlstate, message } = this.#errorOf();
    this.#sink.notice(this.#run?.ordinal ?? this.#ordinal, { severity, sqlstate, message });
  }

  #errorOf(): ErrorSummary {
    return summarizeError(readErrorFields(this.#down.bytes, this.#down.bodyStart, this.#down.end));
  }

  #error(): void {
    const error = this.#errorOf();
    const request = this.#current();
    if (!request) return;
    const run = this.#runOf(request) ?? this.#failedBefore(request);
    this.#run = null;
    if (run) this.#finish(run, { tag: null, error, rows: run.rows });
    if (request.kind === 'query') {
      // The rest of the string does not run.
      this.#part = Number.MAX_SAFE_INTEGER;
      return;
    }
    if (request.kind === 'function') return;
    // What was sent up to the next Sync is ignored by the server.
    while (this.#current() && this.#current()?.kind !== 'sync') this.#head++;
  }

  /** A Parse, Bind or Describe that fails is a statement that the person wants to see. It has no facts of its own. */
  #failedBefore(request: Request): Run | null {
    const { statements, portals } = this.#names;
    let text: RunText | null = null;
    if (request.kind === 'parse') text = { text: request.text, parameters: [] };
    if (request.kind === 'bind') text = { text: statements.get(request.statement)?.text ?? null, parameters: [] };
    if (request.kind === 'describe') {
      const known = request.target === 'statement' ? statements.get(request.name) : portals.get(request.name);
      text = { text: known?.text ?? null, parameters: [] };
    }
    if (!text) return null;
    return newRun(this.#ordinal++, text, null, request.atMs);
  }

  #ready(): void {
    this.#run = null;
    this.#ran = null;
    const request = this.#current();
    if (request) this.#head++;
    const { bytes, bodyStart, end } = this.#down;
    if (readReadyForQuery(bytes, bodyStart, end) === 'idle') this.#names.dropPortals();
  }
}

function columnsOf(run: Run, fields: readonly FieldShape[]): Statement['columns'] {
  const masked = maskedOf(run);
  return fields.map(({ name, typeOid }, i) => ({ name, typeOid, masked: masked === 'any' || masked.includes(i) }));
}

/** COPY names no columns: its lines are masked where any of theirs is. */
function copyColumns(run: Run): Statement['columns'] {
  return maskedOf(run) === NONE ? COPY_COLUMNS : MASKED_COPY_COLUMNS;
}

const NONE: readonly number[] = [];

/** Positions of the run's masked columns; 'any' where they were too many to name: then none is shown as untouched. */
function maskedOf({ facts, part }: Run): readonly number[] | 'any' {
  const found = facts?.maskedColumns?.find(
    ([result, columns]) => result === part || (columns === null && result < part),
  );
  return found === undefined ? NONE : (found[1] ?? 'any');
}
