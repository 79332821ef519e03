import { afterAll, expect, test } from 'vitest';
import type { Classification } from '../ports.ts';
import { loadClassifier, shopContext, shownTaint } from './test-support.ts';

const classifier = await loadClassifier();
afterAll(() => classifier.close());
const context = shopContext();

test.each<[string, string[] | 'clean' | null]>([
  ['SELECT * FROM customers', ['', '', 'email', 'ssn']],
  ['SELECT c.* FROM customers c', ['', '', 'email', 'ssn']],
  ['SELECT ssn AS harmless FROM customers', ['ssn']],
  ['SELECT upper(ssn), name FROM customers', ['ssn', '']],
  ['SELECT length(ssn) FROM customers', ['ssn']],
  ["SELECT ssn = '078-05-1120' FROM customers", ['ssn']],
  ['SELECT min(ssn), count(ssn), count(*) FROM customers', ['ssn', '', '']],
  ['SELECT ssn::text, CAST(ssn AS int) FROM customers', ['ssn', 'ssn']],
  ['SELECT CASE WHEN ssn IS NULL THEN 1 ELSE 2 END FROM customers', ['ssn']],
  ['SELECT customers FROM customers', ['email ssn']],
  ['SELECT c FROM customers c', ['email ssn']],
  ['SELECT c::text FROM customers c', ['email ssn']],
  ['SELECT row_to_json(c) FROM customers c', ['email ssn']],
  ['SELECT c.row_to_json FROM customers c', ['email ssn']],
  ['SELECT to_jsonb(customers) FROM customers', ['email ssn']],
  ['SELECT (c).ssn FROM customers c', ['email ssn']],
  ['SELECT ROW(id, ssn) FROM customers', ['ssn']],
  ['SELECT ARRAY[email, ssn] FROM customers', ['email ssn']],
  ['SELECT array_agg(ssn) FROM customers', ['ssn']],
  ['SELECT string_agg(name || email, $$,$$) FROM customers', ['email']],
  ['SELECT array_agg(c) FROM customers c', ['email ssn']],
  ['SELECT xmin, ctid, id FROM customers', 'clean'],
  ['SELECT ssn FROM public.customers', ['ssn']],
  ['SELECT public.customers.ssn FROM public.customers', ['ssn']],
  ['SELECT salary FROM staff', ['salary']],
  ['SELECT salary FROM hr.staff', ['salary']],
  ['SELECT x FROM (SELECT ssn AS x FROM customers) t', ['ssn']],
  ['SELECT t.* FROM (SELECT id, ssn FROM customers) t', ['', 'ssn']],
  ['SELECT b FROM (SELECT id, ssn FROM customers) t(a, b)', ['ssn']],
  ['SELECT d FROM customers AS t(a, b, c, d)', ['ssn']],
  ['SELECT (SELECT ssn FROM customers LIMIT 1)', ['ssn']],
  ['SELECT ARRAY(SELECT email FROM customers)', ['email']],
  ['SELECT 1 IN (SELECT id FROM customers)', 'clean'],
  ['WITH x AS (SELECT ssn AS s FROM customers) SELECT s FROM x', ['ssn']],
  ['WITH x(s) AS (SELECT ssn FROM customers) SELECT * FROM x', ['ssn']],
  ['WITH a AS (SELECT ssn FROM customers), b AS (SELECT * FROM a) SELECT * FROM b', ['ssn']],
  ['WITH customers AS (SELECT 1 AS ssn) SELECT ssn FROM customers', 'clean'],
  [
    'WITH RECURSIVE r(a, b) AS (SELECT id, name FROM customers UNION ALL SELECT id, ssn FROM customers) SELECT * FROM r',
    ['', 'ssn'],
  ],
  [
    'WITH RECURSIVE r(a, b, c) AS (SELECT ssn, 1::text, 2::text FROM customers UNION ALL SELECT a, a, b FROM r) SELECT * FROM r',
    ['ssn', 'ssn', 'ssn'],
  ],
  ['SELECT name FROM customers UNION ALL SELECT ssn FROM customers', ['ssn']],
  ['SELECT id, name FROM orders UNION ALL SELECT 1, email FROM customers', ['', 'email']],
  ['VALUES (1, (SELECT ssn FROM customers LIMIT 1)), (2, 3)', ['', 'ssn']],
  ['SELECT contact FROM contacts', ['email']],
  ['SELECT * FROM contacts2', ['', 'email']],
  ['SELECT * FROM broken', ['email salary ssn']],
  ['SELECT l.s FROM customers c, LATERAL (SELECT c.ssn AS s) l', ['ssn']],
  ['SELECT s FROM customers, unnest(ARRAY[ssn]) AS s', ['ssn']],
  ['SELECT j.* FROM (customers c JOIN contacts t ON c.id = t.id) AS j', ['', '', 'email', 'ssn', '', 'email']],
  ['SELECT * FROM customers JOIN orders USING (id)', null],
  ['SELECT o.*, upper(c.ssn) FROM orders o, customers c', null],
  ['SELECT o.status FROM orders o, customers c', 'clean'],
  ['INSERT INTO customers (id) VALUES (1) RETURNING *', ['', '', 'email', 'ssn']],
  ['UPDATE customers SET name = $1 WHERE id = 1 RETURNING id, old.ssn, new.email', ['', 'ssn', 'email']],
  ['DELETE FROM customers WHERE id = 1 RETURNING WITH (OLD AS o) o.ssn', ['ssn']],
  ['WITH d AS (DELETE FROM customers WHERE id = 1 RETURNING ssn) SELECT * FROM d', ['ssn']],
  ['COPY customers TO STDOUT', ['', '', 'email', 'ssn']],
  ['COPY customers (ssn, id) TO STDOUT', ['ssn', '']],
  ['COPY (SELECT id, upper(ssn) FROM customers) TO STDOUT', ['', 'ssn']],
  ['SELECT ssn_of(1)', ['email salary ssn']],
  ['SELECT through()', ['email salary ssn']],
  ["SELECT dynamic('ssn')", ['email salary ssn']],
  ['SELECT add_tax(id) FROM customers', 'clean'],
  ['SELECT * FROM ssn_of(1) AS x', null],
  ['SELECT most_common_vals FROM pg_stats', ['email salary ssn']],
  ["SELECT table_to_xml('customers', true, true, '')", ['email salary ssn']],
  ['PREPARE p AS SELECT ssn FROM customers', ['ssn']],
  ['DECLARE c CURSOR FOR SELECT id, email FROM customers', ['', 'email']],
  ['PREPARE p AS SELECT ssn FROM customers; EXECUTE p', null],
  ['FETCH ALL FROM never_seen', null],
  ['SELECT max(ssn) OVER (PARTITION BY name) FROM customers', ['ssn']],
  ['SELECT xmlelement(name a, ssn) FROM customers', ['ssn']],
  ["SELECT json_object('a': ssn) FROM customers", ['ssn']],
  ["SELECT * FROM customers c, json_table(to_json(c), '$' COLUMNS (x text PATH '$.ssn')) j", null],
])('%s', (sql, expected) => {
  expect(shownTaint(classifier.classify(sql, context))).toEqual(expected);
});

test('what is not tagged is clean, whatever the number of columns', () => {
  for (const sql of ['SELECT * FROM orders', 'SELECT 1', 'SELECT a.*, b.* FROM a, b']) {
    const { output } = classifier.classify(sql, context);
    expect(output.all).toEqual([]);
    expect(output.columns?.flat()).toEqual([]);
    expect(output.columns?.length).toBe(1664);
  }
});

test('a clean result that was filtered by a tagged column stays clean, and errors are still masked', () => {
  const { output } = classifier.classify("SELECT count(*) FROM customers WHERE ssn = '1'", context);
  expect(output.columns?.flat()).toEqual([]);
  expect(output.all.map((tag) => tag.column)).toEqual(['ssn']);
});

test.each<[string, string[]]>([
  ["SELECT id FROM customers WHERE ssn = '1'", ['public.customers.ssn']],
  ['SELECT id FROM customers WHERE length(ssn) > 3', ['public.customers.ssn']],
  ['SELECT id FROM customers ORDER BY email', ['public.customers.email']],
  ['SELECT email FROM customers ORDER BY 1', ['public.customers.email']],
  ['SELECT email AS e FROM customers ORDER BY e', ['public.customers.email']],
  ['SELECT count(*) FROM customers GROUP BY ssn', ['public.customers.ssn']],
  ['SELECT ssn, count(*) FROM customers GROUP BY ROLLUP (1)', ['public.customers.ssn']],
  ['SELECT ssn, id FROM customers GROUP BY GROUPING SETS ((1, 2), ())', ['public.customers.ssn']],
  ["SELECT count(*) FROM customers HAVING min(ssn) > '1'", ['public.customers.ssn']],
  ['SELECT DISTINCT ssn FROM customers', ['public.customers.ssn']],
  ['SELECT DISTINCT ON (ssn) id FROM customers', ['public.customers.ssn']],
  ['SELECT ssn FROM customers UNION SELECT name FROM customers', ['public.customers.ssn']],
  ['SELECT 1 FROM customers JOIN other USING (email)', ['public.customers.email']],
  ['SELECT 1 FROM customers NATURAL JOIN contacts', []],
  ['SELECT 1 FROM customers a NATURAL JOIN customers b', ['public.customers.email', 'public.customers.ssn']],
  ["SELECT count(*) FILTER (WHERE ssn = '1') FROM customers", ['public.customers.ssn']],
  ['SELECT rank() OVER (ORDER BY ssn) FROM customers', ['public.customers.ssn']],
  ["SELECT 1 WHERE EXISTS (SELECT 1 FROM customers WHERE ssn LIKE '1%')", ['public.customers.ssn']],
  ["UPDATE customers SET name = 'x' WHERE ssn = '1'", ['public.customers.ssn']],
  ["EXPLAIN SELECT 1 FROM customers WHERE ssn = '1'", ['public.customers.ssn']],
  ['SELECT id FROM customers LIMIT (SELECT length(ssn) FROM customers LIMIT 1)', ['public.customers.ssn']],
  ['SELECT ssn FROM customers WHERE id = 1', []],
])('filters: %s', (sql, expected) => {
  expect([...classifier.classify(sql, context).effects.filtersOn].sort()).toEqual(expected);
});

test('names of the session bring their columns and effects', () => {
  const stored = new Map<string, Classification>();
  stored.set('p', classifier.classify('PREPARE p AS SELECT id, ssn FROM customers', context));
  stored.set('d', classifier.classify('PREPARE d AS DELETE FROM orders', context));
  const session = shopContext({
    prepared: (name) => stored.get(name) ?? null,
    cursor: (name) => stored.get(name) ?? null,
  });
  expect(shownTaint(classifier.classify('EXECUTE p', session))).toEqual(['', 'ssn']);
  expect(shownTaint(classifier.classify('FETCH 5 FROM p', session))).toEqual(['', 'ssn']);
  expect(classifier.classify('EXECUTE d', session).effects).toMatchObject({ class: 'destructive' });
  expect(classifier.classify('EXPLAIN ANALYZE EXECUTE d', session).effects).toMatchObject({ class: 'destructive' });
  stored.delete('d');
  expect(classifier.classify('EXECUTE d', session).effects).toMatchObject({ class: 'unknown' });
});

test.each([
  'CREATE TABLE x AS SELECT ssn FROM customers',
  'SELECT ssn INTO x FROM customers',
  'CREATE VIEW x AS SELECT * FROM contacts',
  'INSERT INTO x SELECT ssn FROM customers',
  'UPDATE x SET a = c.ssn FROM customers c WHERE c.id = x.id',
  'MERGE INTO x USING customers c ON c.id = x.id WHEN MATCHED THEN UPDATE SET a = c.ssn',
  'CREATE MATERIALIZED VIEW x AS SELECT ssn FROM customers',
  'ALTER TABLE customers RENAME TO c2',
  'ALTER TABLE customers INHERIT p',
  'ALTER TABLE p ATTACH PARTITION customers DEFAULT',
])('copies-tagged: %s', (sql) => {
  const { effects } = classifier.classify(sql, context);
  expect(effects.flags).toContain('copies-tagged');
  expect(effects.words.join('\n')).toMatch(/^Copies sensitive values/m);
});
