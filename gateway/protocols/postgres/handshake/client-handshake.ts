import { isCountersignError } from '../../../contract/errors.ts';
import type { AgentSession } from '../../../pipeline/ports.ts';
import { FrameScanner } from '../codec/frame-scanner.ts';
import { readPassword, readSaslInitialResponse } from '../codec/frontend.ts';
import { frontendAuthenticationLimits } from '../codec/limits.ts';
import { frontend, protocolVersion } from '../codec/messages.ts';
import { decodeStrict } from '../codec/reader.ts';
import { readStartupPacket, type StartupPacket, startupPacketLength } from '../codec/startup.ts';
import {
  writeAuthenticationCleartextPassword,
  writeAuthenticationSasl,
  writeAuthenticationSaslContinue,
  writeAuthenticationSaslFinal,
  writeErrorResponse,
  writeNegotiateProtocolVersion,
} from '../codec/write-backend.ts';
import type {
  ClientCommand,
  ClientEvent,
  ClientHandshakeOptions,
  ClientStartup,
  ScramCandidate,
} from './client-events.ts';
import {
  type ChannelBinding,
  type ClientFirst,
  readClientFirst,
  SCRAM,
  SCRAM_PLUS,
  serverFirst,
  verifyClientFinal,
} from './scram.ts';
import {
  passStartupParameters,
  refusesReplication,
  type StartupRefusal,
  type StartupRules,
} from './startup-parameters.ts';

const MAX_BUFFERED = 64 * 1024;
const TLS_HANDSHAKE_RECORD = 0x16;
const SSL_YES = Uint8Array.of(0x53);
const NO = Uint8Array.of(0x4e);
const EMPTY = new Uint8Array(0);
const SCRAM_SUFFIX = '+scram';
const latest = protocolVersion.v3_2 & 0xffff;

/** The same for a wrong token and for a connection that does not exist: neither may be guessed. */
export const TOKEN_REFUSED = 'this token is not valid for this connection';
const TOKEN_HINT =
  'Ask the person who runs Countersign for a new token (countersign connect <connection>) and use it as the password.';

/**
 * The server's side of a connection's beginning, up to the moment before AuthenticationOk: events in,
 * commands out, no socket. Answers to commands may come at once or later; what the client sends in
 * between waits, up to 64 KiB.
 * Source: https://www.postgresql.org/docs/current/protocol-flow.html
 */
export class ClientHandshake {
  readonly #options: ClientHandshakeOptions;
  readonly #scanner = new FrameScanner('frontend', frontendAuthenticationLimits());
  #state: 'startup' | 'tls' | 'waiting' | 'password' | 'sasl-initial' | 'sasl-final' | 'done' = 'startup';
  #pending: Uint8Array = EMPTY;
  #commands: ClientCommand[] = [];
  #encrypted = false;
  #direct = false;
  #sslAsked = false;
  #gssAsked = false;
  #binding: ChannelBinding = null;
  #user = '';
  #connectionId = '';
  #minor = 0;
  #sent: ReadonlyMap<string, string> = new Map();
  #authMethod: ClientStartup['authMethod'] = 'password';
  #clientFirst: ClientFirst | null = null;
  #serverFirst = '';
  #candidates: readonly ScramCandidate[] = [];
  #agentSession: AgentSession | null = null;

  constructor(options: ClientHandshakeOptions) {
    this.#options = options;
  }

  /** Never throws: what is malformed becomes an error for the client and Close. */
  handle(event: ClientEvent): ClientCommand[] {
    if (this.#state === 'done') return [];
    try {
      this.#handle(event);
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      const sqlstate = error.code === 'PG_SCRAM_FAILED' ? '28P01' : '08P01';
      this.#refuse({ sqlstate, message: error.message });
    }
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }

  #handle(event: ClientEvent): undefined {
    switch (event.type) {
      case 'Received':
        this.#buffer(event.bytes);
        return this.#advance();
      case 'TlsEstablished':
        return this.#tlsEstablished(event.alpn, event.binding);
      case 'TokenVerified':
        if (!event.result.ok) return this.#refuseToken(event.result.reason);
        return this.#verified(event.result.session);
      case 'ScramKeysFound':
        return this.#challenge(event.salt, event.iterations, event.candidates);
      case 'ConnectionFound':
        return this.#admit(event.rules);
      case 'TimedOut':
        return this.#timedOut();
    }
  }

  #buffer(bytes: Uint8Array): undefined {
    if (this.#pending.length + bytes.length > MAX_BUFFERED) {
      return this.#refuse({ sqlstate: '08P01', message: 'too much was sent before the session began' });
    }
    const all = new Uint8Array(this.#pending.length + bytes.length);
    all.set(this.#pending);
    all.set(bytes, this.#pending.length);
    this.#pending = all;
  }

  #advance(): undefined {
    while (this.#pending.length > 0) {
      const before = this.#pending;
      if (this.#state === 'startup') this.#readStartup();
      else if (this.#state === 'password' || this.#state === 'sasl-initial' || this.#state === 'sasl-final') {
        this.#readAuthentication();
      } else return;
      if (this.#pending === before) return;
    }
  }

  #send(bytes: Uint8Array): undefined {
    this.#commands.push({ type: 'Send', bytes });
  }

  #close(reason: string): undefined {
    this.#state = 'done';
    this.#pending = EMPTY;
    this.#candidates = [];
    this.#commands.push({ type: 'Close', reason });
  }

  #refuse(refusal: StartupRefusal): undefined {
    if (this.#state === 'done') return;
    this.#send(writeErrorResponse({ severity: 'FATAL', ...refusal }));
    this.#close(refusal.message);
  }

  #refuseToken(reason: string): undefined {
    this.#refuse({ sqlstate: '28P01', message: reason, hint: TOKEN_HINT });
  }

  #timedOut(): undefined {
    if (this.#state === 'startup' || this.#state === 'tls') {
      return this.#close('the client sent no startup message in time');
    }
    this.#refuse({ sqlstate: '57014', message: 'the client did not authenticate in time' });
  }

  // ---- packets without a type byte ----------------------------------------------------------

  #readStartup(): undefined {
    if (this.#pending[0] === TLS_HANDSHAKE_RECORD && !this.#encrypted && !this.#sslAsked) {
      if (!this.#options.tls) return this.#close('direct TLS was asked for and there is no certificate');
      this.#direct = true;
      return this.#startTls();
    }
    const length = startupPacketLength(this.#pending, 0, this.#pending.length);
    if (length === null || this.#pending.length < length) return;
    const packet = readStartupPacket(this.#pending.slice(0, length));
    this.#pending = this.#pending.subarray(length);
    switch (packet.kind) {
      case 'CancelRequest':
        this.#commands.push({ type: 'Cancel', pid: packet.pid, secret: packet.secret });
        return this.#close('cancel request');
      case 'SSLRequest':
        return this.#sslRequest();
      case 'GSSENCRequest':
        if (this.#gssAsked || this.#encrypted) return this.#repeated('GSSENCRequest');
        this.#gssAsked = true;
        return this.#send(NO);
      case 'StartupMessage':
        return this.#startup(packet);
    }
  }

  #repeated(name: string): undefined {
    this.#refuse({ sqlstate: '08P01', message: `${name} is not expected here` });
  }

  #sslRequest(): undefined {
    if (this.#sslAsked || this.#encrypted) return this.#repeated('SSLRequest');
    this.#sslAsked = true;
    if (!this.#options.tls) return this.#send(NO);
    // What came in clear would be read as if it had come encrypted (CVE-2021-23214).
    if (this.#pending.length > 0) {
      return this.#refuse({ sqlstate: '08P01', message: 'unencrypted data was received after SSLRequest' });
    }
    this.#send(SSL_YES);
    this.#startTls();
  }

  #startTls(): undefined {
    this.#state = 'tls';
    this.#commands.push({ type: 'StartTls', direct: this.#direct });
    // Direct: the driver gives the same bytes to TLS.
    this.#pending = EMPTY;
  }

  #tlsEstablished(alpn: string | null, binding: ChannelBinding): undefined {
    if (this.#state !== 'tls') return;
    // A client that means another protocol must not be talked to (ALPACA attack): protocol-flow.html, "SSL".
    if (this.#direct && alpn !== 'postgresql') {
      return this.#close('direct TLS needs the application protocol "postgresql" (ALPN)');
    }
    this.#encrypted = true;
    this.#binding = binding;
    this.#state = 'startup';
  }

  #startup(packet: Extract<StartupPacket, { kind: 'StartupMessage' }>): undefined {
    if (packet.major !== 3) {
      return this.#refuse({
        sqlstate: '0A000',
        message: `unsupported frontend protocol ${packet.major}.${packet.minor}: Countersign supports 3.0 to 3.2`,
      });
    }
    this.#sent = packet.parameters;
    this.#user = packet.parameters.get('user') ?? '';
    if (this.#user === '') {
      return this.#refuse({
        sqlstate: '28000',
        message: 'no user name was sent',
        hint: 'Use the name of a Countersign connection as the user name.',
      });
    }
    const options = [...packet.parameters.keys()].filter((name) => name.startsWith('_pq_.'));
    // 3.1 was never a version: it is 3.0 to a server.
    this.#minor = packet.minor >= latest ? latest : 0;
    if (packet.minor > latest || options.length > 0) {
      this.#send(writeNegotiateProtocolVersion((3 << 16) | Math.min(packet.minor, latest), options));
    }
    const replication = refusesReplication(packet.parameters);
    if (replication) return this.#refuse(replication);
    this.#askForToken();
  }

  // ---- authentication -----------------------------------------------------------------------

  #askForToken(): undefined {
    if (this.#user.endsWith(SCRAM_SUFFIX)) {
      this.#connectionId = this.#user.slice(0, -SCRAM_SUFFIX.length);
      this.#state = 'sasl-initial';
      return this.#send(writeAuthenticationSasl(this.#binding ? [SCRAM_PLUS, SCRAM] : [SCRAM]));
    }
    this.#connectionId = this.#user;
    if (!this.#encrypted && !this.#options.loopback) {
      return this.#refuse({
        sqlstate: '28000',
        message: 'a token is not taken over an unencrypted network',
        hint: `Use TLS (sslmode=require), or "${this.#user}${SCRAM_SUFFIX}" as the user name.`,
      });
    }
    this.#state = 'password';
    this.#send(writeAuthenticationCleartextPassword());
  }

  #readAuthentication(): undefined {
    this.#scanner.feed(this.#pending);
    const whole = this.#scanner.next();
    this.#pending = EMPTY;
    if (!whole) return;
    const { bytes, bodyStart, end, type } = this.#scanner;
    if (type !== frontend.Password) return;
    const body = bytes.slice(bodyStart, end);
    this.#pending = this.#scanner.takeRest();
    if (this.#state === 'password') this.#password(body);
    else if (this.#state === 'sasl-initial') this.#saslInitial(body);
    else this.#saslFinal(body);
  }

  #password(body: Uint8Array): undefined {
    const token = decodeStrict(readPassword(body, 0, body.length)) ?? '';
    if (token === '') {
      return this.#refuse({ sqlstate: '28P01', message: 'no token was sent', hint: TOKEN_HINT });
    }
    this.#state = 'waiting';
    this.#commands.push({ type: 'VerifyToken', connectionId: this.#connectionId, token });
  }

  #saslInitial(body: Uint8Array): undefined {
    const { mechanism, response } = readSaslInitialResponse(body, 0, body.length);
    const offered = this.#binding ? [SCRAM_PLUS, SCRAM] : [SCRAM];
    if (mechanism !== SCRAM && mechanism !== SCRAM_PLUS) {
      return this.#refuse({ sqlstate: '08P01', message: 'the client chose a SASL mechanism that was not offered' });
    }
    if (!offered.includes(mechanism)) {
      return this.#refuse({ sqlstate: '08P01', message: 'channel binding is only possible with TLS' });
    }
    this.#authMethod = mechanism;
    this.#clientFirst = readClientFirst(response ?? EMPTY, mechanism, this.#binding !== null);
    this.#state = 'waiting';
    this.#commands.push({ type: 'FindScramKeys', connectionId: this.#connectionId });
  }

  #challenge(salt: Uint8Array, iterations: number, candidates: readonly ScramCandidate[]): undefined {
    if (this.#state !== 'waiting' || !this.#clientFirst) return;
    this.#candidates = candidates;
    this.#serverFirst = serverFirst(this.#clientFirst, this.#options.nonce(), salt, iterations);
    this.#state = 'sasl-final';
    this.#send(writeAuthenticationSaslContinue(new TextEncoder().encode(this.#serverFirst)));
    this.#advance();
  }

  #saslFinal(body: Uint8Array): undefined {
    const { match, serverFinal } = verifyClientFinal(
      body,
      this.#clientFirst!,
      this.#serverFirst,
      this.#binding,
      this.#candidates,
    );
    this.#candidates = [];
    if (!match) return this.#refuseToken(TOKEN_REFUSED);
    this.#state = 'waiting';
    this.#send(writeAuthenticationSaslFinal(new TextEncoder().encode(serverFinal)));
    this.#verified(match.session);
  }

  #verified(session: AgentSession): undefined {
    if (this.#state !== 'waiting') return;
    this.#agentSession = session;
    this.#commands.push({ type: 'FindConnection', connectionId: this.#connectionId });
  }

  #admit(rules: StartupRules | null): undefined {
    if (this.#state !== 'waiting' || !this.#agentSession) return;
    if (!rules) return this.#refuseToken(TOKEN_REFUSED);
    const decided = passStartupParameters(rules, this.#user, this.#sent);
    if (!decided.ok) return this.#refuse(decided.refusal);
    this.#state = 'done';
    const startup: ClientStartup = {
      connectionId: this.#connectionId,
      ...decided.passed,
      protocolMinor: this.#minor,
      authMethod: this.#authMethod,
    };
    const leftover = this.#pending;
    this.#pending = EMPTY;
    this.#commands.push({ type: 'Authenticated', startup, agentSession: this.#agentSession, leftover });
  }
}
