import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ColumnTag } from '../../gateway/contract/connection.ts';
import type { Approval } from '../../gateway/contract/decision.ts';
import { component } from '../components.ts';
import { type DebianPostgres, startDebianPostgres } from '../support/debian-postgres.ts';
import { sessionStatements } from '../support/recordings.ts';
import { ALLOW_ALL } from '../support/service.ts';
import { nextHeld, runClient, type SideBySide, startSideBySide } from '../support/side-by-side.ts';

/** Debian's pg_dump refuses a newer server, so this runs against Debian's own. */
const server = component('postgres-15');
const pgDump = component('pg_dump');
const missing = server.missing || pgDump.missing;
const beside = (program: string) => join(pgDump.path, '..', program);

let postgres: DebianPostgres;
let sides: SideBySide;
let allowed: SideBySide;
let folder: string;

const SETUP = `
CREATE SCHEMA shop; CREATE TYPE shop.state AS ENUM ('new', 'paid');
CREATE TABLE shop.orders (id serial PRIMARY KEY, state shop.state DEFAULT 'new', note text, at timestamptz DEFAULT '2026-01-01', raw bytea, data jsonb, tags text[]) PARTITION BY RANGE (id);
CREATE TABLE shop.orders_1 PARTITION OF shop.orders FOR VALUES FROM (1) TO (1000);
CREATE TABLE shop.orders_2 PARTITION OF shop.orders FOR VALUES FROM (1000) TO (100000);
INSERT INTO shop.orders (note, raw, data, tags) SELECT E'note\\t"' || i || E'\\n\\\\', decode(md5(i::text), 'hex'), jsonb_build_object('i', i), ARRAY['x', NULL] FROM generate_series(1, 5000) i;
CREATE INDEX ON shop.orders (state); CREATE VIEW shop.paid AS SELECT * FROM shop.orders WHERE state = 'paid';
CREATE MATERIALIZED VIEW shop.numbers AS SELECT count(*) AS n FROM shop.orders;
CREATE FUNCTION shop.f(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN i + 1; END $$;
CREATE FUNCTION shop.t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER tr BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.t();
CREATE RULE r AS ON DELETE TO shop.paid DO INSTEAD NOTHING;
CREATE DOMAIN shop.positive AS int CHECK (VALUE > 0); CREATE SEQUENCE shop.s START 7;
COMMENT ON TABLE shop.orders IS 'it''s orders'; GRANT SELECT ON shop.orders TO pg_read_all_data;
SELECT lo_from_bytea(4242, decode(repeat('ab', 5000), 'hex'));
`;

beforeAll(async () => {
  if (missing !== false) return;
  folder = mkdtempSync(join(tmpdir(), 'cs-dump-'));
  postgres = await startDebianPostgres(server.path);
  sides = await startSideBySide(postgres);
  allowed = await startSideBySide(postgres, { policy: ALLOW_ALL });
  const made = await runClient(beside('psql'), ['-X', '-q', '-v', 'ON_ERROR_STOP=1'], sides.direct, SETUP);
  expect(made.code, made.out).toBe(0);
});
afterAll(async () => {
  await sides?.stop();
  await allowed?.stop();
  await postgres?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function dump(env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  const run = await runClient(pgDump.path, args, env);
  expect(run.code, run.out.slice(-2000)).toBe(0);
  return run.out.replaceAll(/^\\(un)?restrict .*$/gm, '');
}

async function deny(message: string): Promise<Approval> {
  const held = await nextHeld(sides.control);
  const { id, operation } = held;
  await sides.control.call('decide', { id, digest: operation.digest, decision: 'deny', message });
  return held;
}

describe.skipIf(missing)('pg_dump and pg_restore', () => {
  it('dump as text what they dump directly, and the shipped policy asks nobody', async () => {
    const direct = await dump(sides.direct);
    const gateway = await dump({ ...sides.gateway, PGAPPNAME: 'the dump' });
    expect(gateway === direct).toBe(true);
    expect(direct).toContain('lo_create(');
    expect(direct.length).toBeGreaterThan(200_000);
    const statements = await sessionStatements(sides.service.home, 'the dump');
    expect(statements.length).toBeGreaterThan(50);
    expect(statements.filter(({ decision }) => decision.approvalId !== null)).toEqual([]);
  });

  it('move large objects into an archive and back: reading asks nobody, writing does', async () => {
    const file = join(folder, 'objects');
    await dump({ ...sides.gateway, PGAPPNAME: 'the archive' }, '-Fc', '-f', file);
    const statements = await sessionStatements(sides.service.home, 'the archive');
    expect(statements.filter(({ decision }) => decision.approvalId !== null)).toEqual([]);
    expect(statements.some(({ text }) => text?.includes('pg_catalog.loread('))).toBe(true);
    const made = await runClient(beside('psql'), ['-X', '-c', 'CREATE DATABASE objects'], sides.direct);
    expect(made.code, made.out).toBe(0);
    const into = { ...sides.gateway, PGDATABASE: 'objects' };
    const refused = runClient(beside('pg_restore'), ['-e', '-d', 'objects', file], into);
    await deny('no restore');
    expect((await refused).out).toContain('no restore');
    const restored = await runClient(beside('pg_restore'), ['-e', '-d', 'objects', file], allowed.gateway);
    expect(restored.code, restored.out).toBe(0);
    const copy = await dump({ ...sides.gateway, PGDATABASE: 'objects' });
    expect(copy === (await dump(sides.direct))).toBe(true);
  }, 60_000);

  it('leave it to psql to take a large object out freely, and to put one in when a person allows it', async () => {
    const file = join(folder, 'object');
    const psql = (command: string) => runClient(beside('psql'), ['-X', '-c', command], sides.gateway);
    const exported = await psql(`\\lo_export 4242 '${file}'`);
    expect(exported.code, exported.out).toBe(0);
    expect(readFileSync(file).equals(Buffer.alloc(5000, 0xab))).toBe(true);
    const imported = psql(`\\lo_import '${file}'`);
    const held = await deny('no import');
    expect(held.operation.text).toMatch(/^SELECT pg_catalog\.lo_creat/);
    expect((await imported).out).toContain('no import');
    const objects = await runClient(beside('psql'), ['-XAtc', 'SELECT oid FROM pg_largeobject_metadata'], sides.direct);
    expect(objects.out).toBe('4242\n');
  });

  it('get no large object where a column is tagged, since it may hold what the column does', async () => {
    const columns = [{ schema: 'shop', table: 'orders', column: 'note', entity: 'CUSTOM' as const }];
    const tagged = await startSideBySide(postgres, {
      connection: { columns: columns.map((tag) => ColumnTag.parse(tag)) },
    });
    try {
      const run = await runClient(pgDump.path, ['-f', join(folder, 'none')], tagged.gateway);
      expect(run.code).toBe(1);
      expect(run.out).toContain('large object');
      await dump(tagged.gateway, '-B');
    } finally {
      await tagged.stop();
    }
  });

  it('dump in parallel into a folder and as inserts', async () => {
    const inserts = ['--inserts', '--schema=shop'];
    expect((await dump(sides.gateway, ...inserts)) === (await dump(sides.direct, ...inserts))).toBe(true);
    await dump(allowed.gateway, '-Fd', '-j', '2', '-f', join(folder, 'parallel'));
    const list = await runClient(beside('pg_restore'), ['-l', join(folder, 'parallel')], sides.direct);
    expect(list.out).toContain('TABLE DATA shop orders_2');
  });

  it('restore with two connections what they dumped, under a policy that lets them', async () => {
    const file = join(folder, 'custom');
    await dump(allowed.gateway, '-Fc', '-f', file);
    const made = await runClient(beside('psql'), ['-X', '-c', 'CREATE DATABASE copy'], allowed.gateway);
    expect(made.code, made.out).toBe(0);
    const restored = await runClient(beside('pg_restore'), ['-j', '2', '-d', 'copy', file], allowed.gateway);
    expect(restored.code, restored.out).toBe(0);
    const copy = await dump({ ...sides.direct, PGDATABASE: 'copy' });
    expect(copy === (await dump(sides.direct))).toBe(true);
  }, 60_000);

  it('ask before they restore under the shipped policy', async () => {
    const file = join(folder, 'custom');
    const run = runClient(beside('pg_restore'), ['-d', 'postgres', '--schema-only', '-e', file], sides.gateway);
    await deny('restore elsewhere');
    const { code, out } = await run;
    expect(code).toBe(1);
    expect(out).toContain('restore elsewhere');
  });
});
