import { once } from 'node:events';
import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { protocolVersion } from '../codec/messages.ts';
import { writeStartupMessage } from '../codec/startup.ts';
import { writeBind, writeDescribe, writeExecute, writeParse, writeQuery, writeSync } from '../codec/write-frontend.ts';
import { Deriver } from './deriver.ts';
import { type Capture, type CapturedPiece, deriveAll, startCapture, type Told } from './test-capture.ts';

let server: TestPostgres;
let capture: Capture;
let client: pg.Client;
let deriver: Deriver;

beforeAll(async () => {
  server = await startPostgres({ hba: ['host all raw 127.0.0.1/32 trust'] });
  await server.query(
    "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t SELECT g, 'n' || g FROM generate_series(1, 300) g; CREATE ROLE raw LOGIN; GRANT SELECT ON t TO raw",
  );
  capture = await startCapture(server.host, server.port);
  client = new pg.Client({
    host: '127.0.0.1',
    port: capture.port,
    user: server.user,
    password: server.password,
    database: 'postgres',
  });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await capture?.close();
  await server?.stop();
});
beforeEach(() => {
  deriver = new Deriver();
  capture.take();
});

async function exchange(work: () => Promise<unknown>): Promise<CapturedPiece[]> {
  await work().catch(() => {});
  return capture.take();
}

/** The same bytes in pieces of one byte: derivation must not depend on where reads were cut. */
const byteByByte = (pieces: CapturedPiece[]): CapturedPiece[] =>
  pieces.flatMap((piece) => Array.from(piece.bytes, (byte) => ({ ...piece, bytes: new Uint8Array([byte]) })));

/** As a reader may hand them over: all of the client, then all of the server. */
const byDirection = (pieces: CapturedPiece[]): CapturedPiece[] => [
  ...pieces.filter((piece) => piece.direction === 'up'),
  ...pieces.filter((piece) => piece.direction === 'down'),
];

describe('simple query', () => {
  test('each statement of a string is one statement with its own part of the text', async () => {
    const text = "SELECT 1 AS one; /* ; */ INSERT INTO t VALUES (1001, 'a;b'); SELECT NULL::text, 'x';";
    const pieces = await exchange(() => client.query(text));
    const told = deriveAll(deriver, pieces, [], 7);
    expect(told.statements.map((s) => [s.text, s.op, s.tag, s.rows, s.exchange, s.ordinal])).toEqual([
      ['SELECT 1 AS one', 'SELECT', 'SELECT 1', 1, 7, 0],
      ["/* ; */ INSERT INTO t VALUES (1001, 'a;b')", 'INSERT', 'INSERT 0 1', 1, 7, 1],
      ["SELECT NULL::text, 'x'", 'SELECT', 'SELECT 1', 1, 7, 2],
    ]);
    expect(told.rows[0]).toEqual([['1']]);
    expect(told.columns[0]).toEqual(['one']);
    expect(told.rows[1]).toBeUndefined();
    expect(told.rows[2]).toEqual([[null, 'x']]);
    expect(deriveAll(new Deriver(), byteByByte(pieces), [], 7)).toEqual(told);
    expect(deriveAll(new Deriver(), byDirection(pieces), [], 7)).toEqual(told);
  });

  test('an error ends the string: what ran before keeps its result, what follows is not told', async () => {
    const pieces = await exchange(() => client.query('SELECT 1; SELECT 1/0; SELECT 2'));
    const { statements } = deriveAll(deriver, pieces);
    expect(statements.map((s) => [s.text, s.tag, s.error?.sqlstate ?? null])).toEqual([
      ['SELECT 1', 'SELECT 1', null],
      ['SELECT 1/0', null, '22012'],
    ]);
  });

  test('a syntax error refuses the whole string', async () => {
    const pieces = await exchange(() => client.query('SELECT 1; SELEC 2'));
    const { statements } = deriveAll(deriver, pieces);
    expect(statements.map((s) => [s.text, s.error?.sqlstate])).toEqual([['SELECT 1; SELEC 2', '42601']]);
  });

  test('an empty string, a notice and the result without columns', async () => {
    const empty = deriveAll(deriver, await exchange(() => client.query('  ')));
    expect(empty.statements).toMatchObject([{ tag: null, error: null, rows: 0 }]);
    const noticed = deriveAll(deriver, await exchange(() => client.query("DO $$BEGIN RAISE NOTICE 'hello'; END$$")));
    expect(noticed.notices).toMatchObject([{ severity: 'NOTICE', message: 'hello' }]);
    expect(noticed.statements).toMatchObject([{ op: 'DO', text: "DO $$BEGIN RAISE NOTICE 'hello'; END$$" }]);
  });

  test('COPY to the client is told line by line', async () => {
    const pieces = await exchange(() => client.query('COPY (SELECT id, name FROM t ORDER BY id LIMIT 3) TO STDOUT'));
    const told = deriveAll(deriver, pieces);
    expect(told.statements).toMatchObject([{ tag: 'COPY 3', rows: 3, copyIn: null, columns: [{ name: 'COPY' }] }]);
    expect(told.rows[0]).toEqual([['1\tn1'], ['2\tn2'], ['3\tn3']]);
  });

  test('what the recording knows of the message is told once, with its first statement', async () => {
    const pieces = await exchange(() => client.query('SELECT 1; SELECT 2'));
    const verdict = {
      effect: 'ask' as const,
      policyIds: ['p1'],
      policyHash: 'h',
      reason: 'r',
      level: 'pin' as const,
      expiresSeconds: 60,
      grantable: false,
    };
    const decision = {
      effect: 'allow' as const,
      verdict,
      approvalId: 'a1',
      grantId: null,
      observed: null,
      decidedBy: 'ann',
      channel: 'console' as const,
      message: null,
    };
    const { statements } = deriveAll(deriver, pieces, [
      { class: 'read', op: 'SELECT', decision, heldMs: 12, masked: { US_SSN: 2 } },
    ]);
    expect(statements).toMatchObject([
      {
        verdict: 'asked-approved',
        approvalId: 'a1',
        decidedBy: 'ann',
        heldMs: 12,
        masked: { US_SSN: 2 },
        class: 'read',
        policyIds: ['p1'],
      },
      { verdict: 'asked-approved', approvalId: 'a1', heldMs: 0, masked: {} },
    ]);
  });
});

describe('masked columns', () => {
  const masks = ({ statements }: Told) => statements.map(({ columns }) => columns.map(({ masked }) => masked));

  test('of each result of a query string', async () => {
    const pieces = await exchange(() => client.query('SELECT 1, 2; CREATE TEMP TABLE z (); SELECT 3; SELECT 4, 5'));
    const facts = [
      {
        maskedColumns: [
          [0, [1]],
          [3, [0, 1]],
        ] as const,
      },
    ];
    expect(masks(deriveAll(deriver, pieces, facts))).toEqual([[false, true], [], [false], [true, true]]);
    expect(masks(deriveAll(new Deriver(), pieces))).toEqual([[false, false], [], [false], [false, false]]);
  });

  test('where they were too many to name, none of the columns is shown as untouched', async () => {
    const pieces = await exchange(() => client.query('SELECT 1, 2; SELECT 3, 4; SELECT 5'));
    const facts = [
      {
        maskedColumns: [
          [0, [0]],
          [1, null],
        ] as const,
      },
    ];
    expect(masks(deriveAll(deriver, pieces, facts))).toEqual([[true, false], [true, true], [true]]);
  });

  test('of a prepared statement that an earlier exchange described, and of COPY', async () => {
    const query = { name: 'masked-by-id', text: 'SELECT id, name FROM t WHERE id = $1' };
    deriveAll(deriver, await exchange(() => client.query({ ...query, values: [1] })));
    const again = await exchange(() => client.query({ ...query, values: [2] }));
    expect(masks(deriveAll(deriver, again, [{ maskedColumns: [[0, [1]]] }]))).toEqual([[false, true]]);
    const copied = await exchange(() => client.query('COPY (SELECT 1, 2) TO STDOUT'));
    expect(masks(deriveAll(deriver, copied, [{ maskedColumns: [[0, [1]]] }]))).toEqual([[true]]);
    expect(masks(deriveAll(new Deriver(), copied))).toEqual([[false]]);
  });
});

describe('extended protocol', () => {
  test('parameters, binary results and types', async () => {
    const pieces = await exchange(() =>
      client.query({
        text: 'SELECT id, name, $2::numeric AS n FROM t WHERE id = $1',
        values: [5, '12.50'],
        binary: true,
      } as pg.QueryConfig),
    );
    const told = deriveAll(deriver, pieces);
    expect(told.statements).toMatchObject([
      {
        text: 'SELECT id, name, $2::numeric AS n FROM t WHERE id = $1',
        parameters: ['5', '12.50'],
        rows: 1,
        tag: 'SELECT 1',
      },
    ]);
    expect(told.rows[0]).toEqual([['5', 'n5', '12.50']]);
    expect(deriveAll(new Deriver(), byteByByte(pieces))).toEqual(told);
    expect(deriveAll(new Deriver(), byDirection(pieces))).toEqual(told);
  });

  test('a named statement of an earlier exchange, also after going on from a snapshot', async () => {
    const query = { name: 'by-id', text: 'SELECT name FROM t WHERE id = $1' };
    const first = await exchange(() => client.query({ ...query, values: [1] }));
    const second = await exchange(() => client.query({ ...query, values: [2] }));
    deriveAll(deriver, first);
    const snapshot = JSON.parse(JSON.stringify(deriver.snapshot()));
    const told = deriveAll(deriver, second);
    expect(told.statements).toMatchObject([{ text: query.text, parameters: ['2'] }]);
    expect(told.rows[0]).toEqual([['n2']]);
    const later = new Deriver();
    later.restore(snapshot);
    expect(deriveAll(later, second)).toEqual(told);
    expect(deriveAll(new Deriver(), second).statements).toMatchObject([{ text: expect.stringContaining('"by-id"') }]);
  });

  test('an error in Parse is a statement', async () => {
    const pieces = await exchange(() => client.query({ text: 'SELECT nothing_such($1)', values: ['x'] }));
    const { statements } = deriveAll(deriver, pieces);
    expect(statements).toMatchObject([{ text: 'SELECT nothing_such($1)', error: { sqlstate: '42883' }, op: 'SELECT' }]);
  });

  test('a portal that is read in parts is one statement an Execute', async () => {
    const parts: CapturedPiece[][] = [];
    const socket = connect({ host: '127.0.0.1', port: capture.port });
    /** Sends and waits for `count` ReadyForQuery of five bytes at the end of a read. */
    const send = async (...messages: Uint8Array[]) => {
      for (const message of messages) socket.write(message);
      for (;;) {
        const [bytes] = (await once(socket, 'data')) as [Buffer];
        if (bytes.at(-6) === 0x5a) return capture.take();
      }
    };
    await send(
      writeStartupMessage(protocolVersion.v3_0, [
        ['user', 'raw'],
        ['database', 'postgres'],
      ]),
    );
    await send(writeQuery('BEGIN'));
    const text = 'SELECT id FROM t ORDER BY id';
    parts.push(
      await send(
        writeParse('', text),
        writeBind('p', '', []),
        writeDescribe('portal', 'p'),
        writeExecute('p', 2),
        writeSync(),
      ),
    );
    parts.push(await send(writeExecute('p', 3), writeSync()));
    socket.destroy();
    const told = parts.map((pieces, i) => deriveAll(deriver, pieces, [], i));
    expect(told.map((t) => t.rows[0])).toEqual([
      [['1'], ['2']],
      [['3'], ['4'], ['5']],
    ]);
    expect(told[1]!.statements).toMatchObject([
      { text: 'SELECT id FROM t ORDER BY id', tag: null, rows: 3, columns: [{ name: 'id' }] },
    ]);
  });
});

test('bytes that are no messages give a statement that says so, and the next exchange is read again', async () => {
  const pieces = await exchange(() => client.query('SELECT 1'));
  const broken = pieces.map((p) =>
    p.direction === 'up' ? p : { ...p, bytes: new Uint8Array([0x44, 0, 0, 0, 1, 9, 9]) },
  );
  expect(deriveAll(deriver, broken).statements).toMatchObject([
    { text: 'SELECT 1', error: { message: expect.stringContaining('cannot be shown') } },
  ]);
  expect(deriveAll(deriver, pieces).rows[0]).toEqual([['1']]);
});

test('rows that are not wanted are counted and not decoded', async () => {
  const pieces = await exchange(() => client.query('SELECT * FROM t'));
  let rows = 0;
  const seen: number[] = [];
  deriver.begin(0, [], { row: () => rows++, statement: (s) => seen.push(s.rows) });
  for (const { direction, bytes, atMs } of pieces) deriver[direction](bytes, atMs);
  deriver.end();
  expect(rows).toBe(0);
  expect(seen[0]).toBeGreaterThanOrEqual(300);
});

test('a gap is told from what the recording knows beside the bytes', () => {
  deriver.begin(3, [{ text: 'DELETE FROM t', op: 'DELETE', class: 'destructive' }], {});
  const told = deriveAll(deriver, [], [{ text: 'DELETE FROM t', op: 'DELETE', class: 'destructive' }]);
  expect(told.statements).toEqual([]);
  const statements: unknown[] = [];
  deriver.begin(4, [{ text: 'DELETE FROM t', op: 'DELETE', class: 'destructive' }], {
    statement: (s) => statements.push(s),
  });
  deriver.gap('a part of this exchange was redacted');
  deriver.end();
  expect(statements).toMatchObject([
    {
      text: 'DELETE FROM t',
      op: 'DELETE',
      class: 'destructive',
      error: { message: 'a part of this exchange was redacted' },
    },
  ]);
});
