import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Connection } from '../../../contract/connection.ts';
import { CountersignError } from '../../../contract/errors.ts';
import { certificateHash } from '../handshake/certificate-hash.ts';

/** What of a connection says how its server is reached. */
export type Target = Pick<Connection, 'host' | 'port' | 'user' | 'tls'>;

/** TLS has no meaning on a unix socket: PostgreSQL answers it there with a refusal. */
export function tlsWay(target: Target): 'none' | 'request' | 'direct' {
  if (target.host.startsWith('/') || target.tls.mode === 'disable') return 'none';
  return target.tls.direct ? 'direct' : 'request';
}

async function readTlsFile(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CountersignError('PG_TLS_FILE', `the ${what} ${path} cannot be read`, { cause });
  }
}

/**
 * Options for tls.connect, the socket not yet among them. Throws PG_TLS_FILE.
 * @param passphrase of an encrypted client key.
 */
export async function tlsOptions(target: Target, passphrase: string | null): Promise<ConnectionOptions> {
  const { mode, caFile, certFile, keyFile, serverName } = target.tls;
  const name = serverName ?? target.host;
  const options: ConnectionOptions = {
    // With a CA file, libpq verifies the chain in mode `require` too (libpq-ssl.html).
    rejectUnauthorized: mode !== 'require' || caFile !== undefined,
    checkServerIdentity: (_host, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(name, certificate) : undefined,
    ALPNProtocols: ['postgresql'],
    minVersion: 'TLSv1.2',
  };
  if (isIP(name) === 0) options.servername = name;
  if (caFile !== undefined) options.ca = await readTlsFile(caFile, 'CA file');
  if (certFile !== undefined) {
    options.cert = await readTlsFile(certFile, 'client certificate');
    options.key = await readTlsFile(keyFile ?? certFile, 'client key');
    if (passphrase !== null) options.passphrase = passphrase;
  }
  return options;
}

/** Settles once: aborted or out of time. */
export function deadline(signal: AbortSignal | undefined, timeoutMs: number) {
  const { promise: passed, reject } = Promise.withResolvers<never>();
  passed.catch(() => {});
  const timer = setTimeout(
    () => reject(new CountersignError('PG_UPSTREAM_TIMEOUT', `the server did not answer within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const abort = () => reject(new CountersignError('PG_UPSTREAM_ABORTED', 'the connection was given up'));
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const clear = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
  return { passed, clear };
}

const ignore = () => {};

/** A socket to a server that is read chunk by chunk: nothing is taken from it unless somebody waits. */
export class Transport {
  readonly #target: Target;
  #socket: Socket | TLSSocket | null = null;
  #destroyed = false;

  constructor(target: Target) {
    this.#target = target;
  }

  get socket(): Socket | TLSSocket {
    if (!this.#socket) throw new CountersignError('PG_TRANSPORT_MISUSED', 'the transport is not open');
    return this.#socket;
  }

  /** From here on an error always has a listener: one that comes late must not end the process. */
  #adopt<S extends Socket>(socket: S): S {
    this.#socket = socket;
    socket.on('error', ignore);
    if (this.#destroyed) socket.destroy();
    return socket;
  }

  /** Rejects with the socket's error, or PG_UPSTREAM_CLOSED. */
  async #until(event: string): Promise<void> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const closed = once(this.socket, 'close', { signal }).then(() => {
      throw new CountersignError('PG_UPSTREAM_CLOSED', 'the server closed the connection at its start');
    });
    closed.catch(ignore);
    try {
      // once() rejects with the error where there is one.
      await Promise.race([once(this.socket, event, { signal }), closed]);
    } finally {
      waiting.abort();
    }
  }

  async open(): Promise<void> {
    const { host, port } = this.#target;
    this.#adopt(
      host.startsWith('/')
        ? connectTcp({ path: join(host, `.s.PGSQL.${port}`) })
        : connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }),
    );
    await this.#until('connect');
  }

  /** @returns hash of the server's certificate for channel binding, or null where there is none. */
  async startTls(options: ConnectionOptions, direct: boolean): Promise<Uint8Array | null> {
    const socket = this.#adopt(connectTls({ ...options, socket: this.socket }));
    await this.#until('secureConnect');
    if (direct && socket.alpnProtocol !== 'postgresql') {
      throw new CountersignError('PG_UPSTREAM_TLS', 'the server does not speak PostgreSQL over direct TLS (ALPN)');
    }
    const certificate = socket.getPeerX509Certificate();
    return certificate ? certificateHash(certificate.raw) : null;
  }

  /** The next bytes; null at the end. */
  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk: Buffer | null = this.socket.read();
      if (chunk !== null) return chunk;
      if (this.socket.readableEnded || this.socket.destroyed) return null;
      await this.#until('readable');
    }
  }

  /** Hands the socket over, paused: the caller listens for its errors from now on. */
  release(): Socket | TLSSocket {
    const socket = this.socket;
    socket.pause();
    socket.off('error', ignore);
    return socket;
  }

  destroy(): void {
    this.#destroyed = true;
    this.#socket?.destroy();
  }
}
