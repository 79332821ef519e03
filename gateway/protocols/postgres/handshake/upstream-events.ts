import type { CountersignError } from '../../../contract/errors.ts';
import type { BackendKey } from '../codec/backend.ts';
import type { TransactionStatus } from '../codec/messages.ts';
import type { ChannelBinding, SCRAM, SCRAM_PLUS } from './scram.ts';

/** How the server made sure of the gateway; trust: not at all. */
export type UpstreamAuthMethod = 'trust' | 'password' | 'md5' | typeof SCRAM | typeof SCRAM_PLUS;

export interface UpstreamSession {
  parameters: Map<string, string>;
  /** null: the server gave none (some poolers), so nothing can be cancelled. */
  backendKey: BackendKey | null;
  transactionStatus: TransactionStatus;
  authMethod: UpstreamAuthMethod;
  /** Minor version of protocol 3 that the server agreed to. */
  protocolMinor: number;
  /** NoticeResponse messages of the startup, whole; at most 16. */
  notices: Uint8Array[];
  /** Received after the first ReadyForQuery. */
  leftover: Uint8Array;
}

export type UpstreamEvent =
  /** The transport is there. */
  | { type: 'Connected' }
  | { type: 'Received'; bytes: Uint8Array }
  /** Answers StartTls. `binding`: hash of the server's certificate, or null where none can be made. */
  | { type: 'TlsEstablished'; binding: ChannelBinding }
  /** Answers DeriveKey. */
  | { type: 'KeyDerived'; saltedPassword: Uint8Array }
  | { type: 'Disconnected' };

export type UpstreamCommand =
  | { type: 'Send'; bytes: Uint8Array }
  | { type: 'StartTls' }
  /** PBKDF2-HMAC-SHA-256 of the prepared password, 32 bytes; slow, so not done in here. */
  | { type: 'DeriveKey'; salt: Uint8Array; iterations: number }
  | { type: 'Established'; session: UpstreamSession }
  | { type: 'Fail'; error: CountersignError };

export interface UpstreamHandshakeOptions {
  user: string;
  database: string;
  /** For the server, without user and database. */
  parameters: ReadonlyMap<string, string>;
  /** Highest minor version to ask for. */
  protocolMinor: number;
  /** null: none is stored. */
  password: string | null;
  /** request: SSLRequest first; direct: TLS from the first byte; none: in clear. */
  tls: 'none' | 'request' | 'direct';
  /** Printable ASCII without commas, at least 18 random bytes. */
  nonce: string;
}
