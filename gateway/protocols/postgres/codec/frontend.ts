import { decodeLenient, decodeStrict, malformed, Reader } from './reader.ts';

/**
 * Readers of what a client sends. Each takes the body of one message, bytes[start, end) (after the
 * length), and throws PG_MESSAGE_MALFORMED where it is not exactly that message.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

/** SQL as text. `lossless` is false where the bytes are not UTF-8: the server would not see this text. */
export interface SqlText {
  text: string;
  lossless: boolean;
}

function sqlText(reader: Reader): SqlText {
  const bytes = reader.cstringBytes();
  const text = decodeStrict(bytes);
  return text === null ? { text: decodeLenient(bytes), lossless: false } : { text, lossless: true };
}

export function readQuery(bytes: Uint8Array, start: number, end: number): SqlText {
  const reader = new Reader(bytes, start, end);
  const sql = sqlText(reader);
  reader.finish();
  return sql;
}

export interface ParseMessage extends SqlText {
  /** '' is the unnamed statement. */
  statement: string;
  parameterTypes: number[];
}

export function readParse(bytes: Uint8Array, start: number, end: number): ParseMessage {
  const reader = new Reader(bytes, start, end);
  const statement = reader.cstring();
  const sql = sqlText(reader);
  const parameterTypes = oids(reader);
  reader.finish();
  return { statement, ...sql, parameterTypes };
}

function oids(reader: Reader): number[] {
  const count = reader.uint16();
  if (reader.remaining < count * 4) throw malformed('fewer types than announced');
  const types: number[] = [];
  for (let i = 0; i < count; i++) types.push(reader.uint32());
  return types;
}

function formatCodes(reader: Reader): number[] {
  const count = reader.uint16();
  if (reader.remaining < count * 2) throw malformed('fewer format codes than announced');
  const codes: number[] = [];
  for (let i = 0; i < count; i++) codes.push(reader.int16());
  return codes;
}

/** A value lies at bytes[start, start + length); length -1 is NULL. */
export interface ValueRange {
  start: number;
  length: number;
}

function values(reader: Reader): ValueRange[] {
  const count = reader.uint16();
  if (reader.remaining < count * 4) throw malformed('fewer values than announced');
  const ranges: ValueRange[] = [];
  for (let i = 0; i < count; i++) {
    const length = reader.int32();
    if (length < -1) throw malformed('a value has a negative length');
    ranges.push({ start: reader.skip(Math.max(length, 0)), length });
  }
  return ranges;
}

/** The format of value `index` by a list of codes: none means text, one holds for all. */
export function formatAt(codes: readonly number[], index: number): 'text' | 'binary' {
  const code = codes.length === 0 ? 0 : codes.length === 1 ? codes[0] : codes[index];
  return code === 1 ? 'binary' : 'text';
}

export interface BindMessage {
  portal: string;
  statement: string;
  parameterFormats: number[];
  /** Offsets into the bytes that were read. */
  parameters: ValueRange[];
  resultFormats: number[];
}

export function readBind(bytes: Uint8Array, start: number, end: number): BindMessage {
  const reader = new Reader(bytes, start, end);
  const portal = reader.cstring();
  const statement = reader.cstring();
  const parameterFormats = formatCodes(reader);
  const parameters = values(reader);
  if (parameterFormats.length > 1 && parameterFormats.length !== parameters.length) {
    throw malformed('as many format codes as parameters are expected');
  }
  const resultFormats = formatCodes(reader);
  reader.finish();
  return { portal, statement, parameterFormats, parameters, resultFormats };
}

/** What Bind names, without its values; checks the message as readBind does. */
export function readBindTarget(
  bytes: Uint8Array,
  start: number,
  end: number,
): Pick<BindMessage, 'portal' | 'statement' | 'resultFormats'> {
  const reader = new Reader(bytes, start, end);
  const portal = reader.cstring();
  const statement = reader.cstring();
  const formats = reader.uint16();
  if (reader.remaining < formats * 2) throw malformed('fewer format codes than announced');
  reader.skip(formats * 2);
  const count = reader.uint16();
  if (reader.remaining < count * 4) throw malformed('fewer values than announced');
  for (let i = 0; i < count; i++) {
    const length = reader.int32();
    if (length < -1) throw malformed('a value has a negative length');
    if (length > 0) reader.skip(length);
  }
  if (formats > 1 && formats !== count) throw malformed('as many format codes as parameters are expected');
  const resultFormats = formatCodes(reader);
  reader.finish();
  return { portal, statement, resultFormats };
}

export interface TargetMessage {
  kind: 'statement' | 'portal';
  name: string;
}

function target(bytes: Uint8Array, start: number, end: number): TargetMessage {
  const reader = new Reader(bytes, start, end);
  const kind = reader.uint8();
  if (kind !== 0x53 && kind !== 0x50) throw malformed('it names neither a statement nor a portal');
  const name = reader.cstring();
  reader.finish();
  return { kind: kind === 0x53 ? 'statement' : 'portal', name };
}

export function readDescribe(bytes: Uint8Array, start: number, end: number): TargetMessage {
  return target(bytes, start, end);
}

export function readClose(bytes: Uint8Array, start: number, end: number): TargetMessage {
  return target(bytes, start, end);
}

export interface ExecuteMessage {
  portal: string;
  /** 0: no limit. */
  maxRows: number;
}

export function readExecute(bytes: Uint8Array, start: number, end: number): ExecuteMessage {
  const reader = new Reader(bytes, start, end);
  const portal = reader.cstring();
  // The server takes a negative limit for none (PortalRun).
  const maxRows = Math.max(reader.int32(), 0);
  reader.finish();
  return { portal, maxRows };
}

export interface FunctionCallMessage {
  functionOid: number;
  argumentFormats: number[];
  /** Offsets into the bytes that were read. */
  arguments: ValueRange[];
  resultFormat: number;
}

export function readFunctionCall(bytes: Uint8Array, start: number, end: number): FunctionCallMessage {
  const reader = new Reader(bytes, start, end);
  const functionOid = reader.uint32();
  const argumentFormats = formatCodes(reader);
  const args = values(reader);
  if (argumentFormats.length > 1 && argumentFormats.length !== args.length) {
    throw malformed('as many format codes as arguments are expected');
  }
  const resultFormat = reader.int16();
  reader.finish();
  return { functionOid, argumentFormats, arguments: args, resultFormat };
}

/** The reason a client gives. */
export function readCopyFail(bytes: Uint8Array, start: number, end: number): string {
  const reader = new Reader(bytes, start, end);
  const reason = reader.cstring();
  reader.finish();
  return reason;
}

/** The password as sent, without its NUL. A view, not a copy. */
export function readPassword(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const reader = new Reader(bytes, start, end);
  const password = reader.cstringBytes();
  reader.finish();
  return password;
}

export interface SaslInitialResponse {
  mechanism: string;
  /** null: the client sent none (length -1). */
  response: Uint8Array | null;
}

export function readSaslInitialResponse(bytes: Uint8Array, start: number, end: number): SaslInitialResponse {
  const reader = new Reader(bytes, start, end);
  const mechanism = reader.cstring();
  const length = reader.int32();
  if (length < -1) throw malformed('a response has a negative length');
  const response = length === -1 ? null : reader.take(length);
  reader.finish();
  return { mechanism, response };
}
