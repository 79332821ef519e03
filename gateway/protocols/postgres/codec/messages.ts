/**
 * Names and bytes of the PostgreSQL protocol, versions 3.0 and 3.2.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 * Names are that page's; a message that both sides send stands in both tables.
 */

export const frontend = {
  Bind: 0x42, // B
  Close: 0x43, // C
  Describe: 0x44, // D
  Execute: 0x45, // E
  FunctionCall: 0x46, // F
  Flush: 0x48, // H
  Parse: 0x50, // P
  Query: 0x51, // Q
  Sync: 0x53, // S
  Terminate: 0x58, // X
  CopyDone: 0x63, // c
  CopyData: 0x64, // d
  CopyFail: 0x66, // f
  /** PasswordMessage, SASLInitialResponse, SASLResponse and GSSResponse share one byte. */
  Password: 0x70, // p
} as const;

export const backend = {
  ParseComplete: 0x31, // 1
  BindComplete: 0x32, // 2
  CloseComplete: 0x33, // 3
  NotificationResponse: 0x41, // A
  CommandComplete: 0x43, // C
  DataRow: 0x44, // D
  ErrorResponse: 0x45, // E
  CopyInResponse: 0x47, // G
  CopyOutResponse: 0x48, // H
  EmptyQueryResponse: 0x49, // I
  BackendKeyData: 0x4b, // K
  NoticeResponse: 0x4e, // N
  Authentication: 0x52, // R
  ParameterStatus: 0x53, // S
  RowDescription: 0x54, // T
  FunctionCallResponse: 0x56, // V
  CopyBothResponse: 0x57, // W
  ReadyForQuery: 0x5a, // Z
  CopyDone: 0x63, // c
  CopyData: 0x64, // d
  NoData: 0x6e, // n
  PortalSuspended: 0x73, // s
  ParameterDescription: 0x74, // t
  NegotiateProtocolVersion: 0x76, // v
} as const;

/** First Int32 of the body of an Authentication message. */
export const authentication = {
  Ok: 0,
  KerberosV5: 2,
  CleartextPassword: 3,
  MD5Password: 5,
  GSS: 7,
  GSSContinue: 8,
  SSPI: 9,
  SASL: 10,
  SASLContinue: 11,
  SASLFinal: 12,
} as const;

/** ReadyForQuery's status byte. */
export type TransactionStatus = 'idle' | 'transaction' | 'failed';

/** First Int32 after the length of a packet without a type byte. */
export const startupCode = {
  CancelRequest: 80877102,
  SSLRequest: 80877103,
  GSSENCRequest: 80877104,
} as const;

export const protocolVersion = { v3_0: 0x30000, v3_2: 0x30002 } as const;

function namesOf(table: Readonly<Record<string, number>>): readonly (string | undefined)[] {
  const names: (string | undefined)[] = new Array(256).fill(undefined);
  for (const [name, byte] of Object.entries(table)) names[byte] = name;
  return names;
}

const frontendNames = namesOf(frontend);
const backendNames = namesOf(backend);

/** For errors and logs: the message's name, or its byte in hexadecimal. */
export function messageName(direction: 'frontend' | 'backend', type: number): string {
  return (direction === 'frontend' ? frontendNames : backendNames)[type] ?? `0x${type.toString(16).padStart(2, '0')}`;
}
