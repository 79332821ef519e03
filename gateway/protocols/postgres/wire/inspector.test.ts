import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { Connection, type ConnectionInput } from '../../../contract/connection.ts';
import type { CatalogSnapshot } from '../ports.ts';
import { rowsOfPlan } from './estimate.ts';
import { createInspector, type Inspector } from './inspector.ts';
import { testConnection } from './probe.ts';
import { connectSimpleClient, quoteIdentifier, quoteLiteral, type SimpleClient } from './simple-client.ts';

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(`
    CREATE SCHEMA hr; CREATE SCHEMA "Odd""Name";
    CREATE TABLE customers (id int, dropped text, ssn text, email text);
    ALTER TABLE customers DROP COLUMN dropped;
    CREATE TABLE "Odd""Name"."it's" (secret text);
    CREATE TABLE hr.plain (id int);
    CREATE TABLE parted (id int, ssn text) PARTITION BY RANGE (id);
    CREATE TABLE parted_1 (ssn text, id int); ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES FROM (1) TO (100);
    CREATE VIEW one AS SELECT id, ssn AS s FROM customers;
    CREATE VIEW hr.two AS SELECT s || 'x' AS t FROM one;
    CREATE MATERIALIZED VIEW three AS SELECT * FROM hr.two;
    CREATE VIEW harmless AS SELECT * FROM hr.plain;
    CREATE VIEW of_partition AS SELECT ssn FROM parted_1;
    CREATE FUNCTION peek() RETURNS text LANGUAGE sql STABLE AS 'SELECT ssn FROM customers LIMIT 1';
    CREATE FUNCTION hr.bodied() RETURNS bigint LANGUAGE sql VOLATILE BEGIN ATOMIC SELECT count(*) FROM customers; END;
    CREATE FUNCTION danger() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN INSERT INTO hr.plain VALUES (1); RETURN 1; END $$;
    CREATE VIEW by_function AS SELECT peek() AS p;
    INSERT INTO customers SELECT i, 'x', 'y' FROM generate_series(1, 1000) i;
    ANALYZE customers;
    CREATE ROLE nobody`);
});
afterAll(() => postgres?.stop());

function connectionOf(input: Partial<ConnectionInput> = {}): Connection {
  return Connection.parse({
    id: 'test',
    kind: 'postgres',
    host: '127.0.0.1',
    port: postgres.port,
    user: 'postgres',
    database: 'postgres',
    tls: { mode: 'disable' },
    columns: [
      { table: 'customers', column: 'ssn', entity: 'US_SSN' },
      { table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS', action: 'hash' },
      { schema: 'Odd"Name', table: "it's", column: 'secret', entity: 'CUSTOM' },
      { table: 'parted', column: 'ssn', entity: 'US_SSN' },
      { table: 'nowhere', column: 'ssn', entity: 'US_SSN' },
    ],
    ...input,
  });
}

function connect(): Promise<SimpleClient> {
  return connectSimpleClient({
    connection: connectionOf(),
    database: 'postgres',
    parameters: new Map(),
    protocolMinor: 0,
    secret: postgres.password,
    timeoutMs: 10_000,
  });
}

const oidOf = async (name: string) => Number((await postgres.query(`SELECT '${name}'::regclass::oid AS oid`))[0]?.oid);

describe('catalog', () => {
  let inspector: Inspector;
  let catalog: CatalogSnapshot;
  beforeAll(async () => {
    inspector = createInspector({ connection: connectionOf(), connect });
    catalog = await inspector.catalog();
  });
  afterAll(() => inspector.close());

  test('tagged columns by OID and number, dropped ones counted', async () => {
    const columns = catalog.tagByOid.get(await oidOf('customers'));
    expect([...columns!].map(([attnum, tag]) => [attnum, tag.entity, tag.action])).toEqual([
      [3, 'US_SSN', 'redact'],
      [4, 'EMAIL_ADDRESS', 'hash'],
    ]);
    expect(catalog.tagByOid.get(await oidOf(`"Odd""Name"."it''s"`))?.get(1)?.entity).toBe('CUSTOM');
  });

  test('a partition bears the tags of its parent, by name', async () => {
    expect(catalog.tagByOid.get(await oidOf('parted'))?.get(2)?.column).toBe('ssn');
    expect(catalog.tagByOid.get(await oidOf('parted_1'))?.get(1)?.column).toBe('ssn');
  });

  test('views depend to any depth; what does not is left out', () => {
    const names = catalog.relations.map((relation) => `${relation.schema}.${relation.name} ${relation.kind}`);
    expect(names.sort()).toEqual([
      `Odd"Name.it's table`,
      'hr.two view',
      'public.by_function view',
      'public.customers table',
      'public.of_partition view',
      'public.one view',
      'public.parted partitioned-table',
      'public.parted_1 table',
      'public.three materialized-view',
    ]);
    const two = catalog.relations.find((relation) => relation.name === 'two');
    expect(two?.definition).toContain('FROM public.one');
    expect(two?.columns).toEqual([{ name: 't', attnum: 1, typeOid: 25 }]);
    expect(catalog.relations.find((relation) => relation.name === 'customers')?.columns).toEqual([
      { name: 'id', attnum: 1, typeOid: 23 },
      { name: 'ssn', attnum: 3, typeOid: 25 },
      { name: 'email', attnum: 4, typeOid: 25 },
    ]);
  });

  test('functions with their source, and what of the builtins is volatile', () => {
    expect(catalog.functions).toContainEqual({
      schema: 'public',
      name: 'peek',
      volatility: 'stable',
      language: 'sql',
      source: 'SELECT ssn FROM customers LIMIT 1',
      takesRow: false,
    });
    expect(catalog.functions.find((entry) => entry.name === 'bodied')?.source).toMatch(/FROM public\.customers/);
    expect(catalog.volatileBuiltins.has('pg_read_file')).toBe(true);
    expect(catalog.volatileBuiltins.has('lower')).toBe(false);
  });

  test('source beyond the bound is left out and said to be', async () => {
    await postgres.query(
      `CREATE FUNCTION huge() RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT '${'x'.repeat(1_100_000)}'$$`,
    );
    inspector.invalidate();
    const functions = (await inspector.catalog()).functions;
    await postgres.query('DROP FUNCTION huge()');
    expect(functions.find((entry) => entry.name === 'huge')).toMatchObject({
      language: 'omitted',
      volatility: 'volatile',
      source: '',
    });
    expect(functions.find((entry) => entry.name === 'peek')?.language).toBe('sql');
  });

  test('is read past what another session locks, as if all of it were tagged', async () => {
    const other = new pg.Client({ host: postgres.socketDir, port: postgres.port, user: 'postgres' });
    await other.connect();
    await other.query('BEGIN; ALTER VIEW one SET (security_barrier)');
    inspector.invalidate();
    const { relations } = await inspector.catalog();
    await other.query('ROLLBACK');
    await other.end();
    const definition = (name: string) => relations.find((relation) => relation.name === name)?.definition;
    expect(definition('one')).toBe(null);
    expect(definition('of_partition')).toContain('FROM public.parted');
    inspector.invalidate();
    expect((await inspector.catalog()).relations.find(({ name }) => name === 'one')?.definition).toContain('SELECT');
  });

  test('is kept until it is invalidated', async () => {
    inspector.invalidate();
    const first = await inspector.catalog();
    expect(await inspector.catalog()).toBe(first);
    inspector.invalidate();
    expect(await inspector.catalog()).not.toBe(first);
  });

  test('a function by its OID', async () => {
    const [{ oid } = {}] = await postgres.query(`SELECT 'hr.bodied'::regproc::oid AS oid`);
    expect(await inspector.functionName(Number(oid))).toBe('hr.bodied');
    expect(await inspector.functionName(1)).toBe(null);
    const [odd] = await postgres.query(
      `CREATE FUNCTION "a b"() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT '"a b"'::regproc::oid AS oid`,
    );
    expect(await inspector.functionName(Number(odd?.oid))).toBe('public."a b"');
  });
});

describe('estimate', () => {
  let inspector: Inspector;
  beforeAll(() => {
    inspector = createInspector({ connection: connectionOf(), connect });
  });
  afterAll(() => inspector.close());
  const estimate = (sql: string, parameters?: { values: string[]; types: number[] }) =>
    inspector.estimate(sql, { searchPath: '"$user", public', role: 'postgres', parameters });

  test.each([
    { sql: 'SELECT * FROM customers', rows: 1000 },
    { sql: '/* a */ -- b\n update customers SET email = NULL', rows: 1000 },
    { sql: 'DELETE FROM customers WHERE id <= 10', rows: 10 },
    { sql: 'WITH gone AS (DELETE FROM customers RETURNING 1) SELECT count(*) FROM gone', rows: 1000 },
    { sql: 'INSERT INTO customers VALUES (1), (2), (3)', rows: 3 },
    { sql: 'INSERT INTO customers SELECT * FROM customers', rows: 1000 },
    { sql: 'SELECT count(*) FROM customers', rows: 1 },
  ])('$sql', async ({ sql, rows }) => {
    expect(await estimate(sql)).toBe(rows);
  });

  test('with parameters: their values, or a generic plan', async () => {
    expect(await estimate('DELETE FROM customers WHERE id <= $1', { values: ['100'], types: [] })).toBe(100);
    expect(await estimate('DELETE FROM customers WHERE id = $1')).toBe(1);
  });

  test.each([
    'DROP TABLE customers',
    'EXPLAIN ANALYZE DELETE FROM customers',
    'SELECT 1; DELETE FROM customers',
    'SELECT 1; COMMIT; DELETE FROM customers',
    'DELETE FROM nowhere',
    '',
  ])('none for %s, and nothing happens', async (sql) => {
    expect(await estimate(sql)).toBe(null);
    expect(await postgres.query('SELECT count(*) FROM customers')).toEqual([{ count: '1000' }]);
  });

  test('a function that the planner folds cannot write', async () => {
    expect(await estimate('DELETE FROM customers WHERE id = danger()')).toBe(null);
    expect(await postgres.query('SELECT count(*) FROM hr.plain')).toEqual([{ count: '0' }]);
  });

  test('is made with the rights of the role and by its search path', async () => {
    const options = { searchPath: 'public', role: 'nobody' };
    expect(await inspector.estimate('SELECT * FROM customers', options)).toBe(null);
    expect(await inspector.estimate('SELECT * FROM plain', { searchPath: 'hr', role: 'postgres' })).toBeGreaterThan(0);
    expect(await inspector.estimate('SELECT 1', { searchPath: "'; DROP TABLE hr.plain --", role: 'postgres' })).toBe(
      null,
    );
    expect(await inspector.estimate('SELECT 1', { searchPath: 'hr', role: '"; DROP TABLE hr.plain' })).toBe(null);
    expect(await postgres.query('SELECT count(*) FROM hr.plain')).toEqual([{ count: '0' }]);
  });

  test('plans that are none', () => {
    for (const plan of [null, [], [{}], [{ Plan: 1 }]]) expect(rowsOfPlan(plan)).toBe(null);
  });
});

describe('the connection of an inspector', () => {
  test('opens when needed, is shared, closes when idle, and opens again', async () => {
    const clients: SimpleClient[] = [];
    const counting = vi.fn(async () => {
      const client = await connect();
      clients.push(client);
      return client;
    });
    const inspector = createInspector({ connection: connectionOf(), connect: counting, idleMs: 20 });
    expect(counting).not.toHaveBeenCalled();
    const options = { searchPath: 'public', role: 'postgres' };
    await Promise.all([inspector.catalog(), inspector.estimate('SELECT 1', options), inspector.catalog()]);
    expect(counting).toHaveBeenCalledTimes(1);
    await expect.poll(() => clients[0]?.closed).toBe(true);
    expect(await inspector.estimate('SELECT 1', options)).toBe(1);
    expect(counting).toHaveBeenCalledTimes(2);
    await inspector.close();
    expect(clients[1]?.closed).toBe(true);
    await expect(inspector.functionName(1)).rejects.toMatchObject({ code: 'PG_INSPECTOR_CLOSED' });
  });

  test('a failure is not kept', async () => {
    const failing = vi.fn(connect).mockRejectedValueOnce(new Error('not now'));
    const inspector = createInspector({ connection: connectionOf(), connect: failing });
    await expect(inspector.catalog()).rejects.toThrow('not now');
    expect((await inspector.catalog()).relations).not.toHaveLength(0);
    await inspector.close();
  });
});

describe('the small client', () => {
  test('several statements, NULL, an error, and on', async () => {
    const client = await connect();
    const results = await client.query(`SELECT 1 AS a, NULL AS b; SELECT 'x' WHERE false; SET application_name = 'x'`);
    expect(results).toEqual([
      { columns: ['a', 'b'], rows: [['1', null]], tag: 'SELECT 1' },
      { columns: ['?column?'], rows: [], tag: 'SELECT 0' },
      { columns: [], rows: [], tag: 'SET' },
    ]);
    await expect(client.query('SELECT 1/0')).rejects.toMatchObject({ sqlstate: '22012' });
    await expect(client.execute('SELECT 1; SELECT 2')).rejects.toMatchObject({ sqlstate: '42601' });
    const echoed = await client.execute('SELECT $1::text || $2', ["it's", '\\']);
    expect(echoed.rows).toEqual([["it's\\"]]);
    client.close();
  });

  test('quotes what could end a string or a name', async () => {
    const client = await connect();
    const nasty = `a'b\\'c"d`;
    expect((await client.query(`SELECT ${quoteLiteral(nasty)} AS ${quoteIdentifier(nasty)}`))[0]).toEqual({
      columns: [nasty],
      rows: [[nasty]],
      tag: 'SELECT 1',
    });
    client.close();
  });

  test.each([
    { limits: { maxRows: 10 }, code: 'PG_CLIENT_RESULT_TOO_LARGE' },
    { limits: { maxBytes: 100 }, code: 'PG_CLIENT_RESULT_TOO_LARGE' },
    { limits: { timeoutMs: 1 }, sql: 'SELECT pg_sleep(5)', code: 'PG_CLIENT_TIMEOUT' },
    { limits: {}, sql: 'COPY customers TO STDOUT', code: 'PG_CLIENT_UNSUPPORTED' },
    { limits: {}, sql: 'SELECT pg_terminate_backend(pg_backend_pid())', code: expect.stringMatching(/CLOSED|REFUSED/) },
  ])('$code ends the connection ($limits)', async ({ limits, sql = 'SELECT * FROM customers', code }) => {
    const client = await connect();
    await expect(client.query(sql, limits)).rejects.toMatchObject({ code });
    await expect.poll(() => client.closed).toBe(true);
    await expect(client.query('SELECT 1')).rejects.toMatchObject({ code: 'PG_CLIENT_CLOSED' });
  });
});

describe('testing a connection', () => {
  test('that works', async () => {
    expect(await testConnection(connectionOf(), postgres.password)).toMatchObject({
      ok: true,
      serverVersion: expect.stringMatching(/^18/),
      sentence: expect.stringMatching(
        /^Connected to PostgreSQL 18\S* as postgres without TLS; authenticated by SCRAM-SHA-256\.$/,
      ),
    });
  });

  test.each([
    { what: {}, secret: 'wrong', sentence: /refused the password for user "postgres"/ },
    { what: {}, secret: null, sentence: /asks for a password and none is stored/ },
    { what: { database: 'nowhere' }, sentence: /There is no database "nowhere"/ },
    { what: { port: 1 }, sentence: /127\.0\.0\.1:1 was not reached: nothing listens there/ },
    { what: { host: '/nowhere' }, sentence: /there is no such unix socket/ },
    { what: { tls: { mode: 'require' as const } }, sentence: /does not offer TLS/ },
  ])('that does not: $sentence', async ({ what, secret, sentence }) => {
    const result = await testConnection(connectionOf(what), secret === undefined ? postgres.password : secret);
    expect(result).toMatchObject({ ok: false, serverVersion: null, sentence: expect.stringMatching(sentence) });
  });
});
