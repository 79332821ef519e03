import type { FieldDescription } from '../ports.ts';
import { authentication, type TransactionStatus } from './messages.ts';
import { decodeLenient, malformed, Reader } from './reader.ts';

/**
 * Readers of what a server sends. Each takes the body of one message, bytes[start, end) (after the
 * length), and throws PG_MESSAGE_MALFORMED where it is not exactly that message.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

export type AuthenticationMessage =
  | { kind: 'Ok' }
  | { kind: 'CleartextPassword' }
  | { kind: 'MD5Password'; salt: Uint8Array }
  | { kind: 'SASL'; mechanisms: string[] }
  | { kind: 'SASLContinue'; data: Uint8Array }
  | { kind: 'SASLFinal'; data: Uint8Array }
  /** GSS, SSPI, Kerberos or what is not known. */
  | { kind: 'Other'; code: number };

export function readAuthentication(bytes: Uint8Array, start: number, end: number): AuthenticationMessage {
  const reader = new Reader(bytes, start, end);
  const code = reader.int32();
  switch (code) {
    case authentication.Ok:
      reader.finish();
      return { kind: 'Ok' };
    case authentication.CleartextPassword:
      reader.finish();
      return { kind: 'CleartextPassword' };
    case authentication.MD5Password: {
      const salt = reader.take(4).slice();
      reader.finish();
      return { kind: 'MD5Password', salt };
    }
    case authentication.SASL: {
      const mechanisms: string[] = [];
      for (let name = reader.cstring(); name !== ''; name = reader.cstring()) mechanisms.push(name);
      reader.finish();
      return { kind: 'SASL', mechanisms };
    }
    case authentication.SASLContinue:
      return { kind: 'SASLContinue', data: reader.take(reader.remaining).slice() };
    case authentication.SASLFinal:
      return { kind: 'SASLFinal', data: reader.take(reader.remaining).slice() };
    default:
      return { kind: 'Other', code };
  }
}

export function readRowDescription(bytes: Uint8Array, start: number, end: number): FieldDescription[] {
  const reader = new Reader(bytes, start, end);
  const count = reader.uint16();
  // Name's NUL and six numbers.
  if (reader.remaining < count * 19) throw malformed('fewer fields than announced');
  const fields: FieldDescription[] = [];
  for (let i = 0; i < count; i++) {
    const name = reader.cstring();
    const tableOid = reader.uint32();
    const columnNumber = reader.int16();
    const typeOid = reader.uint32();
    reader.int16(); // type length
    const typeModifier = reader.int32();
    const format = reader.int16() === 1 ? 'binary' : 'text';
    fields.push({ name, tableOid, columnNumber, typeOid, typeModifier, format });
  }
  reader.finish();
  return fields;
}

export function readParameterDescription(bytes: Uint8Array, start: number, end: number): number[] {
  const reader = new Reader(bytes, start, end);
  const count = reader.uint16();
  if (reader.remaining !== count * 4) throw malformed('another number of types than announced');
  const types: number[] = [];
  for (let i = 0; i < count; i++) types.push(reader.uint32());
  return types;
}

/**
 * Iterates the values of DataRow bodies without an object a value; one cursor serves a whole result.
 *
 *   cursor.reset(bytes, start, end);
 *   while (cursor.next()) { cursor.index, cursor.start, cursor.length }
 *
 * The cursor checks that the values fill the body exactly.
 */
export class DataRowCursor {
  /** Number of values. */
  columns = 0;
  /** Position of the present value, from 0. */
  index = -1;
  /** The value lies at bytes[start, start + length); length -1 is NULL. */
  start = 0;
  length = -1;
  #bytes: Uint8Array = new Uint8Array(0);
  #next = 0;
  #end = 0;

  reset(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < 2) throw malformed('a row ends too early');
    this.#bytes = bytes;
    this.columns = (bytes[start]! << 8) | bytes[start + 1]!;
    this.index = -1;
    this.#next = start + 2;
    this.#end = end;
  }

  next(): boolean {
    if (++this.index >= this.columns) {
      if (this.#next !== this.#end) throw malformed('bytes follow the last value of a row');
      return false;
    }
    const b = this.#bytes;
    const at = this.#next;
    if (this.#end - at < 4) throw malformed('a row ends too early');
    const length = (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!;
    if (length < -1 || length > this.#end - at - 4) throw malformed('a value is longer than its row');
    this.start = at + 4;
    this.length = length;
    this.#next = at + 4 + (length > 0 ? length : 0);
    return true;
  }
}

/** The command tag, such as "UPDATE 3". */
export function readCommandComplete(bytes: Uint8Array, start: number, end: number): string {
  const reader = new Reader(bytes, start, end);
  const tag = reader.cstring();
  reader.finish();
  return tag;
}

/** Rows a command tag speaks of ("INSERT 0 5", "SELECT 2", "COPY 7"); 0 where it names none. */
export function rowsOfTag(tag: string): number {
  const match = / (\d{1,15})$/.exec(tag);
  return match ? Number(match[1]) : 0;
}

export interface ErrorField {
  /** The field's identifying character, such as 'M'. */
  type: string;
  value: string;
}

/** Fields in the order of the message. Meanings: protocol-error-fields.html. */
export function readErrorFields(bytes: Uint8Array, start: number, end: number): ErrorField[] {
  const reader = new Reader(bytes, start, end);
  const fields: ErrorField[] = [];
  for (let type = reader.uint8(); type !== 0; type = reader.uint8()) {
    fields.push({ type: String.fromCharCode(type), value: reader.cstring() });
  }
  reader.finish();
  return fields;
}

export interface ErrorSummary {
  severity: string;
  sqlstate: string;
  message: string;
}

/** What is told of an ErrorResponse or NoticeResponse where the rest does not matter. */
export function summarizeError(fields: readonly ErrorField[]): ErrorSummary {
  const value = (type: string) => fields.find((field) => field.type === type)?.value;
  return {
    severity: value('V') ?? value('S') ?? 'ERROR',
    sqlstate: value('C') ?? 'XX000',
    message: value('M') ?? '',
  };
}

export interface Notification {
  pid: number;
  channel: string;
  payload: string;
}

export function readNotification(bytes: Uint8Array, start: number, end: number): Notification {
  const reader = new Reader(bytes, start, end);
  const pid = reader.int32();
  const channel = reader.cstring();
  const payload = reader.cstring();
  reader.finish();
  return { pid, channel, payload };
}

export interface ParameterStatus {
  name: string;
  value: string;
}

export function readParameterStatus(bytes: Uint8Array, start: number, end: number): ParameterStatus {
  const reader = new Reader(bytes, start, end);
  const name = reader.cstring();
  const value = reader.cstring();
  reader.finish();
  return { name, value };
}

export interface BackendKey {
  pid: number;
  /** 4 bytes in protocol 3.0; 4 to 256 in 3.2. */
  secret: Uint8Array;
}

export function readBackendKeyData(bytes: Uint8Array, start: number, end: number): BackendKey {
  const reader = new Reader(bytes, start, end);
  const pid = reader.int32();
  if (reader.remaining < 4 || reader.remaining > 256) throw malformed('a cancellation key has 4 to 256 bytes');
  return { pid, secret: reader.take(reader.remaining).slice() };
}

export function readReadyForQuery(bytes: Uint8Array, start: number, end: number): TransactionStatus {
  const reader = new Reader(bytes, start, end);
  const status = reader.uint8();
  reader.finish();
  switch (status) {
    case 0x49:
      return 'idle';
    case 0x54:
      return 'transaction';
    case 0x45:
      return 'failed';
    default:
      throw malformed('the transaction status is none that is known');
  }
}

export interface CopyResponse {
  format: 'text' | 'binary';
  columnFormats: ('text' | 'binary')[];
}

/** CopyInResponse, CopyOutResponse, CopyBothResponse. */
export function readCopyResponse(bytes: Uint8Array, start: number, end: number): CopyResponse {
  const reader = new Reader(bytes, start, end);
  const format = reader.uint8() === 1 ? 'binary' : 'text';
  const count = reader.uint16();
  if (reader.remaining !== count * 2) throw malformed('another number of format codes than announced');
  const columnFormats: ('text' | 'binary')[] = [];
  for (let i = 0; i < count; i++) columnFormats.push(reader.int16() === 1 ? 'binary' : 'text');
  return { format, columnFormats };
}

/** The returned value, or null. A view, not a copy. */
export function readFunctionCallResponse(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
  const reader = new Reader(bytes, start, end);
  const length = reader.int32();
  if (length < -1) throw malformed('a value has a negative length');
  const value = length === -1 ? null : reader.take(length);
  reader.finish();
  return value;
}

export interface ProtocolNegotiation {
  /** Newest minor version of protocol 3 that the server speaks. */
  minor: number;
  unsupported: string[];
}

/** The version is a minor number in older servers and a whole version (196608 + minor) in newer ones. */
export function readNegotiateProtocolVersion(bytes: Uint8Array, start: number, end: number): ProtocolNegotiation {
  const reader = new Reader(bytes, start, end);
  const version = reader.uint32();
  const count = reader.uint32();
  if (count > reader.remaining) throw malformed('fewer options than announced');
  const unsupported: string[] = [];
  for (let i = 0; i < count; i++) unsupported.push(reader.cstring());
  reader.finish();
  return { minor: version & 0xffff, unsupported };
}

/** A value of a row as text. */
export function fieldText(bytes: Uint8Array, start: number, length: number): string | null {
  return length === -1 ? null : decodeLenient(bytes.subarray(start, start + length));
}
