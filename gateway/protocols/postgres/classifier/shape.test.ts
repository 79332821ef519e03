import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { shapeKey, shapeText } from './shape.ts';
import { loadClassifier, shopContext } from './test-support.ts';

const classifier = await loadClassifier();
afterAll(() => classifier.close());

test.each([
  ['SELECT abalance FROM pgbench_accounts WHERE aid = 48213;', 'SELECT abalance FROM pgbench_accounts WHERE aid = $1;'],
  ["UPDATE t SET a = 'x', b = -5 WHERE c IN (1,2)", 'UPDATE t SET a = $1, b = -$2 WHERE c IN ($3,$4)'],
  ["SELECT 'it''s', '' FROM \"T 1\"", 'SELECT $1, $2 FROM "T 1"'],
  ['SELECT a1 FROM t2 WHERE x = $3 AND y = 4', 'SELECT a1 FROM t2 WHERE x = $3 AND y = $4'],
  ['SELECT a[1], b ->> 2 FROM t', 'SELECT a[$1], b ->> $2 FROM t'],
])('lifts constants: %s', (sql, shape) => {
  const key = shapeKey(sql);
  expect(key === null ? null : shapeText(key)).toBe(shape);
});

test.each([
  'SELECT 1 -- x',
  'SELECT /* 1 */ 2',
  "SELECT 'a\\b'",
  "SELECT E'a'",
  "SELECT e'a'",
  "SELECT U&'a'",
  'SELECT U&"a"',
  "SELECT B'1'",
  "SELECT X'1F'",
  "SELECT N'a'",
  'SELECT $$a$$',
  'SELECT $x$a$x$',
  'SELECT a$1',
  'SELECT 1.5',
  'SELECT .5',
  'SELECT 1e5',
  'SELECT 0x1F',
  'SELECT 1_000',
  'SELECT 1a',
  "SELECT 'ä'",
  'SELECT ä',
  "SELECT 'a",
  'SELECT "a',
  "SELECT 'a\u0000'",
  'SELECT \u0001',
  "SELECT 'a'b",
  "SELECT 1'a'",
  'SELECT \\',
])('does not vouch for %s', (sql) => {
  expect(shapeKey(sql)).toBeNull();
});

const literal = fc.oneof(
  fc.nat().map(String),
  fc.string({ maxLength: 6 }).map((text) => `'${text.replaceAll("'", "''")}'`),
  fc.constantFrom('0', '1', '2', "'%'", "'off'", "'standard_conforming_strings'", "'role'", 'true', 'NULL', '1.5'),
);
const name = fc.constantFrom('id', 'ssn', 'email', 'name', 'c.ssn', 'x');
const value = fc.oneof(
  literal,
  name,
  fc.tuple(name, literal).map(([a, b]) => `coalesce(${a}, ${b})`),
);
const condition = fc
  .array(fc.tuple(value, fc.constantFrom('=', '<>', 'LIKE', '<'), value), { minLength: 1, maxLength: 3 })
  .chain((parts) =>
    fc.constantFrom(' AND ', ' OR ').map((glue) => parts.map(([a, op, b]) => `${a} ${op} ${b}`).join(glue)),
  );
const sql = fc.oneof(
  fc
    .tuple(value, condition, value, literal)
    .map(
      ([out, where, order, limit]) =>
        `SELECT ${out}, id FROM customers c WHERE ${where} ORDER BY ${order} LIMIT ${limit}`,
    ),
  fc.tuple(value, value).map(([a, b]) => `SELECT ${a} FROM customers c GROUP BY ${b}`),
  condition.map((where) => `DELETE FROM orders WHERE ${where}`),
  fc.tuple(value, condition).map(([a, where]) => `UPDATE customers SET name = ${a} WHERE ${where}`),
  fc.array(literal, { minLength: 1, maxLength: 4 }).map((list) => `INSERT INTO orders VALUES (${list.join(', ')})`),
  fc.tuple(literal, literal).map(([a, b]) => `SELECT set_config(${a}, ${b}, false)`),
  literal.map((a) => `SET standard_conforming_strings = ${a}`),
  literal.map((a) => `COPY orders TO ${a}`),
  literal.map((a) => `SET ROLE ${a}`),
  literal.map((a) => `EXPLAIN (ANALYZE ${a}) DELETE FROM orders`),
  literal.map((a) => `SELECT query_to_xml(${a}, true, true, '')`),
  fc.tuple(literal, literal).map(([a, b]) => `BEGIN; SELECT ${a}; DELETE FROM orders WHERE id = ${b}`),
);

test('what the shape cache answers is what a fresh look says', async () => {
  const context = shopContext();
  const fresh = await loadClassifier();
  await fc.assert(
    fc.asyncProperty(fc.array(sql, { minLength: 2, maxLength: 8 }), async (statements) => {
      for (const text of statements) {
        const cached = classifier.classify(text, context);
        // A catalog object of its own has a cache of its own.
        expect(cached).toEqual(fresh.classify(text, shopContext()));
      }
    }),
    { numRuns: 150 },
  );
  await fresh.close();
});

test('statements of one shape share a classification, statements with one value inspected do not', () => {
  const context = shopContext();
  const a = classifier.classify('SELECT id FROM orders WHERE id = 1', context);
  expect(classifier.classify('SELECT id FROM orders WHERE id = 2', context)).toBe(a);
  const pinned = classifier.classify("SELECT set_config('standard_conforming_strings', 'on', false)", context);
  const changed = classifier.classify("SELECT set_config('standard_conforming_strings', 'of', false)", context);
  expect(pinned.effects.flags).not.toContain('sets-pinned-setting');
  expect(changed.effects.flags).toContain('sets-pinned-setting');
  expect(pinned.effects.fingerprint).not.toBe(changed.effects.fingerprint);
});

test('equal shapes have equal fingerprints, also where the lexer does not vouch', () => {
  const context = shopContext();
  const of = (text: string) => classifier.classify(text, context).effects;
  expect(of("SELECT id FROM orders WHERE name = 'Müller'").fingerprint).toBe(
    of("SELECT id FROM orders WHERE name = 'Miller'").fingerprint,
  );
  expect(of('SELECT id FROM orders WHERE id = 1').fingerprint).toMatch(/^[0-9a-f]{16}$/);
  expect(of("SET ROLE 'a'").fingerprint).not.toBe(of("SET ROLE 'b'").fingerprint);
  expect(of(`SELECT ${'a'.repeat(3000)}`).shape.length).toBe(1000);
});
