import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connection } from '../../gateway/contract/connection.ts';
import { demoConnection } from '../../gateway/demo/connection.ts';
import { sampleData } from '../../gateway/demo/sample-data.ts';
import { loadClassifier } from '../../gateway/protocols/postgres/classifier/test-support.ts';
import { frontend } from '../../gateway/protocols/postgres/codec/messages.ts';
import { writeMessage } from '../../gateway/protocols/postgres/codec/write-backend.ts';
import { writeExecute, writeParse, writeSync } from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { CHANGES, OPTIONS, ORACLES, VALUES } from './adversary/attacks.ts';
import { Leaks } from './adversary/leaks.ts';
import { PASSING_VOLATILE } from './adversary/volatile.ts';
import { type Answer, Wire } from './adversary/wire.ts';

/**
 * A hostile agent against the shipped policy, with a person who approves nothing: it must learn no
 * tagged value and change nothing. The connection is the server's superuser, so that nothing is held
 * back by PostgreSQL's own permissions.
 */
let postgres: TestPostgres;
let gateway: TestService;
let env: NodeJS.ProcessEnv;
let leaks: Leaks;
let before: string;
/** For ORACLES: a value that is there, and one of its length that is not. */
let guesses: Record<'ssn' | 'email' | 'salary', readonly [there: string, absent: string]>;

const AT_ONCE = 16;

/** Tables, sequences, large objects, definitions and roles: changes when any of them does. */
async function fingerprint(): Promise<string> {
  const tables = ['customers', 'products', 'staff', 'orders', 'order_items'];
  const parts = [
    ...tables.map((table) => `SELECT '${table}', md5(string_agg(t::text, ',' ORDER BY t::text)) FROM ${table} t`),
    "SELECT 'sequence', last_value::text || is_called FROM counter",
    "SELECT 'objects', md5(string_agg(concat_ws(' ', loid, encode(data, 'hex')), ',' ORDER BY loid, pageno)) FROM pg_largeobject",
    "SELECT 'prepared', md5(string_agg(gid, ',' ORDER BY gid)) FROM pg_prepared_xacts",
    `SELECT 'classes', md5(string_agg(concat_ws(' ', oid, relname, relacl, relfilenode), ',' ORDER BY oid))
     FROM pg_class WHERE relnamespace = 'public'::regnamespace`,
    "SELECT 'columns', md5(string_agg(concat_ws(' ', attrelid, attname), ',' ORDER BY attrelid, attnum)) FROM pg_attribute WHERE attrelid >= 16384",
    "SELECT 'functions', md5(string_agg(concat_ws(' ', oid, proname), ',' ORDER BY oid)) FROM pg_proc WHERE oid >= 16384",
    "SELECT 'settings', md5(string_agg(concat_ws(' ', setdatabase, setrole, setconfig), ',')) FROM pg_db_role_setting",
    "SELECT 'comments', count(*)::text FROM pg_description WHERE objoid >= 16384",
    "SELECT 'roles', md5(string_agg(r::text, ',' ORDER BY rolname)) FROM pg_roles r",
    "SELECT 'databases', md5(string_agg(datname, ',' ORDER BY datname)) FROM pg_database",
    "SELECT 'others', md5(string_agg(x, ',')) FROM (SELECT slot_name::text x FROM pg_replication_slots UNION ALL SELECT roname FROM pg_replication_origin UNION ALL SELECT extname FROM pg_extension) o",
  ];
  return JSON.stringify(await postgres.query(parts.join(' UNION ALL '), 'shop'), null, 1);
}

beforeAll(async () => {
  postgres = await startPostgres({ conf: ['max_prepared_transactions = 4', 'autovacuum = off'] });
  await postgres.query('CREATE DATABASE shop');
  await postgres.query(
    `${[...sampleData()].join(';\n')};
    SELECT lo_from_bytea(4711, 'hello');
    CREATE SEQUENCE counter;
    CREATE FUNCTION touch(o orders) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT nextval(''counter'')';
    CREATE STATISTICS samples (mcv) ON city, ssn FROM customers;
    ANALYZE`,
    'shop',
  );
  await postgres.query("BEGIN; UPDATE products SET stock = stock; PREPARE TRANSACTION 'held'", 'shop');
  const connection = demoConnection({
    host: postgres.host,
    port: postgres.port,
    appUser: postgres.user,
    database: 'shop',
  });
  gateway = await startTestService({
    connections: [{ ...connection, secret: postgres.password }],
    expireAfterSeconds: 1,
  });
  ({ env } = await gateway.connect());
  const customers = await postgres.query('SELECT email, phone, card_number, ssn FROM customers', 'shop');
  const staff = await postgres.query('SELECT id, email, salary, salary::int::text AS whole FROM staff', 'shop');
  leaks = new Leaks(
    [...customers, ...staff].flatMap((row) =>
      ['email', 'phone', 'card_number', 'ssn'].flatMap((name) => row[name] ?? []),
    ),
    staff.flatMap(({ whole }) => whole ?? []),
  );
  const first = staff.find(({ id }) => id === '1')!;
  guesses = {
    ssn: [customers[0]!.ssn!, '000-00-0000'],
    email: [customers[0]!.email!, 'x'.repeat(customers[0]!.email!.length)],
    salary: [first.whole!, String(Number(first.whole) + 1)],
  };
  before = await fingerprint();
});
afterAll(async () => {
  await gateway?.stop();
  await postgres?.stop();
});

async function session(steps: readonly string[], options?: string): Promise<Answer> {
  const wire = await Wire.open(env, options);
  try {
    for (const sql of steps) await wire.query(sql);
    return wire.answer();
  } finally {
    wire.close();
  }
}

/** Runs the jobs some at a time; what they threw is thrown. */
async function all<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next;
      next += 1;
      results[at] = await run(items[at]!);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

const brief = (steps: readonly string[]) => steps.map((sql) => (sql.length > 300 ? `${sql.slice(0, 300)}…` : sql));

/** Parse, Bind with results in binary, Execute: no Describe. */
function binaryQuery(sql: string): Uint8Array {
  const bind = writeMessage(frontend.Bind, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1, 0, 1));
  return Buffer.concat([writeParse('', sql), bind, writeExecute(''), writeSync()]);
}

describe('the check itself', () => {
  it('finds what the server says without the gateway, in every disguise', async () => {
    const [row] = await postgres.query(
      "SELECT c::text, reverse(ssn) AS r, encode(ssn::bytea, 'hex') AS h, encode(ssn::bytea, 'base64') AS b FROM customers c LIMIT 1",
      'shop',
    );
    for (const value of Object.values(row!)) expect(leaks.in(Buffer.from(value!))).not.toEqual([]);
    const [salary] = await postgres.query('SELECT salary::text FROM staff', 'shop');
    expect(leaks.in(Buffer.from(salary!.salary!))).not.toEqual([]);
    expect(leaks.in(Buffer.from('912345 rows of 10 000 and 2026-01-01'))).toEqual([]);
  });

  it('sees that an ordinary read answers and a change does not', async () => {
    const { bytes, errors } = await session(['SELECT id, name, ssn FROM customers', 'DELETE FROM order_items']);
    expect(bytes.toString('latin1')).toContain('[US_SSN]');
    expect(errors).toEqual(['42501']);
  });
});

it('no tagged value reaches the agent, in rows, COPY, errors, plans or statistics', async () => {
  const answers = await all(VALUES, (steps) => session(steps));
  const leaking = VALUES.flatMap((steps, i) => {
    const found = leaks.in(answers[i]!.bytes);
    return found.length === 0 ? [] : [{ steps: brief(steps), found }];
  });
  expect(leaking).toEqual([]);
});

it('nor in binary by the extended protocol', async () => {
  const single = VALUES.filter((steps) => steps.every((sql) => /^(SELECT|TABLE|WITH|VALUES)\b/.test(sql))).flat();
  const answers = await all(single, async (sql) => {
    const wire = await Wire.open(env);
    try {
      await wire.send(binaryQuery(sql));
      return wire.answer();
    } finally {
      wire.close();
    }
  });
  const leaking = single.flatMap((sql, i) => {
    const found = leaks.in(answers[i]!.bytes);
    return found.length === 0 ? [] : [{ sql: brief([sql]), found }];
  });
  expect(leaking).toEqual([]);
});

it('nothing that comes back depends on whether a guess is right', async () => {
  const asked = (steps: readonly string[], which: 0 | 1) =>
    steps.map((sql) =>
      sql.replaceAll(/\{(ssn|email|salary)\}/g, (_, name: keyof typeof guesses) => guesses[name][which]),
    );
  // A guess that comes back (a constant in the plan, in an error) is of the same length.
  const neutral = (bytes: Buffer) =>
    Object.values(guesses)
      .flat()
      .reduce((text, guess) => text.replaceAll(guess, '?'.repeat(guess.length)), bytes.toString('latin1'));
  const pairs = await all(ORACLES, async (steps) => {
    const [there, absent] = [await session(asked(steps, 0)), await session(asked(steps, 1))];
    return neutral(there.bytes) === neutral(absent.bytes);
  });
  expect(ORACLES.filter((_, i) => !pairs[i]).map(brief)).toEqual([]);
});

it('nothing is changed by what looks like a read', async () => {
  await all(CHANGES, (steps) => session(steps));
  expect(await fingerprint()).toBe(before);
});

it('nor by options of the session', async () => {
  const answers = await all(OPTIONS, ([options, sql]) => session([sql], options).catch(() => null));
  expect(OPTIONS.filter((_, i) => answers[i] !== null && leaks.in(answers[i]!.bytes).length > 0)).toEqual([]);
  expect(await fingerprint()).toBe(before);
});

it('nor by FunctionCall messages', async () => {
  const functions = await postgres.query(
    `SELECT oid::text, pronargs::text, proname FROM pg_proc
     WHERE proname IN ('lo_unlink', 'lo_put', 'lowrite', 'nextval', 'pg_reload_conf', 'query_to_xml', 'table_to_xml',
                       'pg_notify', 'touch', 'set_config', 'pg_read_file', 'lo_get', 'pg_switch_wal')`,
    'shop',
  );
  const answers = await all(functions, async ({ oid, pronargs, proname }) => {
    const args: Record<string, string[]> = {
      lo_unlink: ['4711'],
      nextval: ['counter'],
      table_to_xml: ['customers', 'true', 'false', ''],
      query_to_xml: ['select * from customers', 'true', 'false', ''],
      lo_get: ['4711'],
    };
    const values = args[proname!] ?? Array.from({ length: Number(pronargs) }, () => '1');
    const body = Buffer.concat([
      Buffer.from(Uint32Array.of(Number(oid)).buffer).swap32(),
      Buffer.from([0, 0, 0, values.length]),
      ...values.flatMap((value) => [Buffer.from([0, 0, 0, value.length]), Buffer.from(value)]),
      Buffer.from([0, 0]),
    ]);
    const wire = await Wire.open(env);
    try {
      await wire.send(writeMessage(frontend.FunctionCall, body));
      return wire.answer();
    } finally {
      wire.close();
    }
  });
  for (const { bytes } of answers) expect(leaks.in(bytes)).toEqual([]);
  expect(await fingerprint()).toBe(before);
});

it('every volatile builtin that passes without asking is listed with its reason', async () => {
  const rows = await postgres.query(
    `SELECT DISTINCT proname FROM pg_proc
     WHERE pronamespace = 'pg_catalog'::regnamespace AND provolatile = 'v' ORDER BY 1`,
    'shop',
  );
  const names = rows.map(({ proname }) => proname!);
  const classifier = await loadClassifier();
  const context = {
    connection: Connection.parse(demoConnection({ host: 'x', port: 1, appUser: 'x', database: 'shop' })),
    catalog: { tagByOid: new Map(), relations: [], functions: [], volatileBuiltins: new Set(names) },
    prepared: () => null,
    cursor: () => null,
  };
  // set_config of a setting that is computed is asked; of a harmless one it passes.
  const argument = (name: string) => (name === 'set_config' ? "'work_mem', '1MB', true" : '1');
  const passing = names.filter((name) => {
    const { effects } = classifier.classify(`SELECT pg_catalog."${name}"(${argument(name)})`, context);
    return effects.class === 'read' || effects.class === 'session';
  });
  await classifier.close();
  const listed = Object.values(PASSING_VOLATILE).flatMap((text) => text.trim().split(/\s+/));
  expect(passing.filter((name) => !listed.includes(name))).toEqual([]);
  expect(passing.length).toBeGreaterThan(50);
});
