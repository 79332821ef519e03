import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerAuditReplay } from '../../cli/audit-replay.ts';
import type { Cli } from '../../cli/cli.ts';
import { runProgram } from '../../cli/program.ts';
import { sessionDeps } from '../../cli/sessions-deps.ts';
import { Connection } from '../../contract/connection.ts';
import { isCountersignError } from '../../contract/errors.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../demo/embedded-postgres.ts';
import { type Capture, startCapture } from '../../protocols/postgres/derive/test-capture.ts';
import { connectSimpleClient } from '../../protocols/postgres/wire/simple-client.ts';
import { decision } from '../../recording/test-support.ts';
import type { NewAuditLogEntry } from '../audit-log.ts';
import { record } from '../redact/test-session.ts';
import { type ReplayAgainstOptions, type ReplayedStatement, replayAgainst } from './replay.ts';
import { isRecorded, parseTarget, passwordFromFile } from './target.ts';

let parent = '';
let server: EmbeddedPostgres;
let capture: Capture;
let folder = '';

const as = (database: string) => ({
  host: '127.0.0.1',
  port: server.port,
  user: server.superuser,
  password: server.superuserPassword,
  database,
});
async function sql(database: string, text: string): Promise<unknown[][]> {
  const client = new pg.Client(as(database));
  await client.connect();
  try {
    return (await client.query({ text, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

const SETUP =
  "CREATE TABLE orders (id int PRIMARY KEY, total numeric, at timestamptz, mail text); INSERT INTO orders SELECT n, n * 10, '2026-01-01 00:00Z', 'p' || n || '@example.com' FROM generate_series(1, 5) n; CREATE SEQUENCE s";

/** A client is told of an error before the server is ready again. */
async function wholeExchange(): Promise<ReturnType<Capture['take']>> {
  const pieces = capture.take();
  const ready = () =>
    Buffer.concat(pieces.filter(({ direction }) => direction === 'down').map(({ bytes }) => bytes)).subarray(-6);
  while (ready()[0] !== 0x5a || ready().readUInt32BE(1) !== 5) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    pieces.push(...capture.take());
  }
  return pieces;
}

/** Statements of a real session: text, and how the gateway decided. */
const SESSION: {
  text: string;
  values?: unknown[];
  class?: 'read' | 'write' | 'session' | 'destructive';
  denied?: boolean;
  masked?: Record<string, number>;
}[] = [
  { text: 'SELECT id, total FROM orders ORDER BY id' },
  { text: 'SELECT total, at FROM orders WHERE id = $1', values: [3] },
  { text: 'SELECT id, mail FROM orders ORDER BY id', masked: { EMAIL_ADDRESS: 5 } },
  { text: 'BEGIN', class: 'session' },
  { text: 'UPDATE orders SET total = total + 1 WHERE id < 3', class: 'write' },
  { text: 'SAVEPOINT a', class: 'session' },
  { text: 'INSERT INTO orders VALUES (1, 0)', class: 'write' },
  { text: 'ROLLBACK TO SAVEPOINT a', class: 'session' },
  { text: 'SELECT total FROM orders WHERE id = 1' },
  { text: 'ROLLBACK', class: 'session' },
  { text: 'SELECT total FROM orders WHERE id = 1' },
  { text: 'DROP TABLE orders', class: 'destructive', denied: true },
  { text: '/* a comment */ COMMIT', class: 'session' },
  { text: 'SELECT 1 / 0' },
];

beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'countersign-replay-against-'));
  chmodSync(parent, 0o755);
  server = await startEmbeddedPostgres({ dataDir: join(parent, 'data') });
  for (const name of ['recorded', 'same', 'other']) {
    await sql('postgres', `CREATE DATABASE ${name}`);
    await sql(name, SETUP);
  }
  await sql(
    'other',
    "UPDATE orders SET total = 999 WHERE id = 3; UPDATE orders SET mail = 'else@example.com'; DELETE FROM orders WHERE id = 5",
  );
  capture = await startCapture('127.0.0.1', server.port);
  const client = new pg.Client({ ...as('recorded'), port: capture.port });
  client.on('error', () => {});
  await client.connect();
  const taken: ReturnType<Capture['take']>[] = [];
  capture.take();
  for (const { text, values, denied } of SESSION) {
    if (denied) taken.push([]);
    else {
      await client.query({ text, ...(values === undefined ? {} : { values }) }).catch(() => {});
      taken.push(await wholeExchange());
    }
  }
  await client.end();
  folder = await record(join(parent, 'recording'), (script) => {
    for (const [i, { text, class: kind = 'read', denied, masked }] of SESSION.entries()) {
      const facts = {
        text,
        class: kind,
        masked: masked ?? null,
        own: denied === true,
        ...(denied ? { decision: decision({ effect: 'deny' }) } : {}),
      };
      if (denied) script.query({ text, error: 'denied', facts });
      else {
        const pieces = taken[i]!;
        const of = (direction: 'up' | 'down') =>
          pieces.filter((piece) => piece.direction === direction).map(({ bytes }) => bytes);
        script.raw(of('up'), of('down'), facts);
      }
    }
  });
}, 180_000);

afterAll(async () => {
  await capture?.close();
  await server?.stop();
  rmSync(parent, { recursive: true, force: true });
});

async function replayed(database: string, changes: Partial<ReplayAgainstOptions> = {}): Promise<ReplayedStatement[]> {
  const connection = Connection.parse({
    id: 'scratch',
    kind: 'postgres',
    host: '127.0.0.1',
    port: server.port,
    user: server.superuser,
    database,
    tls: { mode: 'disable' },
  });
  const client = await connectSimpleClient({
    connection,
    database,
    parameters: new Map(),
    protocolMinor: 0,
    secret: server.superuserPassword,
    timeoutMs: 10_000,
  });
  const out: ReplayedStatement[] = [];
  try {
    for await (const one of replayAgainst(folder, client, {
      writes: false,
      commit: false,
      timeoutMs: 10_000,
      ...changes,
    }))
      out.push(one);
  } finally {
    client.close();
  }
  return out;
}
const statuses = (all: readonly ReplayedStatement[]) => all.map(({ status }) => status);
const orders = (database: string) => sql(database, 'SELECT id, total FROM orders ORDER BY id');

describe('against a database with the same content', () => {
  test('what reads is the same; what changes data is not run unless it is asked for', async () => {
    const all = await replayed('same');
    expect(statuses(all)).toEqual([
      'same',
      'same',
      'same',
      'same',
      'not-run',
      'same',
      'not-run',
      'same',
      'different',
      'same',
      'same',
      'not-run',
      'same',
      'same',
    ]);
    expect(all[4]?.why).toContain('--write');
    expect(all[11]?.why).toContain('denied');
    expect(all[2]?.comparison?.masked).toBe(10);
  });

  test('with writes every statement is the same, transactions and savepoints included, and nothing is kept', async () => {
    const before = await orders('same');
    const all = await replayed('same', { writes: true });
    expect(statuses(all).filter((status) => status !== 'same')).toEqual(['not-run']);
    expect(all[6]?.comparison?.differences).toEqual([]);
    expect(await orders('same')).toEqual(before);
  });
});

describe('against a database with another content', () => {
  test('each difference is told, masked values are not compared', async () => {
    const all = await replayed('other', { writes: true });
    const told = (index: number) => all[index]?.comparison?.differences.map(({ sentence }) => sentence);
    expect(told(0)).toEqual(['5 rows then, 4 now', 'row 3, total: “30” then, “999” now']);
    expect(told(1)).toEqual(['row 1, total: “30” then, “999” now']);
    expect(told(2)).toEqual(['5 rows then, 4 now']);
    expect(all[13]?.status).toBe('same');
  });

  test('a missing table is a difference, and the next statement is run all the same', async () => {
    await sql('postgres', 'CREATE DATABASE empty');
    const all = await replayed('empty');
    expect(all[0]?.comparison?.differences[0]?.sentence).toBe('it worked then, error 42P01 now');
    expect(all[13]?.status).toBe('same');
  });
});

test('what is committed is kept', async () => {
  await sql('postgres', 'CREATE DATABASE kept');
  await sql('kept', SETUP);
  await replayed('kept', { writes: true, commit: true });
  expect(await orders('kept')).toEqual(await orders('same'));
});

test('stopping keeps nothing', async () => {
  const stop = new AbortController();
  const before = await orders('same');
  const run = replayed('same', {
    writes: true,
    commit: true,
    get signal() {
      stop.abort();
      return stop.signal;
    },
  });
  await expect(run).rejects.toThrow('stopped; nothing was kept');
  expect(await orders('same')).toEqual(before);
});

test('a statement that takes too long is a difference, and the next one is run', async () => {
  const slow = await record(join(parent, 'slow-one'), (script) => {
    for (const text of ['SELECT pg_sleep(60)', 'SELECT 1 AS one'])
      script.query({ text, columns: ['one'], rows: [['1']], facts: { text } });
  });
  const before = folder;
  folder = slow;
  try {
    const all = await replayed('same', { timeoutMs: 300 });
    expect(all[0]?.comparison?.differences[0]?.sentence).toBe('it worked then, error 57014 now');
    expect(all[1]?.status).toBe('same');
  } finally {
    folder = before;
  }
});

test('stopping ends a statement that runs', async () => {
  const slow = await record(join(parent, 'slow'), (script) => {
    script.query({
      text: 'SELECT pg_sleep(60)',
      columns: ['pg_sleep'],
      rows: [['']],
      facts: { text: 'SELECT pg_sleep(60)' },
    });
  });
  const stop = new AbortController();
  const before = folder;
  folder = slow;
  try {
    const run = replayed('same', { signal: stop.signal });
    setTimeout(() => stop.abort(), 300);
    await expect(run).rejects.toThrow('stopped; nothing was kept');
  } finally {
    folder = before;
  }
});

test('read-only holds on the server whatever a recording says of its statements', async () => {
  await sql('same', "CREATE FUNCTION take_one() RETURNS int LANGUAGE sql AS 'DELETE FROM orders RETURNING id'");
  const evil = await record(join(parent, 'evil'), (script) => {
    for (const text of [
      'SET TRANSACTION READ WRITE',
      'SELECT take_one()',
      'SELECT max(x) FROM take_one() AS x',
      '/**/ COMMIT; DELETE FROM orders',
    ])
      script.query({
        text,
        tag: text.startsWith('SET') ? 'SET' : 'SELECT 1',
        columns: ['x'],
        rows: [['1']],
        facts: { class: 'read', text },
      });
  });
  const before = folder;
  folder = evil;
  try {
    const all = await replayed('same');
    expect(all.map(({ comparison }) => comparison?.differences[0]?.sentence ?? '')).toEqual([
      expect.stringContaining('error 25001 now'),
      expect.stringContaining('error 25006 now'),
      expect.stringContaining('error 25006 now'),
      '',
    ]);
  } finally {
    folder = before;
  }
  expect(await orders('same')).toHaveLength(5);
});

describe('as a command', () => {
  async function run(args: string[], passwords: string[] = []) {
    const out: string[] = [];
    const notes: string[] = [];
    const asked: string[] = [];
    let code = 0;
    const secret = (question: string) => {
      asked.push(question);
      const next = passwords.shift();
      return next === undefined ? Promise.reject(new Error('nobody answers')) : Promise.resolve(next);
    };
    const cli: Cli = {
      out: (line) => out.push(line),
      note: (line) => notes.push(line),
      env: { PGPASSFILE: join(parent, 'no-passfile') },
      home: () => join(parent, 'home'),
      control: () => {
        throw new Error('no gateway is needed');
      },
      prompt: { line: secret, secret },
      signal: new AbortController().signal,
      exitWith: (exit) => {
        code = exit;
      },
    };
    const program = new Command('countersign').exitOverride();
    const opened: NewAuditLogEntry[] = [];
    registerAuditReplay(program.command('audit'), cli, sessionDeps(cli), (entry) => opened.push(entry));
    const failed = await runProgram(program, ['audit', 'replay', folder, ...args], cli);
    return { code: code || failed, out: out.join('\n'), notes: notes.join('\n'), asked, opened };
  }
  const url = (database: string) => `postgres://${server.superuser}@127.0.0.1:${server.port}/${database}`;

  test('asks for the password, tells each statement, and ends with 1 where results differ', async () => {
    const { code, out, asked, opened } = await run(['--against', url('other'), '--write'], [server.superuserPassword]);
    expect(asked).toEqual(['Password of postgres on 127.0.0.1: ']);
    expect(code).toBe(1);
    expect(out).toMatch(/DIFFERENT {2}#0 +SELECT id, total FROM orders ORDER BY id\n +5 rows then, 4 now/);
    expect(out).toContain('masked when they were recorded');
    expect(out).toContain('Rolled back: nothing was changed.');
    expect(out).not.toContain(server.superuserPassword);
    expect(opened).toMatchObject([{ type: 'opened', how: `replayed against 127.0.0.1:${server.port}/other` }]);
  });

  test('ends with 0 where nothing differs, and without --against replays as ever', async () => {
    expect((await run(['--against', url('same'), '--write'], [server.superuserPassword])).code).toBe(0);
    expect((await run(['--no-wait'])).out).toContain('End of the session');
  });

  test('says what is wrong', async () => {
    expect((await run(['--against', 'nowhere'])).notes).toContain('no connection of this gateway');
    expect((await run(['--against', url('other').replace('@', ':pw@')])).notes).toContain('leave the password out');
    expect((await run(['--against', url('other')], ['wrong'])).code).toBe(1);
  });
});

describe('the target', () => {
  test('is a URL without a password', () => {
    expect(parseTarget('postgres://ada@db.example:5433/scratch')).toMatchObject({
      database: 'scratch',
      connection: { host: 'db.example', port: 5433, user: 'ada', tls: { mode: 'verify-full' } },
    });
    expect(parseTarget('postgresql://ada@[::1]/scratch').connection).toMatchObject({
      host: '::1',
      port: 5432,
      tls: { mode: 'disable' },
    });
    expect(parseTarget('postgres://ada@/scratch?host=/run/postgresql').connection.host).toBe('/run/postgresql');
    for (const url of [
      'nowhere',
      'http://ada@h/d',
      'postgres://ada:secret@h/d',
      'postgres://h/d',
      'postgres://ada@h',
      'postgres://ada@h/d?sslmode=prefer',
    ]) {
      const error = (() => {
        try {
          return parseTarget(url);
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(isCountersignError(error, 'REPLAY_URL'), url).toBe(true);
      expect((error as Error).message).not.toContain('secret');
    }
  });

  test('that was recorded is known by its name, and by its place', () => {
    const info = {
      connection: { id: 'shop', kind: 'postgres', host: 'localhost', port: 5432, mode: 'enforce', masking: 'on' },
      database: 'shop',
    };
    expect(isRecorded(parseTarget('postgres://x@127.0.0.1/shop'), info)).toBe(true);
    expect(isRecorded(parseTarget('postgres://x@127.0.0.1/scratch'), info)).toBe(false);
    expect(isRecorded(parseTarget('postgres://x@127.0.0.1:5433/shop'), info)).toBe(false);
  });

  test('has its password from a password file that only its owner reads', () => {
    const file = join(parent, 'pgpass');
    writeFileSync(file, '# c\nother:*:*:*:no\ndb.example:5433:*:ada:a\\:b\\\\c\n*:*:*:*:any\n', { mode: 0o600 });
    expect(passwordFromFile(file, parseTarget('postgres://ada@db.example:5433/x'))).toBe('a:b\\c');
    expect(passwordFromFile(file, parseTarget('postgres://bob@h/x'))).toBe('any');
    expect(passwordFromFile(join(parent, 'none'), parseTarget('postgres://bob@h/x'))).toBe(null);
    chmodSync(file, 0o644);
    expect(() => passwordFromFile(file, parseTarget('postgres://bob@h/x'))).toThrow('can be read by others');
  });
});

test('what a recording says of its statements is not believed', async () => {
  const marker = join(parent, 'written-by-a-recording');
  const texts = [
    `DO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch ${marker}'''; END $$`,
    `SELECT 1; COMMIT; DROP TABLE orders`,
    `/* */ COMMIT; DROP TABLE orders`,
    `COPY (SELECT 1) TO '${marker}'`,
    `SELECT lo_export(lo_from_bytea(0, 'x'), '${marker}')`,
    'SET TRANSACTION READ WRITE',
    `SELECT set_config('transaction_read_only', 'off', false)`,
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
    `SELECT pg_terminate_backend(pg_backend_pid())`,
    `SELECT pg_read_file('PG_VERSION')`,
    'DELETE FROM orders',
    'SELECT id FROM orders ORDER BY id',
  ];
  const before = folder;
  folder = await record(join(parent, 'hostile'), (script) => {
    for (const text of texts) script.query({ text, columns: ['one'], rows: [['1']], facts: { text, class: 'read' } });
  });
  try {
    const orderRows = await orders('same');
    const all = await replayed('same');
    expect(all.length).toBeGreaterThanOrEqual(texts.length);
    expect(all.at(-1)?.comparison).not.toBeNull();
    expect(existsSync(marker)).toBe(false);
    expect(await orders('same')).toEqual(orderRows);
    for (const name of ['DO', 'SELECT lo_export', 'SELECT pg_terminate_backend', 'SELECT pg_read_file', 'DELETE']) {
      expect([name, all.find(({ text }) => text.startsWith(name))?.status]).toEqual([name, 'not-run']);
    }
    folder = await record(join(parent, 'hostile-files'), (script) => {
      for (const text of texts.filter((one) => /^(COPY|SELECT lo_export)/.test(one)))
        script.query({ text, facts: { text, class: 'read' } });
    });
    const beyond = await replayed('same', { writes: true });
    expect(beyond.map(({ status }) => status)).toEqual(['not-run', 'not-run']);
    expect(beyond[1]?.why).toContain('outside of the database');
    expect(existsSync(marker)).toBe(false);
  } finally {
    folder = before;
  }
});
