import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { Deriver } from './deriver.ts';
import { splitStatements } from './split.ts';
import { valueText } from './values.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres({ conf: ["timezone = 'UTC'", "datestyle = 'ISO'"] });
});
afterAll(() => server?.stop());

const CASES: readonly [type: string, oid: number, send: string, values: readonly string[]][] = [
  ['bool', 16, 'boolsend', ['t', 'f']],
  ['int2', 21, 'int2send', ['0', '-32768', '32767']],
  ['int4', 23, 'int4send', ['-1', '2147483647']],
  ['int8', 20, 'int8send', ['-9223372036854775808', '9007199254740993']],
  ['oid', 26, 'oidsend', ['4294967295']],
  ['float4', 700, 'float4send', ['1.5', '0.1', '-3.25', 'NaN', 'Infinity', '-0']],
  ['float8', 701, 'float8send', ['0.1', '-2.5', '123456.789', 'NaN', '-Infinity']],
  [
    'numeric',
    1700,
    'numeric_send',
    [
      '0',
      '0.00',
      '1',
      '-1.10',
      '10000',
      '123456789012345678901234567890.0123456789',
      '0.00001',
      '-0.5',
      '99990000.0001',
      'NaN',
      'Infinity',
    ],
  ],
  ['text', 25, 'textsend', ['', 'ä 日本 \\x']],
  ['date', 1082, 'date_send', ['2000-01-01', '1969-12-31', '2026-11-21', '0044-03-15 BC', 'infinity']],
  ['time', 1083, 'time_send', ['00:00:00', '23:59:59.999999', '24:00:00', '01:02:03.5']],
  [
    'timestamp',
    1114,
    'timestamp_send',
    ['2026-11-21 03:04:05', '1999-12-31 23:59:59.000001', '-infinity', '0044-03-15 00:00:00 BC'],
  ],
  ['timestamptz', 1184, 'timestamptz_send', ['2026-11-21 03:04:05.25+00', '1970-01-01 00:00:00+00']],
  ['uuid', 2950, 'uuid_send', ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
  ['json', 114, 'json_send', ['{"a": 1}']],
  ['jsonb', 3802, 'jsonb_send', ['{"a": [1, null]}']],
  ['bytea', 17, 'byteasend', ['\\x00ff10']],
];

test.each(CASES)('%s in binary reads as the server prints it', async (type, oid, send, values) => {
  for (const value of values) {
    const text = value.replaceAll("'", "''");
    const [row] = await server.query(
      `SELECT encode(${send}('${text}'::${type}), 'hex') AS sent, '${text}'::${type}::text AS shown`,
    );
    const bytes = Uint8Array.from(Buffer.from(row!.sent!, 'hex'));
    const shown = type === 'bool' ? row!.shown![0] : row!.shown;
    expect(valueText(bytes, 0, bytes.length, oid, 'binary')).toBe(shown);
  }
});

test('what is not of its type, or of a type that is not known, is hexadecimal', () => {
  expect(valueText(new Uint8Array([1, 2, 3]), 0, 3, 23, 'binary')).toBe('\\x010203');
  expect(valueText(new Uint8Array([1]), 0, 1, 999, 'binary')).toBe('\\x01');
  expect(valueText(new Uint8Array(0), 0, -1, 23, 'binary')).toBeNull();
  const bytes = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(bytes, fc.constantFrom(...CASES.map(([, oid]) => oid)), (value, oid) => {
      expect(typeof valueText(value, 0, value.length, oid, 'binary')).toBe('string');
    }),
  );
});

test.each([
  ["SELECT ';'; SELECT 2", ["SELECT ';'", 'SELECT 2']],
  ["SELECT E'\\';'; SELECT 2", ["SELECT E'\\';'", 'SELECT 2']],
  ["SELECT 'it''s;'; x", ["SELECT 'it''s;'", 'x']],
  ['SELECT ";" ; b', ['SELECT ";"', 'b']],
  ['DO $a$ ; $b$ ; $a$; SELECT $1', ['DO $a$ ; $b$ ; $a$', 'SELECT $1']],
  ['-- ; \nSELECT 1; /* ; /* ; */ ; */; ;', ['-- ; \nSELECT 1']],
  ['CREATE RULE r AS ON INSERT TO t DO (a; b); c', ['CREATE RULE r AS ON INSERT TO t DO (a; b)', 'c']],
  [
    'CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END; c',
    ['CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END', 'c'],
  ],
  ['BEGIN; COMMIT', ['BEGIN', 'COMMIT']],
  ['', []],
])('%j is split at its statements', (text, parts) => {
  expect(splitStatements(text)).toEqual(parts);
});

test('no bytes make the deriver throw, and it reads on afterwards', () => {
  const piece = fc.record({
    direction: fc.constantFrom('up' as const, 'down' as const),
    bytes: fc.uint8Array({ maxLength: 60 }),
  });
  // Plausible headers reach deeper than noise does.
  const framed = fc
    .tuple(fc.constantFrom(...'QPBDECSFHdcfX1234TDCEIZGHnstNAVW'), fc.uint8Array({ maxLength: 40 }))
    .map(([type, body]) => {
      const bytes = new Uint8Array(5 + body.length);
      bytes[0] = type.charCodeAt(0);
      new DataView(bytes.buffer).setUint32(1, 4 + body.length);
      bytes.set(body, 5);
      return bytes;
    });
  const pieces = fc.array(
    fc.oneof(piece, fc.record({ direction: fc.constantFrom('up' as const, 'down' as const), bytes: framed })),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 4 }), (exchanges) => {
      const deriver = new Deriver();
      for (const [i, exchange] of exchanges.entries()) {
        deriver.begin(i, [{}], { wantsRows: () => true, row: () => {}, statement: () => {} });
        for (const { direction, bytes } of exchange) deriver[direction](bytes, 0);
        deriver.end();
        const later = new Deriver();
        later.restore(JSON.parse(JSON.stringify(deriver.snapshot())));
      }
    }),
    { numRuns: 300 },
  );
});
