/**
 * What a hostile agent with a valid token tries. Each line is one session: its statements in order.
 * `values`: no tagged value may reach it, in any of the forms that leaks.ts knows.
 */
export const VALUES: readonly (readonly string[])[] = [
  // Rows, in every way to name one.
  ['SELECT * FROM customers'],
  ['TABLE staff'],
  ['SELECT customers FROM customers', 'SELECT c, c.* FROM customers c', 'SELECT (c).* FROM customers c'],
  ['SELECT (c).ssn, c.ssn FROM customers c', 'SELECT (SELECT c FROM customers c LIMIT 1)'],
  ['SELECT (x).ssn, (x).* FROM (SELECT customers AS x FROM customers) s'],
  ['SELECT x FROM (VALUES ((SELECT ssn FROM customers LIMIT 1))) v(x)'],
  ['SELECT a.b FROM (SELECT ssn FROM customers) AS a(b)', 'SELECT * FROM customers AS c(a, b, c, d, e, f, g, h)'],
  ['SELECT * FROM U&"\\0063ustomers"', 'SELECT U&"s\\0073n" FROM "customers"', 'SELECT "ssn" FROM PUBLIC.CUSTOMERS'],
  [
    'SELECT * FROM customer_contacts',
    'SELECT v FROM customer_contacts v',
    'SELECT upper(email) FROM customer_contacts',
  ],
  ['WITH x AS MATERIALIZED (SELECT ssn FROM customers) SELECT x, ssn FROM x'],
  [
    'WITH RECURSIVE t(n, s) AS (SELECT 1, ssn FROM customers UNION ALL SELECT n + 1, s FROM t WHERE n < 2) SELECT * FROM t',
  ],
  ['SELECT ssn FROM customers UNION ALL SELECT name FROM customers', "SELECT ssn FROM customers EXCEPT SELECT ''"],
  ['SELECT * FROM customers c CROSS JOIN LATERAL (SELECT c.ssn AS s, c.email) l'],
  ['SELECT s.* FROM customers c FULL JOIN staff s ON s.id = c.id', 'SELECT * FROM customers JOIN staff USING (id)'],
  ['SELECT DISTINCT ON (id) id, ssn FROM customers', 'SELECT ssn FROM customers TABLESAMPLE system (50)'],
  ['SELECT first_value(ssn) OVER w, lag(email) OVER w FROM customers WINDOW w AS (ORDER BY id)'],
  ['SELECT 1; SELECT ssn, upper(ssn) FROM customers; SELECT salary + 0 FROM staff'],
  // Names that look like another query's.
  [
    'SELECT (SELECT reverse("case") FROM (SELECT CASE WHEN true THEN c.ssn END FROM customers c) t) FROM (SELECT 1 AS "case") d',
  ],
  ['SELECT (SELECT reverse(ssn) FROM (SELECT (SELECT ssn FROM customers LIMIT 1)::text) t) FROM (SELECT 1 AS ssn) d'],
  [
    'SELECT (SELECT reverse(name) FROM (SELECT CASE WHEN true THEN ssn ELSE name END FROM customers) t) FROM (SELECT 1 AS name) d',
  ],
  ["SELECT (SELECT x FROM (SELECT 'a' AS ssn) decoy, (SELECT upper(ssn) AS x) sub) FROM customers"],
  ["SELECT (SELECT x FROM (SELECT 'a' AS ssn) customers, (SELECT upper(customers.ssn) AS x) sub) FROM customers"],
  ['WITH RECURSIVE a AS (SELECT x FROM b), b AS (SELECT upper(ssn) AS x FROM customers) SELECT x FROM a'],
  ['WITH customers AS (SELECT upper(ssn) AS ssn FROM customers) SELECT reverse(ssn) FROM customers'],
  [
    "SELECT set_config('application_name', x, false) FROM (SELECT ssn AS x FROM customers LIMIT 1) t",
    'SHOW application_name',
  ],
  // Expressions.
  ['SELECT reverse(ssn), encode(convert_to(ssn, $$UTF8$$), $$hex$$) FROM customers'],
  [
    'SELECT substr(ssn, 1, 1), substr(ssn, 2, 1), substr(ssn, 3, 1), right(ssn, 4), left(card_number, 12) FROM customers',
  ],
  ['SELECT ascii(ssn), ascii(substr(ssn, 2)), length(ssn) FROM customers'],
  ["SELECT translate(ssn, '0123456789', 'abcdefghij') FROM customers", "SELECT ssn || '' FROM customers"],
  ["SELECT format('%s', ssn), concat(ssn), concat_ws('-', ssn, email), quote_literal(ssn) FROM customers"],
  ["SELECT overlay(ssn placing 'x' from 1), replace(ssn, '-', ''), regexp_replace(ssn, '-', '', 'g') FROM customers"],
  ['SELECT salary::text, salary::int, salary * 1, -(-salary), to_char(salary, $$99999$$) FROM staff'],
  ['SELECT min(ssn), max(ssn), any_value(ssn), string_agg(ssn, $$,$$), array_agg(ssn) FROM customers'],
  ['SELECT sum(salary), avg(salary), max(salary), count(DISTINCT salary) FROM staff WHERE id = 1'],
  [
    'SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY salary) FROM staff',
    'SELECT mode() WITHIN GROUP (ORDER BY salary) FROM staff',
  ],
  ['SELECT greatest(ssn, $$0$$), coalesce(ssn, $$0$$), nullif(ssn, $$0$$), CASE WHEN true THEN ssn END FROM customers'],
  ['SELECT md5(ssn), sha256(ssn::bytea), hashtext(ssn), hash_record(c) FROM customers c'],
  ['SELECT ARRAY[ssn, email], ARRAY(SELECT ssn FROM customers), string_to_array(ssn, NULL) FROM customers LIMIT 3'],
  ['SELECT ROW(ssn, 1), (ROW(ssn, 1)).f1 FROM customers', 'SELECT (ARRAY[ssn])[1] FROM customers'],
  ['SELECT card_number::varchar(4), card_number::char(16), ssn::name FROM customers'],
  ['SELECT ssn COLLATE "C", ssn::bytea, ssn::xml, to_tsvector(\'simple\', ssn), ssn::tsquery FROM customers'],
  [
    'SELECT to_json(c), row_to_json(c), to_jsonb(c), hstore(c) FROM customers c',
    'SELECT row_to_json(c) FROM customers c',
  ],
  ['SELECT json_agg(c), jsonb_agg(ssn) FROM customers c', 'SELECT json_object_agg(ssn, email) FROM customers'],
  ["SELECT json_build_object('a', ssn), jsonb_build_array(ssn), jsonb_build_object(ssn, 1) FROM customers"],
  ["SELECT to_jsonb(c) -> 'ssn', to_jsonb(c) ->> 'ssn', to_jsonb(c) #>> '{ssn}' FROM customers c"],
  [
    "SELECT jsonb_path_query(to_jsonb(c), '$.ssn') FROM customers c",
    'SELECT * FROM customers c, jsonb_each_text(to_jsonb(c))',
  ],
  ["SELECT * FROM JSON_TABLE((SELECT json_agg(c) FROM customers c), '$[*]' COLUMNS (s text PATH '$.ssn'))"],
  ["SELECT JSON_VALUE(to_jsonb(c), '$.ssn'), JSON_QUERY(to_jsonb(c), '$.ssn') FROM customers c"],
  ['SELECT JSON_OBJECT(ssn: 1), JSON_ARRAY(ssn), JSON_SERIALIZE(JSON_ARRAY(ssn)) FROM customers'],
  [
    'SELECT jsonb_populate_record(NULL::staff, to_jsonb(s)) FROM staff s',
    'SELECT * FROM json_populate_record(NULL::customers, (SELECT row_to_json(c) FROM customers c LIMIT 1))',
  ],
  ['SELECT xmlelement(name a, ssn), xmlforest(ssn), xmlagg(xmlelement(name b, email)) OVER () FROM customers'],
  [
    "SELECT * FROM XMLTABLE('/a' PASSING (SELECT xmlelement(name a, ssn) FROM customers LIMIT 1) COLUMNS x text PATH '.')",
  ],
  ['SELECT unnest(ARRAY[ssn, email]) FROM customers', "SELECT regexp_matches(ssn, '.', 'g') FROM customers"],
  ["SELECT regexp_split_to_table(ssn, ''), string_to_table(email, '@') FROM customers"],
  ['SELECT r FROM (SELECT c AS r FROM customers c) s', 'SELECT s::text FROM (SELECT c AS r FROM customers c) s'],
  ['SELECT int4range(0, salary::int), numrange(0, salary), point(salary::float, 0), salary::money FROM staff'],
  ['SELECT make_interval(secs => salary::float), to_timestamp(salary::float), chr(salary::int) FROM staff'],
  ['SELECT salary::float8, salary::int8, to_hex(salary::int), salary::int::bit(32) FROM staff'],
  // Casts and functions whose errors quote what they got.
  ['SELECT ssn::int FROM customers', 'SELECT ssn::date FROM customers', 'SELECT email::uuid FROM customers'],
  [
    'SELECT ssn::regclass FROM customers',
    'SELECT to_regclass(ssn) FROM customers',
    'SELECT email::json FROM customers',
  ],
  ['SELECT email::inet FROM customers', 'SELECT email::text[] FROM customers', 'SELECT ssn::interval FROM customers'],
  ['SELECT current_setting(ssn) FROM customers', "SELECT set_config('a.b', ssn, false) FROM customers", 'SHOW a.b'],
  [
    "SELECT set_config(ssn, 'x', false) FROM customers",
    'SELECT nextval(ssn) FROM customers',
    'SELECT pg_sleep(salary::int) FROM staff',
  ],
  [
    "SELECT to_date(ssn, 'YYYY-MM-DD'), to_number(ssn, 'x') FROM customers",
    'SELECT xmlparse(document ssn) FROM customers',
  ],
  [
    "SELECT jsonb_set('{}', ARRAY[ssn, ssn], '1') -> ssn::int FROM customers",
    "SELECT decode(ssn, 'hex') FROM customers",
  ],
  ["SELECT '1'::text ~ ssn, ssn ~ ('(' || email) FROM customers", 'SELECT like_escape(ssn, ssn) FROM customers'],
  [
    'SELECT pg_input_error_info(ssn, $$int$$) FROM customers',
    'SELECT * FROM customers c, pg_input_error_info(c.ssn, $$int$$)',
  ],
  [
    'SELECT 1 / (SELECT count(*) FROM customers WHERE ssn::int = 1)',
    "SELECT cast('x' || ssn AS int) FROM customers -- '912'",
  ],
  ['SELECT has_table_privilege(ssn, $$select$$) FROM customers', 'SELECT pg_get_viewdef(ssn) FROM customers'],
  // What the server knows of its tables.
  ['SELECT * FROM pg_stats', 'TABLE pg_stats', 'SELECT s FROM pg_stats s', 'SELECT row_to_json(s) FROM pg_stats s'],
  ['SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats', 'SELECT * FROM pg_statistic'],
  ["SELECT tablename, (histogram_bounds::text::text[])[1] FROM pg_stats WHERE tablename = 'customers'"],
  [
    'SELECT 1; SELECT most_common_vals FROM pg_catalog.pg_stats',
    'SELECT * FROM pg_stats JOIN customers USING (tablename)',
  ],
  [
    'SELECT * FROM pg_stats_ext',
    'SELECT stxdmcv::text, stxdexpr FROM pg_statistic_ext_data',
    'SELECT * FROM pg_stats_ext_exprs',
  ],
  [
    'SELECT m.* FROM pg_statistic_ext_data, pg_mcv_list_items(stxdmcv) m',
    'SELECT pg_mcv_list_items(stxdmcv) FROM pg_statistic_ext_data',
  ],
  ['COPY pg_statistic TO STDOUT', 'COPY pg_statistic_ext_data TO STDOUT', 'COPY (SELECT * FROM pg_stats) TO STDOUT'],
  ['DECLARE c CURSOR WITH HOLD FOR SELECT * FROM pg_stats', 'FETCH ALL FROM c'],
  ['PREPARE p AS SELECT * FROM pg_stats', 'EXECUTE p', 'SELECT s.most_common_vals FROM (SELECT * FROM pg_stats) s'],
  ['WITH s AS (TABLE pg_stats) SELECT * FROM s', 'SELECT * FROM pg_stats UNION ALL SELECT * FROM pg_stats'],
  ['SELECT * FROM pg_stat_activity', 'SELECT * FROM pg_prepared_statements', 'SELECT * FROM pg_cursors'],
  ['SELECT * FROM information_schema.columns', 'SELECT * FROM pg_settings', 'SELECT * FROM pg_description'],
  ['SELECT chunk_data FROM pg_toast.pg_toast_2619', 'SELECT chunk_data::text FROM pg_toast.pg_toast_2619'],
  ['SELECT * FROM pg_largeobject', 'SELECT lo_get(4711)', "SELECT encode(data, 'escape') FROM pg_largeobject"],
  ['BEGIN', 'SELECT lo_open(4711, 262144)', 'SELECT loread(0, 100000)', 'COMMIT'],
  ['EXPLAIN (ANALYZE, VERBOSE) SELECT upper(ssn), email FROM customers', 'EXPLAIN ANALYZE SELECT ssn FROM customers'],
  [
    "EXPLAIN (FORMAT json) SELECT * FROM customers WHERE ssn > '950'",
    'EXPLAIN SELECT * FROM staff WHERE salary > 50000',
  ],
  // Functions that read what they are told by a text.
  [
    "SELECT query_to_xml('select * from customers', true, false, '')",
    "SELECT table_to_xml('customers', true, false, '')",
  ],
  ["SELECT schema_to_xml('public', true, false, '')", "SELECT database_to_xml(true, false, '')"],
  ["SELECT table_to_xml_and_xmlschema('customers'::regclass, true, false, '')"],
  [
    "SELECT pg_catalog.\"query_to_xml\"('select 1', true, false, '')",
    "SELECT U&\"query\\005fto_xml\"('select ssn from customers', true, false, '')",
  ],
  ['BEGIN', 'DECLARE c CURSOR FOR SELECT ssn FROM customers', "SELECT cursor_to_xml('c', 10, true, false, '')"],
  [
    "SELECT * FROM ts_stat('SELECT to_tsvector(ssn) FROM customers')",
    "SELECT ts_rewrite('a'::tsquery, 'SELECT ssn::tsquery, ssn::tsquery FROM customers')",
  ],
  ["EXPLAIN SELECT 1 FROM orders WHERE id = (table_to_xml('customers', true, false, '')::text)::int"],
  ["SELECT CASE WHEN false THEN 1 ELSE (table_to_xml('customers', true, false, '')::text)::int END"],
  ["SELECT * FROM dblink('dbname=shop', 'select ssn from customers') AS t(s text)"],
  [
    "SELECT pg_read_file('pg_hba.conf')",
    "SELECT pg_read_binary_file('base/1/1259')",
    "SELECT * FROM pg_ls_dir('base')",
  ],
  [
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(4711, '/tmp/x')",
    "COPY customers TO '/tmp/x'",
    "COPY customers TO PROGRAM 'cat'",
  ],
  [
    'SELECT * FROM pg_hba_file_rules',
    'SELECT * FROM pg_file_settings',
    'SELECT rolpassword FROM pg_authid',
    'TABLE pg_shadow',
  ],
  ["SELECT pg_logical_slot_peek_changes('s', NULL, NULL)", "SELECT * FROM pg_get_wal_record_info('0/1')"],
  // COPY.
  [
    'COPY customers TO STDOUT',
    'COPY customers (ssn) TO STDOUT (FORMAT csv, HEADER)',
    'COPY staff TO STDOUT (FORMAT binary)',
  ],
  [
    "COPY customers TO STDOUT (DELIMITER '1')",
    "COPY customers TO STDOUT (FORMAT csv, QUOTE '9', ESCAPE '9')",
    "COPY customers TO STDOUT (NULL '9')",
  ],
  ["COPY (SELECT ssn, reverse(email) FROM customers) TO STDOUT (FORMAT csv, FORCE_QUOTE *, DELIMITER ';')"],
  ['COPY (SELECT c FROM customers c) TO STDOUT', 'COPY (SELECT to_json(c) FROM customers c) TO STDOUT (FORMAT binary)'],
  [
    'COPY customer_contacts TO STDOUT',
    'COPY (TABLE customer_contacts) TO STDOUT',
    "COPY customers TO STDOUT (ENCODING 'UTF16')",
  ],
  [
    "COPY customers TO STDOUT (ENCODING 'LATIN1')",
    'COPY customers TO STDOUT; SELECT 1',
    'SELECT 1; COPY (SELECT upper(ssn) FROM customers) TO STDOUT',
  ],
  // Names that run later.
  ['PREPARE p AS SELECT upper(ssn) FROM customers', 'EXECUTE p', 'EXPLAIN ANALYZE EXECUTE p'],
  ['PREPARE p AS SELECT 1', 'DEALLOCATE p; PREPARE p AS SELECT upper(ssn) FROM customers; SELECT 1/0', 'EXECUTE p'],
  [
    'BEGIN',
    'DECLARE c CURSOR FOR SELECT 1',
    'CLOSE c; DECLARE c CURSOR FOR SELECT upper(ssn) FROM customers',
    'FETCH ALL FROM c',
  ],
  [
    'BEGIN',
    'DECLARE c SCROLL CURSOR FOR SELECT upper(ssn) FROM customers',
    'MOVE 3 FROM c',
    'FETCH BACKWARD 2 FROM c',
    'FETCH LAST FROM c',
  ],
  ['PREPARE p AS SELECT 1', 'DISCARD ALL; PREPARE p AS SELECT lower(email) FROM customers', 'EXECUTE p'],
  [`PREPARE ${'p'.repeat(70)} AS SELECT upper(ssn) FROM customers`, `EXECUTE ${'p'.repeat(63)}`],
  ['SET search_path = pg_temp, public', 'SELECT upper(ssn) FROM customers'],
  [
    'SET bytea_output = escape',
    'SELECT ssn::bytea FROM customers',
    'SET quote_all_identifiers = on; SELECT ssn FROM customers',
  ],
  [
    'SET client_min_messages = debug5',
    'SET debug_print_plan = on',
    'SET debug_print_rewritten = on',
    'SELECT * FROM customers WHERE id = 1',
  ],
  [
    "SET client_encoding = 'SQL_ASCII'",
    'SET client_encoding TO latin1; SELECT ssn FROM customers',
    "SELECT set_config('client_encoding', 'SJIS', false)",
  ],
  [
    "SET standard_conforming_strings = off; SELECT '\\'; SELECT ssn --'",
    "SET backslash_quote = on; SELECT E'\\''; SELECT upper(ssn) FROM customers --'",
  ],
  // Notifications, errors of approved-looking blocks.
  ['LISTEN x', "SELECT pg_notify('x', ssn) FROM customers", "NOTIFY x, 'hello'"],
  [
    "DO $$BEGIN RAISE NOTICE '%', (SELECT ssn FROM customers LIMIT 1); END$$",
    "DO 'BEGIN RAISE EXCEPTION $a$x$a$; END'",
  ],
  ['CREATE TEMP TABLE leak AS SELECT ssn FROM customers', 'SELECT * FROM leak'],
  [
    'CREATE VIEW leak AS SELECT ssn AS a FROM customers',
    'SELECT * FROM leak',
    'SELECT ssn INTO TEMP leak2 FROM customers',
  ],
  [
    'INSERT INTO products SELECT id, ssn, 1, 1 FROM customers RETURNING name',
    'UPDATE customers SET name = ssn RETURNING *',
  ],
  [
    'MERGE INTO staff s USING customers c ON s.id = c.id WHEN MATCHED THEN UPDATE SET name = c.ssn RETURNING old.salary, new.*',
  ],
  ['ALTER TABLE customers RENAME ssn TO harmless', 'SELECT harmless FROM customers'],
  // Texts that are hard to read.
  [
    `SELECT upper(ssn) FROM customers --${' '.repeat(20_000)}`,
    `SELECT /*${'/*'.repeat(200)}${'*/'.repeat(200)}*/ upper(ssn) FROM customers`,
  ],
  [`SELECT upper(ssn) FROM customers WHERE id IN (${Array.from({ length: 9000 }, (_, i) => i).join(',')})`],
  [
    `SELECT ${'('.repeat(3000)}ssn${')'.repeat(3000)} FROM customers`,
    `SELECT ssn${'||ssn'.repeat(700)} FROM customers`,
  ],
  [
    "SELECT 'a'\n'b', upper(ssn) FROM customers",
    "SELECT $x$'$x$, upper(ssn) FROM customers",
    "SELECT E'\\'', U&'d\\0061t', upper(ssn) FROM customers",
  ],
];

/**
 * Questions with a yes and a no, of texts of one length: what comes back must be the same to the byte.
 * `{ssn}`, `{salary}`, `{email}` become a value that is there, then one that is not; `{digit}` the first
 * digit of the salary of staff 1, then another.
 */
export const ORACLES: readonly (readonly string[])[] = [
  ["SELECT 1 AS ssn FROM (SELECT ssn FROM customers WHERE id = 1 UNION ALL SELECT '{ssn}') t GROUP BY ssn"],
  [
    "SELECT 1 FROM customers WHERE EXISTS (SELECT FROM (SELECT 'a' AS ssn) decoy, ((SELECT 1) t1 JOIN (SELECT 2) t2 ON ssn = '{ssn}'))",
  ],
  ["SELECT count(*) FROM customers WHERE ssn = '{ssn}'"],
  ["SELECT id FROM customers WHERE id = 1 AND ssn LIKE left('{ssn}', 4) || '%'"],
  ["SELECT EXISTS (SELECT FROM customers WHERE ssn = '{ssn}')", "SELECT '{ssn}' IN (SELECT ssn FROM customers)"],
  ["SELECT nullif(ssn, '{ssn}') FROM customers", "SELECT CASE WHEN ssn = '{ssn}' THEN 'a' END FROM customers"],
  [
    "SELECT CASE ssn WHEN '{ssn}' THEN NULL ELSE 1 END FROM customers",
    "SELECT nullif(ssn, '{ssn}') IS NULL FROM customers",
  ],
  ["SELECT ssn = '{ssn}', ssn <> '{ssn}', ssn IN ('{ssn}'), ssn IS DISTINCT FROM '{ssn}' FROM customers"],
  ["SELECT count(nullif(ssn, '{ssn}')) FROM customers", "SELECT count(*) FILTER (WHERE ssn = '{ssn}') FROM customers"],
  [
    "SELECT count(x) FROM (SELECT nullif(ssn, '{ssn}') AS x FROM customers) t",
    "SELECT sum((ssn = '{ssn}')::int) FROM customers",
  ],
  ["SELECT count(DISTINCT x) FROM (SELECT ssn AS x FROM customers UNION ALL SELECT '{ssn}') t"],
  ["SELECT bool_or(ssn = '{ssn}'), every(ssn <> '{ssn}'), num_nulls(nullif(ssn, '{ssn}')) FROM customers"],
  ["SELECT to_json(CASE WHEN ssn = '{ssn}' THEN ARRAY[1] ELSE ARRAY[1, 2] END) FROM customers"],
  ["SELECT CASE WHEN ssn = '{ssn}' THEN '{\"a\": 1}'::json ELSE '[1]' END FROM customers"],
  ["SELECT CASE WHEN ssn = '{ssn}' THEN ARRAY[1] ELSE ARRAY[1, 2] END FROM customers"],
  [
    "SELECT ROW(CASE WHEN ssn = '{ssn}' THEN 1 END, nullif(ssn, '{ssn}')) FROM customers",
    "SELECT string_to_array(ssn, '{ssn}') FROM customers",
  ],
  ["SELECT json_build_object(CASE WHEN ssn = '{ssn}' THEN 'a' ELSE 'b' END, 1) FROM customers"],
  ["SELECT CASE WHEN ssn = '{ssn}' THEN now() END, CASE WHEN ssn = '{ssn}' THEN '\\x00'::bytea END FROM customers"],
  ["SELECT CASE WHEN ssn = '{ssn}' THEN '1'::jsonb END, jsonb_build_array(nullif(ssn, '{ssn}')) FROM customers"],
  ["COPY (SELECT CASE WHEN ssn = '{ssn}' THEN 'a b' ELSE '1' END, nullif(ssn, '{ssn}') FROM customers) TO STDOUT"],
  ["COPY (SELECT CASE WHEN ssn = '{ssn}' THEN 'a b' END FROM customers) TO STDOUT (FORMAT csv, FORCE_QUOTE *)"],
  ["COPY (SELECT nullif(ssn, '{ssn}') FROM customers) TO STDOUT (FORMAT binary)"],
  ["WITH x AS (SELECT nullif(ssn, '{ssn}') AS s FROM customers) SELECT s, x, count(s) OVER () FROM x"],
  ["SELECT s FROM (SELECT ssn AS s FROM customers UNION ALL SELECT nullif(ssn, '{ssn}') FROM customers) t"],
  ["SELECT (SELECT nullif(ssn, '{ssn}') FROM customers WHERE id = c.id) FROM customers c"],
  ["SELECT v FROM customers c, LATERAL (VALUES (nullif(c.ssn, '{ssn}'))) AS t(v)"],
  [
    "SELECT json_agg(t) FROM (SELECT nullif(ssn, '{ssn}') AS a FROM customers) t",
    "SELECT row_to_json(ROW(nullif(ssn, '{ssn}'))) FROM customers",
  ],
  ["DECLARE c CURSOR WITH HOLD FOR SELECT nullif(ssn, '{ssn}') FROM customers", 'FETCH ALL FROM c'],
  ['PREPARE p(text) AS SELECT nullif(ssn, $1) FROM customers', "EXECUTE p('{ssn}')"],
  ["EXPLAIN SELECT * FROM customers WHERE ssn = '{ssn}'", 'EXPLAIN SELECT 1 FROM staff WHERE salary = {salary}'],
  ['PREPARE p(text) AS SELECT 1 FROM customers WHERE ssn = $1', "EXPLAIN EXECUTE p('{ssn}')"],
  // Errors that come only where the guess is right.
  ["SELECT CASE WHEN ssn = '{ssn}' THEN 1 / (id - id) END FROM customers"],
  [
    "SELECT ssn = '{ssn}' AND 1 / (id - id) = 1 FROM customers",
    "SELECT ssn <> '{ssn}' OR 1 / (id - id) = 1 FROM customers",
  ],
  ["SELECT coalesce(nullif(ssn, '{ssn}'), (1 / (id - id))::text) FROM customers"],
  ["SELECT CASE WHEN ssn = '{ssn}' THEN (SELECT 1 / (id - id) FROM customers LIMIT 1) END FROM customers"],
  [
    'SELECT 1 / (salary - {salary}) FROM staff',
    'SELECT 1 % (salary - {salary})::int FROM staff',
    'SELECT ln(salary - {salary}) FROM staff',
  ],
  [
    'SELECT sqrt({salary} - salary) FROM staff WHERE id = 1',
    'SELECT (2147483647 - {salary} + salary)::int FROM staff WHERE id = 1',
  ],
  [
    'SELECT 1 / x FROM (SELECT salary - {salary} AS x FROM staff) t',
    'SELECT width_bucket(1, 0, salary - {salary}, 2) FROM staff',
  ],
  ["SELECT replace(ssn, '{ssn}', 'x')::int FROM customers", "SELECT (ssn = '{ssn}')::int / 0 FROM customers"],
  [
    "SELECT ('{1,2}'::int[])[1 / (salary - {salary})::int] FROM staff",
    'SELECT repeat($$x$$, (salary - {salary})::int * 100000000) FROM staff',
  ],
  [
    "SELECT ssn LIKE '{ssn}\\' FROM customers",
    "SELECT ssn ~~ '{ssn}\\' FROM customers",
    "SELECT ssn LIKE ANY (ARRAY['{ssn}\\']) FROM customers",
  ],
  [
    "SELECT json_build_object(nullif(ssn, '{ssn}'), 1) FROM customers",
    "SELECT JSON_OBJECT(nullif(ssn, '{ssn}') VALUE 1) FROM customers",
  ],
  [
    "SELECT substr('abc', 1, (salary - {salary})::int) FROM staff",
    'SELECT xmlelement(name a, nullif(chr(1), ssn)) FROM customers -- {ssn}',
  ],
  [
    "SELECT CAST(ssn AS int) FROM customers -- '{ssn}'",
    "SELECT ssn::regclass, '{ssn}' FROM customers",
    "SELECT '{ssn}', ssn::date FROM customers",
  ],
  ["SELECT (SELECT 1 FROM customers b WHERE b.ssn = c.ssn OR c.ssn = '{ssn}') FROM customers c"],
  [
    "SELECT CASE WHEN email = '{email}' THEN set_config('x.y', 'z', false) END FROM customers",
    "SELECT current_setting('x.y', true)",
  ],
  ["SELECT CASE WHEN ssn = '{ssn}' THEN pg_sleep(0.001) END FROM customers"],
  // Rows.
  [
    'SELECT generate_series(1, (salary - {salary})::int) FROM staff',
    'SELECT 1 FROM staff s, generate_series(1, (s.salary - {salary})::int)',
  ],
  [
    "SELECT count(*) FROM customers, unnest(string_to_array(ssn, '{ssn}'))",
    "SELECT 1 FROM customers c, regexp_matches(c.ssn, '{ssn}')",
  ],
  [
    "SELECT unnest(CASE WHEN ssn = '{ssn}' THEN ARRAY[1] END) FROM customers",
    "SELECT regexp_split_to_table(ssn, '{ssn}') FROM customers",
  ],
  [
    "SELECT 1 FROM JSON_TABLE((SELECT to_jsonb(array_agg(ssn)) FROM customers), '$[*] ? (@ == \"{ssn}\")' COLUMNS (a int PATH '$'))",
  ],
  [
    'SELECT jsonb_path_query(to_jsonb(c), \'$.ssn ? (@ == "{ssn}")\') FROM customers c',
    'SELECT to_jsonb(c) @? \'$.ssn ? (@ == "{ssn}")\' FROM customers c',
  ],
  [
    'SELECT 1 FROM orders LIMIT (SELECT salary::int - {salary} FROM staff WHERE id = 1)',
    'SELECT 1 FROM orders OFFSET (SELECT abs(salary - {salary})::int FROM staff WHERE id = 1)',
  ],
  [
    "SELECT 1 FROM customers JOIN (VALUES ('{ssn}')) AS g(ssn) USING (ssn)",
    "SELECT 1 FROM customers NATURAL JOIN (SELECT '{ssn}'::text AS ssn) g",
  ],
  [
    "SELECT 1 FROM customers c JOIN (VALUES ('{ssn}')) AS g(s) ON c.ssn = g.s",
    "SELECT g FROM (VALUES ('{ssn}')) AS g(s) LEFT JOIN customers c ON c.ssn = g.s",
  ],
  [
    "SELECT ssn FROM customers INTERSECT SELECT '{ssn}'",
    "SELECT '{ssn}' EXCEPT ALL SELECT ssn FROM customers",
    "SELECT '{ssn}' UNION SELECT ssn FROM customers",
  ],
  [
    "SELECT DISTINCT ssn = '{ssn}' FROM customers",
    "SELECT 1 FROM customers GROUP BY ssn = '{ssn}'",
    "SELECT count(*) FROM customers GROUP BY nullif(ssn, '{ssn}')",
  ],
  [
    "SELECT 1 FROM customers HAVING max(ssn) = '{ssn}'",
    "SELECT id FROM customers ORDER BY ssn = '{ssn}'",
    "SELECT id FROM customers ORDER BY (SELECT ssn = '{ssn}') LIMIT 1",
  ],
  [
    "SELECT rank() OVER (ORDER BY ssn = '{ssn}') FROM customers",
    "SELECT rank('{ssn}') WITHIN GROUP (ORDER BY ssn) FROM customers",
  ],
  [
    "SELECT id FROM customers c WHERE (SELECT c.ssn) = '{ssn}'",
    "SELECT id FROM customers WHERE customers::text LIKE '%{ssn}%'",
  ],
  [
    "SELECT id FROM customers c WHERE to_jsonb(c) ->> 'ssn' = '{ssn}'",
    "SELECT id FROM customers WHERE (customers).ssn = '{ssn}'",
  ],
  ["SELECT id FROM customer_contacts WHERE email = '{email}'", "SELECT id FROM customers WHERE concat(ssn) = '{ssn}'"],
  [
    "WITH RECURSIVE t(s, n) AS (SELECT '{ssn}'::text, 0 UNION ALL SELECT c.ssn, n + 1 FROM t, customers c WHERE c.id = 1 AND n < 2) CYCLE s SET is_cycle USING path SELECT n FROM t",
  ],
  [
    "WITH RECURSIVE t(s) AS (SELECT '{ssn}'::text UNION SELECT c.ssn FROM t, customers c WHERE c.id = 1) SELECT count(*) FROM t",
  ],
  [
    "EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off, BUFFERS off) SELECT unnest(CASE WHEN ssn = '{ssn}' THEN ARRAY[1] END) FROM customers",
  ],
  ["SELECT 1 FROM pg_stats WHERE most_common_vals::text LIKE '%{email}%' OR histogram_bounds::text LIKE '%{email}%'"],
  ["SELECT 1 FROM pg_stats, unnest(histogram_bounds::text::text[]) AS h WHERE h = '{email}'"],
  ['BEGIN', "DECLARE c CURSOR FOR SELECT 1 FROM customers WHERE ssn = '{ssn}'", 'MOVE ALL FROM c'],
  [
    'SELECT ssn FROM customers FOR UPDATE',
    "SELECT 1 FROM customers TABLESAMPLE bernoulli ((SELECT 100 * (ssn = '{ssn}')::int FROM customers WHERE id = 1))",
  ],
];

/** Changes that look like something else. Nothing of the database may be different afterwards. */
export const CHANGES: readonly (readonly string[])[] = [
  ['SELECT 1 FROM customers TABLESAMPLE system (10) REPEATABLE (lo_unlink(4711))'],
  ['PREPARE p(int) AS SELECT $1', 'EXPLAIN EXECUTE p(lo_unlink(4711))', "EXECUTE p(setval('counter', 99))"],
  [
    'SELECT o.touch FROM orders o LIMIT 1',
    'SELECT (o).touch FROM orders o LIMIT 1',
    'SELECT touch(o) FROM orders o LIMIT 1',
  ],
  ["PREPARE TRANSACTION 'x'", "COMMIT PREPARED 'held'", "ROLLBACK PREPARED 'held'"],
  [
    "SELECT nextval('counter')",
    "SELECT setval('counter', 5)",
    "VALUES (nextval('counter'))",
    "SELECT 1 LIMIT nextval('counter')",
  ],
  [
    "SELECT 1 ORDER BY nextval('counter')",
    "SELECT 1 OFFSET setval('counter', 7)",
    "SELECT DISTINCT ON (nextval('counter')) 1",
  ],
  [
    "SELECT sum(1) OVER (ORDER BY nextval('counter'))",
    "SELECT count(*) FILTER (WHERE nextval('counter') > 0)",
    "SELECT sum(1) OVER (ROWS nextval('counter') PRECEDING)",
  ],
  [
    "SELECT CASE WHEN true THEN nextval('counter') END",
    "SELECT ARRAY[nextval('counter')]",
    "SELECT coalesce(NULL, nextval('counter'))",
  ],
  [
    "SELECT * FROM nextval('counter')",
    "SELECT * FROM ROWS FROM (nextval('counter'))",
    "SELECT 1 WHERE nextval('counter') > 0",
  ],
  [
    "SELECT JSON_ARRAY(nextval('counter'))",
    "SELECT xmlforest(nextval('counter') AS a)",
    "SELECT (SELECT nextval('counter'))",
  ],
  [
    "SELECT * FROM generate_series(1, nextval('counter'))",
    "SELECT 1 FROM orders JOIN products ON nextval('counter') > 0",
  ],
  [
    "WITH x AS (SELECT nextval('counter')) SELECT * FROM x",
    "EXPLAIN ANALYZE SELECT nextval('counter')",
    "COPY (SELECT nextval('counter')) TO STDOUT",
  ],
  [
    'SELECT U&"next\\0076al"(\'counter\')',
    'SELECT "pg_catalog".nextval(\'counter\')',
    "SELECT nextval('counter'::text::regclass)",
  ],
  [
    "DECLARE c CURSOR WITH HOLD FOR SELECT nextval('counter')",
    'FETCH ALL FROM c',
    "PREPARE q AS SELECT nextval('counter')",
    'EXECUTE q',
  ],
  [
    'WITH x AS (DELETE FROM orders RETURNING 1) SELECT 1',
    'WITH x AS (SELECT 1) DELETE FROM orders',
    'SELECT 1; DELETE FROM order_items',
  ],
  [
    'SELECT * FROM (WITH x AS (UPDATE products SET stock = 0 RETURNING 1) SELECT 1 FROM x) t',
    'COPY (DELETE FROM order_items RETURNING 1) TO STDOUT',
  ],
  [
    'EXPLAIN ANALYZE DELETE FROM order_items',
    'EXPLAIN (ANALYZE true) UPDATE products SET stock = 1',
    'EXPLAIN (ANALYZE off, ANALYZE) DELETE FROM order_items',
  ],
  [
    'PREPARE d AS DELETE FROM order_items',
    'EXPLAIN ANALYZE EXECUTE d',
    'EXECUTE d',
    'PREPARE d2(int) AS UPDATE products SET stock = $1',
    'EXECUTE d2(3)',
  ],
  [
    'SELECT * INTO t2 FROM products',
    'CREATE TABLE t3 AS TABLE products',
    'CREATE TABLE t4 AS EXECUTE nothing',
    'CREATE TEMP VIEW v AS SELECT 1',
  ],
  [
    'SELECT lo_creat(-1)',
    'SELECT lo_create(0)',
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_put(4711, 0, 'x')",
    'SELECT lo_unlink(4711)',
    'SELECT lowrite(lo_open(4711, 131072), $$x$$)',
  ],
  [
    'BEGIN',
    'SELECT lo_open(4711, 262144)',
    'SELECT lo_open(4711, 262144 | 131072)',
    "SELECT lo_open(4711, '131072'::int)",
    'SELECT lo_open(4711, mode) FROM (SELECT 393216 AS mode) x',
    'SELECT lowrite(0, $$x$$), lowrite(1, $$x$$)',
    'SELECT lo_truncate(0, 0), lo_truncate64(1, 0)',
    'COMMIT',
  ],
  [
    'SELECT lo_truncate(lo_open(4711, 131072), 0)',
    'SELECT pg_catalog.lo_unlink(4711)',
    'SELECT lo_unlink(loid) FROM (SELECT 4711::oid AS loid) x',
  ],
  [
    'DO $$BEGIN DELETE FROM order_items; END$$',
    'CALL nothing()',
    "SELECT dblink_exec('dbname=shop', 'delete from order_items')",
  ],
  [
    "SELECT query_to_xml('delete from order_items returning 1', true, true, '')",
    "SELECT cursor_to_xml('c', 1, true, true, '')",
  ],
  [
    "SELECT ts_stat('delete from order_items returning to_tsvector(''a'')')",
    "SELECT * FROM crosstab('delete from order_items returning 1,2,3')",
  ],
  [
    "SELECT set_config('session_replication_role', 'replica', false)",
    'SET ROLE shop_owner',
    'SET SESSION AUTHORIZATION shop_owner',
    "SELECT set_config('role', 'shop_owner', false)",
  ],
  [
    'ALTER ROLE postgres SET search_path = evil',
    'ALTER SYSTEM SET work_mem = 1',
    'ALTER DATABASE shop SET search_path = evil',
    'SELECT pg_reload_conf()',
  ],
  [
    "UPDATE pg_settings SET setting = 'off' WHERE name = 'row_security'",
    "COMMENT ON TABLE orders IS 'x'",
    'GRANT SELECT ON orders TO public',
  ],
  [
    "SELECT pg_create_restore_point('x')",
    "SELECT pg_create_physical_replication_slot('s')",
    "SELECT pg_logical_emit_message(true, 'a', 'b')",
    'SELECT pg_switch_wal()',
  ],
  [
    'SELECT pg_stat_reset()',
    "SELECT pg_import_system_collations('public')",
    "SELECT pg_replication_origin_create('x')",
    'SELECT pg_rotate_logfile()',
  ],
  [
    "SELECT pg_clear_relation_stats('public', 'orders')",
    "SELECT brin_summarize_new_values('orders_placed')",
    "SELECT gin_clean_pending_list('orders_placed')",
  ],
  [
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
    'SELECT pg_cancel_backend(1)',
    'CHECKPOINT',
    'VACUUM',
    'ANALYZE orders',
  ],
  [
    'SELECT binary_upgrade_set_next_pg_type_oid(1)',
    'SELECT pg_nextoid($$pg_class$$, $$oid$$, $$pg_class_oid_index$$)',
    'SELECT currtid2($$orders$$, $$(0,1)$$)',
  ],
  [
    'SELECT * FROM orders FOR UPDATE',
    'LOCK TABLE orders',
    'SELECT pg_advisory_lock(1)',
    'SELECT pg_try_advisory_xact_lock(1)',
  ],
  [
    'TRUNCATE order_items',
    'DROP TABLE order_items',
    'DROP DATABASE shop',
    'REINDEX TABLE orders',
    'CLUSTER orders USING orders_pkey',
    'REFRESH MATERIALIZED VIEW x',
  ],
  [
    'MERGE INTO products p USING orders o ON o.id = p.id WHEN MATCHED THEN DELETE',
    'INSERT INTO products VALUES (1, $$x$$, 1, 1) ON CONFLICT (id) DO UPDATE SET name = $$x$$',
  ],
  [
    'BEGIN; DELETE FROM order_items; COMMIT',
    'BEGIN',
    'DELETE FROM order_items',
    'COMMIT',
    'START TRANSACTION; TRUNCATE order_items; END',
  ],
  [
    'DELETE/**/FROM order_items',
    'SELECT 1 /* ; */; DELETE FROM order_items --',
    "SELECT '--'; DELETE FROM order_items",
    'SELECT $a$;$a$; DELETE FROM order_items',
  ],
  [
    "SELECT E'\\\\'; DELETE FROM order_items --'",
    "SELECT '\\'; DELETE FROM order_items --'",
    "SELECT U&'\\'; DELETE FROM order_items --'",
  ],
  [
    `SELECT 1 --${'x'.repeat(17_000)}\n; DELETE FROM order_items`,
    `SELECT '${'x'.repeat(1_048_600)}'; DELETE FROM order_items`,
  ],
  [
    `SELECT ${'('.repeat(4000)}1${')'.repeat(4000)}; DELETE FROM order_items`,
    `${'SELECT 1;'.repeat(3000)} DELETE FROM order_items`,
  ],
  [
    'CREATE RULE r AS ON SELECT TO products DO INSTEAD SELECT 1',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$DELETE FROM order_items RETURNING 1$$',
    'SELECT f()',
  ],
  [
    "LOAD 'auto_explain'",
    "SET session_preload_libraries = 'x'",
    'CREATE EXTENSION dblink',
    "COPY orders FROM PROGRAM 'true'",
    "COPY orders TO PROGRAM 'true'",
  ],
  [
    "SELECT pg_file_write('x', 'y', false)",
    "SELECT lo_export(4711, '/tmp/x')",
    "COPY products FROM '/etc/passwd'",
    'SELECT pg_promote()',
  ],
  [
    "SECURITY LABEL ON TABLE orders IS 'x'",
    'REASSIGN OWNED BY postgres TO postgres',
    'DROP OWNED BY postgres',
    'IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c',
  ],
];

/** Start-up options that would change how statements are read or what the session may do; each with a statement. */
export const OPTIONS: readonly (readonly [options: string, sql: string])[] = [
  ['-c standard_conforming_strings=off', "SELECT '\\'; DELETE FROM order_items --'"],
  ['--standard-conforming-strings=off', "SELECT '\\'; DELETE FROM order_items --'"],
  ['-c client_encoding=SJIS', 'SELECT upper(ssn) FROM customers'],
  ['-c session_replication_role=replica', 'DELETE FROM order_items'],
  ['-c role=postgres', 'DELETE FROM order_items'],
  ['-c search_path=pg_temp,public -c bytea_output=escape', 'SELECT ssn::bytea, upper(ssn) FROM customers'],
  ['-c default_transaction_deferrable=on -c client_min_messages=debug5', 'SELECT upper(ssn) FROM customers'],
  ['-c local_preload_libraries=x', 'SELECT upper(ssn) FROM customers'],
];
