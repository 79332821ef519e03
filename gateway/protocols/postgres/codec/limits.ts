import { backend, frontend } from './messages.ts';

/**
 * Largest value of a message's length field (it counts itself, not the type byte), by type byte.
 * 0: this type does not occur, so the message is malformed.
 */
export type LengthLimits = Uint32Array;

/** PostgreSQL's PQ_LARGE_MESSAGE_LIMIT (libpq/libpq.h): MaxAllocSize - 1. */
export const LARGE_MESSAGE = 0x3ffffffe;
/** PostgreSQL's PQ_SMALL_MESSAGE_LIMIT (libpq/libpq.h). */
export const SMALL_MESSAGE = 10_000;
/** MAX_STARTUP_PACKET_LENGTH (libpq/pqcomm.h). */
export const STARTUP_PACKET = 10_000;
/** Longest message of an authentication exchange that either side may send before it is trusted. */
export const AUTHENTICATION_MESSAGE = 10_000;
/** libpq takes nothing above this but for the types that carry data (fe-protocol3.c). */
const SHORT_BACKEND_MESSAGE = 30_000;

function table(entries: readonly (readonly [type: number, limit: number])[]): LengthLimits {
  const limits = new Uint32Array(256);
  for (const [type, limit] of entries) limits[type] = limit;
  return limits;
}

/**
 * A client after authentication, as the server itself limits it (tcop/postgres.c, SocketBackend).
 * @param statement largest Query, Parse, Bind and FunctionCall; these are held in memory whole.
 */
export function frontendLimits(statement: number = LARGE_MESSAGE): LengthLimits {
  const large = Math.min(statement, LARGE_MESSAGE);
  return table([
    [frontend.Query, large],
    [frontend.Parse, large],
    [frontend.Bind, large],
    [frontend.FunctionCall, large],
    [frontend.CopyData, LARGE_MESSAGE],
    [frontend.Describe, SMALL_MESSAGE],
    [frontend.Execute, SMALL_MESSAGE],
    [frontend.Close, SMALL_MESSAGE],
    [frontend.CopyFail, SMALL_MESSAGE],
    [frontend.Flush, 4],
    [frontend.Sync, 4],
    [frontend.Terminate, 4],
    [frontend.CopyDone, 4],
  ]);
}

/** A client that is being authenticated may send only this. */
export function frontendAuthenticationLimits(): LengthLimits {
  return table([[frontend.Password, AUTHENTICATION_MESSAGE]]);
}

/**
 * A server after authentication.
 * @param row largest DataRow, CopyData and FunctionCallResponse.
 */
export function backendLimits(row: number = LARGE_MESSAGE): LengthLimits {
  const large = Math.min(row, LARGE_MESSAGE);
  const text = Math.min(large, 16 * 1024 * 1024);
  const short = Object.values(backend)
    .filter((type) => type !== backend.Authentication && type !== backend.NegotiateProtocolVersion)
    .map((type) => [type, SHORT_BACKEND_MESSAGE] as const);
  return table([
    ...short,
    [backend.DataRow, large],
    [backend.CopyData, large],
    [backend.FunctionCallResponse, large],
    [backend.RowDescription, text],
    [backend.ErrorResponse, text],
    [backend.NoticeResponse, text],
    [backend.NotificationResponse, text],
    // A count of at most 65,535 OIDs.
    [backend.ParameterDescription, 4 + 2 + 4 * 65_535],
    [backend.CopyInResponse, 4 + 1 + 2 + 2 * 65_535],
    [backend.CopyOutResponse, 4 + 1 + 2 + 2 * 65_535],
    [backend.CopyBothResponse, 4 + 1 + 2 + 2 * 65_535],
    [backend.ReadyForQuery, 5],
    [backend.ParseComplete, 4],
    [backend.BindComplete, 4],
    [backend.CloseComplete, 4],
    [backend.NoData, 4],
    [backend.PortalSuspended, 4],
    [backend.EmptyQueryResponse, 4],
    [backend.CopyDone, 4],
    [backend.BackendKeyData, 4 + 4 + 256],
  ]);
}

/** A server until its first ReadyForQuery. */
export function backendStartupLimits(): LengthLimits {
  return table([
    [backend.Authentication, AUTHENTICATION_MESSAGE],
    [backend.NegotiateProtocolVersion, AUTHENTICATION_MESSAGE],
    [backend.ParameterStatus, SHORT_BACKEND_MESSAGE],
    [backend.ErrorResponse, SHORT_BACKEND_MESSAGE],
    [backend.NoticeResponse, SHORT_BACKEND_MESSAGE],
    [backend.BackendKeyData, 4 + 4 + 256],
    [backend.ReadyForQuery, 5],
  ]);
}
