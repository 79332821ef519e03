import { CountersignError, isCountersignError } from '../../../contract/errors.ts';
import {
  DataRowCursor,
  fieldText,
  readCommandComplete,
  readErrorFields,
  readRowDescription,
} from '../codec/backend.ts';
import { FrameScanner } from '../codec/frame-scanner.ts';
import { backendLimits } from '../codec/limits.ts';
import { backend } from '../codec/messages.ts';
import {
  writeBind,
  writeDescribe,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
  writeTerminate,
} from '../codec/write-frontend.ts';
import { UpstreamRefusal } from '../handshake/upstream-error.ts';
import { connectUpstream, type Upstream, type UpstreamRequest } from './upstream.ts';

export interface SimpleResult {
  columns: string[];
  /** As text; null is NULL. */
  rows: (string | null)[][];
  tag: string;
}

export interface SimpleQueryOptions {
  /** For the answer to arrive; the connection is closed when it passes. Default 10,000. */
  timeoutMs?: number;
  /** Over all results. Default 100,000. */
  maxRows?: number;
  /** Of received rows. Default 16 MiB. */
  maxBytes?: number;
}

/** The gateway's own small client: one query at a time, results as text. */
export interface SimpleClient {
  /**
   * Runs one or many statements (simple protocol); one result for each. Rejects with UpstreamRefusal
   * (the connection stays usable), or PG_CLIENT_RESULT_TOO_LARGE, PG_CLIENT_TIMEOUT, PG_CLIENT_CLOSED,
   * PG_MESSAGE_* (the connection is closed then).
   */
  query(sql: string, options?: SimpleQueryOptions): Promise<SimpleResult[]>;
  /**
   * Runs exactly one statement (extended protocol: a second one in the text is a syntax error), with
   * parameters as text. Rejects like query.
   */
  execute(
    sql: string,
    parameters?: readonly (string | null)[],
    parameterTypes?: readonly number[],
    options?: SimpleQueryOptions,
  ): Promise<SimpleResult>;
  /** Parses one statement under a name, which SQL's EXECUTE knows too; nothing runs. Rejects like query. */
  prepare(name: string, sql: string, parameterTypes?: readonly number[], options?: SimpleQueryOptions): Promise<void>;
  /** As the server told it at the start. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly tls: boolean;
  readonly authMethod: Upstream['authMethod'];
  readonly closed: boolean;
  /** Idempotent. */
  close(): void;
}

const utf8 = new TextEncoder();
const LARGEST_MESSAGE = 16 * 1024 * 1024;

interface Running {
  results: SimpleResult[];
  present: SimpleResult;
  rows: number;
  bytes: number;
  maxRows: number;
  maxBytes: number;
  refusal: UpstreamRefusal | null;
  resolve(results: SimpleResult[]): void;
  reject(error: CountersignError): void;
}

const emptyResult = (): SimpleResult => ({ columns: [], rows: [], tag: '' });

class Client implements SimpleClient {
  readonly parameters: ReadonlyMap<string, string>;
  readonly tls: boolean;
  readonly authMethod: Upstream['authMethod'];
  closed = false;
  readonly #upstream: Upstream;
  readonly #scanner = new FrameScanner('backend', backendLimits(LARGEST_MESSAGE));
  readonly #cursor = new DataRowCursor();
  #running: Running | null = null;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
    this.parameters = upstream.parameters;
    this.tls = upstream.tls;
    this.authMethod = upstream.authMethod;
    const gone = () => this.#end(new CountersignError('PG_CLIENT_CLOSED', 'the server closed the connection'));
    upstream.socket
      .on('data', (bytes: Buffer) => this.#receive(bytes))
      .on('error', gone)
      .on('close', gone);
    if (upstream.leftover.length > 0) this.#receive(upstream.leftover);
    upstream.socket.resume();
  }

  query(sql: string, options: SimpleQueryOptions = {}): Promise<SimpleResult[]> {
    return this.#run([writeQuery(sql)], options);
  }

  async execute(
    sql: string,
    parameters: readonly (string | null)[] = [],
    parameterTypes: readonly number[] = [],
    options: SimpleQueryOptions = {},
  ): Promise<SimpleResult> {
    const values = parameters.map((value) => (value === null ? null : utf8.encode(value)));
    const messages = [
      writeParse('', sql, parameterTypes),
      writeBind('', '', values),
      writeDescribe('portal', ''),
      writeExecute(''),
      writeSync(),
    ];
    const results = await this.#run(messages, options);
    return results[0] ?? emptyResult();
  }

  async prepare(
    name: string,
    sql: string,
    parameterTypes: readonly number[] = [],
    options: SimpleQueryOptions = {},
  ): Promise<void> {
    await this.#run([writeParse(name, sql, parameterTypes), writeSync()], options);
  }

  close(): void {
    if (this.closed) return;
    this.#upstream.socket.end(writeTerminate());
    this.#end(new CountersignError('PG_CLIENT_CLOSED', 'the connection was closed'));
  }

  async #run(messages: readonly Uint8Array[], options: SimpleQueryOptions): Promise<SimpleResult[]> {
    if (this.closed) throw new CountersignError('PG_CLIENT_CLOSED', 'the connection is closed');
    if (this.#running) throw new CountersignError('PG_CLIENT_BUSY', 'another query runs on this connection');
    const { promise, resolve, reject } = Promise.withResolvers<SimpleResult[]>();
    this.#running = {
      results: [],
      present: emptyResult(),
      rows: 0,
      bytes: 0,
      maxRows: options.maxRows ?? 100_000,
      maxBytes: options.maxBytes ?? 16 * 1024 * 1024,
      refusal: null,
      resolve,
      reject,
    };
    const timeoutMs = options.timeoutMs ?? 10_000;
    const timer = setTimeout(() => {
      this.#end(new CountersignError('PG_CLIENT_TIMEOUT', `no answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    for (const message of messages) this.#upstream.socket.write(message);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The connection is not used any more. */
  #end(error: CountersignError): void {
    this.closed = true;
    const running = this.#running;
    this.#running = null;
    running?.reject(error);
    // After close(), Terminate is still on its way.
    if (this.#upstream.socket.writableEnded) this.#upstream.socket.destroySoon();
    else this.#upstream.socket.destroy();
  }

  #receive(bytes: Uint8Array): void {
    if (this.closed) return;
    try {
      this.#scanner.feed(bytes);
      while (!this.closed && this.#scanner.next()) this.#message();
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      this.#end(error);
    }
  }

  #message(): void {
    const { type, bytes, bodyStart, end } = this.#scanner;
    const running = this.#running;
    // Notices, notifications and changed parameters may come at any time.
    if (!running) return;
    switch (type) {
      case backend.RowDescription:
        running.present.columns = readRowDescription(bytes, bodyStart, end).map((field) => field.name);
        break;
      case backend.DataRow:
        this.#row(running, bytes, bodyStart, end);
        break;
      case backend.CommandComplete:
        running.present.tag = readCommandComplete(bytes, bodyStart, end);
        running.results.push(running.present);
        running.present = emptyResult();
        break;
      case backend.ErrorResponse:
        running.refusal ??= new UpstreamRefusal(readErrorFields(bytes, bodyStart, end));
        break;
      case backend.ReadyForQuery:
        this.#running = null;
        if (running.refusal) running.reject(running.refusal);
        else running.resolve(running.results);
        break;
      case backend.CopyInResponse:
      case backend.CopyOutResponse:
      case backend.CopyBothResponse:
        this.#end(new CountersignError('PG_CLIENT_UNSUPPORTED', 'COPY is not for this client'));
        break;
    }
  }

  #row(running: Running, bytes: Uint8Array, start: number, end: number): void {
    running.bytes += end - start;
    running.rows++;
    if (running.rows > running.maxRows || running.bytes > running.maxBytes) {
      this.#end(
        new CountersignError(
          'PG_CLIENT_RESULT_TOO_LARGE',
          `the result is above its limit of ${running.maxRows} rows or ${running.maxBytes} bytes`,
        ),
      );
      return;
    }
    const cursor = this.#cursor;
    const row: (string | null)[] = [];
    cursor.reset(bytes, start, end);
    while (cursor.next()) row.push(fieldText(bytes, cursor.start, cursor.length));
    running.present.rows.push(row);
  }
}

/** Connects as connectUpstream does, and rejects as it does. */
export async function connectSimpleClient(request: UpstreamRequest): Promise<SimpleClient> {
  return new Client(await connectUpstream(request));
}

/** A string constant, whatever standard_conforming_strings says. */
export function quoteLiteral(text: string): string {
  const escaped = text.replaceAll('\0', '').replaceAll("'", "''");
  return escaped.includes('\\') ? ` E'${escaped.replaceAll('\\', '\\\\')}'` : `'${escaped}'`;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('\0', '').replaceAll('"', '""')}"`;
}
