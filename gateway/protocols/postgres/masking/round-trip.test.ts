import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import type { MaskAction } from '../../../contract/connection.ts';
import type { FieldDescription } from '../ports.ts';
import {
  CLEAN,
  catalogOf,
  concat,
  copyShape,
  decode,
  encode,
  field,
  masking,
  parseRow,
  tagOf,
} from './test-support.ts';

/** Masked rows and COPY streams of a real server are given back to it: it must take every value. */

interface Message {
  type: string;
  body: Uint8Array;
}

const int16 = (n: number) => Uint8Array.of((n >> 8) & 0xff, n & 0xff);
const int32 = (n: number) => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
const text = (value: string) => concat([encode(value), Uint8Array.of(0)]);
const message = (type: string, ...parts: Uint8Array[]) => {
  const body = concat(parts);
  return concat([encode(type), int32(body.length + 4), body]);
};

class ServerError extends Error {
  readonly fields: readonly string[];
  constructor(body: Uint8Array) {
    const fields = decode(body)
      .split('\0')
      .filter((part) => part !== '');
    super(fields.join(' '));
    this.fields = fields.map((part) => part.slice(1));
  }
}

/** Enough of a client to see the bytes. */
class RawClient {
  private readonly socket: Socket;
  private buffer: Uint8Array = new Uint8Array(0);
  private wake: () => void = () => {};

  constructor(postgres: TestPostgres) {
    this.socket = connect(`${postgres.socketDir}/.s.PGSQL.${postgres.port}`);
    this.socket.on('data', (chunk) => {
      this.buffer = concat([this.buffer, chunk]);
      this.wake();
    });
    const body = concat([
      int32(196_608),
      text('user'),
      text('postgres'),
      text('database'),
      text('postgres'),
      Uint8Array.of(0),
    ]);
    this.socket.write(concat([int32(body.length + 4), body]));
  }

  send(...messages: Uint8Array[]): void {
    this.socket.write(concat(messages));
  }

  /** Messages up to and with one of these types; throws what the server reports once it is ready again. */
  async until(types: string): Promise<Message[]> {
    const messages: Message[] = [];
    let failure: ServerError | null = null;
    for (;;) {
      while (
        this.buffer.length < 5 ||
        this.buffer.length < 1 + new DataView(this.buffer.buffer, this.buffer.byteOffset).getInt32(1)
      )
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      const length = 1 + new DataView(this.buffer.buffer, this.buffer.byteOffset).getInt32(1);
      const type = String.fromCharCode(this.buffer[0]!);
      const body = this.buffer.slice(5, length);
      this.buffer = this.buffer.slice(length);
      if (type === 'E') failure = new ServerError(body);
      if (type === 'Z' && failure !== null) throw failure;
      messages.push({ type, body });
      if (types.includes(type)) return messages;
    }
  }

  query(sql: string): Promise<Message[]> {
    this.send(message('Q', text(sql)));
    return this.until('Z');
  }

  end(): void {
    this.socket.destroy();
  }
}

function fieldsOf(body: Uint8Array, format: 'text' | 'binary'): FieldDescription[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const fields: FieldDescription[] = [];
  let at = 2;
  for (let i = 0; i < view.getInt16(0); i += 1) {
    const end = body.indexOf(0, at);
    const name = decode(body.subarray(at, end));
    at = end + 1;
    fields.push(
      field(view.getInt32(at + 6), format, {
        name,
        tableOid: view.getInt32(at),
        columnNumber: view.getInt16(at + 4),
        typeModifier: view.getInt32(at + 12),
      }),
    );
    at += 18;
  }
  return fields;
}

const COLUMNS = [
  'id int',
  'a text',
  'b varchar(12)',
  'c bpchar(6)',
  'd name',
  'e int2',
  'f int4',
  'g int8',
  'h float4',
  'i float8',
  'j numeric(12,3)',
  'k bool',
  'l date',
  'm timestamp',
  'n timestamptz',
  'o uuid',
  'p bytea',
  'q inet',
  'r cidr',
  's json',
  't jsonb',
  'u text[]',
  'v int[]',
  'w uuid[]',
  'x int4range',
  'y interval',
  'z xml',
  'aa macaddr',
  'ab money',
  'ac time',
  'ad jsonb[]',
  'ae pair',
  'af mood',
  'ag numeric[]',
];
const ROWS = [
  `1, '123-45-6789', 'alice@x.io', 'abc', 'nm', 12, -345, 6789012345, 1.5, 2.25, 12.345, true, '2020-02-29', '2020-02-29 01:02:03.5',
   '2020-02-29 01:02:03+02', gen_random_uuid(), '\\x0001ff', '10.1.2.3/8', '10.0.0.0/8', '{"a":"b \\n","n":1}', '{"k":["v",null,2,true]}',
   '{a,NULL,"b \\"c\\""}', '{{1,2},{3,NULL}}', array[gen_random_uuid()], '[1,5)', '1 day 02:00', '<a>b</a>', '08:00:2b:01:02:03', '12.50',
   '10:11:12', array['{"a":"x"}'::jsonb], row(1,'x "y",z'), 'happy', '{1.50,-2}'`,
  `2, E'two\\nlines\\t\\\\ "q"', '', 'd', 'e', -1, 0, -9, 'NaN', 'Infinity', 0, false, 'infinity', '-infinity', '0044-03-15 BC', null, '',
   '2001:db8::1', '2001:db8::/32', '"s"', '1', '{}', '[0:1]={5,6}', null, 'empty', '-1 mons', '', null, null, null, '{}', null, 'sad', null`,
  `3${', null'.repeat(COLUMNS.length - 1)}`,
];
const ACTIONS: MaskAction[] = ['redact', 'partial', 'hash', 'stand-in'];

let postgres: TestPostgres;
let client: RawClient;

beforeAll(async () => {
  postgres = await startPostgres();
  client = new RawClient(postgres);
  await client.until('Z');
  await client.query("CREATE TYPE pair AS (n int, s text); CREATE TYPE mood AS ENUM ('happy', 'sad')");
  await client.query(`CREATE TABLE t (${COLUMNS.join(', ')}); CREATE TABLE back (LIKE t);
    CREATE TABLE copied (LIKE t); ALTER TABLE copied ALTER b TYPE text, ALTER c TYPE text, ALTER af TYPE text`);
  for (const row of ROWS) await client.query(`INSERT INTO t VALUES (${row})`);
});

afterAll(async () => {
  client?.end();
  await postgres?.stop();
});

async function select(sql: string, format: 'text' | 'binary') {
  client.send(
    message('P', text(''), text(sql), int16(0)),
    message('B', text(''), text(''), int16(0), int16(0), int16(1), int16(format === 'binary' ? 1 : 0)),
    message('D', encode('P'), text('')),
    message('E', text(''), int32(0)),
    message('S'),
  );
  const messages = await client.until('Z');
  const description = messages.find(({ type }) => type === 'T')!;
  return {
    fields: fieldsOf(description.body, format),
    rows: messages.filter(({ type }) => type === 'D').map(({ body }) => body),
  };
}

describe.each(['text', 'binary'] as const)('rows in %s format', (format) => {
  test.each(ACTIONS)('%s: the server takes every masked value for its type', async (action) => {
    const { fields, rows } = await select('SELECT * FROM t ORDER BY id', format);
    const tags = Object.fromEntries(fields.slice(1).map((f) => [f.columnNumber, tagOf('PERSON', action, f.name)]));
    const catalog = {
      ...catalogOf(),
      tagByOid: new Map([[fields[0]!.tableOid, catalogOf(tags).tagByOid.values().next().value!]]),
    };
    const masker = masking().forResult(fields, CLEAN, catalog)!;
    await client.query('TRUNCATE back');
    for (const row of rows) {
      const original = parseRow(row);
      const values = parseRow(masker.row(row) ?? row);
      expect(values[0]).toEqual(original[0]);
      original.forEach((value, i) => {
        if (value === null) expect(values[i]).toBeNull();
        else if (i > 0 && value.length >= 4 && fields[i]!.typeOid === 25) expect(values[i]).not.toEqual(value);
      });
      const placeholders = fields.map((_, i) => `$${i + 1}`).join(', ');
      client.send(
        message(
          'P',
          text(''),
          text(`INSERT INTO back VALUES (${placeholders})`),
          int16(fields.length),
          ...fields.map((f) => int32(f.typeOid)),
        ),
        message(
          'B',
          text(''),
          text(''),
          int16(1),
          int16(format === 'binary' ? 1 : 0),
          int16(values.length),
          ...values.flatMap((value) => (value === null ? [int32(-1)] : [int32(value.length), value])),
          int16(0),
        ),
        message('E', text(''), int32(0)),
        message('S'),
      );
      await client.until('Z');
    }
    const [count] = await postgres.query('SELECT count(*) AS n, count(a) AS a FROM back');
    expect(count).toEqual({ n: '3', a: '2' });
  });
});

// COPY tells neither lengths nor enums, so a marker can be too long for varchar(n) and no label of an enum.
describe.each(['text', 'csv', 'binary'] as const)('COPY in %s format', (format) => {
  test.each([
    ['every column but the first is tagged', true],
    ['content detection alone', false],
  ])('%s: the server takes the masked stream', async (_, tagged) => {
    const header = format !== 'binary';
    const options = header ? `FORMAT ${format}, HEADER` : 'FORMAT binary';
    const messages = await client.query(`COPY t TO STDOUT (${options})`);
    const tag = tagOf('PERSON');
    const columns = COLUMNS.map((__, i) => (i === 0 ? [] : [tag]));
    const taint = tagged ? { columns, steady: COLUMNS.map(() => true), all: [tag] } : CLEAN;
    const masker = masking().forCopyOut(copyShape(format, COLUMNS.length, { header }), taint, catalogOf())!;
    const out = [
      ...messages.filter(({ type }) => type === 'd').flatMap(({ body }) => masker.data(body)),
      ...masker.end(),
    ];
    if (tagged) expect(decode(concat(out))).not.toMatch(/alice|6789|two|08:00|happy/);
    await client.query('TRUNCATE copied');
    client.send(message('Q', text(`COPY copied FROM STDIN (${options})`)));
    await client.until('G');
    client.send(...out.map((payload) => message('d', payload)), message('c'));
    await client.until('Z');
    const rows = await postgres.query('SELECT id, a FROM copied ORDER BY id');
    expect(rows.map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect(rows[0]!.a).toBe(tagged ? (format === 'binary' ? null : '[PERSON]') : '[US_SSN]');
  });
});

test('what the server names: aliases and subqueries yes, expressions, unions and cursors no', async () => {
  const origin = async (sql: string) =>
    (await select(sql, 'text')).fields.map(({ tableOid, columnNumber }) => (tableOid === 0 ? 0 : columnNumber));
  expect(await origin('SELECT a AS x FROM t')).toEqual([2]);
  expect(await origin('SELECT x FROM (SELECT a AS x FROM t) s')).toEqual([2]);
  expect(await origin('SELECT upper(a) FROM t')).toEqual([0]);
  expect(await origin("SELECT a FROM t UNION ALL SELECT 'guess'")).toEqual([0]);
  expect(await origin('SELECT whole FROM t whole')).toEqual([0]);
});

test('errors that quote a value, as the server writes them', async () => {
  const taint = { columns: null, all: [tagOf('US_SSN')] };
  const statements = [
    'SELECT a::int FROM t',
    'SELECT a::regclass FROM t WHERE id = 1',
    'SELECT a::date FROM t',
    'SELECT a::jsonb FROM t',
    'SELECT xmlparse(document a) FROM t',
    'SELECT current_setting(a) FROM t',
    "SELECT ('\"' || a || '\" x')::int FROM t WHERE id = 1",
    'SELECT a::text[] FROM t',
  ];
  for (const sql of statements) {
    const error = await client.query(sql).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ServerError);
    const { fields } = error as ServerError;
    expect(fields.join()).toMatch(/123-45|6789|two/);
    for (const part of fields) {
      const { text: shown } = masking({ detectors: { enabled: false } }).text(part, taint, sql);
      expect(shown).not.toMatch(/123-45|6789|two/);
    }
  }
});
