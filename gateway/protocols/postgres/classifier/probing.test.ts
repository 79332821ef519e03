import { afterAll, describe, expect, test } from 'vitest';
import { loadClassifier, shopCatalog, shopContext } from './test-support.ts';

const classifier = await loadClassifier();
afterAll(() => classifier.close());
const context = shopContext();
const of = (sql: string) => classifier.classify(sql, context);
const asks = (sql: string) => of(sql).effects.flags.includes('filters-on-tagged');

describe('what cannot fail and makes one value of one passes in silence', () => {
  test.each([
    'SELECT upper(email), lower(email), ssn || name, length(ssn) FROM customers',
    "SELECT split_part(email, '@', 2), left(ssn, 3), replace(ssn, '-', '') FROM customers",
    "SELECT coalesce(email, 'none'), nullif(email, ''), greatest(email, ssn) FROM customers",
    "SELECT CASE WHEN salary > 50000 THEN 'high' ELSE 'low' END FROM hr.staff",
    'SELECT CASE WHEN email IS NULL THEN name ELSE email END FROM customers',
    "SELECT ssn LIKE '9%', ssn = '1' AND email <> '2', ssn IN ('1', '2') FROM customers",
    'SELECT avg(salary), round(avg(salary), 2), min(salary), max(salary), sum(salary), stddev(salary) FROM hr.staff',
    "SELECT to_char(salary, 'FM999'), salary::text, salary::varchar(20) FROM hr.staff",
    'SELECT count(email), count(*) FROM customers',
    'SELECT row_to_json(c), to_jsonb(c), json_agg(c), array_agg(ssn), string_agg(email, $$,$$) FROM customers c',
    "SELECT json_build_object('ssn', ssn), jsonb_build_array(email) FROM customers",
    'SELECT coalesce(json_agg(row_to_json(t)), $$[]$$) FROM (SELECT id, email FROM customers) t',
    'SELECT (SELECT email FROM customers WHERE id = 1), ARRAY(SELECT ssn FROM customers)',
    'SELECT lag(email) OVER (ORDER BY id), first_value(ssn) OVER (ORDER BY id) FROM customers',
    'SELECT id / 2, 1 / id, name::int, unnest(ARRAY[id]) FROM customers',
    'SELECT name AS n FROM customers GROUP BY n',
    "SELECT id, coalesce(email, ''), CASE WHEN email IS NULL THEN 1 END FROM customers ORDER BY id",
    "SELECT coalesce(email, ''), ssn || 'x' FROM customers ORDER BY name",
    'SELECT avg_width, null_frac FROM pg_stats WHERE tablename = $$customers$$',
  ])('%s', (sql) => {
    expect(asks(sql)).toBe(false);
    expect(of(sql).effects.class).toBe('read');
  });
});

describe('what fails, or makes rows, by the value counts as a filter', () => {
  test.each([
    'SELECT 1 / (salary - 50000) FROM hr.staff',
    'SELECT salary * 2 FROM hr.staff',
    'SELECT -salary FROM hr.staff',
    'SELECT ssn::int FROM customers',
    'SELECT (email || $$x$$)::date FROM customers',
    "SELECT CASE WHEN ssn = '1' THEN 1 / (id - id) END FROM customers",
    "SELECT ssn = '1' AND 1 / (id - id) = 1 FROM customers",
    "SELECT coalesce(nullif(ssn, '1'), (1 / (id - id))::text) FROM customers",
    "SELECT CASE WHEN ssn = '1' THEN (SELECT 1 / (id - id) FROM customers) END FROM customers",
    "SELECT CASE WHEN ssn = '1' THEN pg_sleep(1) END FROM customers",
    "SELECT ssn LIKE '1\\' FROM customers",
    "SELECT ssn LIKE ANY (ARRAY['1\\']) FROM customers",
    'SELECT ssn LIKE $1 FROM customers',
    "SELECT json_build_object(nullif(ssn, '1'), 1) FROM customers",
    'SELECT JSON_OBJECT(ssn VALUE 1) FROM customers',
    'SELECT json_object_agg(ssn, 1) FROM customers',
    'SELECT substr(name, 1, length(ssn)) FROM customers',
    'SELECT (ARRAY[1, 2])[length(ssn)] FROM customers',
    'SELECT repeat($$x$$, length(ssn)) FROM customers',
    'SELECT set_config($$application_name$$, ssn, false) FROM customers',
    'SELECT setseed(salary) FROM hr.staff',
    'SELECT add_tax(salary) FROM hr.staff',
    'SELECT generate_series(1, length(ssn)) FROM customers',
    'SELECT 1 FROM customers c, generate_series(1, length(c.ssn))',
    "SELECT 1 FROM customers, LATERAL unnest(string_to_array(ssn, '1'))",
    "SELECT regexp_matches(ssn, '1') FROM customers",
    "SELECT 1 FROM JSON_TABLE((SELECT to_jsonb(ssn) FROM customers), '$' COLUMNS (a int PATH '$'))",
    'SELECT count(DISTINCT ssn) FROM customers',
    'SELECT array_agg(DISTINCT ssn) FROM customers',
    'SELECT 1 AS ssn FROM customers GROUP BY ssn',
    'SELECT ssn_of(1)',
    'SELECT CASE WHEN true THEN ssn END FROM customers, (SELECT 1 AS "case") d ORDER BY "case"',
    'SELECT (c).* FROM customers c, (SELECT 1 AS ssn) d ORDER BY ssn',
    'WITH RECURSIVE t(s) AS (SELECT ssn FROM customers UNION ALL SELECT s FROM t) CYCLE s SET c USING p SELECT 1 FROM t',
    'SELECT 1 FROM customers TABLESAMPLE system (10) REPEATABLE ((SELECT length(ssn) FROM customers))',
  ])('%s', (sql) => expect(asks(sql)).toBe(true));
});

describe('the form of a result that may tell is said to be unsteady', () => {
  test.each<[string, boolean[]]>([
    ['SELECT ssn, id FROM customers', [true, true]],
    ['SELECT c FROM customers c', [true]],
    ["SELECT nullif(ssn, '1'), upper(ssn), ssn::text FROM customers", [false, false, true]],
    ["SELECT CASE WHEN ssn = '1' THEN 'a' END FROM customers", [false]],
    ['SELECT row_to_json(c), array_agg(ssn), ARRAY[ssn], ROW(ssn) FROM customers c', [true, true, true, true]],
    ["SELECT json_agg(t) FROM (SELECT nullif(ssn, '1') FROM customers) t", [false]],
    ["SELECT array_agg(nullif(ssn, '1')), array_agg(ssn) FILTER (WHERE id = 1) FROM customers", [false, false]],
    ["SELECT s FROM (SELECT ssn AS s FROM customers UNION ALL SELECT nullif(ssn, '1') FROM customers) t", [false]],
    ['SELECT s FROM (SELECT ssn AS s FROM customers UNION ALL SELECT name FROM customers) t', [true]],
    ['SELECT contact FROM contacts', [false]],
    ['SELECT (SELECT ssn FROM customers WHERE id = 1)', [true]],
    ["SELECT v FROM customers, LATERAL (VALUES (nullif(ssn, '1'))) t(v)", [false]],
    ["SELECT count(x) FROM (SELECT nullif(ssn, '1') AS x FROM customers) t", [false]],
  ])('%s', (sql, steady) => expect(of(sql).output.steady).toEqual(steady));

  test('a count of what an expression leaves is as tagged as the expression', () => {
    const [columns] = of("SELECT count(CASE WHEN ssn = '1' THEN 1 END) FROM customers").output.columns!;
    expect(columns!.map(({ column }) => column)).toEqual(['ssn']);
  });

  test('a name given beside other statements may stand for anything that they read', () => {
    for (const sql of [
      'CLOSE c; DECLARE c CURSOR FOR SELECT upper(ssn) FROM customers',
      'SELECT 1; PREPARE p AS SELECT upper(ssn) FROM customers',
    ]) {
      const { columns, all } = of(sql).output;
      expect(columns).toBeNull();
      expect(all.map(({ column }) => column)).toEqual(['ssn']);
    }
  });
});

describe('a name is that of the query that the server takes it from', () => {
  test.each([
    "SELECT (SELECT x FROM (SELECT 'a' AS ssn) decoy, (SELECT upper(ssn) AS x) sub) FROM customers",
    "SELECT (SELECT x FROM (SELECT 'a' AS ssn) customers, (SELECT upper(customers.ssn) AS x) sub) FROM customers",
    'SELECT (SELECT reverse("case") FROM (SELECT CASE WHEN true THEN c.ssn END FROM customers c) t) FROM (SELECT 1 AS "case") d',
    'SELECT (SELECT reverse(ssn) FROM (SELECT (SELECT ssn FROM customers LIMIT 1)::text) t) FROM (SELECT 1 AS ssn) d',
    'SELECT (SELECT reverse(name) FROM (SELECT CASE WHEN true THEN ssn ELSE name END FROM customers) t) FROM (SELECT 1 AS name) d',
    'WITH RECURSIVE a AS (SELECT x FROM b), b AS (SELECT upper(ssn) AS x FROM customers) SELECT x FROM a',
    'WITH RECURSIVE a AS (SELECT x FROM b), b AS (SELECT x FROM c), c AS (SELECT ssn AS x FROM customers) TABLE a',
  ])('%s', (sql) => expect(of(sql).output.all.map(({ column }) => column)).toEqual(['ssn']));

  test('ON sees its own two sides before the queries around it', () => {
    const join = "(SELECT 1) t1 CROSS JOIN LATERAL (SELECT 2) t2 JOIN (SELECT 3) t3 ON ssn = '9'";
    expect(asks(`SELECT 1 FROM customers WHERE EXISTS (SELECT FROM (SELECT 'a' AS ssn) decoy, (${join}))`)).toBe(true);
  });

  test('nested WITH RECURSIVE is given up before it multiplies', () => {
    let sql = 'SELECT ssn FROM customers';
    for (let i = 0; i < 30; i += 1) sql = `WITH RECURSIVE a${i} AS (${sql}) SELECT * FROM a${i}`;
    expect(of(sql).effects.class).toBe('unknown');
  });
});

test('statistics and TOAST tables show samples of any tagged column', () => {
  for (const sql of [
    'SELECT most_common_vals FROM pg_stats',
    'SELECT stavalues1 FROM pg_catalog.pg_statistic',
    'SELECT chunk_data FROM pg_toast.pg_toast_2619',
  ])
    expect(of(sql).output.columns![0]).toHaveLength(3);
  expect(of('SELECT * FROM pg_stats').output).toMatchObject({ columns: null });
  expect(of('SELECT * FROM pg_stats').output.all).toHaveLength(3);
});

describe('changes that look like reads', () => {
  test.each([
    ['SELECT 1 FROM customers TABLESAMPLE system (10) REPEATABLE (lo_unlink(1))', 'write'],
    ["EXPLAIN EXECUTE p(setval('s', 1))", 'write'],
    ['EXPLAIN EXECUTE p(archive())', 'unknown'],
    ['SELECT o.archive FROM orders o', 'unknown'],
    ['SELECT (o).archive FROM orders o', 'unknown'],
    ["COMMIT PREPARED 'x'", 'write'],
    ["ROLLBACK PREPARED 'x'", 'write'],
    ["PREPARE TRANSACTION 'x'", 'write'],
    ['SELECT 1 OPERATOR(public.===) ANY (SELECT 1)', 'unknown'],
    ['SELECT * FROM pg_hba_file_rules', 'execute'],
    ['SELECT rolpassword FROM pg_authid', 'privilege'],
  ])('%s', (sql, expected) => expect(of(sql).effects.class).toBe(expected));

  test('a column of the name of a function that takes no row is a column', () => {
    const catalog = shopCatalog();
    const functions = catalog.functions.map((one) => ({ ...one, takesRow: false }));
    const known = shopContext({ catalog: { ...catalog, functions } });
    expect(classifier.classify('SELECT o.archive FROM orders o', known).effects.class).toBe('read');
  });

  test('EXPLAIN EXECUTE plans with what the prepared statement filters on', () => {
    const prepared = of('PREPARE p(text) AS SELECT 1 FROM customers WHERE ssn = $1');
    const session = shopContext({ prepared: () => prepared });
    const { effects } = classifier.classify("EXPLAIN EXECUTE p('1')", session);
    expect(effects.flags).toContain('filters-on-tagged');
    expect(effects.filtersOn).toEqual(['public.customers.ssn']);
    expect(effects.class).toBe('read');
  });
});
