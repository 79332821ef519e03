import { CountersignError } from '../../../contract/errors.ts';
import {
  type ErrorField,
  type ErrorSummary,
  readCommandComplete,
  readCopyResponse,
  readErrorFields,
  readNotification,
  readParameterStatus,
  readReadyForQuery,
  readRowDescription,
  rowsOfTag,
  summarizeError,
} from '../codec/backend.ts';
import { FrameScanner } from '../codec/frame-scanner.ts';
import { formatAt } from '../codec/frontend.ts';
import { backendLimits } from '../codec/limits.ts';
import { backend, messageName } from '../codec/messages.ts';
import {
  writeErrorFields,
  writeMessage,
  writeNotificationResponse,
  writeParameterStatus,
} from '../codec/write-backend.ts';
import { copyBytes } from '../masking/byte-writer.ts';
import type { CopyMasker, FieldDescription, OutputTaint, RowMasker } from '../ports.ts';
import { addMaskedColumns } from './masked-columns.ts';
import type { PortalInfo } from './names.ts';
import { Outflow } from './outflow.ts';
import type { OwnAnswers } from './own-answers.ts';
import { PENDING, type Pending, type Run } from './pending.ts';
import type { RelayState } from './state.ts';
import { withoutValues } from './tokens.ts';

/** A row that has to be masked is held in memory whole. */
const MAX_MASKED_ROW = 64 * 1024 * 1024;
const CLEAN: OutputTaint = { columns: null, all: [] };

/**
 * Server to client: keeps what the gateway knows of the session in step with the server, masks, and
 * records what the client sees. Rows that need no masking pass in the buffers they came in.
 */
export class ServerSide {
  readonly #state: RelayState;
  readonly #fail: (error: unknown) => void;
  readonly #scanner: FrameScanner;
  #chunk: Uint8Array = new Uint8Array(0);
  readonly #out = new Outflow();
  readonly #record = new Outflow();
  #rows: RowMasker | null = null;
  #copy: CopyMasker | null = null;
  /** Whose rows `#rows` was made for. */
  #rowsOf: Pending | null = null;
  readonly #relieved: () => void;

  constructor(state: RelayState, fail: (error: unknown) => void, relieved: () => void) {
    this.#state = state;
    this.#fail = fail;
    this.#relieved = relieved;
    const masked = state.deps.masking !== null;
    this.#scanner = new FrameScanner('backend', backendLimits(masked ? MAX_MASKED_ROW : undefined), [backend.CopyData]);
    this.#streamRows(!masked);
    state.ownBegins = () => this.#streamRows(false);
    state.ownEnds = () => this.#ownEnds();
    this.#told = new Map(state.deps.parameters);
  }

  data(chunk: Uint8Array): void {
    if (this.#state.ended) return;
    this.#state.deps.session.bytesDown += chunk.length;
    try {
      this.#chunk = chunk;
      this.#scanner.feed(chunk);
      while (this.#scanner.next()) this.#step();
      this.#flush();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A message of the server is under way to the client: whatever is sent now would be taken for its content. */
  get midMessage(): boolean {
    return !this.#scanner.last;
  }

  /** Bytes of the gateway's own for the client, after what came from the server. */
  say(bytes: Uint8Array): void {
    this.#add(bytes, 0, bytes.length);
    this.#flush();
  }

  #flush(): void {
    // The response leaves first and is recorded after: its request was journalled before it was forwarded.
    this.#send();
    this.#flushRecord();
  }

  #send(): void {
    const { io } = this.#state.deps;
    this.#out.drain((pieces) => io.toClient(pieces));
  }

  #flushRecord(): void {
    const { recorder } = this.#state.deps;
    const exchange = this.#state.downExchange;
    this.#record.drain((pieces) => {
      for (const piece of pieces) recorder.response(exchange, piece);
    });
  }

  #add(bytes: Uint8Array, start: number, end: number): void {
    this.#out.add(bytes, start, end);
    this.#record.add(bytes, start, end);
  }

  #pass(): void {
    const { bytes, start, end } = this.#scanner;
    if (bytes === this.#chunk) {
      this.#add(bytes, start, end);
    } else {
      const copy = bytes.slice(start, end);
      this.#add(copy, 0, copy.length);
    }
  }

  #step(): void {
    const { type, count } = this.#scanner;
    const own = this.#state.pending.peek()?.own;
    if (own && this.#own(own)) return;
    switch (type) {
      case backend.DataRow: {
        const { head, run } = this.#running();
        run.rows += count;
        if (head !== this.#rowsOf) this.#startExecute(head);
        if (this.#rows) {
          this.#maskRow(this.#rows);
          return;
        }
        this.#pass();
        return;
      }
      case backend.CopyData:
        this.#copyData();
        return;
      case backend.RowDescription:
      case backend.NoData:
        this.#described(type);
        return;
      case backend.ParseComplete: {
        if (this.#ofTokens()) return;
        const item = this.#expect(PENDING.parse);
        this.#state.statements.confirm(item.name, item.ticket);
        this.#pass();
        return;
      }
      case backend.BindComplete: {
        if (this.#ofTokens()) return;
        const item = this.#expect(PENDING.bind, PENDING.ownBind);
        if (item.kind === PENDING.ownBind) return;
        this.#state.portals.confirm(item.name, item.ticket);
        this.#pass();
        return;
      }
      case backend.CloseComplete: {
        if (this.#ofTokens()) return;
        const item = this.#expect(PENDING.closeStatement, PENDING.closePortal);
        const { statements, portals } = this.#state;
        (item.kind === PENDING.closeStatement ? statements : portals).closed(item.name, item.ticket);
        this.#pass();
        return;
      }
      case backend.CommandComplete: {
        const { bytes, bodyStart, end } = this.#scanner;
        this.#completed(readCommandComplete(bytes, bodyStart, end));
        return;
      }
      case backend.EmptyQueryResponse:
      case backend.PortalSuspended:
        this.#completed(null);
        return;
      case backend.ErrorResponse:
        this.#error();
        return;
      case backend.NoticeResponse:
        this.#notice();
        return;
      case backend.NotificationResponse:
        this.#notification();
        return;
      case backend.ParameterStatus:
        this.#parameterStatus();
        return;
      case backend.CopyInResponse:
        this.#copyInStarted();
        return;
      case backend.CopyOutResponse:
        this.#copyOutStarted();
        return;
      case backend.CopyDone:
        this.#copyOutDone();
        return;
      case backend.FunctionCallResponse:
        this.#functionResult();
        return;
      case backend.ReadyForQuery:
        this.#ready();
        return;
      case backend.ParameterDescription:
        this.#pass();
        return;
      default:
        throw desync(type);
    }
  }

  /** An answer to what the gateway sent around values in place of tokens: kept from the client. */
  #ofTokens(): boolean {
    const head = this.#head();
    if (head?.kind === PENDING.tokensParse) {
      if (this.#scanner.type === backend.ParseComplete) this.#state.pending.shift();
      return true;
    }
    return head?.kind === PENDING.query && head.run?.tokens != null && head.run.substitute === null;
  }

  /** As the client was told them. */
  readonly #told: Map<string, string>;
  /** Told in answers to the gateway's own messages; as a rule a later one takes an earlier one back. */
  readonly #ownStatuses = new Map<string, string>();

  /** Nothing of the gateway's own runs any more: what is another value than before is told. */
  #ownEnds(): void {
    for (const [name, value] of this.#ownStatuses) {
      if (this.#told.get(name) !== value) this.#toldStatus(name, value, writeParameterStatus(name, value));
    }
    this.#ownStatuses.clear();
    this.#flush();
  }

  /** An answer to messages of the gateway's own. @returns false: it is no answer, so it is the client's. */
  #own(own: OwnAnswers): boolean {
    const { type, bytes, bodyStart, end } = this.#scanner;
    switch (type) {
      case backend.NotificationResponse:
        return false;
      case backend.ParameterStatus: {
        const { name, value } = readParameterStatus(bytes, bodyStart, end);
        this.#ownStatuses.set(name, value);
        return true;
      }
      case backend.ErrorResponse:
        if (isLast(summarizeError(readErrorFields(bytes, bodyStart, end)))) return false;
    }
    if (!own.message(type, bytes, bodyStart, end)) return true;
    this.#state.pending.shift();
    this.#streamRows(this.#state.deps.masking === null);
    own.finish();
    this.#relieved();
    return true;
  }

  /** The message that the server is answering. CopyDone and CopyFail have no answer of their own. */
  #head(): Pending | undefined {
    const { pending } = this.#state;
    while (pending.peek()?.kind === PENDING.copyEnd) pending.shift();
    return pending.peek();
  }

  /** The statement whose result this is. What was put in the place of a denied one has none: it only fails. */
  #running(): { head: Pending; run: Run } {
    const head = this.#head();
    const run = head?.run;
    if (!head || !run || run.substitute) throw desync(this.#scanner.type);
    return { head, run };
  }

  #expect(kind: Pending['kind'], other = kind, third = kind): Pending {
    const head = this.#head();
    if (!head || (head.kind !== kind && head.kind !== other && head.kind !== third)) throw desync(this.#scanner.type);
    this.#state.pending.shift();
    return head;
  }

  /** While rows are streamed, whole runs of them pass unseen. */
  #streamRows(on: boolean): void {
    this.#scanner.streamed[backend.DataRow] = on ? 1 : 0;
  }

  // ---- results ------------------------------------------------------------------------------------

  #described(type: number): void {
    const head = this.#head();
    if (!head) throw desync(type);
    const fields = type === backend.NoData ? NO_FIELDS : this.#fields();
    switch (head.kind) {
      case PENDING.query: {
        const { run } = this.#running();
        // A rule gives one statement several results.
        if (this.#rows) this.#takeCounts(run);
        this.#startRows(head, fields);
        if (type === backend.NoData && run.tokens !== null) return;
        this.#pass();
        return;
      }
      case PENDING.describeStatement:
        if (head.statement) head.statement.fields = fields;
        this.#state.pending.shift();
        this.#pass();
        return;
      case PENDING.describePortal:
        if (head.portal) head.portal.fields = fields;
        this.#state.pending.shift();
        this.#pass();
        return;
      case PENDING.ownDescribe: {
        this.#state.pending.shift();
        if (head.portal) head.portal.fields = fields;
        else this.#ownFields = fields;
        return;
      }
      default:
        throw desync(type);
    }
  }

  /** The present RowDescription, where masking needs it. Descriptions repeat: the same bytes are the same fields. */
  #fields(): readonly FieldDescription[] {
    if (!this.#state.deps.masking) return NO_FIELDS;
    const { bytes, bodyStart, end } = this.#scanner;
    const length = end - bodyStart;
    const last = this.#lastDescription;
    if (last.length === length) {
      let same = 0;
      while (same < length && last[same] === bytes[bodyStart + same]) same++;
      if (same === length) return this.#lastFields;
    }
    this.#lastFields = readRowDescription(bytes, bodyStart, end);
    this.#lastDescription =
      length <= KEPT_DESCRIPTION ? Uint8Array.prototype.slice.call(bytes, bodyStart, end) : NOTHING;
    return this.#lastFields;
  }
  #lastDescription: Uint8Array = new Uint8Array(0);
  #lastFields: readonly FieldDescription[] = NO_FIELDS;

  /** Answer to our own Describe of a portal that is not one known portal. */
  #ownFields: readonly FieldDescription[] | null = null;

  /** A result begins: decides whether its rows are looked at. */
  #startRows(item: Pending, fields: readonly FieldDescription[]): void {
    const { masking, database } = this.#state.deps;
    this.#rowsOf = item;
    if (!masking) return;
    const taint = item.run?.output ?? CLEAN;
    this.#rows = masking.forResult(fields, taint, database.catalog);
    this.#streamRows(this.#rows === null);
  }

  /** The first row of an Execute: its fields were described before. */
  #startExecute(item: Pending): void {
    const { portal, statement } = item;
    if (!this.#state.deps.masking) {
      this.#rowsOf = item;
      return;
    }
    const fields = portal?.fields ?? this.#ownFields ?? statement?.fields;
    this.#ownFields = null;
    if (!fields) {
      throw new CountersignError(
        'PG_ROWS_NOT_DESCRIBED',
        'rows came whose columns are not known, so they cannot be masked',
      );
    }
    this.#startRows(item, withFormats(fields, portal));
  }

  #maskRow(masker: RowMasker): void {
    const { bytes, bodyStart, end } = this.#scanner;
    const length = masker.measure(bytes, bodyStart, end);
    if (length === -1) {
      this.#passRow();
      return;
    }
    const { block, offset } = this.#out.reserve(5 + length);
    block[offset] = backend.DataRow;
    writeLength(block, offset + 1, 4 + length);
    masker.write(block, offset + 5);
    this.#record.add(block, offset, offset + 5 + length);
  }

  /** A row that is not changed: in place where it follows on, else copied, since a piece for each row is dearer. */
  #passRow(): void {
    const { bytes, start, end } = this.#scanner;
    if (bytes === this.#chunk && this.#out.continues(bytes, start)) this.#pass();
    else this.#copyOut(bytes, start, end);
  }

  #copyOut(bytes: Uint8Array, start: number, end: number): void {
    const { block, offset } = this.#out.reserve(end - start);
    copyBytes(bytes, start, end, block, offset);
    this.#record.add(block, offset, offset + end - start);
  }

  #completed(tag: string | null): void {
    if (tag === 'BEGIN' && this.#head()?.run?.substitute?.opensBlock) {
      this.#pass();
      return;
    }
    const { head, run } = this.#running();
    if (tag !== null && run.rows === 0) run.rows = rowsOfTag(tag);
    this.#takeCounts(run);
    run.result++;
    if (head.kind === PENDING.execute) {
      this.#state.pending.shift();
      this.#finishRun(run, head.exchange);
    } else if (head.kind !== PENDING.query) {
      throw desync(this.#scanner.type);
    }
    this.#state.copyIn = -1;
    this.#pass();
  }

  #takeCounts(run: Run): void {
    const masker = this.#rows ?? this.#copy;
    if (masker) {
      for (const [entity, count] of Object.entries(masker.counts)) {
        if (count > 0) {
          run.masked ??= {};
          run.masked[entity] = (run.masked[entity] ?? 0) + count;
        }
      }
      addMaskedColumns(run, masker.maskedColumns);
    }
    this.#rows = null;
    this.#copy = null;
    this.#rowsOf = null;
    this.#streamRows(this.#state.deps.masking === null);
  }

  #finishRun(run: Run, exchange: number): void {
    if (run.done) return;
    run.done = true;
    const state = this.#state;
    state.recordRun(run, exchange);
    const { classification } = run.statement;
    if (run.decision.effect === 'deny') return;
    if (run.error === null) this.#state.applyNames(run);
    else if (classification.names.some((name) => name.kind === 'set')) state.settings.failed();
    const { flags } = classification.effects;
    if (flags.includes('ddl') || flags.includes('code-execution') || classification.effects.class === 'unknown') {
      state.catalogTouched = true;
    }
  }

  // ---- errors and messages beside the answers --------------------------------------------------------

  #error(): void {
    const state = this.#state;
    const { bytes, bodyStart, end } = this.#scanner;
    const head = this.#head();
    const fields = readErrorFields(bytes, bodyStart, end);
    const summary = summarizeError(fields);
    const run = head?.run ?? null;
    const last = isLast(summary);
    if (last) state.toldEnd = true;
    if (last || !head) {
      this.#maskedFields('ErrorResponse', fields, head);
      return;
    }
    state.copyIn = -1;
    if (run) {
      this.#takeCounts(run);
      run.error = run.substitute?.sqlstate ?? summary.sqlstate;
    }
    if (run?.substitute) this.#add(run.substitute.message, 0, run.substitute.message.length);
    else this.#maskedFields('ErrorResponse', fields, head);
    if (head.kind === PENDING.query || head.kind === PENDING.functionCall) return;
    this.#skipToSync();
  }

  /** The server skips what was sent up to the next Sync: none of it took effect. */
  #skipToSync(): void {
    const { pending, statements, portals } = this.#state;
    for (let item = pending.peek(); item; item = pending.peek()) {
      if (item.kind === PENDING.sync) return;
      // What the client sends up to its own Sync is still skipped, here and not by the server.
      if (item.kind === PENDING.own) break;
      pending.shift();
      if (item.kind === PENDING.parse) statements.fail(item.name, item.ticket);
      if (item.kind === PENDING.bind) portals.fail(item.name, item.ticket);
      // Nobody has described it after all.
      if (item.statement?.fields === null) item.statement.fields = undefined;
      if (item.portal?.fields === null) item.portal.fields = undefined;
      if (item.run && item.kind !== PENDING.ownDescribe && item.run.error !== null) {
        this.#finishRun(item.run, item.exchange);
      }
    }
    this.#state.skipping = true;
    this.#relieved();
  }

  #notice(): void {
    const { bytes, bodyStart, end } = this.#scanner;
    if (!this.#state.deps.masking) {
      this.#pass();
      return;
    }
    this.#maskedFields('NoticeResponse', readErrorFields(bytes, bodyStart, end), this.#state.pending.peek());
  }

  /** Error texts quote values: the same masking as for rows applies. */
  #maskedFields(
    kind: 'ErrorResponse' | 'NoticeResponse',
    fields: readonly ErrorField[],
    of: Pending | undefined,
  ): void {
    const { masking } = this.#state.deps;
    if (!masking) {
      this.#pass();
      return;
    }
    const run = of?.run ?? null;
    const taint = run?.output ?? CLEAN;
    const sent = run?.statement.text ?? '';
    const kept = withoutTokens(fields, of);
    let changed = kept !== fields;
    const rewritten = kept.map((field) => {
      if (!TEXT_FIELDS.has(field.type)) return field;
      const { text, counts } = masking.text(field.value, taint, sent);
      if (text === field.value) return field;
      changed = true;
      if (run) {
        run.masked ??= {};
        for (const [entity, count] of Object.entries(counts)) {
          run.masked[entity] = (run.masked[entity] ?? 0) + count;
        }
      }
      return { type: field.type, value: text };
    });
    if (!changed) {
      this.#pass();
      return;
    }
    const message = writeErrorFields(kind, rewritten);
    this.#add(message, 0, message.length);
  }

  #notification(): void {
    const { masking } = this.#state.deps;
    if (!masking) {
      this.#aside(() => this.#pass());
      return;
    }
    const { bytes, bodyStart, end } = this.#scanner;
    const { pid, channel, payload } = readNotification(bytes, bodyStart, end);
    const { text } = masking.text(payload, CLEAN, '');
    if (text === payload) {
      this.#aside(() => this.#pass());
      return;
    }
    const message = writeNotificationResponse(pid, channel, text);
    this.#aside(() => this.#add(message, 0, message.length));
  }

  /** A message that answers nothing: between exchanges it is one of its own. */
  #aside(add: () => void): void {
    const state = this.#state;
    const between = state.pending.size === 0 && state.downExchange === state.upExchange;
    if (!between) {
      add();
      return;
    }
    this.#flushRecord();
    state.deps.recorder.request(state.downExchange, NOTHING);
    add();
    this.#flushRecord();
    state.deps.recorder.end(state.downExchange);
    state.upExchange++;
    state.downExchange++;
  }

  #parameterStatus(): void {
    const { bytes, bodyStart, end } = this.#scanner;
    const { name, value } = readParameterStatus(bytes, bodyStart, end);
    this.#toldStatus(name, value, null);
  }

  /** @param message null: the present one. */
  #toldStatus(name: string, value: string, message: Uint8Array | null): void {
    const { connection, recorder } = this.#state.deps;
    const pinned = PINNED.get(name.toLowerCase());
    if (pinned !== undefined && value.toUpperCase() !== pinned) {
      if (connection.mode === 'enforce') {
        throw new CountersignError(
          'PG_PINNED_SETTING',
          `the server reports ${name} = ${value}, under which statements cannot be understood safely; the session ends`,
        );
      }
      recorder.event('pinned-setting-changed', { name, value });
    }
    this.#state.settings.reported(name, value);
    if (name === 'role') this.#state.settings.role = value;
    this.#told.set(name, value);
    this.#aside(() => (message === null ? this.#pass() : this.#add(message, 0, message.length)));
  }

  // ---- COPY and function calls ------------------------------------------------------------------------

  #copyInStarted(): void {
    const state = this.#state;
    const { head } = this.#running();
    state.copyIn = head.exchange;
    // The server ignores the Syncs that came before the end of the data.
    let ended = false;
    state.pending.filter((item, index) => {
      if (index === 0) return true;
      if (item.kind === PENDING.copyEnd) ended = true;
      return ended || item.kind !== PENDING.sync;
    });
    this.#pass();
  }

  #copyOutStarted(): void {
    const { bytes, bodyStart, end } = this.#scanner;
    const { head, run } = this.#running();
    const response = readCopyResponse(bytes, bodyStart, end);
    const { masking, database } = this.#state.deps;
    const classification = head.statement?.classification;
    const shape = classification?.copy ?? null;
    if (masking && !shape && response.format === 'text') {
      throw new CountersignError(
        'PG_COPY_UNKNOWN',
        'the options of this COPY are not known, so its rows cannot be masked; send it as a statement of its own',
      );
    }
    if (masking) {
      this.#copy = masking.forCopyOut(
        {
          ...(shape && response.format === 'text' ? shape : BINARY_COPY),
          columns: response.columnFormats.length,
        },
        run.output,
        database.catalog,
      );
    }
    this.#scanner.streamed[backend.CopyData] = this.#copy ? 0 : 1;
    this.#pass();
  }

  #copyData(): void {
    if (!this.#copy) {
      this.#pass();
      return;
    }
    const { bytes, bodyStart, end } = this.#scanner;
    const row = bytes.subarray(bodyStart, end);
    const masked = this.#copy.data(row);
    if (masked.length === 1 && masked[0] === row) this.#passRow();
    else this.#emitCopy(masked);
  }

  #copyOutDone(): void {
    if (this.#copy) this.#emitCopy(this.#copy.end());
    this.#scanner.streamed[backend.CopyData] = 1;
    this.#pass();
  }

  #emitCopy(payloads: readonly Uint8Array[]): void {
    for (const payload of payloads) {
      const size = 5 + payload.length;
      const { block, offset } = this.#out.reserve(size);
      block[offset] = backend.CopyData;
      writeLength(block, offset + 1, 4 + payload.length);
      copyBytes(payload, 0, payload.length, block, offset + 5);
      this.#record.add(block, offset, offset + size);
    }
  }

  #functionResult(): void {
    const { head, run } = this.#running();
    if (head.kind !== PENDING.functionCall) throw desync(this.#scanner.type);
    run.rows = 1;
    if (this.#state.deps.masking && run.output.all.length > 0) {
      // The value may hold what is tagged and its type is not known: NULL takes its place.
      const message = writeMessage(backend.FunctionCallResponse, new Uint8Array([255, 255, 255, 255]));
      run.masked = { CUSTOM: 1 };
      this.#add(message, 0, message.length);
      return;
    }
    this.#pass();
  }

  // ---- the end of an exchange ---------------------------------------------------------------------------

  #ready(): void {
    const state = this.#state;
    const { bytes, bodyStart, end } = this.#scanner;
    const status = readReadyForQuery(bytes, bodyStart, end);
    const head = this.#expect(PENDING.query, PENDING.sync, PENDING.functionCall);
    state.transaction = status === 'idle' ? 'idle' : status === 'failed' ? 'failed' : 'in-transaction';
    if (head.run) {
      this.#takeCounts(head.run);
      this.#finishRun(head.run, head.exchange);
    }
    state.copyIn = -1;
    this.#pass();
    // Usually the read ends here: the client is answered before anything is recorded.
    if (end === this.#chunk.length) this.#send();
    this.#flushRecord();
    for (let exchange = state.downExchange; exchange <= head.exchange; exchange++) state.deps.recorder.end(exchange);
    state.downExchange = head.exchange + 1;
    if (status === 'idle') {
      state.settings.transactionEnded();
      if (state.catalogTouched) {
        state.catalogTouched = false;
        state.deps.database.invalidate();
      }
      if (state.pending.size === 0) {
        state.forgetPortals();
        state.copied.settled(state.deps.database.catalog);
      }
    }
    this.#relieved();
  }
}

/** Fields of an ErrorResponse that may quote values: message, detail, hint, context, internal query. */
const TEXT_FIELDS = new Set(['M', 'D', 'H', 'W', 'q']);
const NOTHING = new Uint8Array(0);
const NO_FIELDS: readonly FieldDescription[] = [];
/** Longer descriptions are read each time. */
const KEPT_DESCRIPTION = 16 * 1024;

/** A binary stream has no options; the server says that it is one. */
const BINARY_COPY = { format: 'binary', header: false, delimiter: '', null: '', quote: '', escape: '' } as const;

/** Settings under which a text means something else than what the parser reads. */
const PINNED = new Map([
  ['standard_conforming_strings', 'ON'],
  ['client_encoding', 'UTF8'],
]);

/** Of a statement, or a Bind, that holds values in place of tokens: nothing that may quote them. */
function withoutTokens(fields: readonly ErrorField[], of: Pending | undefined): readonly ErrorField[] {
  const put = of?.run?.tokens ?? of?.portal?.tokens;
  return put && typeof put !== 'string' && !of?.run?.substitute ? withoutValues(fields, put) : fields;
}

function isLast({ severity }: ErrorSummary): boolean {
  return severity === 'FATAL' || severity === 'PANIC';
}

function withFormats(fields: readonly FieldDescription[], portal: PortalInfo | null): readonly FieldDescription[] {
  if (!portal || portal.fields) return fields;
  return fields.map((field, i) => ({ ...field, format: formatAt(portal.resultFormats, i) }));
}

function writeLength(bytes: Uint8Array, at: number, length: number): void {
  bytes[at] = length >>> 24;
  bytes[at + 1] = length >>> 16;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length;
}

function desync(type: number): CountersignError {
  const name = messageName('backend', type);
  return new CountersignError('PG_SERVER_DESYNC', `the server sent ${name} where nothing of the kind was awaited`);
}
