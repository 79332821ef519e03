import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { LARGE_TEXT, MAX_TEXT } from './index.ts';
import { loadClassifier, shopContext } from './test-support.ts';

const classifier = await loadClassifier();
afterAll(() => classifier.close());
const context = shopContext();
const of = (text: string) => classifier.classify(text, context).effects;

test.each([
  ['DELETE FROM orders', 'Deletes every row of orders (no WHERE)'],
  ['DELETE FROM orders WHERE true', 'Deletes every row of orders (its WHERE keeps none out)'],
  ["UPDATE orders SET status = 'x' WHERE id = 5", 'Changes status of orders where id = …'],
  ['DROP DATABASE shop', 'Drops the database shop'],
  ["COPY t TO PROGRAM 'sh -c id'", 'Runs a program on the database server: sh -c id'],
  ['TRUNCATE a, b', 'Deletes every row of a, b (TRUNCATE)'],
  ['INSERT INTO orders VALUES (1), (2)', 'Adds 2 rows to orders'],
  ['GRANT SELECT ON orders TO x', 'Changes who may use orders'],
  ['SET ROLE admin', 'Goes on as the role admin'],
  ['CALL archive()', 'Calls the procedure archive'],
  ['SELECT * FROM orders', 'Reads orders'],
  ['BEGIN', 'Session: BEGIN'],
])('in words: %s', (sql, words) => {
  expect(of(sql).words[0]).toBe(words);
});

test('tables, columns and functions are named', () => {
  expect(of('SELECT o.id, o.total FROM app.orders o WHERE lower(o.status) = $1')).toMatchObject({
    class: 'read',
    reads: [{ schema: 'app', name: 'orders', columns: ['status', 'id', 'total'] }],
    writes: [],
    functions: ['lower'],
  });
  expect(of('UPDATE orders SET a = 1, b = 2 WHERE id = 1').writes).toEqual([
    { schema: null, name: 'orders', columns: ['a', 'b'] },
  ]);
});

test('a table beyond the limit makes a statement unknown, so no table escapes policy', () => {
  const many = Array.from({ length: 600 }, (_, i) => `SELECT 1 FROM t${i}`).join(' UNION ALL ');
  expect(of(many).class).toBe('unknown');
});

test.each([
  ['MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE', ['MERGE'], 'destructive'],
  ['SELECT 1; DROP TABLE t; SELECT 2', ['SELECT', 'DROP TABLE', 'SELECT'], 'destructive'],
  ["SET standard_conforming_strings = 'off'", ['SET'], 'privilege'],
  ['SELECT currtid2($1, $2)', ['SELECT'], 'unknown'],
  ['SELECT no_such(1)', ['SELECT'], 'unknown'],
])('%s', (sql, ops, effectClass) => {
  expect(of(sql)).toMatchObject({ ops, class: effectClass });
});

test('what pg_dump sets where the server has it is read like a constant, and nothing beside it', () => {
  const of = (sql: string) => classifier.classify(sql, context).effects;
  const dump = (more: string, value = 'view, foreign-table') =>
    of(`SELECT set_config(name, '${value}', false) FROM pg_settings ${more}`);
  expect(dump("WHERE name = 'restrict_nonsystem_relation_kind'").class).toBe('read');
  expect(dump("WHERE name = 'restrict_nonsystem_relation_kind'", 'view').class).toBe('privilege');
  expect(dump("WHERE name = 'standard_conforming_strings'", 'off').flags).toContain('sets-pinned-setting');
  for (const other of [
    '',
    "WHERE name <> 'work_mem'",
    "WHERE name LIKE 'work_mem'",
    "WHERE name = 'work_mem' OR true",
    "WHERE NOT name = 'work_mem'",
    "WHERE setting = 'work_mem'",
    "WHERE 'work_mem' = setting",
    "AS p(x, name) WHERE name = 'work_mem'",
    "JOIN t ON true WHERE name = 'work_mem'",
    ", t WHERE name = 'work_mem'",
    "WHERE name OPERATOR(public.=) 'work_mem'",
  ]) {
    expect(dump(other).class, other).toBe('unknown');
  }
  expect(of("SELECT set_config(name, 'x', false) FROM mine.pg_settings WHERE name = 'work_mem'").class).toBe('unknown');
  expect(of("SELECT set_config(name || 'x', 'x', false) FROM pg_settings WHERE name = 'work_mem'").class).toBe(
    'unknown',
  );
  expect(of("SELECT (SELECT set_config(name, 'x', false) FROM t) FROM pg_settings WHERE name = 'work_mem'").class).toBe(
    'unknown',
  );
});

test('names and settings of the session are told', () => {
  const names = (sql: string) => classifier.classify(sql, context).names;
  expect(names('PREPARE p AS SELECT 1')).toEqual([{ kind: 'prepare', name: 'p' }]);
  expect(names('DEALLOCATE ALL')).toEqual([{ kind: 'deallocate', name: null }]);
  expect(names('SET LOCAL search_path TO a, b')).toEqual([
    { kind: 'set', setting: 'search_path', value: 'a, b', local: true },
  ]);
  expect(names("SELECT set_config('search_path', 'x', true)")).toEqual([
    { kind: 'set', setting: 'search_path', value: 'x', local: true },
  ]);
  expect(names('RESET ROLE')).toEqual([{ kind: 'set', setting: 'role', value: null, local: false }]);
});

test('deep nesting is unknown and the parser lives on', async () => {
  const before = classifier.respawns;
  for (let i = 0; i < 12; i += 1) {
    // 16 KiB of terms is what classify takes; the walk itself has a limit too.
    const deep = `SELECT ${'-('.repeat(3000 + i)}1${')'.repeat(3000 + i)}`;
    expect(of(deep).class).toMatch(/unknown|read/);
    const sum = `SELECT ${'1+'.repeat(5000 + i)}1`;
    expect(of(sum).class).toBe('unknown');
    await new Promise((resolve) => setImmediate(resolve));
  }
  const large = await classifier.classifyLarge(`SELECT ${'1+'.repeat(200_000)}1`, context);
  expect(large.effects.class).toBe('unknown');
  expect(of('SELECT a FROM b WHERE c = 1').class).toBe('read');
  expect(classifier.respawns).toBeGreaterThanOrEqual(before);
});

test('long texts go to a thread, longer ones are not read', async () => {
  const rows = Array.from({ length: 4000 }, (_, i) => `(${i}, 'x')`).join(', ');
  const insert = `INSERT INTO orders VALUES ${rows}`;
  expect(insert.length).toBeGreaterThan(LARGE_TEXT);
  expect(classifier.classify(insert, context).effects).toMatchObject({ class: 'unknown' });
  const [first, select] = await Promise.all([
    classifier.classifyLarge(insert, context),
    classifier.classifyLarge(`SELECT ssn, '${'x'.repeat(LARGE_TEXT)}' FROM customers`, context),
  ]);
  expect(first.effects).toMatchObject({ class: 'write', words: ['Adds 4000 rows to orders'] });
  expect(select.output.columns).toEqual([[context.connection.columns[1]], []]);
  expect(select.output.columns?.[0]?.[0]).toBe(context.connection.columns[1]);
  const tooLong = await classifier.classifyLarge(`SELECT '${'x'.repeat(MAX_TEXT)}'`, context);
  expect(tooLong.effects).toMatchObject({ class: 'unknown', flags: ['unknown', 'too-large'] });
});

test('a full queue and a slow thread are unknown', async () => {
  const long = (i: number) => `SELECT ${i}, '${'x'.repeat(LARGE_TEXT)}'`;
  const small = await loadClassifier({ maxQueue: 1 });
  const [, second] = await Promise.all([small.classifyLarge(long(1), context), small.classifyLarge(long(2), context)]);
  expect(second.effects.class).toBe('unknown');
  expect((await small.classifyLarge(long(3), context)).effects.class).toBe('read');
  await small.close();
  const hasty = await loadClassifier({ timeout: 0 });
  expect((await hasty.classifyLarge(long(4), context)).effects.class).toBe('unknown');
  await hasty.close();
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      expect(of(text).fingerprint).toMatch(/^[0-9a-f]{16}$/);
    }),
    { numRuns: 300 },
  );
});

test('no sequence of SQL words makes it throw', () => {
  const word = fc.constantFrom(
    ...'SELECT FROM WHERE customers ssn * ( ) , ; WITH x AS DELETE UPDATE SET = 1 RETURNING JOIN ON USING UNION ORDER BY 1 GROUP COPY TO STDOUT EXPLAIN ANALYZE PREPARE p EXECUTE CREATE TABLE VIEW ALTER DROP INSERT INTO VALUES NULL CASE WHEN THEN END'.split(
      ' ',
    ),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 14 }), (words) => {
      expect(of(words.join(' ')).words.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
