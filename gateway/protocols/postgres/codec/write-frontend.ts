import { frontend } from './messages.ts';
import { MessageWriter } from './writer.ts';

/**
 * Writers of what the gateway says to a server as its client. Each returns one whole message.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

function bare(type: number): Uint8Array {
  return new MessageWriter(5).begin(type).end().finish();
}

export function writeQuery(sql: string): Uint8Array {
  return new MessageWriter(sql.length + 16).begin(frontend.Query).cstring(sql).end().finish();
}

export function writeParse(statement: string, sql: string, parameterTypes: readonly number[] = []): Uint8Array {
  const writer = new MessageWriter(sql.length + 32).begin(frontend.Parse).cstring(statement).cstring(sql);
  writer.int16(parameterTypes.length);
  for (const oid of parameterTypes) writer.int32(oid);
  return writer.end().finish();
}

/** Parameters in text format; null is NULL. Results are asked for in text. */
export function writeBind(portal: string, statement: string, parameters: readonly (Uint8Array | null)[]): Uint8Array {
  const writer = new MessageWriter(128).begin(frontend.Bind).cstring(portal).cstring(statement).int16(0);
  writer.int16(parameters.length);
  for (const value of parameters) {
    if (value === null) writer.int32(-1);
    else writer.int32(value.length).bytes(value);
  }
  return writer.int16(0).end().finish();
}

function target(type: number, kind: 'statement' | 'portal', name: string): Uint8Array {
  return new MessageWriter()
    .begin(type)
    .uint8(kind === 'statement' ? 0x53 : 0x50)
    .cstring(name)
    .end()
    .finish();
}

export function writeDescribe(kind: 'statement' | 'portal', name: string): Uint8Array {
  return target(frontend.Describe, kind, name);
}

export function writeClose(kind: 'statement' | 'portal', name: string): Uint8Array {
  return target(frontend.Close, kind, name);
}

/** @param maxRows 0: no limit. */
export function writeExecute(portal: string, maxRows = 0): Uint8Array {
  return new MessageWriter().begin(frontend.Execute).cstring(portal).int32(maxRows).end().finish();
}

export const writeSync = (): Uint8Array => bare(frontend.Sync);
export const writeTerminate = (): Uint8Array => bare(frontend.Terminate);
export const writeCopyDone = (): Uint8Array => bare(frontend.CopyDone);

export function writeCopyFail(reason: string): Uint8Array {
  return new MessageWriter().begin(frontend.CopyFail).cstring(reason).end().finish();
}

/** @param password without its NUL. */
export function writePassword(password: string): Uint8Array {
  return new MessageWriter().begin(frontend.Password).cstring(password).end().finish();
}

export function writeSaslInitialResponse(mechanism: string, response: Uint8Array): Uint8Array {
  const writer = new MessageWriter(128).begin(frontend.Password).cstring(mechanism);
  return writer.int32(response.length).bytes(response).end().finish();
}

export function writeSaslResponse(response: Uint8Array): Uint8Array {
  return new MessageWriter(128).begin(frontend.Password).bytes(response).end().finish();
}
