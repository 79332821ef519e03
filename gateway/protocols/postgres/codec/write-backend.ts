import { CountersignError } from '../../../contract/errors.ts';
import type { FieldDescription } from '../ports.ts';
import { authentication, backend, type TransactionStatus } from './messages.ts';
import { MessageWriter } from './writer.ts';

/**
 * Writers of what the gateway says to a client as its server. Each returns one whole message.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

export interface ErrorFields {
  severity: 'ERROR' | 'FATAL' | 'PANIC' | 'WARNING' | 'NOTICE' | 'DEBUG' | 'INFO' | 'LOG';
  /** Five characters: errcodes-appendix.html. */
  sqlstate: string;
  message: string;
  detail?: string;
  hint?: string;
  /** Offset in characters into the statement, from 1. */
  position?: number;
}

function report(type: number, fields: ErrorFields): Uint8Array {
  const writer = new MessageWriter(256).begin(type);
  const put = (letter: string, value: string | undefined) => {
    // A zero byte would end the field and make its rest a field of the sender's choice.
    if (value !== undefined) writer.uint8(letter.charCodeAt(0)).cstring(value.replaceAll('\0', '\ufffd'));
  };
  put('S', fields.severity);
  put('V', fields.severity);
  put('C', fields.sqlstate);
  put('M', fields.message);
  put('D', fields.detail);
  put('H', fields.hint);
  put('P', fields.position?.toString());
  return writer.uint8(0).end().finish();
}

export function writeErrorResponse(fields: ErrorFields): Uint8Array {
  return report(backend.ErrorResponse, fields);
}

export function writeNoticeResponse(fields: ErrorFields): Uint8Array {
  return report(backend.NoticeResponse, fields);
}

/** Any fields in their order, for an error that was rewritten (masked). */
export function writeErrorFields(
  kind: 'ErrorResponse' | 'NoticeResponse',
  fields: readonly { type: string; value: string }[],
): Uint8Array {
  const writer = new MessageWriter(256).begin(backend[kind]);
  for (const { type, value } of fields) writer.uint8(type.charCodeAt(0)).cstring(value.replaceAll('\0', '\ufffd'));
  return writer.uint8(0).end().finish();
}

const statusBytes: Readonly<Record<TransactionStatus, number>> = { idle: 0x49, transaction: 0x54, failed: 0x45 };

export function writeReadyForQuery(status: TransactionStatus): Uint8Array {
  return new MessageWriter(6).begin(backend.ReadyForQuery).uint8(statusBytes[status]).end().finish();
}

export function writeAuthenticationOk(): Uint8Array {
  return new MessageWriter(9).begin(backend.Authentication).int32(authentication.Ok).end().finish();
}

export function writeAuthenticationCleartextPassword(): Uint8Array {
  return new MessageWriter(9).begin(backend.Authentication).int32(authentication.CleartextPassword).end().finish();
}

export function writeAuthenticationMd5Password(salt: Uint8Array): Uint8Array {
  return new MessageWriter(13)
    .begin(backend.Authentication)
    .int32(authentication.MD5Password)
    .bytes(salt)
    .end()
    .finish();
}

export function writeAuthenticationSasl(mechanisms: readonly string[]): Uint8Array {
  const writer = new MessageWriter().begin(backend.Authentication).int32(authentication.SASL);
  for (const mechanism of mechanisms) writer.cstring(mechanism);
  return writer.uint8(0).end().finish();
}

export function writeAuthenticationSaslContinue(data: Uint8Array): Uint8Array {
  return new MessageWriter()
    .begin(backend.Authentication)
    .int32(authentication.SASLContinue)
    .bytes(data)
    .end()
    .finish();
}

export function writeAuthenticationSaslFinal(data: Uint8Array): Uint8Array {
  return new MessageWriter().begin(backend.Authentication).int32(authentication.SASLFinal).bytes(data).end().finish();
}

export function writeParameterStatus(name: string, value: string): Uint8Array {
  return new MessageWriter().begin(backend.ParameterStatus).cstring(name).cstring(value).end().finish();
}

/** @param secret 4 bytes for protocol 3.0, 4 to 256 for 3.2. */
export function writeBackendKeyData(pid: number, secret: Uint8Array): Uint8Array {
  if (secret.length < 4 || secret.length > 256) {
    throw new CountersignError('PG_KEY_LENGTH', 'a cancellation key has 4 to 256 bytes');
  }
  return new MessageWriter().begin(backend.BackendKeyData).int32(pid).bytes(secret).end().finish();
}

/** @param version newest supported, such as protocolVersion.v3_2. */
export function writeNegotiateProtocolVersion(version: number, unsupported: readonly string[]): Uint8Array {
  const writer = new MessageWriter().begin(backend.NegotiateProtocolVersion).int32(version).int32(unsupported.length);
  for (const option of unsupported) writer.cstring(option);
  return writer.end().finish();
}

export function writeCommandComplete(tag: string): Uint8Array {
  return new MessageWriter().begin(backend.CommandComplete).cstring(tag).end().finish();
}

export function writeRowDescription(fields: readonly (FieldDescription & { typeLength?: number })[]): Uint8Array {
  const writer = new MessageWriter(256).begin(backend.RowDescription).int16(fields.length);
  for (const field of fields) {
    writer.cstring(field.name).int32(field.tableOid).int16(field.columnNumber).int32(field.typeOid);
    writer
      .int16(field.typeLength ?? -1)
      .int32(field.typeModifier)
      .int16(field.format === 'binary' ? 1 : 0);
  }
  return writer.end().finish();
}

export function writeDataRow(values: readonly (Uint8Array | null)[]): Uint8Array {
  const writer = new MessageWriter(256).begin(backend.DataRow).int16(values.length);
  for (const value of values) {
    if (value === null) writer.int32(-1);
    else writer.int32(value.length).bytes(value);
  }
  return writer.end().finish();
}

/** A message around a body that is given (a DataRow, CopyData or NotificationResponse that was rewritten). */
export function writeMessage(type: number, body: Uint8Array): Uint8Array {
  return new MessageWriter(body.length + 5).begin(type).bytes(body).end().finish();
}

export function writeNotificationResponse(pid: number, channel: string, payload: string): Uint8Array {
  return new MessageWriter()
    .begin(backend.NotificationResponse)
    .int32(pid)
    .cstring(channel)
    .cstring(payload)
    .end()
    .finish();
}
