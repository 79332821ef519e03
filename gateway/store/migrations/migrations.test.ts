import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { migrate, migrations, SCHEMA_VERSION, schemaVersion } from './index.ts';
import type { Db } from './migration.ts';

/** A database as version `version` left it. */
function at(version: number): Db {
  const db = new Database(':memory:');
  db.pragma('foreign_keys = ON');
  migrate(db, version);
  expect(schemaVersion(db)).toBe(version);
  return db;
}

const addSession = (db: Db, id: string) =>
  db
    .prepare(
      `INSERT INTO sessions (id, state, connection_id, opened_at, database, role, application_name, mode, identity, agent)
       VALUES (?, 'closed', 'demo', '2026-01-01T00:00:00.000Z', 'd', 'r', 'a', 'enforce', '{}', '{}')`,
    )
    .run(id);

test('versions go up by tens, and each is in the list', () => {
  expect(migrations.map((one) => one.version)).toEqual(migrations.map((_, i) => (i + 1) * 10));
});

test('10: from an empty database to sessions', () => {
  const db = at(10);
  addSession(db, 's1');
  expect(() => addSession(db, 's1')).toThrow(/UNIQUE/);
  expect(db.prepare('SELECT statements, next_unit, last_exchange, finished FROM sessions').get()).toEqual({
    statements: 0,
    next_unit: 0,
    last_exchange: -1,
    finished: 0,
  });
  expect(() => db.exec("UPDATE sessions SET rows = 'many'")).toThrow(/INTEGER/);
});

test('20: sessions that were there keep their rows and may have statements', () => {
  const db = at(10);
  addSession(db, 's1');
  migrate(db, 20);
  const { seq } = db.prepare<[], { seq: number }>('SELECT seq FROM sessions').get()!;
  db.prepare('INSERT INTO strings (id, value) VALUES (1, ?)').run('SELECT 1');
  db.prepare(
    'INSERT INTO statements (id, session, idx, exchange, ordinal, unit, started_us, duration_us, held_us, text, facts, rows) VALUES (1, ?, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0)',
  ).run(seq);
  db.exec('DELETE FROM sessions');
  expect(db.prepare('SELECT count(*) FROM statements').pluck().get()).toBe(0);
});

test('30: statements that were there are found by their text', () => {
  const db = at(20);
  addSession(db, 's1');
  db.exec(`
    INSERT INTO strings (id, value) VALUES (1, 'SELECT email FROM customers'), (2, '{}');
    INSERT INTO statements (id, session, idx, exchange, ordinal, unit, started_us, duration_us, held_us, text, facts, parameters, rows, message)
      VALUES (5, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, '["needle"]', 0, 'permission refused');
  `);
  migrate(db, 30);
  const found = (text: string) =>
    db.prepare('SELECT rowid FROM statements_fts WHERE statements_fts MATCH ?').pluck().all(text);
  expect(found('customers')).toEqual([5]);
  expect(found('"email from"')).toEqual([5]);
  expect(found('needle')).toEqual([5]);
  expect(found('refused')).toEqual([5]);
  db.exec('DELETE FROM statements_fts WHERE rowid = 5');
  expect(found('customers')).toEqual([]);
});

test('40: the objects of sessions that were there become names, found with and without their schema', () => {
  const db = at(30);
  addSession(db, 's1');
  addSession(db, 's2');
  db.exec("INSERT INTO session_objects VALUES ('public.Orders', 1), ('public.Orders', 2), ('staff', 2)");
  migrate(db, 40);
  expect(
    db
      .prepare(
        'SELECT kind, value, folded, also, session FROM session_facets JOIN facets ON id = facet ORDER BY value, session',
      )
      .raw()
      .all(),
  ).toEqual([
    ['table', 'public.Orders', 'public.orders', 'orders', 1],
    ['table', 'public.Orders', 'public.orders', 'orders', 2],
    ['table', 'staff', 'staff', 'staff', 2],
  ]);
  expect(db.prepare('SELECT device FROM sessions').pluck().all()).toEqual([null, null]);
});

test('50: statements that were there come again from the recordings, and until then the index says so', () => {
  const db = at(40);
  addSession(db, 's1');
  db.exec(`
    INSERT INTO strings (id, value) VALUES (1, 'SELECT 1'), (2, '{}');
    INSERT INTO statements (id, session, idx, exchange, ordinal, unit, started_us, duration_us, held_us, text, facts, rows)
      VALUES (5, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0);
    INSERT INTO batches VALUES (1, 1, 1);
    INSERT INTO session_entities VALUES (1, 'US_SSN', 3);
    UPDATE sessions SET statements = 1, finished = 1, next_unit = 2, last_exchange = 0, deriver = '{}';
  `);
  migrate(db, 50);
  expect(
    db.prepare('SELECT id, state, statements, finished, next_unit, last_exchange, deriver FROM sessions').get(),
  ).toEqual({ id: 's1', state: 'closed', statements: 0, finished: 0, next_unit: 0, last_exchange: -1, deriver: null });
  for (const table of ['statements', 'strings', 'session_entities', 'string_ranges']) {
    expect(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get()).toBe(0);
  }
  expect(db.prepare('SELECT why FROM rebuild').pluck().all()).toEqual(['the index is from an older Countersign']);
  const fresh = at(50);
  expect(fresh.prepare('SELECT why FROM rebuild').pluck().all()).toEqual([]);
});

test('60: sessions that were there are of PostgreSQL', () => {
  const db = at(50);
  addSession(db, 's1');
  migrate(db, 60);
  expect(db.prepare('SELECT id, protocol FROM sessions').all()).toEqual([{ id: 's1', protocol: 'postgres' }]);
});

test('70: statements that were there come again from the recordings, counted by day', () => {
  const db = at(60);
  addSession(db, 's1');
  db.exec(`
    INSERT INTO strings (id, value) VALUES (1, 'SELECT 1'), (2, '{}');
    INSERT INTO statements (id, session, idx, exchange, ordinal, unit, started_us, duration_us, held_us, text, facts, rows)
      VALUES (5, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0);
    INSERT INTO statements_fts (rowid, text, parameters, message, facets) VALUES (5, 'SELECT 1', NULL, NULL, 's1');
    UPDATE sessions SET statements = 1, finished = 1, next_unit = 2, last_exchange = 0;
  `);
  migrate(db, 70);
  expect(db.prepare('SELECT id, statements, finished FROM sessions').all()).toEqual([
    { id: 's1', statements: 0, finished: 0 },
  ]);
  expect(db.prepare("SELECT rowid FROM statements_fts WHERE statements_fts MATCH 'select'").all()).toEqual([]);
  expect(db.prepare('SELECT why FROM rebuild').pluck().all()).toEqual(['the index is from an older Countersign']);
  db.exec(`
    INSERT INTO tallies VALUES (20000, 1, 'read', 'allowed', 1, 0, 0);
    INSERT INTO shape_tallies VALUES (20000, 1, 1, 1, 0, 0, 0, 0, 5, 5, 0);
    INSERT INTO table_tallies VALUES (20000, 1, 1, 'allowed', 1);
    DELETE FROM sessions;
  `);
  for (const table of ['tallies', 'shape_tallies', 'table_tallies']) {
    expect(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get()).toBe(0);
  }
  expect(at(70).prepare('SELECT why FROM rebuild').pluck().all()).toEqual([]);
});

test('80: a page of sessions is found in an index', () => {
  const db = at(80);
  const plan = db
    .prepare('EXPLAIN QUERY PLAN SELECT seq FROM sessions ORDER BY opened_at DESC, id DESC LIMIT 100 OFFSET 5')
    .all() as { detail: string }[];
  expect(plan.map(({ detail }) => detail)).toEqual(['SCAN sessions USING COVERING INDEX sessions_in_order']);
});

test('90: the sessions of a conversation are found in an index', () => {
  const plan = at(90)
    .prepare('EXPLAIN QUERY PLAN SELECT seq FROM sessions WHERE conversation_id = ? ORDER BY opened_at DESC LIMIT 10')
    .all('c1') as { detail: string }[];
  expect(plan.map(({ detail }) => detail).join()).toContain('sessions_by_conversation');
});

test('a second run changes nothing', () => {
  const db = at(SCHEMA_VERSION);
  const schema = db.prepare('SELECT sql FROM sqlite_schema ORDER BY name').all();
  migrate(db);
  expect(db.prepare('SELECT sql FROM sqlite_schema ORDER BY name').all()).toEqual(schema);
});

test('a database from the future is refused and left as it is', () => {
  const db = at(SCHEMA_VERSION);
  db.pragma(`user_version = ${SCHEMA_VERSION + 10}`);
  expect(() => migrate(db)).toThrow(expect.objectContaining({ code: 'STORE_FROM_FUTURE' }));
  expect(schemaVersion(db)).toBe(SCHEMA_VERSION + 10);
});
