import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ALLOW_ALL } from '../support/service.ts';
import { eventually, runClient, type SideBySide, startClient, startSideBySide } from '../support/side-by-side.ts';

const psql = component('psql');

let postgres: TestPostgres;
let sides: SideBySide;
let folder: string;

beforeAll(async () => {
  if (psql.missing !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'cs-psql-'));
  postgres = await startPostgres();
  sides = await startSideBySide(postgres, { policy: ALLOW_ALL });
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** What differs from run to run whoever carries it. */
function steady(out: string): string {
  return out
    .replaceAll(/server process with PID \d+/g, 'server process with PID N')
    .replaceAll(/^Time: .*$/gm, 'Time: N')
    .replaceAll(/lo_import \d+/g, 'lo_import N');
}

/** Runs the same psql on a fresh database directly, then on another of the same name through the gateway. */
async function both(
  script: string,
  more: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<[string, string]> {
  const outs: string[] = [];
  for (const side of [sides.direct, sides.gateway]) {
    await postgres.query('DROP DATABASE IF EXISTS play WITH (FORCE)');
    await postgres.query('CREATE DATABASE play');
    const file = join(folder, 'script.sql');
    writeFileSync(file, script);
    const args = script === '' ? more : [...more, '-f', file];
    const run = await runClient(psql.path, ['-X', '-a', ...args], { ...side, PGDATABASE: 'play', ...env });
    outs.push(`${steady(run.out)}\nexit ${run.code}`);
  }
  return outs as [string, string];
}

const SQL = `
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, born date, score numeric(10,2), tags text[], data jsonb);
INSERT INTO people SELECT i, 'name ' || i, date '2000-01-01' + i, i * 1.5, ARRAY['a', NULL, 'b "' || i], jsonb_build_object('i', i) FROM generate_series(1, 50) i;
SELECT * FROM people ORDER BY id LIMIT 5;
TABLE people LIMIT 0;
SELECT 1 AS a, NULL AS b, '' AS c, E'line\\nline' AS d, '\\x00ff'::bytea AS e, 'äöü 漢字' AS f;
SELECT;
VALUES (1, 'one'), (2, 'two');
UPDATE people SET score = score + 1 WHERE id <= 3 RETURNING id, score;
DELETE FROM people WHERE id > 45;
MERGE INTO people p USING (VALUES (1), (99)) AS v(id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET name = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (99, 'new');
WITH x AS (INSERT INTO people VALUES (100, 'cte') RETURNING *) SELECT id, name FROM x;
EXPLAIN (COSTS OFF) SELECT * FROM people WHERE id = 1;
PREPARE p(int) AS SELECT name FROM people WHERE id = $1;
EXECUTE p(7); EXECUTE p(8);
EXECUTE p('x');
DEALLOCATE p;
EXECUTE p(7);
SELECT 1/0;
SELECT nothing FROM nowhere;
SELECT 'broken;
';
BEGIN; INSERT INTO people VALUES (200, 'tx'); SAVEPOINT s; INSERT INTO people VALUES (200, 'again'); SELECT 1; ROLLBACK TO s; SELECT name FROM people WHERE id = 200; COMMIT;
BEGIN; SELECT 1/0; SELECT 2; COMMIT;
START TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY; INSERT INTO people VALUES (201, 'no'); ROLLBACK;
BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id FROM people ORDER BY id; FETCH 3 FROM c; MOVE 5 IN c; FETCH BACKWARD 2 FROM c; FETCH ALL FROM c; CLOSE c; FETCH 1 FROM c; ROLLBACK;
BEGIN; DECLARE h CURSOR WITH HOLD FOR SELECT id FROM people ORDER BY id; COMMIT; FETCH 2 FROM h; CLOSE h;
DO $$ BEGIN RAISE NOTICE 'hello %', 1; RAISE WARNING 'careful'; RAISE INFO 'so'; END $$;
DO $$ BEGIN RAISE EXCEPTION 'boom' USING DETAIL = 'the detail', HINT = 'the hint', ERRCODE = 'P0042'; END $$;
\\errverbose
CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
CREATE FUNCTION many(n int) RETURNS SETOF int LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..n LOOP RAISE NOTICE 'at %', i; RETURN NEXT i; END LOOP; END $$;
SELECT * FROM many(3);
CREATE PROCEDURE proc() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO people VALUES (300, 'proc'); COMMIT; INSERT INTO people VALUES (301, 'proc'); ROLLBACK; END $$;
CALL proc();
SELECT count(*) FROM people;
CREATE VIEW v AS SELECT id, name FROM people; CREATE INDEX ON people (name); CREATE SEQUENCE seq; SELECT nextval('seq');
DROP TABLE IF EXISTS nowhere; CREATE TABLE IF NOT EXISTS people (); TRUNCATE people; ANALYZE people; VACUUM people; REINDEX TABLE people;
SET work_mem = '8MB'; SHOW work_mem; RESET work_mem; SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'; SELECT timestamptz '2026-01-01 00:00:00+00'; RESET ALL;
SET ROLE pg_read_all_data; SELECT current_user; RESET ROLE;
LISTEN news; NOTIFY news, 'first'; SELECT 1; UNLISTEN news; NOTIFY news, 'second'; SELECT 1;
LOCK TABLE people; COMMENT ON TABLE people IS 'persons'; GRANT SELECT ON people TO pg_read_all_data; REVOKE SELECT ON people FROM pg_read_all_data;
;
;;
-- only a comment
/* and another */
SELECT 1; SELECT 2 \\; SELECT 3 \\; SELECT 4;
SELECT 5 \\; SELECT 1/0 \\; SELECT 6;
INSERT INTO people VALUES (1, 'implicit') \\; SELECT 1/0;
SELECT count(*) FROM people;
BEGIN \\; INSERT INTO people VALUES (2, 'kept') \\; COMMIT \\; SELECT 1/0;
SELECT count(*) FROM people;
`;

const META = `
CREATE TABLE t (id serial PRIMARY KEY, a text UNIQUE CHECK (a <> ''), b int REFERENCES t);
CREATE VIEW v AS SELECT a FROM t; CREATE FUNCTION f(i int) RETURNS int LANGUAGE sql AS 'SELECT $1'; CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE SCHEMA s;
INSERT INTO t (a) VALUES ('one'), ('two'), ('three');
\\d
\\d t
\\d+ v
\\dt+
\\di
\\dv
\\ds
\\df f
\\sf f
\\dT+ mood
\\dn
\\du
\\l
\\dp t
\\dx
\\conninfo_is_left_out
SELECT id AS first_id, a AS first_a FROM t WHERE id = 1 \\gset
\\echo :first_id :'first_a'
SELECT 'SELECT ' || id FROM t \\gexec
SELECT id, a, length(a) FROM t \\crosstabview
SELECT id, a, 1.5::numeric(5,2) AS n FROM t \\gdesc
SELECT * FROM t ORDER BY id \\gx
\\timing on
SELECT 1;
\\timing off
\\pset format csv
SELECT * FROM t;
\\pset format aligned
\\encoding
\\set FETCH_COUNT 2
SELECT * FROM t ORDER BY id;
\\unset FETCH_COUNT
\\set AUTOCOMMIT off
INSERT INTO t (a) VALUES ('four');
ROLLBACK;
\\set ON_ERROR_ROLLBACK on
INSERT INTO t (a) VALUES ('five');
SELECT 1/0;
SELECT count(*) FROM t;
COMMIT;
\\set AUTOCOMMIT on
\\c postgres
SELECT current_database();
\\c play
SELECT current_database(), current_user;
`;

describe.skipIf(psql.missing)('psql', () => {
  it('prints the same for every kind of statement', async () => {
    const [direct, gateway] = await both(SQL);
    expect(gateway).toBe(direct);
    expect(direct).toContain('Asynchronous notification "news" with payload "first"');
  });

  it('prints the same for its own commands', async () => {
    const [direct, gateway] = await both(META);
    expect(gateway.replaceAll(/port \d+/g, 'port N')).toBe(direct.replaceAll(/port \d+/g, 'port N'));
    expect(direct).toContain('Referenced by');
  });

  it('prints the same for several -c of several statements each, and for one transaction', async () => {
    const commands = ['CREATE TABLE t (i int); INSERT INTO t VALUES (1)', 'SELECT * FROM t; SELECT 1/0; SELECT 2'];
    const more = [...commands, 'INSERT INTO t VALUES (2); SELECT broken', 'SELECT count(*) FROM t'];
    const [direct, gateway] = await both(
      '',
      more.flatMap((command) => ['-c', command]),
    );
    expect(gateway).toBe(direct);
    const single = await both('CREATE TABLE u (i int);\nSELECT 1/0;\nSELECT * FROM u;\n', ['-1']);
    expect(single[1]).toBe(single[0]);
  });

  it('takes PGOPTIONS, an application name and a time zone along', async () => {
    const script = `SHOW work_mem; SHOW application_name; SHOW TimeZone; SHOW statement_timeout; SHOW search_path;`;
    const env = { PGOPTIONS: '-c work_mem=7MB -c search_path=a,public', PGAPPNAME: 'an app', PGTZ: 'Asia/Tokyo' };
    const [direct, gateway] = await both(script, [], env);
    expect(gateway).toBe(direct);
    expect(direct).toContain('7MB');
    const wrong = await both('SELECT 1', [], { PGOPTIONS: '-c no_such_setting=1' });
    expect(wrong[1]).toContain('unrecognized configuration parameter "no_such_setting"');
  });

  it('copies in and out in each format, and fails alike', async () => {
    const file = (name: string) => join(folder, name);
    const formats = ['text', 'csv', 'binary'];
    const script = `
CREATE TABLE c (i int, t text, n numeric, b bytea);
INSERT INTO c SELECT i, CASE WHEN i % 7 = 0 THEN NULL ELSE repeat(E'a\\tb"\\\\,\\n', i % 5) END, i / 3.0, decode(md5(i::text), 'hex') FROM generate_series(1, 2000) i;
${formats.map((f) => `\\copy c TO '${file(f)}' (FORMAT ${f})`).join('\n')}
CREATE TABLE d (LIKE c);
${formats.map((f) => `\\copy d FROM '${file(f)}' (FORMAT ${f})\nSELECT count(*), md5(string_agg(d::text, ',' ORDER BY i)) FROM d;\nTRUNCATE d;`).join('\n')}
\\copy (SELECT i, t FROM c WHERE i < 4 ORDER BY i) TO STDOUT
\\copy c (i, t) FROM STDIN
5001	inline
5002	\\N
\\.
COPY c (i) FROM STDIN;
not a number
\\.
COPY c (i) FROM STDIN WITH (FORMAT csv);
6001
6002,extra
\\.
SELECT count(*) FROM c;
BEGIN;
COPY c (i) FROM STDIN;
7001
\\.
COPY c TO '/nowhere/at/all';
ROLLBACK;
COPY (SELECT * FROM generate_series(1, 3)) TO STDOUT WITH (FORMAT csv, HEADER);
COPY (SELECT 1/(2-i) FROM generate_series(1, 3) i) TO STDOUT;
SELECT 1 \\; COPY c (i) FROM STDIN \\; SELECT 2;
8001
\\.
SELECT count(*) FROM c;
`;
    const contents: Buffer[][] = [];
    const outs: string[] = [];
    for (const side of [sides.direct, sides.gateway]) {
      await postgres.query('DROP DATABASE IF EXISTS play WITH (FORCE)');
      await postgres.query('CREATE DATABASE play');
      const run = await runClient(psql.path, ['-X', '-a'], { ...side, PGDATABASE: 'play' }, script);
      outs.push(run.out);
      contents.push(formats.map((format) => readFileSync(file(format))));
    }
    expect(outs[1]).toBe(outs[0]);
    expect(contents[1]).toEqual(contents[0]);
    expect(contents[0]!.every((content) => content.length > 20_000)).toBe(true);
  });

  it('moves large objects, which are function calls on the wire', async () => {
    const file = join(folder, 'object');
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) & 255));
    writeFileSync(file, bytes);
    const script = `
\\lo_import '${file}' 'a picture'
\\lo_export :LASTOID '${file}.back'
SELECT length(lo_get(:LASTOID)), md5(lo_get(:LASTOID));
\\lo_unlink :LASTOID
\\lo_export 1 '${file}.none'
`;
    const [direct, gateway] = await both(script);
    expect(gateway.replaceAll(/\d{5,}/g, 'N')).toBe(direct.replaceAll(/\d{5,}/g, 'N'));
    expect(readFileSync(`${file}.back`).equals(bytes)).toBe(true);
  });

  it('shows a large result whole', async () => {
    const script = `SELECT i, repeat('x', i % 100) FROM generate_series(1, 100000) i;`;
    const [direct, gateway] = await both(script);
    expect(gateway.length).toBe(direct.length);
    expect(gateway === direct).toBe(true);
  });

  it('connects with TLS, and with channel binding where the token is the secret of SCRAM', async () => {
    const script = 'SELECT 1 AS one;';
    const ask = (env: NodeJS.ProcessEnv) =>
      runClient(psql.path, ['-X', '-A', '-t', '-c', script], { ...sides.gateway, ...env });
    expect((await ask({ PGSSLMODE: 'require' })).out).toBe('1\n');
    expect((await ask({ PGSSLMODE: 'disable' })).out).toBe('1\n');
    const scram = `${sides.gateway.PGUSER}+scram`;
    expect((await ask({ PGUSER: scram, PGSSLMODE: 'require', PGCHANNELBINDING: 'require' })).out).toBe('1\n');
    expect((await ask({ PGUSER: scram, PGSSLMODE: 'disable' })).out).toBe('1\n');
    const wrong = await ask({ PGUSER: scram, PGPASSWORD: 'not the token' });
    expect(wrong.code).toBe(2);
    expect(wrong.out).toContain('FATAL');
  });

  it('reads why a token does not let it in', async () => {
    const run = await runClient(psql.path, ['-X', '-c', 'SELECT 1'], { ...sides.gateway, PGPASSWORD: 'wrong' });
    expect(run.code).toBe(2);
    expect(run.out).toMatch(/get a new one with: .*countersign -- --home \S+ connect \w+/);
  });

  it('cancels a running statement with ^C', async () => {
    const codes: (number | null)[] = [];
    for (const side of [sides.direct, sides.gateway]) {
      const client = startClient(psql.path, ['-X'], { ...side, PGAPPNAME: 'to cancel' }, null);
      client.process.stdin!.write('SELECT pg_sleep(60);\n');
      await eventually('the sleep', async () => {
        const rows = await postgres.query(
          `SELECT 1 AS one FROM pg_stat_activity WHERE application_name = 'to cancel' AND wait_event = 'PgSleep'`,
        );
        return rows[0] ?? null;
      });
      client.process.kill('SIGINT');
      await eventually('the cancellation', () => (client.said().includes('ERROR') ? true : null));
      client.process.stdin!.end();
      const { out, code } = await client.ended;
      expect(out).toContain('ERROR:  canceling statement due to user request');
      codes.push(code);
    }
    expect(codes[1]).toBe(codes[0]);
  });

  it('watches until ^C', async () => {
    const client = startClient(psql.path, ['-X', '-A', '-t'], sides.gateway, null);
    client.process.stdin!.write("SELECT 'seen' \\watch 0.05\n");
    await eventually('three rounds', () => (client.said().split('seen').length > 3 ? true : null));
    client.process.kill('SIGINT');
    client.process.stdin!.end("SELECT 'after';\n");
    expect((await client.ended).out).toContain('after');
  });

  it('is refused as a replication client, and told so', async () => {
    const run = await runClient(
      psql.path,
      ['-X', 'dbname=postgres replication=database', '-c', 'IDENTIFY_SYSTEM'],
      sides.gateway,
    );
    expect(run.code).toBe(2);
    expect(run.out).toMatch(/replication/i);
  });

  it('reads the server’s own reason where a database is not there', async () => {
    const run = await runClient(psql.path, ['-X', '-c', 'SELECT 1'], { ...sides.gateway, PGDATABASE: 'not_there' });
    expect(run.out).toContain('database "not_there" does not exist');
  });
});
