import { randomBytes, X509Certificate } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { CountersignError } from '../../../contract/errors.ts';
import type { AgentSession, CredentialCheck } from '../../../pipeline/ports.ts';
import { writeErrorResponse } from '../codec/write-backend.ts';
import { certificateHash } from '../handshake/certificate-hash.ts';
import type { ClientCommand, ClientEvent, ClientStartup, ScramCandidate } from '../handshake/client-events.ts';
import { ClientHandshake } from '../handshake/client-handshake.ts';
import type { StartupRules } from '../handshake/startup-parameters.ts';
import { isLoopback } from './loopback.ts';
import type { Certificate } from './self-signed.ts';

/** A client that proved its token; it waits for AuthenticationOk or an error. */
export interface AcceptedSession {
  /** Paused and without listeners: add yours (`error` among them), take `leftover` first, then resume(). */
  socket: Socket | TLSSocket;
  startup: ClientStartup;
  agentSession: AgentSession;
  remoteAddress: string;
  remotePort: number;
  leftover: Uint8Array;
  tls: boolean;
}

export interface PostgresListenerOptions {
  host: string;
  /** 0: any that is free. */
  port: number;
  /** null: SSLRequest is answered with N. */
  tls: Certificate | null;
  /** Also called for connections that do not exist. Never rejects. */
  verifyToken(token: string, connectionId: string): CredentialCheck | Promise<CredentialCheck>;
  /** See ScramKeysFound: salt and iterations are given for any name. */
  scramKeys(connectionId: string): { salt: Uint8Array; iterations: number; candidates: readonly ScramCandidate[] };
  findConnection(connectionId: string): StartupRules | null;
  /** A CancelRequest; the answer to the client is the same whatever happens: the connection closes. */
  onCancel(pid: number, secret: Uint8Array): void;
  onSession(session: AcceptedSession): void;
  /** For the log: why a connection ended before its session; no secrets. */
  onRefused?(reason: string, remoteAddress: string): void;
  /** Sockets at once, sessions included. */
  maxConnections?: number;
  /** Until the token is proved, in milliseconds. */
  startupTimeoutMs?: number;
  /** A peer that says nothing is asked whether it is still there after this time; ten seconds later it is gone. */
  keepAliveMs?: number | undefined;
}

export interface PostgresListener {
  address: { host: string; port: number };
  /** Stops listening and ends connections that have no session yet; sessions belong to who took them. */
  close(): Promise<void>;
}

const DEFAULT_MAX_CONNECTIONS = 1000;
const DEFAULT_STARTUP_TIMEOUT_MS = 30_000;
const DEFAULT_KEEP_ALIVE_MS = 60_000;
/** A peer that does not read its error gets no more than this. */
const LINGER_MS = 1000;

interface TlsServer {
  context: SecureContext;
  binding: Uint8Array | null;
}

/** Rejects with CountersignError PG_LISTEN_FAILED. */
export async function createPostgresListener(options: PostgresListenerOptions): Promise<PostgresListener> {
  const tls: TlsServer | null = options.tls && {
    context: createSecureContext({ ...options.tls, minVersion: 'TLSv1.2' }),
    binding: certificateHash(new X509Certificate(options.tls.cert).raw),
  };
  const maxConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS;
  const starting = new Set<Startup>();
  let open = 0;
  const server = createServer({
    // A client that only closed its writing side still reads its answers.
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS,
  });
  server.on('connection', (socket) => {
    open++;
    socket.once('close', () => open--);
    if (open > maxConnections) return refuseForNumber(socket);
    const startup = new Startup(socket, options, tls, () => starting.delete(startup));
    starting.add(startup);
  });
  await listen(server, options);
  const { address, port } = server.address() as AddressInfo;
  return {
    address: { host: address, port },
    close() {
      for (const startup of starting) startup.end('the gateway is stopping');
      // Sessions keep their sockets, so the server's own close event may be far away.
      server.close();
      return Promise.resolve();
    },
  };
}

function listen(server: Server, { host, port }: PostgresListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const code = 'code' in cause ? String(cause.code) : 'unknown error';
      reject(new CountersignError('PG_LISTEN_FAILED', `cannot listen on ${host}:${port} (${code})`, { cause }));
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      // Out of file descriptors, for instance: one client is not served, the others go on.
      server.on('error', () => {});
      resolve();
    });
  });
}

function refuseForNumber(socket: Socket): void {
  socket.on('error', () => {});
  const message = 'Countersign has too many client connections already';
  socket.end(writeErrorResponse({ severity: 'FATAL', sqlstate: '53300', message }));
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** Drives one client's handshake machine over its socket. */
class Startup {
  #socket: Socket | TLSSocket;
  readonly #options: PostgresListenerOptions;
  readonly #tls: TlsServer | null;
  readonly #machine: ClientHandshake;
  readonly #settled: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #remoteAddress: string;
  readonly #remotePort: number;
  #encrypted = false;
  #done = false;
  readonly #onData = (bytes: Buffer) => this.#handle({ type: 'Received', bytes }, bytes);
  readonly #onGone = () => {
    this.#finish();
    this.#socket.destroy();
  };

  constructor(socket: Socket, options: PostgresListenerOptions, tls: TlsServer | null, settled: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.#tls = tls;
    this.#settled = settled;
    this.#remoteAddress = socket.remoteAddress ?? '';
    this.#remotePort = socket.remotePort ?? 0;
    this.#machine = new ClientHandshake({
      tls: tls !== null,
      loopback: isLoopback(this.#remoteAddress),
      nonce: () => randomBytes(18).toString('base64'),
    });
    const timeout = options.startupTimeoutMs ?? DEFAULT_STARTUP_TIMEOUT_MS;
    this.#timer = setTimeout(() => this.#handle({ type: 'TimedOut' }), timeout);
    this.#listen();
    socket.resume();
  }

  /** Ends it before its time. */
  end(reason: string): void {
    if (this.#done) return;
    const error = writeErrorResponse({ severity: 'FATAL', sqlstate: '57P01', message: reason });
    this.#run([
      { type: 'Send', bytes: error },
      { type: 'Close', reason },
    ]);
  }

  #listen(): void {
    this.#socket.on('data', this.#onData).on('error', this.#onGone).on('close', this.#onGone).on('end', this.#onGone);
  }

  #unlisten(): void {
    this.#socket.off('data', this.#onData).off('close', this.#onGone).off('end', this.#onGone);
  }

  #handle(event: ClientEvent, received?: Buffer): void {
    if (!this.#done) this.#run(this.#machine.handle(event), received);
  }

  #run(commands: readonly ClientCommand[], received?: Buffer): void {
    const { verifyToken, scramKeys, findConnection, onCancel } = this.#options;
    for (const command of commands) {
      if (this.#done) return;
      switch (command.type) {
        case 'Send':
          this.#socket.write(command.bytes);
          break;
        case 'StartTls':
          this.#startTls(command.direct ? received : undefined);
          break;
        case 'VerifyToken':
          this.#verified(verifyToken(command.token, command.connectionId));
          break;
        case 'FindScramKeys':
          this.#handle({ type: 'ScramKeysFound', ...scramKeys(command.connectionId) });
          break;
        case 'FindConnection':
          this.#handle({ type: 'ConnectionFound', rules: findConnection(command.connectionId) });
          break;
        case 'Cancel':
          onCancel(command.pid, command.secret);
          break;
        case 'Close':
          this.#close(command.reason);
          break;
        case 'Authenticated':
          this.#accept(command);
          break;
      }
    }
  }

  /** A token's check is at hand; a provider's key may have to be fetched first. */
  #verified(result: CredentialCheck | Promise<CredentialCheck>): void {
    if (result instanceof Promise) void result.then((later) => this.#handle({ type: 'TokenVerified', result: later }));
    else this.#handle({ type: 'TokenVerified', result });
  }

  /** @param received bytes that are the beginning of TLS already. */
  #startTls(received: Buffer | undefined): void {
    const plain = this.#socket;
    const { context, binding } = this.#tls!;
    this.#unlisten();
    plain.pause();
    if (received) plain.unshift(received);
    const socket = new TLSSocket(plain, {
      isServer: true,
      secureContext: context,
      ALPNProtocols: ['postgresql'],
    });
    this.#socket = socket;
    this.#listen();
    socket.once('secure', () => {
      this.#encrypted = true;
      const alpn = socket.alpnProtocol === false ? null : socket.alpnProtocol;
      this.#handle({ type: 'TlsEstablished', alpn, binding });
    });
  }

  #accept({ startup, agentSession, leftover }: Extract<ClientCommand, { type: 'Authenticated' }>): void {
    this.#finish();
    this.#unlisten();
    this.#socket.pause();
    this.#socket.off('error', this.#onGone);
    this.#options.onSession({
      socket: this.#socket,
      startup,
      agentSession,
      remoteAddress: this.#remoteAddress,
      remotePort: this.#remotePort,
      leftover,
      tls: this.#encrypted,
    });
  }

  #close(reason: string): void {
    const socket = this.#socket;
    this.#finish();
    this.#unlisten();
    // What still comes is thrown away: closing with unread data would reset the error on its way.
    socket.resume();
    socket.end();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
    if (reason !== 'cancel request') this.#options.onRefused?.(reason, this.#remoteAddress);
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#timer);
    this.#settled();
  }
}
