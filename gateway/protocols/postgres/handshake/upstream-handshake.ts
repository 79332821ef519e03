import { CountersignError, isCountersignError } from '../../../contract/errors.ts';
import {
  type AuthenticationMessage,
  type BackendKey,
  readAuthentication,
  readBackendKeyData,
  readErrorFields,
  readNegotiateProtocolVersion,
  readParameterStatus,
  readReadyForQuery,
} from '../codec/backend.ts';
import { FrameScanner } from '../codec/frame-scanner.ts';
import { backendStartupLimits } from '../codec/limits.ts';
import { backend, messageName, type TransactionStatus } from '../codec/messages.ts';
import { writeSslRequest, writeStartupMessage } from '../codec/startup.ts';
import { writePassword, writeSaslInitialResponse, writeSaslResponse } from '../codec/write-frontend.ts';
import { md5Password } from './md5.ts';
import { type ChannelBinding, type ScramClient, scramClient } from './scram.ts';
import { UpstreamRefusal } from './upstream-error.ts';

import type {
  UpstreamAuthMethod,
  UpstreamCommand,
  UpstreamEvent,
  UpstreamHandshakeOptions,
  UpstreamSession,
} from './upstream-events.ts';

/** A server that sends more than this before it is ready is not one. */
const MAX_STARTUP_BYTES = 1024 * 1024;
const MAX_NOTICES = 16;

/**
 * The client's side of a connection's beginning, up to the first ReadyForQuery: events in, commands
 * out, no socket. Ends with one Established or one Fail.
 * Source: https://www.postgresql.org/docs/current/protocol-flow.html
 */
export class UpstreamHandshake {
  readonly #options: UpstreamHandshakeOptions;
  readonly #scanner = new FrameScanner('backend', backendStartupLimits());
  #state: 'start' | 'ssl' | 'tls' | 'authentication' | 'deriving' | 'authenticated' | 'done' = 'start';
  #commands: UpstreamCommand[] = [];
  #encrypted = false;
  #received = 0;
  #binding: ChannelBinding = null;
  #scram: ScramClient | null = null;
  #step: 'none' | 'password' | 'initial' | 'final' | 'verified' = 'none';
  #authMethod: UpstreamAuthMethod = 'trust';
  #minor: number;
  #backendKey: BackendKey | null = null;
  readonly #parameters = new Map<string, string>();
  readonly #notices: Uint8Array[] = [];

  constructor(options: UpstreamHandshakeOptions) {
    this.#options = options;
    this.#minor = options.protocolMinor;
  }

  /** Never throws. */
  handle(event: UpstreamEvent): UpstreamCommand[] {
    if (this.#state === 'done') return [];
    try {
      this.#handle(event);
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      this.#fail(error);
    }
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }

  #handle(event: UpstreamEvent): undefined {
    switch (event.type) {
      case 'Connected':
        return this.#connected();
      case 'Received':
        return this.#receive(event.bytes);
      case 'TlsEstablished':
        if (this.#state !== 'tls') return;
        this.#encrypted = true;
        this.#binding = event.binding;
        return this.#startup();
      case 'KeyDerived':
        return this.#proveKey(event.saltedPassword);
      case 'Disconnected':
        return this.#fail(new CountersignError('PG_UPSTREAM_CLOSED', 'the server closed the connection at its start'));
    }
  }

  #send(bytes: Uint8Array): undefined {
    this.#commands.push({ type: 'Send', bytes });
  }

  #fail(error: CountersignError): undefined {
    this.#state = 'done';
    this.#scram = null;
    this.#commands.push({ type: 'Fail', error });
  }

  #failWith(code: string, message: string): undefined {
    this.#fail(new CountersignError(code, message));
  }

  #connected(): undefined {
    if (this.#state !== 'start') return;
    if (this.#options.tls === 'none') return this.#startup();
    if (this.#options.tls === 'direct') {
      this.#state = 'tls';
      this.#commands.push({ type: 'StartTls' });
      return;
    }
    this.#state = 'ssl';
    this.#send(writeSslRequest());
  }

  #startup(): undefined {
    const { user, database, parameters, protocolMinor } = this.#options;
    this.#state = 'authentication';
    const all: [string, string][] = [['user', user], ['database', database], ...parameters];
    this.#send(writeStartupMessage((3 << 16) | protocolMinor, all));
  }

  #receive(bytes: Uint8Array): undefined {
    if (bytes.length === 0) return;
    if (this.#state === 'ssl') return this.#sslAnswer(bytes);
    if (this.#state === 'start' || this.#state === 'tls') {
      return this.#failWith('PG_UPSTREAM_MALFORMED', 'the server sent unencrypted data before TLS was established');
    }
    this.#received += bytes.length;
    if (this.#received > MAX_STARTUP_BYTES) {
      return this.#failWith('PG_MESSAGE_TOO_LARGE', 'the server sent too much before it was ready');
    }
    // A copy: what is kept (leftover) must not change with the read buffer.
    this.#scanner.feed(bytes.slice());
    while (this.#state !== 'done' && this.#scanner.next()) this.#message();
  }

  #sslAnswer(bytes: Uint8Array): undefined {
    if (bytes[0] === 0x53) {
      // What follows in clear would be read as if it had come encrypted (CVE-2021-23222).
      if (bytes.length > 1) {
        return this.#failWith('PG_UPSTREAM_MALFORMED', 'the server sent unencrypted data before TLS was established');
      }
      this.#state = 'tls';
      this.#commands.push({ type: 'StartTls' });
      return;
    }
    if (bytes[0] === 0x4e) {
      return this.#failWith('PG_UPSTREAM_NO_TLS', 'the server does not offer TLS, and the connection asks for it');
    }
    // An error in clear may come from anybody on the way: its text is not passed on (CVE-2024-10977).
    this.#failWith('PG_UPSTREAM_MALFORMED', 'the server did not answer the request for TLS as PostgreSQL does');
  }

  #message(): undefined {
    const { type, bytes, start, bodyStart, end } = this.#scanner;
    switch (type) {
      case backend.ErrorResponse:
        return this.#fail(new UpstreamRefusal(readErrorFields(bytes, bodyStart, end)));
      case backend.NoticeResponse:
        readErrorFields(bytes, bodyStart, end);
        if (this.#notices.length < MAX_NOTICES) this.#notices.push(bytes.slice(start, end));
        return;
      case backend.Authentication:
        if (this.#state !== 'authentication') break;
        return this.#authenticate(readAuthentication(bytes, bodyStart, end));
      case backend.NegotiateProtocolVersion: {
        if (this.#state !== 'authentication' || this.#step !== 'none') break;
        const { minor } = readNegotiateProtocolVersion(bytes, bodyStart, end);
        if (minor > this.#options.protocolMinor) break;
        this.#minor = minor;
        return;
      }
      case backend.ParameterStatus: {
        if (this.#state !== 'authenticated') break;
        const { name, value } = readParameterStatus(bytes, bodyStart, end);
        this.#parameters.set(name, value);
        return;
      }
      case backend.BackendKeyData:
        if (this.#state !== 'authenticated') break;
        this.#backendKey = readBackendKeyData(bytes, bodyStart, end);
        return;
      case backend.ReadyForQuery: {
        if (this.#state !== 'authenticated') break;
        const transactionStatus = readReadyForQuery(bytes, bodyStart, end);
        return this.#established(transactionStatus);
      }
    }
    this.#failWith('PG_UPSTREAM_MALFORMED', `the server sent ${messageName('backend', type)} where none is expected`);
  }

  #established(transactionStatus: TransactionStatus): undefined {
    this.#state = 'done';
    const session: UpstreamSession = {
      parameters: this.#parameters,
      backendKey: this.#backendKey,
      transactionStatus,
      authMethod: this.#authMethod,
      protocolMinor: this.#minor,
      notices: this.#notices,
      leftover: this.#scanner.takeRest(),
    };
    this.#commands.push({ type: 'Established', session });
  }

  // ---- authentication -----------------------------------------------------------------------

  #authenticate(message: AuthenticationMessage): undefined {
    switch (message.kind) {
      case 'Ok':
        // A server that begins SCRAM and ends it early has not proved that it knows the password.
        if (this.#step === 'initial' || this.#step === 'final') {
          return this.#failWith('PG_SCRAM_FAILED', 'the server ended SCRAM authentication without proving itself');
        }
        this.#state = 'authenticated';
        this.#scram = null;
        return;
      case 'CleartextPassword':
        if (!this.#begins()) return;
        this.#authMethod = 'password';
        this.#step = 'password';
        return this.#send(writePassword(this.#password()));
      case 'MD5Password':
        if (!this.#begins()) return;
        this.#authMethod = 'md5';
        this.#step = 'password';
        return this.#send(writePassword(md5Password(this.#options.user, this.#password(), message.salt)));
      case 'SASL': {
        if (!this.#begins()) return;
        this.#password();
        this.#scram = scramClient(message.mechanisms, this.#options.nonce, this.#encrypted, this.#binding);
        this.#authMethod = this.#scram.mechanism;
        this.#step = 'initial';
        const first = new TextEncoder().encode(this.#scram.clientFirst);
        return this.#send(writeSaslInitialResponse(this.#scram.mechanism, first));
      }
      case 'SASLContinue': {
        if (this.#step !== 'initial' || !this.#scram) break;
        const { salt, iterations } = this.#scram.challenge(message.data);
        this.#state = 'deriving';
        this.#commands.push({ type: 'DeriveKey', salt, iterations });
        return;
      }
      case 'SASLFinal':
        if (this.#step !== 'final' || !this.#scram) break;
        this.#scram.verifyServerFinal(message.data);
        this.#step = 'verified';
        return;
      case 'Other':
        return this.#failWith(
          'PG_UPSTREAM_AUTH_UNSUPPORTED',
          `the server asks for an authentication that Countersign does not do (${authenticationName(message.code)})`,
        );
    }
    this.#failWith('PG_UPSTREAM_MALFORMED', `the server sent ${message.kind} where none is expected`);
  }

  /** One method a connection: a second one could coax the password out in another form. */
  #begins(): boolean {
    if (this.#step === 'none') return true;
    this.#failWith('PG_UPSTREAM_MALFORMED', 'the server asks for a second authentication');
    return false;
  }

  #password(): string {
    if (this.#options.password === null || this.#options.password === '') {
      throw new CountersignError(
        'PG_UPSTREAM_NO_PASSWORD',
        'the server asks for a password and none is stored for this connection; store it with the connection',
      );
    }
    return this.#options.password;
  }

  #proveKey(saltedPassword: Uint8Array): undefined {
    if (this.#state !== 'deriving' || !this.#scram) return;
    this.#state = 'authentication';
    this.#step = 'final';
    this.#send(writeSaslResponse(new TextEncoder().encode(this.#scram.clientFinal(saltedPassword))));
  }
}

function authenticationName(code: number): string {
  const names: Readonly<Record<number, string>> = { 2: 'Kerberos V5', 7: 'GSSAPI', 8: 'GSSAPI', 9: 'SSPI' };
  return names[code] ?? `code ${code}`;
}
