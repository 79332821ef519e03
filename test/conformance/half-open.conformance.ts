import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frontend } from '../../gateway/protocols/postgres/codec/messages.ts';
import { writeMessage } from '../../gateway/protocols/postgres/codec/write-backend.ts';
import {
  writeBind,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
  writeTerminate,
} from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { component } from '../components.ts';
import { makeAuthority } from '../support/certificates.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RawClient } from '../support/raw-client.ts';
import { eventually, nextHeld, type SideBySide, startClient, startSideBySide } from '../support/side-by-side.ts';

const python = component('psycopg');

/** Clients that close half of their connection, or vanish, side by side with the server reached directly. */
let postgres: TestPostgres;
let sides: SideBySide;

beforeAll(async () => {
  const authority = makeAuthority();
  const { cert, key } = authority.issue('127.0.0.1', ['IP:127.0.0.1']);
  authority.remove();
  postgres = await startPostgres({
    hba: ['host all all 127.0.0.1/32 password'],
    conf: ['ssl = on', "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'"],
    files: { 'server.crt': cert, 'server.key': key },
  });
  await postgres.query('CREATE TABLE half (i int)');
  sides = await startSideBySide(postgres, { keepAliveMs: 1_000 });
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
});

const text = (value: string) => new TextEncoder().encode(value);
const copyData = (value: string) => writeMessage(frontend.CopyData, text(value));
const ROWS = "SELECT g, repeat('x', 200) FROM generate_series(1, 20000) g";

/** What a client reads up to the end that the server makes, when it closes its writing side after `pieces`. */
async function closing(env: NodeJS.ProcessEnv, pieces: readonly Uint8Array[], application: string): Promise<string[]> {
  const client = await RawClient.connect(env, { application_name: application });
  client.send(...pieces);
  client.endWriting();
  const seen = await client.rest();
  client.end();
  return seen;
}

const backends = async (application: string) =>
  Number(
    (await postgres.query(`SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = '${application}'`))[0]
      ?.n,
  );
const none = (application: string) =>
  eventually(`no backend of ${application}`, async () => ((await backends(application)) === 0 ? true : null));

describe('a client that closes its writing side', () => {
  const incomplete = writeQuery('SELECT 1').subarray(0, 9);
  it.each<[string, Uint8Array[]]>([
    ['after a query', [writeQuery('SELECT 1')]],
    ['after a query that takes a while', [writeQuery('SELECT pg_sleep(1); SELECT 2')]],
    ['after a query with many rows', [writeQuery(ROWS)]],
    ['after several queries', [writeQuery('SELECT 1'), writeQuery('SELECT 1/0'), writeQuery('SELECT 3')]],
    [
      'after a pipeline of the extended protocol',
      [
        writeParse('s', 'SELECT $1::int + 1'),
        ...['1', '2', '3'].flatMap((value) => [writeBind('', 's', [text(value)]), writeExecute('')]),
        writeSync(),
      ],
    ],
    ['in a transaction', [writeQuery('BEGIN'), writeQuery('SELECT 1')]],
    ['after goodbye', [writeQuery('SELECT pg_sleep(0.3)'), writeTerminate()]],
    ['before anything', []],
    ['in the middle of a message', [writeQuery('SELECT 1'), incomplete]],
    ['after what the server refuses', [writeQuery('SELECT'), writeQuery('SELECT 1 FROM no_such_table')]],
  ])('%s reads what it reads from the server itself', async (_, pieces) => {
    const direct = await closing(sides.direct, pieces, 'half-direct');
    expect(await closing(sides.gateway, pieces, 'half-gateway')).toEqual(direct);
    await none('half-direct');
    await none('half-gateway');
  });

  it('over TLS reads the same', async () => {
    const pieces = [writeQuery('SELECT pg_sleep(0.5)'), writeQuery(ROWS)];
    const direct = await closing(sides.direct, pieces, 'half-direct');
    expect(await closing({ ...sides.gateway, PGSSLMODE: 'require' }, pieces, 'half-gateway')).toEqual(direct);
    await none('half-gateway');
  });

  it('whose gateway reaches the server over TLS reads the same', async () => {
    const tls = await startSideBySide(postgres, { connection: { tls: { mode: 'require' } } });
    try {
      const pieces = [writeQuery('SELECT pg_sleep(0.5)'), writeQuery(ROWS)];
      const direct = await closing({ ...sides.direct, PGSSLMODE: 'require' }, pieces, 'half-direct');
      expect(await closing(tls.gateway, pieces, 'half-gateway')).toEqual(direct);
      expect(await closing({ ...tls.gateway, PGSSLMODE: 'require' }, pieces, 'half-gateway')).toEqual(direct);
      await none('half-gateway');
    } finally {
      await tls.stop();
    }
  });

  it('in the middle of COPY reads the server’s error, and nothing is copied', async () => {
    const open = await startSideBySide(postgres, { connection: { mode: 'observe' } });
    try {
      const pieces = [writeQuery('COPY half FROM STDIN'), copyData('1\n'), copyData('2\n')];
      const direct = await closing(open.direct, pieces, 'half-direct');
      expect(direct).toContain('G');
      expect(await closing(open.gateway, pieces, 'half-gateway')).toEqual(direct);
      expect(await postgres.query('SELECT * FROM half')).toEqual([]);
      await none('half-gateway');
    } finally {
      await open.stop();
    }
  });

  it('while its statements wait for a person reads their denials, and is not asked for any more', async () => {
    const client = await RawClient.connect(sides.gateway, { application_name: 'half-held' });
    client.send(
      writeQuery('SELECT 1'),
      writeQuery('INSERT INTO half VALUES (1)'),
      writeQuery('INSERT INTO half VALUES (2)'),
      writeQuery('SELECT 2'),
    );
    const held = await nextHeld(sides.control);
    client.endWriting();
    expect(await client.rest()).toEqual([
      ...['T', 'D 1', 'C SELECT 1', 'Z I'],
      ...['E ERROR 42501', 'Z I', 'E ERROR 42501', 'Z I'],
      ...['T', 'D 2', 'C SELECT 1', 'Z I'],
    ]);
    expect((await sides.control.call('approval', { id: held.id })).state).toBe('withdrawn');
    expect((await sides.control.call('approvals', { state: 'waiting' })).items).toEqual([]);
    expect(await postgres.query('SELECT * FROM half')).toEqual([]);
    await none('half-held');
  });

  it('and reads slowly gets every byte', async () => {
    const client = await RawClient.connect(sides.gateway, { application_name: 'half-slow' });
    client.send(writeQuery(ROWS));
    client.endWriting();
    client.pause();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    client.resume();
    const seen = await client.rest();
    expect(seen.filter((line) => line.startsWith('D ')).length).toBe(20_000);
    expect(seen.slice(-2)).toEqual(['C SELECT 20000', 'Z I']);
    client.end();
    await none('half-slow');
  });
});

/** Speaks just enough of the protocol to have a session, then forgets its socket: no FIN, no RST. */
const VANISH = `
import os, socket, struct, sys
s = socket.create_connection((os.environ['PGHOST'], int(os.environ['PGPORT'])))
pairs = ['user', os.environ['PGUSER'], 'database', os.environ['PGDATABASE'], 'application_name', 'half-dead', '']
body = struct.pack('!i', 196608) + b''.join(p.encode() + b'\\0' for p in pairs)
s.sendall(struct.pack('!i', len(body) + 4) + body)
seen = b''
while b'Z\\0\\0\\0\\5I' not in seen:
    seen += s.recv(65536)
    if seen[:1] == b'R' and seen[5:9] == b'\\0\\0\\0\\3' and len(seen) == 9:
        word = os.environ['PGPASSWORD'].encode() + b'\\0'
        s.sendall(b'p' + struct.pack('!i', len(word) + 4) + word)
text = sys.argv[1].encode() + b'\\0'
if len(text) > 1:
    s.sendall(b'Q' + struct.pack('!i', len(text) + 4) + text)
print('ready', flush=True)
sys.stdin.readline()
TCP_REPAIR = 19
try:
    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
except PermissionError:
    print('not permitted', flush=True)
    os._exit(3)
s.close()
print('gone', flush=True)
`;

describe.skipIf(python.missing)('a client that vanishes without a word (needs Python)', () => {
  it.each([
    ['while it is idle', ''],
    ['while its statement waits for a person', 'INSERT INTO half VALUES (3)'],
  ])('%s is found, and its session at the server ended', async (_, statement) => {
    const client = startClient(python.path, ['-c', VANISH, statement], sides.gateway, null);
    await eventually('a session', () => (client.said().includes('ready') ? true : null));
    const held = statement === '' ? null : await nextHeld(sides.control);
    expect(await backends('half-dead')).toBe(1);
    client.process.stdin?.end('\n');
    const { code, out } = await client.ended;
    // Only root may close a socket without a word to the other side.
    if (code !== 3) expect(out).toContain('gone');
    await none('half-dead');
    if (held) {
      const { state } = await sides.control.call('approval', { id: held.id });
      expect(state).toBe('withdrawn');
    }
  });
});

describe('a server', () => {
  it('that ends a session has its own words heard', async () => {
    const client = await RawClient.connect(sides.gateway, { application_name: 'half-killed' });
    await postgres.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'half-killed'",
    );
    expect(await client.rest()).toEqual(['E FATAL 57P01']);
  });
});
