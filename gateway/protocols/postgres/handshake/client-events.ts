import type { AgentSession } from '../../../pipeline/ports.ts';
import type { ChannelBinding, SCRAM, SCRAM_PLUS, ScramKeys } from './scram.ts';
import type { StartupRules } from './startup-parameters.ts';

/** What a session begins with, once the client is known. */
export interface ClientStartup {
  connectionId: string;
  /** At the target. */
  database: string;
  /** For the target; without user and database. */
  parameters: Map<string, string>;
  /** Minor version of protocol 3 that was agreed with the client: 0 or 2. */
  protocolMinor: number;
  /** How the client proved its token. */
  authMethod: 'password' | typeof SCRAM | typeof SCRAM_PLUS;
}

export interface ScramCandidate extends ScramKeys {
  session: AgentSession;
}

export type ClientEvent =
  | { type: 'Received'; bytes: Uint8Array }
  /** Answers StartTls. `binding`: hash of our certificate; `alpn`: what was agreed, or null. */
  | { type: 'TlsEstablished'; alpn: string | null; binding: ChannelBinding }
  /** Answers VerifyToken. */
  | { type: 'TokenVerified'; result: { ok: true; session: AgentSession } | { ok: false; reason: string } }
  /**
   * Answers FindScramKeys. All candidates share one salt and number of iterations; where there is none
   * (or no such connection) both are made up, the same ones each time.
   */
  | { type: 'ScramKeysFound'; salt: Uint8Array; iterations: number; candidates: readonly ScramCandidate[] }
  /** Answers FindConnection. */
  | { type: 'ConnectionFound'; rules: StartupRules | null }
  | { type: 'TimedOut' };

export type ClientCommand =
  | { type: 'Send'; bytes: Uint8Array }
  /** Direct: the bytes received so far are the beginning of TLS, and are to be given to it. */
  | { type: 'StartTls'; direct: boolean }
  | { type: 'VerifyToken'; connectionId: string; token: string }
  | { type: 'FindScramKeys'; connectionId: string }
  | { type: 'FindConnection'; connectionId: string }
  | { type: 'Cancel'; pid: number; secret: Uint8Array }
  /** The machine is done: AuthenticationOk is still to be sent. `leftover` was received after the last message. */
  | { type: 'Authenticated'; startup: ClientStartup; agentSession: AgentSession; leftover: Uint8Array }
  /** Close after what was sent. `reason` is for the log and holds no secret. */
  | { type: 'Close'; reason: string };

export interface ClientHandshakeOptions {
  /** A certificate is there, so SSLRequest and direct TLS can be answered. */
  tls: boolean;
  /** The peer is on this machine, so a token may come in clear. */
  loopback: boolean;
  /** Makes a nonce: printable ASCII without commas, at least 18 random bytes. */
  nonce: () => string;
}
