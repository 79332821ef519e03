import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackBundle } from '../../gateway/recording/bundle.ts';
import { component } from '../components.ts';
import { runCountersign } from '../support/gateway.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { closedSessions } from '../support/recordings.ts';
import { RUN_ALL } from '../support/service.ts';
import { runClient, type SideBySide, startSideBySide } from '../support/side-by-side.ts';

const psql = component('psql');

/** What real clients sent and got is redacted, exported and run again by the commands that an auditor types. */
let postgres: TestPostgres;
let sides: SideBySide;
let dir = '';

const NAME = "Quux-O'Brien, Zoë";
const NUMBER = 841_234_567;
const SETUP = `CREATE TABLE people (id int PRIMARY KEY, name text, salary int, doc jsonb);
  INSERT INTO people SELECT n, 'person ' || n, n * 1000, '{}' FROM generate_series(1, 40) n;
  UPDATE people SET name = '${NAME.replaceAll("'", "''")}', salary = ${NUMBER} WHERE id = 7`;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'exports-'));
  postgres = await startPostgres();
  await postgres.query(SETUP);
  await postgres.query('CREATE DATABASE scratch');
  await postgres.query(SETUP, 'scratch');
  sides = await startSideBySide(postgres, { policy: RUN_ALL, connection: { masking: 'off' } });
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const audit = (...args: string[]) => runCountersign(sides.service.home, ['audit', ...args]);

async function folderOf(application: string): Promise<string> {
  const [session] = await closedSessions(sides.service.home, application);
  return session!.folder;
}

/** All bytes of a session's files, lines and containers decompressed. */
function decompressed(folder: string): Buffer {
  const parts: Buffer[] = [];
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    parts.push(bytes);
    if (name.endsWith('.zst')) parts.push(spawnSync('zstd', ['-dcq', join(folder, name)]).stdout);
    for (let at = name.startsWith('units-') ? bytes.indexOf('CSU1') : -1; at !== -1; at = bytes.indexOf('CSU1', at + 1))
      parts.push(zstdDecompressSync(bytes.subarray(at + 36, at + 36 + bytes.readUInt32LE(at + 4))));
  }
  return Buffer.concat(parts);
}

const int4 = Buffer.alloc(4);
int4.writeInt32BE(NUMBER);
const FORMS = [
  Buffer.from(NAME),
  Buffer.from(NAME.replaceAll("'", "''")),
  Buffer.from('Quux'),
  Buffer.from(String(NUMBER)),
  int4,
];
const isIn = (folder: string): boolean[] => {
  const all = decompressed(folder);
  return FORMS.map((form) => all.includes(form));
};

describe('redaction', () => {
  it.skipIf(psql.missing)(
    'takes a name and a number out of what psql sent and got, COPY in both directions included',
    async () => {
      const copied = `8\t${NAME}\t1\n`;
      const script = [
        'SELECT * FROM people ORDER BY id;',
        `SELECT id FROM people WHERE name = '${NAME.replaceAll("'", "''")}';`,
        'CREATE TEMP TABLE t (a int, b text, c int);',
        `COPY t FROM STDIN;\n${copied}\\.`,
        'COPY people TO STDOUT WITH (FORMAT csv);',
        'SELECT to_jsonb(p) FROM people p WHERE id = 7;',
        `SELECT ${NUMBER};`,
        'SELECT 1 AS kept;',
      ].join('\n');
      const run = await runClient(psql.path, ['-X'], { ...sides.gateway, PGAPPNAME: 'exports psql' }, script);
      expect(run.out).toContain('kept');
      const folder = await folderOf('exports psql');
      expect(isIn(folder).slice(0, 4)).toEqual([true, true, true, true]);
      const values = join(dir, 'values.txt');
      writeFileSync(values, `${NAME}\n${NUMBER}\n`, { mode: 0o600 });
      const out = join(dir, 'psql.tar');
      const redacted = await audit('redact', folder, '--value-file', values, '--out', out);
      expect(redacted.err).toContain('check it with');
      expect(redacted.out).toContain('of results');
      expect(redacted.out + redacted.err).not.toContain('Quux');
      const copy = await unpackBundle(out, join(dir, 'psql'));
      expect(isIn(copy)).toEqual([false, false, false, false, false]);
      expect(decompressed(copy).includes('AS kept')).toBe(true);
      expect((await runCountersign(sides.service.home, ['sessions', 'verify', out])).out).toContain(
        'VERIFIED: session',
      );
      const script2 = spawnSync('bash', [join(import.meta.dirname, '../../gateway/recording/verify.sh'), copy], {
        encoding: 'utf8',
      });
      expect(script2.stdout).not.toContain('FAILED');
      expect(script2.status).toBe(0);
    },
  );

  it('takes them out of parameters and binary results of node-postgres', async () => {
    const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = sides.gateway;
    const client = new pg.Client({
      host: PGHOST,
      port: Number(PGPORT),
      user: PGUSER,
      password: PGPASSWORD,
      database: PGDATABASE,
      application_name: 'exports pg',
    });
    await client.connect();
    const named = { name: 'by-name', text: 'SELECT id, salary, name FROM people WHERE name = $1' };
    await client.query({ ...named, values: [NAME], binary: true } as pg.QueryConfig);
    await client.query({ ...named, values: ['person 1'], binary: true } as pg.QueryConfig);
    await client.query('UPDATE people SET salary = salary WHERE salary = $1', [NUMBER]);
    await client.query({
      text: 'SELECT salary FROM people WHERE id < 9 ORDER BY id',
      binary: true,
      values: [],
    } as pg.QueryConfig);
    await client.end();
    const folder = await folderOf('exports pg');
    expect(isIn(folder)).toEqual([true, false, true, true, true]);
    const out = join(dir, 'pg.tar');
    const redacted = await audit('redact', folder, '--value', NAME, '--value', String(NUMBER), '--out', out);
    expect(redacted.code).toBe(0);
    const copy = await unpackBundle(out, join(dir, 'pg'));
    expect(isIn(copy)).toEqual([false, false, false, false, false]);
    expect(decompressed(copy).includes('person 1')).toBe(true);
    expect((await runCountersign(sides.service.home, ['sessions', 'verify', out])).out).toContain('VERIFIED: session');
  });
});

describe('a session run again', () => {
  it('is the same on a copy, differs where the copy does, and is refused where it was recorded', async () => {
    const folder = await folderOf('exports pg');
    const passfile = join(dir, 'pgpass');
    writeFileSync(passfile, `*:*:*:*:${postgres.password.replaceAll(/[\\:]/g, '\\$&')}\n`, { mode: 0o600 });
    const replay = (database: string, ...args: string[]) =>
      runCountersign(
        sides.service.home,
        [
          'audit',
          'replay',
          folder,
          '--against',
          `postgres://${postgres.user}@127.0.0.1:${postgres.port}/${database}`,
          ...args,
        ],
        '',
        { ...process.env, PGPASSFILE: passfile },
      );
    const same = await replay('scratch', '--write');
    expect(same.err).toBe('');
    expect(same.out).toContain(
      '4 statements: 4 same, 0 in another order, 0 different, 0 not run. Rolled back: nothing was changed.',
    );
    expect(same.code).toBe(0);
    await postgres.query('UPDATE people SET salary = 1 WHERE id = 3', 'scratch');
    const other = await replay('scratch');
    expect(other.code).toBe(1);
    expect(other.out).toContain('row 3, salary: “3000” then, “1” now');
    expect((await replay('postgres')).err).toContain('the database that was recorded');
  });
});

describe('exports and reports', () => {
  it('are made of what the gateway recorded', async () => {
    const folder = await folderOf('exports pg');
    const { out } = await audit('export', folder, '--format', 'ocsf');
    const records = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { class_uid: number; unmapped: { countersign: { leaf_hash: string } } });
    expect(records.map(({ class_uid }) => class_uid)).toEqual([3002, 6005, 6005, 6005, 6005, 3002]);
    expect(records.every(({ unmapped }) => unmapped.countersign.leaf_hash.length === 44)).toBe(true);
    const file = join(dir, 'report.pdf');
    const report = await audit('report', '--sessions', folder, '--out', file);
    expect(report.err).toBe('');
    expect(existsSync(file)).toBe(true);
  });
});
