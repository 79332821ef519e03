import { execFile } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { component } from '../../../../test/components.ts';
import type { AgentSession } from '../../../pipeline/ports.ts';
import { readErrorFields, summarizeError } from '../codec/backend.ts';
import { protocolVersion } from '../codec/messages.ts';
import { writeCancelRequest, writeSslRequest, writeStartupMessage } from '../codec/startup.ts';
import { writeCommandComplete, writeDataRow, writeReadyForQuery, writeRowDescription } from '../codec/write-backend.ts';
import { scramKeys } from '../handshake/scram.ts';
import { writeGreeting } from './answers.ts';
import { type AcceptedSession, createPostgresListener, type PostgresListener } from './listener.ts';
import { type Certificate, loadOrMakeCertificate } from './self-signed.ts';

const TOKEN = 'cs_0123456789abcdefghijklmnop';
const psql = component('psql');
const utf8 = new TextEncoder();
const run = promisify(execFile);

const agentSession: AgentSession = {
  id: 'agent',
  identity: { subject: 'me', display: 'me', kind: 'local', verified: false, groups: [] },
  connectionId: 'demo',
  purpose: 'test',
  conversationId: null,
};
const salt = new Uint8Array(16).fill(7);
const keys = { ...scramKeys(pbkdf2Sync(TOKEN, salt, 4096, 32, 'sha256'), salt, 4096), session: agentSession };

let folder: string;
let certificate: Certificate;
let listener: PostgresListener;
let sessions: AcceptedSession[] = [];
let cancels: { pid: number; secret: number[] }[] = [];
let refusals: string[] = [];

/** Answers every statement with one row, the name of the database. */
function answer(session: AcceptedSession): void {
  const { socket, startup } = session;
  sessions.push(session);
  const field = { name: 'x', tableOid: 0, columnNumber: 0, typeOid: 25, typeModifier: -1, format: 'text' } as const;
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    if (bytes[0] !== 0x51) return socket.end();
    socket.write(writeRowDescription([field]));
    socket.write(writeDataRow([utf8.encode(startup.database)]));
    socket.write(writeCommandComplete('SELECT 1'));
    socket.write(writeReadyForQuery('idle'));
  });
  const parameters = new Map([
    ['server_version', '18.0'],
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
  ]);
  const key = { pid: 4711, secret: Uint8Array.of(1, 2, 3, 4) };
  socket.write(writeGreeting({ parameters, key, notices: [], transactionStatus: 'idle' }));
  socket.resume();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cs-listener-'));
  certificate = await loadOrMakeCertificate(folder, Date.now());
  listener = await createPostgresListener({
    host: '127.0.0.1',
    port: 0,
    tls: certificate,
    verifyToken: (token, id) =>
      token === TOKEN && id === 'demo'
        ? { ok: true, session: agentSession }
        : { ok: false, reason: 'this token is not valid for this connection' },
    scramKeys: (id) => ({ salt, iterations: 4096, candidates: id === 'demo' ? [keys] : [] }),
    findConnection: (id) => (id === 'demo' ? { id, database: 'company', databases: ['other'], mode: 'enforce' } : null),
    onCancel: (pid, secret) => cancels.push({ pid, secret: [...secret] }),
    onSession: answer,
    onRefused: (reason) => refusals.push(reason),
    startupTimeoutMs: 400,
    maxConnections: 20,
  });
});
afterAll(async () => {
  await listener?.close();
  for (const { socket } of sessions) socket.destroy();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(psql.missing)('psql', () => {
  async function ask(conninfo: string, password: string = TOKEN): Promise<string> {
    const where = `hostaddr=127.0.0.1 port=${listener.address.port} gssencmode=disable connect_timeout=10`;
    const env = { PATH: process.env.PATH, PGPASSWORD: password, LC_ALL: 'C.UTF-8' };
    const { stdout } = await run(psql.path, ['-XAtc', 'SELECT 1', `${where} ${conninfo}`], { env });
    return stdout.trim();
  }

  test.each([
    { name: 'cleartext', conninfo: 'user=demo sslmode=disable', method: 'password', tls: false },
    { name: 'TLS', conninfo: 'user=demo sslmode=require', method: 'password', tls: true },
    { name: 'SCRAM', conninfo: 'user=demo+scram sslmode=disable', method: 'SCRAM-SHA-256', tls: false },
    {
      name: 'SCRAM-PLUS',
      conninfo: 'user=demo+scram channel_binding=require',
      method: 'SCRAM-SHA-256-PLUS',
      tls: true,
    },
    {
      name: 'SCRAM over TLS without binding',
      conninfo: 'user=demo+scram sslmode=require channel_binding=disable',
      method: 'SCRAM-SHA-256',
      tls: true,
    },
  ])('$name', async ({ conninfo, method, tls }) => {
    sessions = [];
    expect(await ask(conninfo)).toBe('company');
    expect(sessions).toMatchObject([{ tls, startup: { authMethod: method, connectionId: 'demo', protocolMinor: 0 } }]);
    expect(sessions[0]?.startup.parameters.get('client_encoding')).toBe('UTF8');
    expect(sessions[0]?.remoteAddress).toBe('127.0.0.1');
  });

  test('verifies the certificate fully', async () => {
    const verify = `user=demo sslmode=verify-full sslrootcert=${join(folder, 'gateway.crt')}`;
    expect(await ask(`host=localhost ${verify}`)).toBe('company');
    await expect(ask(`host=elsewhere ${verify}`)).rejects.toThrow(/does not match host name/);
  });

  test('asks for GSS encryption first and goes on without it', async () => {
    expect(await ask('user=demo gssencmode=prefer sslmode=prefer')).toBe('company');
  });

  test('names a database', async () => {
    expect(await ask('user=demo dbname=other')).toBe('other');
    expect(await ask('user=demo dbname=demo')).toBe('company');
    await expect(ask('user=demo dbname=secret')).rejects.toThrow(/database "secret" is not among those of/);
  });

  test.each(['', '+scram'])('a wrong token and an unknown connection read the same (%s)', async (suffix) => {
    const message = async (asked: Promise<string>) => String(await asked.catch((error) => error.stderr));
    const wrong = await message(ask(`user=demo${suffix}`, 'cs_wrong'));
    const unknown = await message(ask(`user=nowhere${suffix}`, 'cs_wrong'));
    expect(wrong).toContain('FATAL:  this token is not valid for this connection\nHINT:  Ask the person');
    expect(unknown).toBe(wrong);
  });

  test('settings that would blind the classifier are refused', async () => {
    await expect(ask('user=demo client_encoding=LATIN1')).rejects.toThrow(/client_encoding "LATIN1" is not accepted/);
    const off = `user=demo options='-c standard_conforming_strings=off'`;
    await expect(ask(off)).rejects.toThrow(/standard_conforming_strings must stay on/);
    await expect(ask('user=demo replication=database')).rejects.toThrow(/replication connections are not supported/);
  });
});

function startupMessage(user = 'demo'): Uint8Array {
  return writeStartupMessage(protocolVersion.v3_0, [['user', user]]);
}

async function open(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: listener.address.port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => chunks.push(bytes));
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

function errorOf(bytes: Buffer) {
  const at = bytes.indexOf('E');
  return summarizeError(readErrorFields(bytes, at + 5, at + 1 + bytes.readInt32BE(at + 1)));
}

describe('without a client library', () => {
  test('direct TLS needs the application protocol', async () => {
    const direct = (ALPNProtocols: string[]) =>
      connectTls({
        host: '127.0.0.1',
        port: listener.address.port,
        ca: certificate.cert,
        servername: 'localhost',
        ALPNProtocols,
      });
    const good = direct(['postgresql']);
    await once(good, 'secureConnect');
    expect(good.alpnProtocol).toBe('postgresql');
    good.write(startupMessage());
    const [asked] = (await once(good, 'data')) as [Buffer];
    expect([...asked]).toEqual([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);
    good.destroy();
    const without = direct([]);
    expect(await readAll(without)).toHaveLength(0);
  });

  test('what is stuffed behind SSLRequest in clear is refused', async () => {
    const socket = await open();
    socket.write(Buffer.concat([writeSslRequest(), startupMessage()]));
    expect(errorOf(await readAll(socket))).toMatchObject({ message: 'unencrypted data was received after SSLRequest' });
  });

  test('a cancel request is passed on and answered by nothing', async () => {
    cancels = [];
    const socket = await open();
    socket.write(writeCancelRequest(-5, Uint8Array.of(9, 8, 7, 6, 5)));
    expect(await readAll(socket)).toHaveLength(0);
    expect(cancels).toEqual([{ pid: -5, secret: [9, 8, 7, 6, 5] }]);
  });

  test('a client that says nothing is let go, one that does not authenticate is told why', async () => {
    refusals = [];
    const silent = readAll(await open());
    const socket = await open();
    socket.write(startupMessage());
    const stalled = readAll(socket);
    expect(await silent).toHaveLength(0);
    expect(errorOf(await stalled)).toMatchObject({ sqlstate: '57014' });
    expect(refusals.sort()).toEqual([
      'the client did not authenticate in time',
      'the client sent no startup message in time',
    ]);
  });

  test('garbage gets an error and an end', async () => {
    const socket = await open();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(errorOf(await readAll(socket))).toMatchObject({ severity: 'FATAL', sqlstate: '08P01' });
  });

  test('random bytes in any state, in clear and behind TLS, leave the listener as it was', async () => {
    const prefixes: readonly (readonly Uint8Array[])[] = [
      [],
      [writeSslRequest()],
      [startupMessage()],
      [startupMessage('demo+scram')],
      [Uint8Array.of(0x16, 3, 1)],
    ];
    const samples = fc.sample(fc.tuple(fc.constantFrom(...prefixes), fc.uint8Array({ maxLength: 300 })), 60);
    for (const [prefix, bytes] of samples) {
      const socket = await open();
      for (const part of prefix) {
        socket.write(part);
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.end(bytes);
      socket.resume();
      if (!socket.closed) await once(socket, 'close');
    }
    const encrypted = connectTls({
      host: '127.0.0.1',
      port: listener.address.port,
      rejectUnauthorized: false,
      ALPNProtocols: ['postgresql'],
    });
    await once(encrypted, 'secureConnect');
    encrypted.on('error', () => {});
    encrypted.end(Buffer.alloc(300, 0x41));
    encrypted.resume();
    await once(encrypted, 'close');
    const socket = await open();
    socket.write(startupMessage());
    const [asked] = (await once(socket, 'data')) as [Buffer];
    expect(asked[0]).toBe(0x52);
    socket.destroy();
  });

  test('a client that sends without end is cut off', async () => {
    const socket = await open();
    socket.write(startupMessage());
    const all = readAll(socket);
    // A password message that announces what it may, and then goes on.
    socket.write(Buffer.concat([Uint8Array.of(0x70, 0, 0, 0x27, 0x10), Buffer.alloc(1_000_000, 0x61)]));
    expect(errorOf(await all)).toMatchObject({ severity: 'FATAL' });
  });

  test('connections above the limit are refused, and come in again when others left', async () => {
    const sockets: Socket[] = [];
    for (let i = 0; i < 20; i++) sockets.push(await open());
    expect(errorOf(await readAll(await open()))).toMatchObject({ sqlstate: '53300' });
    for (const socket of sockets) socket.destroy();
    await Promise.all(sockets.map((socket) => (socket.closed ? null : once(socket, 'close'))));
    await expect
      .poll(async () => {
        const socket = await open();
        socket.write(startupMessage());
        const [bytes] = (await once(socket, 'data')) as [Buffer];
        socket.destroy();
        return bytes[0];
      })
      .toBe(0x52);
  });
});
