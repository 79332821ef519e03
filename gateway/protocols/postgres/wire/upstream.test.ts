import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeAuthority, type TestAuthority, type TestCertificate } from '../../../../test/support/certificates.ts';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { Connection, type ConnectionInput } from '../../../contract/connection.ts';
import { writeQuery } from '../codec/write-frontend.ts';
import { UpstreamRefusal } from '../handshake/upstream-error.ts';
import { writeGreeting } from './answers.ts';
import { connectUpstream, sendCancel, type Upstream, type UpstreamRequest } from './upstream.ts';

const PASSWORD = 'pÄsswörd\u00a0№ 1';

let authority: TestAuthority;
let client: TestCertificate;
let postgres: TestPostgres;
const opened: Upstream[] = [];

beforeAll(async () => {
  authority = makeAuthority();
  // SHA-384: channel binding has to hash with the certificate's own algorithm.
  const server = authority.issue('localhost', ['DNS:localhost'], 'sha384');
  client = authority.issue('by_certificate');
  postgres = await startPostgres({
    conf: [
      'ssl = on',
      "ssl_cert_file = 'server.crt'",
      "ssl_key_file = 'server.key'",
      "ssl_ca_file = 'ca.crt'",
      'password_encryption = scram-sha-256',
    ],
    hba: [
      'host all by_trust 127.0.0.1/32 trust',
      'host all by_password 127.0.0.1/32 password',
      'host all by_md5 127.0.0.1/32 md5',
      'hostssl all by_certificate 127.0.0.1/32 cert',
      'hostssl all only_tls 127.0.0.1/32 scram-sha-256',
      'host all only_tls 127.0.0.1/32 reject',
    ],
    files: { 'server.crt': server.cert, 'server.key': server.key, 'ca.crt': authority.ca },
  });
  await postgres.query(`
    CREATE ROLE by_trust LOGIN; CREATE ROLE by_certificate LOGIN;
    CREATE ROLE by_password LOGIN PASSWORD '${PASSWORD}'; CREATE ROLE by_scram LOGIN PASSWORD '${PASSWORD}';
    CREATE ROLE only_tls LOGIN PASSWORD '${PASSWORD}';
    SET password_encryption = md5; CREATE ROLE by_md5 LOGIN PASSWORD '${PASSWORD}'`);
});

afterAll(async () => {
  for (const { socket } of opened) socket.destroy();
  await postgres?.stop();
  authority?.remove();
});

async function open(input: Partial<ConnectionInput>, request: Partial<UpstreamRequest> = {}): Promise<Upstream> {
  const connection = Connection.parse({
    id: 'test',
    kind: 'postgres',
    host: 'localhost',
    port: postgres.port,
    user: 'by_scram',
    database: 'postgres',
    ...input,
  });
  const upstream = await connectUpstream({
    connection,
    database: 'postgres',
    parameters: new Map([['application_name', 'upstream test']]),
    protocolMinor: 0,
    secret: PASSWORD,
    timeoutMs: 10_000,
    ...request,
  });
  opened.push(upstream);
  return upstream;
}

const clear = { host: '127.0.0.1', tls: { mode: 'disable' } } as const;
const verified = () => ({ mode: 'verify-full', caFile: authority.caFile }) as const;

describe('authentication', () => {
  test.each([
    { user: 'by_trust', secret: null, method: 'trust' },
    { user: 'by_password', secret: PASSWORD, method: 'password' },
    { user: 'by_md5', secret: PASSWORD, method: 'md5' },
    { user: 'by_scram', secret: PASSWORD, method: 'SCRAM-SHA-256' },
  ])('$method', async ({ user, secret, method }) => {
    const upstream = await open({ ...clear, user }, { secret });
    expect(upstream).toMatchObject({ authMethod: method, tls: false, transactionStatus: 'idle', protocolMinor: 0 });
    expect(upstream.parameters.get('application_name')).toBe('upstream test');
    expect(upstream.parameters.get('server_version')).toMatch(/^18/);
    expect(upstream.backendKey?.secret).toHaveLength(4);
    expect(upstream.leftover).toHaveLength(0);
  });

  test('SCRAM with channel binding, over verified TLS', async () => {
    const upstream = await open({ tls: verified() });
    expect(upstream).toMatchObject({ authMethod: 'SCRAM-SHA-256-PLUS', tls: true });
  });

  test('client certificate', async () => {
    const tls = { ...verified(), certFile: client.certFile, keyFile: client.keyFile };
    expect(await open({ user: 'by_certificate', tls }, { secret: null })).toMatchObject({
      authMethod: 'trust',
      tls: true,
    });
  });

  test('protocol 3.2 with its long key', async () => {
    const upstream = await open({ ...clear }, { protocolMinor: 2 });
    expect(upstream.protocolMinor).toBe(2);
    expect(upstream.backendKey?.secret).toHaveLength(32);
  });

  test('by unix socket, without TLS whatever the mode', async () => {
    const upstream = await open({ host: postgres.socketDir, tls: verified() });
    expect(upstream).toMatchObject({ authMethod: 'SCRAM-SHA-256', tls: false });
  });

  test.each(['by_password', 'by_md5', 'by_scram'])(
    '%s: a wrong password is the error of the server, without it',
    async (user) => {
      const refused = open({ ...clear, user }, { secret: 'wrong-secret-7' });
      await expect(refused).rejects.toMatchObject({ code: 'PG_UPSTREAM_REFUSED', sqlstate: '28P01' });
      await expect(refused).rejects.toBeInstanceOf(UpstreamRefusal);
      await expect(refused).rejects.not.toThrow(/wrong-secret-7/);
    },
  );

  test('no password is stored', async () => {
    await expect(open({ ...clear }, { secret: null })).rejects.toMatchObject({ code: 'PG_UPSTREAM_NO_PASSWORD' });
  });

  test('a database that is not there keeps its SQLSTATE', async () => {
    await expect(open({ ...clear }, { database: 'nowhere' })).rejects.toMatchObject({ sqlstate: '3D000' });
  });
});

describe('TLS', () => {
  test('direct, from the first byte', async () => {
    expect(await open({ tls: { ...verified(), direct: true } })).toMatchObject({ tls: true });
  });

  test('verify-full takes no certificate of another name; verify-ca and a server name do', async () => {
    const tls = verified();
    await expect(open({ host: '127.0.0.1', tls })).rejects.toThrow(/its certificate is for another name/);
    expect(await open({ host: '127.0.0.1', tls: { ...tls, mode: 'verify-ca' } })).toMatchObject({ tls: true });
    expect(await open({ host: '127.0.0.1', tls: { ...tls, serverName: 'localhost' } })).toMatchObject({ tls: true });
  });

  test('an authority that is not trusted is refused, but for mode require', async () => {
    for (const mode of ['verify-ca', 'verify-full'] as const) {
      await expect(open({ tls: { mode } })).rejects.toMatchObject({ code: 'PG_UPSTREAM_TLS' });
    }
    expect(await open({ tls: { mode: 'require' } })).toMatchObject({ tls: true });
    const other = makeAuthority('another');
    await expect(open({ tls: { mode: 'require', caFile: other.caFile } })).rejects.toMatchObject({
      code: 'PG_UPSTREAM_TLS',
    });
    other.remove();
  });

  test('a CA file that is not there is said by name', async () => {
    const opening = open({ tls: { mode: 'verify-ca', caFile: '/nowhere/ca.crt' } });
    await expect(opening).rejects.toMatchObject({
      code: 'PG_TLS_FILE',
      message: expect.stringContaining('/nowhere/ca.crt'),
    });
  });
});

describe('servers that are none', () => {
  let server: Server;
  let serve: (socket: Socket) => void = () => {};
  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => {});
      serve(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());
  const port = () => (server.address() as { port: number }).port;

  test('nothing listens', async () => {
    await expect(open({ ...clear, port: 1 })).rejects.toThrow('127.0.0.1:1 was not reached: nothing listens there');
  });

  test('one that says nothing runs into the timeout, and into an abort', async () => {
    serve = () => {};
    await expect(open({ ...clear, port: port() }, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'PG_UPSTREAM_TIMEOUT',
    });
    const signal = AbortSignal.abort();
    await expect(open({ ...clear, port: port() }, { signal })).rejects.toMatchObject({ code: 'PG_UPSTREAM_ABORTED' });
  });

  test('one that hangs up', async () => {
    serve = (socket) => socket.destroy();
    await expect(open({ ...clear, port: port() })).rejects.toMatchObject({
      code: expect.stringMatching(/PG_UPSTREAM_(CLOSED|UNREACHABLE)/),
    });
    serve = (socket) => socket.end();
    await expect(open({ ...clear, port: port() })).rejects.toMatchObject({ code: 'PG_UPSTREAM_CLOSED' });
  });

  test('one that dies after any byte of its greeting', async () => {
    const greeting = writeGreeting({
      parameters: new Map([['server_version', '18']]),
      key: { pid: 1, secret: new Uint8Array(4) },
      notices: [],
      transactionStatus: 'idle',
    });
    for (let at = 0; at < greeting.length; at += 3) {
      serve = (socket) => socket.once('data', () => socket.end(greeting.subarray(0, at)));
      await expect(open({ ...clear, port: port() })).rejects.toMatchObject({ code: 'PG_UPSTREAM_CLOSED' });
    }
    serve = (socket) => socket.once('data', () => socket.write(greeting));
    expect(await open({ ...clear, port: port() })).toMatchObject({ authMethod: 'trust' });
  });

  test.each([
    { name: 'without TLS', answer: 'N', code: 'PG_UPSTREAM_NO_TLS' },
    { name: 'that stuffs the buffer', answer: 'SX', code: 'PG_UPSTREAM_MALFORMED' },
    { name: 'that answers with an error in clear', answer: 'Ebad', code: 'PG_UPSTREAM_MALFORMED' },
    { name: 'of another kind', answer: 'HTTP/1.1 400', code: 'PG_UPSTREAM_MALFORMED' },
    {
      name: 'that says TLS and talks something else',
      answer: 'S',
      after: 'hello hello hello',
      code: 'PG_UPSTREAM_TLS',
    },
  ])('one $name', async ({ answer, after, code }) => {
    serve = (socket) => {
      socket.once('data', () => socket.write(answer));
      if (after) socket.once('data', () => socket.once('data', () => socket.end(after)));
    };
    await expect(open({ port: port(), host: '127.0.0.1', tls: { mode: 'require' } })).rejects.toMatchObject({ code });
  });
});

test.each(['disable', 'require'] as const)('a running statement is cancelled (TLS %s)', async (mode) => {
  const upstream = await open({ tls: { mode } }, { protocolMinor: 2 });
  const received: Buffer[] = [];
  upstream.socket.on('data', (bytes: Buffer) => received.push(bytes));
  upstream.socket.resume();
  upstream.socket.write(writeQuery('SELECT pg_sleep(60)'));
  await expect
    .poll(() =>
      postgres.query("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"),
    )
    .toHaveLength(1);
  const target = { host: 'localhost', port: postgres.port, user: 'by_scram', tls: { mode, direct: false } };
  await sendCancel(target, upstream.backendKey!);
  await expect.poll(() => Buffer.concat(received).toString('latin1')).toContain('57014');
});
