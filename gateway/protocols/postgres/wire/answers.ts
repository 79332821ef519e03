import { isCountersignError } from '../../../contract/errors.ts';
import type { TransactionStatus } from '../codec/messages.ts';
import {
  type ErrorFields,
  writeAuthenticationOk,
  writeBackendKeyData,
  writeErrorResponse,
  writeParameterStatus,
  writeReadyForQuery,
} from '../codec/write-backend.ts';
import { UpstreamRefusal } from '../handshake/upstream-error.ts';

export interface Greeting {
  /** The server's, in its order. */
  parameters: ReadonlyMap<string, string>;
  /** The gateway's own key, by which a CancelRequest finds the session. */
  key: { pid: number; secret: Uint8Array };
  /** NoticeResponse messages to pass on, whole. */
  notices: readonly Uint8Array[];
  transactionStatus: TransactionStatus;
}

/** What a client waits for once it is authenticated: AuthenticationOk … ReadyForQuery. */
export function writeGreeting({ parameters, key, notices, transactionStatus }: Greeting): Uint8Array {
  const parts = [
    writeAuthenticationOk(),
    ...[...parameters].map(([name, value]) => writeParameterStatus(name, value)),
    writeBackendKeyData(key.pid, key.secret),
    ...notices,
    writeReadyForQuery(transactionStatus),
  ];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Bytes of a cancellation key: protocol 3.0 has room for 4, 3.2 for as many as cannot be guessed. */
export function cancelKeyLength(protocolMinor: number): number {
  return protocolMinor >= 2 ? 32 : 4;
}

/**
 * What a client is told where its session could not be opened. A refusal of the target keeps its
 * SQLSTATE, but for the classes that speak of the client's own password: those are the gateway's fault.
 */
export function writeOpeningFailure(error: unknown): Uint8Array {
  const fields: ErrorFields = { severity: 'FATAL', sqlstate: '08001', message: 'the database could not be reached' };
  if (error instanceof UpstreamRefusal) {
    fields.sqlstate = error.sqlstate.startsWith('28') ? '08004' : error.sqlstate;
    fields.message = `the database refused the connection of Countersign: ${error.message}`;
  } else if (isCountersignError(error)) {
    fields.message = `Countersign cannot open a session: ${error.message}`;
  }
  return writeErrorResponse(fields);
}
