import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frontend } from '../../gateway/protocols/postgres/codec/messages.ts';
import { writeMessage } from '../../gateway/protocols/postgres/codec/write-backend.ts';
import {
  writeBind,
  writeClose,
  writeCopyDone,
  writeDescribe,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { pieces } from '../../gateway/recording/reader.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RawClient } from '../support/raw-client.ts';
import { closedSessions } from '../support/recordings.ts';
import { ALLOW_ALL } from '../support/service.ts';
import { type SideBySide, startSideBySide } from '../support/side-by-side.ts';

/** What a tap between client and gateway saw after the handshake is what the recording holds, byte for byte. */
let postgres: TestPostgres;
let sides: SideBySide;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE TABLE taped (i int, s text)');
  sides = await startSideBySide(postgres, { policy: ALLOW_ALL });
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
});

interface Tap {
  server: Server;
  env: NodeJS.ProcessEnv;
  up: Buffer[];
  down: Buffer[];
}

async function tap(): Promise<Tap> {
  const up: Buffer[] = [];
  const down: Buffer[] = [];
  const server = createServer((client) => {
    const gateway = connect(Number(sides.gateway.PGPORT), '127.0.0.1');
    client.on('data', (chunk) => {
      up.push(chunk);
      gateway.write(chunk);
    });
    gateway.on('data', (chunk) => {
      down.push(chunk);
      client.write(chunk);
    });
    for (const socket of [client, gateway]) socket.on('error', () => {});
    client.on('close', () => gateway.destroy());
    gateway.on('close', () => client.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { server, env: { ...sides.gateway, PGPORT: String(port) }, up, down };
}

const copyData = (text: string) => writeMessage(frontend.CopyData, new TextEncoder().encode(text));
const run = (sql: string) => [
  writeParse('', sql),
  writeBind('', '', []),
  writeDescribe('portal', ''),
  writeExecute(''),
];

const TRAFFIC: Readonly<Record<string, readonly { send: Uint8Array[]; ready: number }[]>> = {
  simple: [{ send: [writeQuery('SELECT 1; SELECT 2')], ready: 1 }],
  extended: [
    { send: [writeParse('s', 'SELECT $1::text'), writeDescribe('statement', 's'), writeSync()], ready: 1 },
    {
      send: [writeBind('', 's', [new Uint8Array([65])]), writeExecute(''), writeClose('statement', 's'), writeSync()],
      ready: 1,
    },
  ],
  large: [{ send: [writeQuery(`SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i`)], ready: 1 }],
  copy: [
    {
      send: [writeQuery('COPY taped FROM STDIN'), copyData('1\tone\n'), copyData('2\ttwo\n'), writeCopyDone()],
      ready: 1,
    },
    { send: [writeQuery('COPY taped TO STDOUT')], ready: 1 },
    { send: [writeQuery('COPY taped FROM STDIN'), copyData('x\n'), writeCopyDone()], ready: 1 },
  ],
  errors: [
    { send: [writeQuery('SELECT 1/0'), writeQuery('SELEC')], ready: 2 },
    { send: [...run('SELECT broken'), ...run('SELECT 1'), writeSync()], ready: 1 },
  ],
  pipelined: [
    {
      send: Array.from({ length: 300 }, (_, i) => [...run(`SELECT ${i}`), writeSync()]).flat(),
      ready: 300,
    },
  ],
};

describe('the recording is complete', () => {
  it.each(Object.keys(TRAFFIC))('of %s traffic', async (kind) => {
    const taped = await tap();
    const client = await RawClient.connect(taped.env, { application_name: `taped ${kind}` });
    const before = [taped.up, taped.down].map((chunks) => Buffer.concat(chunks).length);
    for (const { send, ready } of TRAFFIC[kind]!) {
      client.send(...send);
      await client.until('Z', ready);
    }
    client.end();
    await new Promise((done) => taped.server.close(done));
    const [session] = await closedSessions(sides.service.home, `taped ${kind}`);
    const recorded = { up: [] as Uint8Array[], down: [] as Uint8Array[] };
    for await (const { direction, bytes } of pieces(session!.folder)) recorded[direction].push(bytes!);
    const seen = [taped.up, taped.down].map((chunks, i) => Buffer.concat(chunks).subarray(before[i]));
    expect(Buffer.concat(recorded.up).equals(seen[0]!)).toBe(true);
    expect(Buffer.concat(recorded.down).equals(seen[1]!)).toBe(true);
    expect(session!.close!.counts.bytesUp).toBe(seen[0]!.length);
    expect(session!.close!.counts.bytesDown).toBe(seen[1]!.length);
  });
});

describe('function calls on the wire', () => {
  /** A FunctionCall with arguments and result as text. */
  function call(oid: number, ...values: string[]): Uint8Array {
    const parts = values.map((value) => Buffer.from(value));
    const size = parts.reduce((sum, part) => sum + 4 + part.length, 4 + 2 + 2 + 2);
    const body = Buffer.alloc(size);
    let at = body.writeUInt32BE(oid, 0);
    at = body.writeInt16BE(0, at);
    at = body.writeInt16BE(parts.length, at);
    for (const part of parts) at = body.writeInt32BE(part.length, at) + part.copy(body, at + 4);
    body.writeInt16BE(0, at);
    return writeMessage(frontend.FunctionCall, body);
  }

  it('are decided on by the name of the function', async () => {
    const [{ oid: length } = {}] = await postgres.query(`SELECT 'pg_catalog.length(text)'::regprocedure::oid AS oid`);
    const [{ oid: program } = {}] = await postgres.query(
      `SELECT 'pg_catalog.pg_read_file(text)'::regprocedure::oid AS oid`,
    );
    const shipped = await startSideBySide(postgres);
    try {
      const client = await RawClient.connect(shipped.gateway);
      client.send(call(Number(length), 'text'));
      expect(await client.until('Z')).toEqual(['V', 'Z I']);
      client.send(call(Number(program), 'PG_VERSION'));
      expect(await client.until('Z')).toEqual(['E ERROR 42501', 'Z I']);
      client.send(writeQuery('BEGIN'), call(Number(program), 'PG_VERSION'), writeQuery('ROLLBACK'));
      expect(await client.until('Z', 3)).toEqual(['C BEGIN', 'Z T', 'E ERROR 42501', 'Z E', 'C ROLLBACK', 'Z I']);
      client.end();
    } finally {
      await shipped.stop();
    }
  });
});
