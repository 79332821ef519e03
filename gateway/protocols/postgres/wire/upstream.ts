import { pbkdf2, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { CountersignError, isCountersignError } from '../../../contract/errors.ts';
import { writeCancelRequest, writeSslRequest } from '../codec/startup.ts';
import { saslprep } from '../handshake/saslprep.ts';
import type { UpstreamCommand, UpstreamSession } from '../handshake/upstream-events.ts';
import { UpstreamHandshake } from '../handshake/upstream-handshake.ts';
import { deadline, type Target, Transport, tlsOptions, tlsWay } from './transport.ts';
import { transportError } from './transport-error.ts';

const deriveKey = promisify(pbkdf2);

export interface UpstreamRequest {
  connection: Target;
  database: string;
  /** For the server; without user and database. */
  parameters: ReadonlyMap<string, string>;
  /** Highest minor version of protocol 3 to ask for: what the client speaks. */
  protocolMinor: number;
  /** The password, and the passphrase of a client key that is encrypted; null: none. */
  secret: string | null;
  signal?: AbortSignal;
  /** For all of it, in milliseconds. */
  timeoutMs: number;
}

export interface Upstream extends UpstreamSession {
  /** Paused and without listeners: add yours (`error` among them), take `leftover` first, then resume(). */
  socket: Socket | TLSSocket;
  tls: boolean;
}

/**
 * Connects to a target and authenticates. Rejects with CountersignError: UpstreamRefusal (the server's
 * words and SQLSTATE), PG_UPSTREAM_UNREACHABLE, PG_UPSTREAM_TLS, PG_UPSTREAM_NO_TLS, PG_TLS_FILE,
 * PG_UPSTREAM_NO_PASSWORD, PG_UPSTREAM_AUTH_UNSUPPORTED, PG_UPSTREAM_TIMEOUT, PG_UPSTREAM_ABORTED,
 * PG_UPSTREAM_CLOSED, PG_UPSTREAM_MALFORMED, PG_SCRAM_FAILED, PG_MESSAGE_*. None contains the secret.
 */
export async function connectUpstream(request: UpstreamRequest): Promise<Upstream> {
  const limit = deadline(request.signal, request.timeoutMs);
  const transport = new Transport(request.connection);
  try {
    return await Promise.race([limit.passed, establish(request, transport)]);
  } catch (error) {
    transport.destroy();
    throw isCountersignError(error) ? error : transportError(error, request.connection);
  } finally {
    limit.clear();
  }
}

async function establish(request: UpstreamRequest, transport: Transport): Promise<Upstream> {
  const { connection, secret } = request;
  const way = tlsWay(connection);
  const tls = way === 'none' ? {} : await tlsOptions(connection, secret);
  await transport.open();
  const machine = new UpstreamHandshake({
    user: connection.user,
    database: request.database,
    parameters: request.parameters,
    protocolMinor: request.protocolMinor,
    password: secret,
    tls: way,
    nonce: randomBytes(18).toString('base64'),
  });
  const queue: UpstreamCommand[] = machine.handle({ type: 'Connected' });
  for (;;) {
    const command = queue.shift();
    if (command === undefined) {
      const bytes = await transport.read();
      queue.push(...machine.handle(bytes ? { type: 'Received', bytes } : { type: 'Disconnected' }));
      continue;
    }
    switch (command.type) {
      case 'Send':
        transport.socket.write(command.bytes);
        break;
      case 'StartTls': {
        const binding = await transport.startTls(tls, way === 'direct');
        queue.push(...machine.handle({ type: 'TlsEstablished', binding }));
        break;
      }
      case 'DeriveKey': {
        const saltedPassword = await deriveKey(saslprep(secret ?? ''), command.salt, command.iterations, 32, 'sha256');
        queue.push(...machine.handle({ type: 'KeyDerived', saltedPassword }));
        break;
      }
      case 'Fail':
        throw command.error;
      case 'Established':
        return { ...command.session, socket: transport.release(), tls: way !== 'none' };
    }
  }
}

export interface CancelOptions {
  /** Passphrase of an encrypted client key. */
  secret?: string | null;
  timeoutMs?: number;
}

/**
 * Asks the server to cancel what runs in a session; TLS as for the session. Resolves when the server
 * has taken the request (it closes the connection); rejects as connectUpstream does.
 * Source: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export async function sendCancel(
  connection: Target,
  backendKey: { pid: number; secret: Uint8Array },
  { secret = null, timeoutMs = 5000 }: CancelOptions = {},
): Promise<void> {
  const limit = deadline(undefined, timeoutMs);
  const transport = new Transport(connection);
  const send = async () => {
    const way = tlsWay(connection);
    const tls = way === 'none' ? {} : await tlsOptions(connection, secret);
    await transport.open();
    if (way === 'request') {
      transport.socket.write(writeSslRequest());
      const answer = await transport.read();
      if (answer?.length !== 1 || answer[0] !== 0x53) {
        throw new CountersignError(
          'PG_UPSTREAM_NO_TLS',
          'the server does not offer TLS, and the connection asks for it',
        );
      }
    }
    if (way !== 'none') await transport.startTls(tls, way === 'direct');
    transport.socket.write(writeCancelRequest(backendKey.pid, backendKey.secret));
    while ((await transport.read()) !== null);
  };
  try {
    await Promise.race([limit.passed, send()]);
  } catch (error) {
    // The server hangs up once it has read the request, and need not do so politely.
    if (isCountersignError(error, 'PG_UPSTREAM_CLOSED')) return;
    throw isCountersignError(error) ? error : transportError(error, connection);
  } finally {
    limit.clear();
    transport.destroy();
  }
}
