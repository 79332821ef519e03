/**
 * What a hostile agent tries with tokens. Each line is one session: statements in order, with values where
 * it is a list. {ada}, {bob} and {uuid} are its tokens, {cut} is one that lacks its last character.
 */
type Line = string | readonly string[];

/** No value in any form may come back, whether the statement runs or is refused. */
export const UNSEEN: readonly (readonly Line[])[] = [
  // Output of what was put in.
  ["SELECT email = '{ada}', email, upper(email) FROM customers"],
  ["SELECT * FROM customers WHERE email = '{ada}'", ['SELECT * FROM customers WHERE email = $1', '{ada}']],
  [['SELECT email, $1::text FROM customers WHERE email = $1', '{ada}']],
  [['SELECT $1 FROM customers WHERE email = $1', '{ada}']],
  [['SELECT $1 AS a, $2 AS b FROM customers WHERE email = $2', '{ada}', '{bob}']],
  ["SELECT CASE email WHEN '{ada}' THEN '{ada}' ELSE reverse('{ada}') END FROM customers"],
  ["SELECT CASE WHEN email = '{ada}' THEN '{ada}' END FROM customers"],
  ["SELECT coalesce(nullif(email, '{ada}'), 'x') FROM customers"],
  ["SELECT email FROM customers WHERE email = '{ada}' UNION ALL SELECT '{ada}'"],
  [
    "SELECT '{ada}' AS email UNION SELECT email FROM customers",
    "VALUES ('{ada}'), ((SELECT email FROM customers LIMIT 1))",
  ],
  ["WITH c(email) AS (VALUES ('{ada}')) SELECT * FROM c WHERE email = '{ada}'"],
  ["SELECT * FROM (VALUES ('{ada}')) customers(email) WHERE email = '{ada}'"],
  [
    "SELECT x FROM (SELECT '{ada}' AS email) customers, LATERAL (SELECT reverse(customers.email) x) l WHERE customers.email = '{ada}'",
  ],
  ["SELECT f.x FROM customers c, LATERAL (SELECT '{ada}'::text AS x) f WHERE c.email = '{ada}'"],
  ["SELECT row_to_json(c) FROM customers c WHERE c.email = '{ada}'", "SELECT c FROM customers c WHERE email = '{ada}'"],
  // Another table of that name: in another schema, temporary, a CTE.
  [
    'SET search_path = evil, public',
    "INSERT INTO customers (id, email) VALUES (7, '{ada}')",
    ['INSERT INTO customers (id, email) VALUES (8, $1)', '{ada}'],
    ['UPDATE customers SET email = $1 WHERE id = 8', '{ada}'],
    'SELECT reverse(email), email FROM evil.customers',
    'TABLE evil.customers',
  ],
  [
    'CREATE TEMP TABLE customers (id int, email text, external uuid)',
    "INSERT INTO customers (id, email, external) VALUES (7, '{ada}', '{uuid}')",
    ['INSERT INTO customers (id, email) VALUES (8, $1)', '{ada}'],
    'SELECT reverse(email), external::text || 1 FROM pg_temp.customers',
    'TABLE pg_temp.customers',
  ],
  [
    'CREATE TABLE evil.copy (email text)',
    "INSERT INTO evil.copy SELECT '{ada}' FROM customers WHERE email = '{ada}'",
    ['INSERT INTO evil.copy SELECT $1 FROM customers WHERE email = $1', '{ada}'],
    'TABLE evil.copy',
  ],
  ["INSERT INTO evil.customers (email) VALUES ('{ada}')", 'TABLE evil.customers'],
  [
    "WITH customers AS (INSERT INTO evil.customers (email) VALUES ('{ada}') RETURNING email) SELECT * FROM customers WHERE email = '{ada}'",
  ],
  ["UPDATE customers SET note = '{ada}' WHERE email = '{ada}' RETURNING note", 'SELECT note FROM customers'],
  [
    ['UPDATE customers SET note = $1, email = $1 WHERE email = $1 RETURNING note', '{ada}'],
    'SELECT note FROM customers',
  ],
  ["UPDATE customers SET (email, note) = ('{ada}', '{ada}') WHERE id = 1 RETURNING note"],
  [
    "MERGE INTO customers c USING (VALUES ('{ada}')) v(e) ON c.email = v.e WHEN MATCHED THEN UPDATE SET note = v.e RETURNING note",
  ],
  [
    "INSERT INTO customers (id, email) VALUES (1, '{ada}') ON CONFLICT (id) DO UPDATE SET note = excluded.email RETURNING note",
  ],
  ["INSERT INTO customers (id, note, email) VALUES (9, '{ada}', '{ada}x@') RETURNING note, reverse(note)"],
  ["UPDATE customers SET email = '{ada}' WHERE id = 1 RETURNING old.email, new.email, reverse(new.email)"],
  // Errors, notices and plans that quote what the server got.
  [
    "INSERT INTO customers (id, email) VALUES (9, '{ada}')",
    ['INSERT INTO customers (id, email) VALUES (9, $1)', '{ada}'],
  ],
  ["INSERT INTO customers (id, email, age) VALUES (NULL, '{ada}', 1)"],
  ["UPDATE customers SET email = '{ada}', external = '{uuid}' WHERE id = 2"],
  ["SELECT 1 / (email <> '{ada}')::int, email::int FROM customers WHERE email = '{ada}'"],
  ["SELECT nix FROM customers WHERE email = '{ada}'", "SELECT * FROM customers WHERE email = '{ada}' AND email"],
  [['SELECT * FROM customers WHERE email = $1 AND id = $2', '{ada}', 'x']],
  ["EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM customers WHERE email = '{ada}'"],
  [['EXPLAIN SELECT * FROM customers WHERE email = $1', '{ada}']],
  [
    'SET client_min_messages = log',
    'SET debug_print_parse = on',
    'SET debug_print_rewritten = on',
    'SET debug_print_plan = on',
    "SELECT id FROM customers WHERE email = '{ada}'",
    ['SELECT id FROM customers WHERE email = $1', '{ada}'],
  ],
  [
    'SET log_parameter_max_length_on_error = -1',
    'SET client_min_messages = debug5',
    ['SELECT 1 / (id - id) FROM customers WHERE email = $1', '{ada}'],
    "SELECT 1 / (id - id) FROM customers WHERE email = '{ada}'",
  ],
  ["SELECT current_query() FROM customers WHERE email = '{ada}'", 'SELECT query FROM pg_stat_activity'],
  ["SELECT id FROM customers WHERE email = '{ada}'", 'TABLE pg_prepared_statements', 'TABLE pg_cursors'],
  ['PREPARE p(text) AS SELECT $1, email FROM customers WHERE email = $1', "EXECUTE p('{ada}')"],
  [
    'BEGIN',
    "DECLARE c CURSOR FOR SELECT id FROM customers WHERE email = '{ada}'",
    'TABLE pg_cursors',
    'FETCH ALL FROM c',
  ],
  [
    "SELECT id FROM customers WHERE email = '{ada}'",
    `EXECUTE "countersign: tokens"('x')`,
    'FETCH ALL FROM "countersign: tokens"',
  ],
  ["SELECT set_config('a.b', '{ada}', false) FROM customers WHERE email = '{ada}'", 'SHOW a.b'],
  ["DO $$ BEGIN RAISE NOTICE '%', '{ada}'; END $$", "SELECT pg_notify('x', '{ada}')"],
  ["COMMENT ON TABLE orders IS '{ada}'", "SELECT obj_description('orders'::regclass)"],
  // Ways to have it put in where it is no comparison with the column.
  ["SELECT reverse('{ada}'), upper('{ada}'), '{ada}' || ''", "SELECT '{ada}'::bytea, md5('{ada}'), length('{ada}')"],
  [
    "SELECT id FROM customers WHERE email = reverse('{ada}')",
    "SELECT id FROM customers WHERE reverse(email) = '{ada}'",
  ],
  ["SELECT id FROM customers WHERE email LIKE '{ada}'", "SELECT id FROM customers WHERE email LIKE '{ada}%'"],
  ["SELECT id FROM customers WHERE email > '{ada}' OR email BETWEEN '{ada}' AND '{bob}'"],
  [
    "SELECT id FROM customers WHERE (id, email) = (1, '{ada}')",
    "SELECT id FROM customers WHERE email IN (SELECT '{ada}')",
  ],
  [
    "SELECT id FROM contacts WHERE email = '{ada}'",
    "SELECT * FROM customers c JOIN (VALUES ('{ada}')) v(e) ON c.email = v.e",
  ],
  ["SELECT id FROM customers NATURAL JOIN orders WHERE email = '{ada}'"],
  [
    "SELECT id FROM customers c(id, note, x) WHERE note = '{uuid}'",
    "SELECT * FROM customers AS c(email, id) WHERE email = '{ada}'",
  ],
  ["SELECT (SELECT email FROM (SELECT '{ada}' AS email) s WHERE email = '{ada}') FROM customers"],
  [
    "SELECT id FROM customers WHERE email = E'{ada}'",
    'SELECT id FROM customers WHERE email = $${ada}$$',
    "SELECT id FROM customers WHERE email = text '{ada}'",
  ],
  [
    "SELECT id FROM customers WHERE email = '{ada}'::char(3)",
    "SELECT id FROM customers WHERE email = '{ada}'::bytea::text",
  ],
  ['CREATE DOMAIN pg_temp.text AS pg_catalog.text', "SELECT id FROM customers WHERE email = '{ada}'::text"],
  ["SELECT id FROM customers WHERE email OPERATOR(evil.=) '{ada}'"],
  [['SELECT id FROM customers WHERE email = ANY ($1) AND $2 = ANY ($1)', '{{ada}}', '{ada}']],
  ["SELECT id FROM customers WHERE email = ANY ('{{ada}}')", "SELECT ARRAY['{ada}'] || email FROM customers"],
];

/** Refused with a sentence, since the agent would be misled by what came back. */
export const REFUSED: readonly Line[] = [
  "SELECT * FROM orders WHERE contact = '{ada}'",
  ['SELECT * FROM orders WHERE contact = $1', '{ada}'],
  ['SELECT id FROM customers WHERE email > $1', '{ada}'],
  "SELECT id FROM customers WHERE email < '{ada}'",
  "SELECT id FROM customers WHERE email LIKE '{ada}'",
  "SELECT id FROM customers WHERE lower(email) = '{ada}'",
  "SELECT id FROM customers WHERE phone = '{ada}'",
  "SELECT id FROM customers WHERE note = '{uuid}'",
  "UPDATE customers SET note = '{ada}'",
  "INSERT INTO seen VALUES ('{ada}')",
  ['INSERT INTO seen VALUES ($1)', '{uuid}'],
  "BEGIN; SELECT id FROM customers WHERE email = '{ada}'",
  "EXPLAIN SELECT id FROM customers WHERE email = '{ada}'",
  "COPY (SELECT id FROM customers WHERE email = '{ada}') TO STDOUT",
  "DECLARE c CURSOR FOR SELECT id FROM customers WHERE email = '{ada}'",
  "SELECT id FROM customers WHERE email = '{ada}x'",
  "SELECT id FROM customers WHERE email = '{cut}'",
  ['SELECT id FROM customers WHERE email = $1', '{cut}'],
  ['SELECT id FROM customers WHERE email = $1 AND note = $1', '{ada}'],
  ['SELECT id FROM customers WHERE email = ANY ($1)', '{"{cut}"}'],
  "SELECT id FROM customers WHERE email = 'tok_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'",
];

/** Left as they are: a text that is only shown, or a part of a larger one. */
/** Run, with the value put in. */
export const RUN: readonly Line[] = [
  "INSERT INTO customers (id, email) VALUES (1, '{ada}') ON CONFLICT (id) DO UPDATE SET note = 'x', email = '{ada}' RETURNING email",
  ['INSERT INTO customers (email, id) VALUES ($1, $2) ON CONFLICT (email) DO UPDATE SET note = $3', '{ada}', '7', 'x'],
  "DELETE FROM ONLY customers AS c USING orders o WHERE o.customer = c.id AND c.email = '{ada}' AND false",
];

export const KEPT: readonly (readonly [Line, unknown])[] = [
  ["SELECT '{ada}'", [['{ada}']]],
  ["SELECT 'for {ada}' AS what", [['for {ada}']]],
  [['SELECT $1 AS what', 'for {ada}'], [['for {ada}']]],
  ['SELECT 1 -- {ada}', [[1]]],
  ["SELECT id FROM customers WHERE note = 'about {ada}'", []],
  ["SELECT id FROM customers WHERE external = '0f8fad5b-d9cb-869f-a165-70867728950e'", []],
];
