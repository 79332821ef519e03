import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../../components.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { closedSessions } from '../../support/recordings.ts';
import { RUN_ALL } from '../../support/service.ts';
import {
  nextHeld,
  runClient,
  type SideBySide,
  setTestPin,
  startSideBySide,
  TEST_PIN,
} from '../../support/side-by-side.ts';
import { KEPT, REFUSED, RUN, UNSEEN } from './token-attacks.ts';

const psql = component('psql');
const psycopg = component('psycopg');

/** Masked values that the agent can use: shown as tokens, put in on the way to the server, never seen. */
let postgres: TestPostgres;
let sides: SideBySide;

const ADA = 'ada.lovelace@example.org';
const BOB = 'bob@example.net';
const ADA_ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
/** In each form in which a value could come back. */
const PLAIN = [ADA, BOB, ADA_ID].flatMap((value) => [
  value,
  value.toUpperCase(),
  [...value].reverse().join(''),
  Buffer.from(value).toString('hex'),
  Buffer.from(value).toString('base64').replace(/=+$/, ''),
  [...Buffer.from(value)].join(' '),
]);

const SETUP = `
  CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE, external uuid, phone varchar(12), aliases text[],
    note text DEFAULT '', age int, CHECK (email LIKE '%@%'));
  CREATE TABLE orders (id int, customer int, contact text);
  CREATE TABLE seen (text text);
  CREATE VIEW contacts AS SELECT id, email FROM customers;
  CREATE SCHEMA evil;
  CREATE TABLE evil.customers (id int, email text, external uuid, note text)`;

/** The tables stay what they are: another one of a name would not be known to the gateway at once. */
const FILL = `
  DROP TABLE IF EXISTS evil.copy;
  TRUNCATE customers, orders, seen, evil.customers;
  COMMENT ON TABLE orders IS NULL;
  INSERT INTO customers VALUES (1, '${ADA}', '${ADA_ID}', '+44 20 1234', '{${ADA}}', '', 36),
    (2, '${BOB}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', NULL, NULL, '', 40), (3, NULL, NULL, NULL, NULL, '', 50);
  INSERT INTO orders VALUES (10, 1, NULL), (11, 2, NULL), (12, 1, NULL)`;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(`${SETUP};${FILL}`);
  const tag = { schema: 'public', table: 'customers', entity: 'EMAIL_ADDRESS', action: 'token' } as const;
  sides = await startSideBySide(postgres, {
    policy: `${RUN_ALL}@id("held") @require("click") forbid (principal, action == Action::"run", resource)
      when { context has ops && context.ops.contains("DELETE") };`,
    connection: {
      columns: ['email', 'external', 'phone', 'aliases', 'age'].map((column) => ({ ...tag, column })),
      detectors: { enabled: false },
    },
  });
  await setTestPin(sides);
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
});

async function asAgent<T>(work: (client: pg.Client, notices: string[]) => Promise<T>, env = sides.gateway): Promise<T> {
  const client = new pg.Client({
    host: env.PGHOST,
    port: Number(env.PGPORT),
    user: env.PGUSER,
    password: env.PGPASSWORD,
    database: env.PGDATABASE,
    application_name: 'tokens',
  });
  const notices: string[] = [];
  client.on('notice', (notice) => notices.push(JSON.stringify(notice)));
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client, notices);
  } finally {
    await client.end();
  }
}

/** Ada's and Bob's tokens, and that of Ada's UUID. */
async function tokensOf(client: pg.Client): Promise<[ada: string, bob: string, external: string]> {
  const { rows } = await client.query('SELECT email, external FROM customers ORDER BY id');
  expect(rows[0].email).toMatch(/^tok_/);
  return [rows[0].email, rows[1].email, rows[0].external];
}

async function count(client: pg.Client, text: string, values?: unknown[]): Promise<number> {
  return (await client.query(text, values)).rows.length;
}

describe('what an agent does with tokens', () => {
  it('reads them: equal for equal values, of their column’s type, in both formats and over sessions', async () => {
    const [first, second] = [await asAgent(tokensOf), await asAgent(tokensOf)];
    expect(first).toEqual(second);
    expect(first[0]).toMatch(/^tok_[\w-]{56}$/);
    expect(first[2]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    await asAgent(async (client) => {
      const text = 'SELECT id, email, external, phone, aliases, age FROM customers ORDER BY id';
      const { rows } = await client.query(text);
      // varchar(12) has no room for a token, and arrays and numbers have none.
      expect(rows[0]).toMatchObject({ phone: '[EMAIL_ADDRE', aliases: ['[EMAIL_ADDRESS]'], age: null });
      expect(rows[2]).toEqual({ id: 3, email: null, external: null, phone: null, aliases: null, age: null });
      const binary = await client.query({ text, values: [], binary: true } as pg.QueryConfig);
      expect(String(binary.rows[0].email)).toBe(first[0]);
      const derived = await client.query('SELECT upper(email) AS u, email || $1 AS v FROM customers', ['']);
      expect(derived.rows[0]).toEqual({ u: '[EMAIL_ADDRESS]', v: '[EMAIL_ADDRESS]' });
    });
  });

  it('finds rows by them, in literals and parameters, joins and changes by them', async () => {
    await asAgent(async (client) => {
      const [ada, bob, external] = await tokensOf(client);
      const one: [string, unknown[]?][] = [
        [`SELECT * FROM customers WHERE email = '${ada}'`],
        [`SELECT * FROM customers WHERE '${ada}' = customers.email`],
        [`SELECT c.* FROM public.customers AS c WHERE c.email IN ('${ada}', 'nobody@example.org')`],
        [`SELECT * FROM "customers" WHERE email = '${ada}'::text AND external = '${external}'`],
        [`SELECT * FROM customers WHERE external = '${external}'::uuid`],
        [`SELECT * FROM customers WHERE email = ANY (ARRAY['${ada}'])`],
        [`SELECT * FROM customers WHERE email IS NOT DISTINCT FROM '${ada}'`],
        [`SELECT * FROM (SELECT id FROM customers WHERE email = '${ada}') s JOIN customers c USING (id)`],
        [`WITH a AS (SELECT * FROM customers WHERE email = '${ada}') SELECT * FROM a`],
        [`SELECT * FROM orders o WHERE EXISTS (SELECT FROM customers c WHERE c.id = o.customer AND email = '${bob}')`],
        [`SELECT id AS "ü" FROM customers WHERE email = '${ada}' AND 'ü' = 'ü'`],
        ['SELECT * FROM customers WHERE email = $1', [ada]],
        ['SELECT * FROM customers WHERE email = $1::varchar AND id = $2', [ada, 1]],
        ['SELECT * FROM customers WHERE email = $1 OR email = $1', [ada]],
        ['SELECT * FROM customers WHERE email = ANY ($1)', [[ada, 'x']]],
        ['SELECT * FROM customers WHERE external = $1', [external]],
        ['SELECT * FROM customers WHERE external = ANY ($1::uuid[])', [[external]]],
        [`SELECT * FROM customers WHERE email = '${ada}' AND id = $1`, [1]],
      ];
      for (const [text, values] of one) expect([text, await count(client, text, values)]).toEqual([text, 1]);
      const joined = `SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer AND c.email = '${ada}' ORDER BY 1`;
      expect((await client.query(joined)).rows).toEqual([{ id: 10 }, { id: 12 }]);
      expect(await count(client, `SELECT FROM customers WHERE email <> '${ada}'`)).toBe(1);
      const shown = await client.query(
        `SELECT count(*) FILTER (WHERE email = '${ada}')::int AS n, '${ada}' FROM customers`,
      );
      expect(Object.values(shown.rows[0])).toContain(ada);

      const update = await client.query({
        name: 'by token',
        text: 'UPDATE customers SET note = $1 WHERE email = $2 RETURNING id, email, note',
        values: ['seen', ada],
      });
      expect(update.rows).toEqual([{ id: 1, email: ada, note: 'seen' }]);
      const again = {
        name: 'by token',
        text: 'UPDATE customers SET note = $1 WHERE email = $2 RETURNING id, email, note',
      };
      expect((await client.query({ ...again, values: ['again', bob] })).rowCount).toBe(1);
      expect((await client.query({ ...again, values: ['plain', BOB] })).rowCount).toBe(1);
      const given = await client.query(`UPDATE customers SET email = '${ada}' WHERE email = '${ada}' RETURNING email`);
      expect(given.rows).toEqual([{ email: ada }]);
      await client.query('BEGIN');
      await client.query('SELECT 1');
      await client.query('ROLLBACK');
    });
    expect(await postgres.query('SELECT id, email, note FROM customers ORDER BY id')).toEqual([
      { id: '1', email: ADA, note: 'seen' },
      { id: '2', email: BOB, note: 'plain' },
      { id: '3', email: null, note: '' },
    ]);
  });

  it('gives a value to the column that it came from, and to no other', async () => {
    await asAgent(async (client) => {
      const [ada] = await tokensOf(client);
      await client.query('BEGIN');
      await client.query('UPDATE customers SET email = NULL WHERE id = 1');
      await client.query(`INSERT INTO customers (id, email) VALUES (4, '${ada}'), (5, NULL)`);
      await client.query('COMMIT');
      const held = expect(client.query('UPDATE orders SET contact = $1 WHERE id = 10', [ada])).rejects;
      await held.toThrow(/is a token: the value that it stands for is put in only/);
    });
    expect(await postgres.query('SELECT email FROM customers WHERE id = 4')).toEqual([{ email: ADA }]);
    await postgres.query(FILL);
  });

  it.skipIf(psql.missing)('with psql, on several lines, and an error points to where it does without', async () => {
    const [ada] = await asAgent(tokensOf);
    const text = `SELECT id,\n  nix FROM customers c WHERE c.email = '${ada}';\nSELECT id FROM customers WHERE email = '${ada}' AND nix;\n`;
    const plain = await runClient(psql.path, ['-At'], sides.direct, text.replaceAll(ada, 'x'));
    const token = await runClient(psql.path, ['-At'], sides.gateway, text);
    const carets = (out: string) => out.split('\n').filter((line) => /^ *\^$/.test(line)).length;
    expect(carets(plain.out)).toBe(2);
    expect(carets(token.out)).toBe(2);
    const ok = await runClient(
      psql.path,
      ['-At', '-c', `SELECT id FROM customers WHERE email = '${ada}'`],
      sides.gateway,
    );
    expect(ok).toEqual({ code: 0, out: '1\n' });
    const caret = token.out.split('\n');
    expect(caret[2]!.indexOf('^') - caret[1]!.indexOf('nix')).toBe(0);
  });

  it.skipIf(psycopg.missing)('with psycopg, in text and in binary', async () => {
    const program = fileURLToPath(new URL('../clients/tokens_psycopg.py', import.meta.url));
    const { code, out } = await runClient(psycopg.path, [program], sides.gateway);
    expect(out).not.toContain(ADA);
    expect([code, out]).toEqual([0, '1\n1\n1\n1\n1\n2\n']);
  });

  it('is asked of a person with what a token stands for, and the recording has the token', async () => {
    const ada = await asAgent(async (client) => {
      const [token] = await tokensOf(client);
      const deleted = client.query('DELETE FROM customers WHERE email = $1 AND false', [token]);
      const held = await nextHeld(sides.control);
      expect(JSON.stringify(held)).toContain(`stands for a value of public.customers.email`);
      expect(JSON.stringify(held)).not.toContain(ADA);
      await sides.control.call('decide', { id: held.id, digest: held.operation.digest, decision: 'deny' });
      await expect(deleted).rejects.toThrow(/denied/);
      await count(client, `SELECT FROM customers WHERE email = '${token}'`);
      return token;
    });
    const sessions = await closedSessions(sides.service.home, 'tokens');
    const texts = await Promise.all(sessions.map(({ folder }) => recordedText(folder)));
    expect(texts.some((text) => text.includes('tokens-put-in') && text.includes('public.customers.email'))).toBe(true);
    expect(texts.some((text) => text.includes(ada))).toBe(true);
    for (const text of texts) for (const value of [ADA, ADA_ID]) expect(text).not.toContain(value);
  });
});

/** What a session's exchanges and events hold, unpacked. */
async function recordedText(folder: string): Promise<string> {
  const { out } = await runClient(process.execPath, ['-e', DUMP, folder], process.env);
  return out;
}
const DUMP = `
  const { readdirSync, readFileSync } = require('node:fs');
  const { zstdDecompressSync } = require('node:zlib');
  const folder = process.argv[1];
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(folder + '/' + name);
    process.stdout.write(bytes.toString('latin1'));
    for (let at = bytes.indexOf('28b52ffd', 0, 'hex'); at !== -1; at = bytes.indexOf('28b52ffd', at + 1, 'hex')) {
      try { process.stdout.write(zstdDecompressSync(bytes.subarray(at)).toString('latin1')); } catch {}
    }
  }`;

describe('nothing plain comes back', () => {
  it.each(UNSEEN)('%j', async (...lines) => {
    const said = await asAgent(async (client, notices) => {
      const tokens = await tokensOf(client);
      const out: unknown[] = [];
      for (const line of lines) {
        const [text, ...values] = filled(line as string | string[], tokens);
        await client.query(text!, values.length > 0 ? values : undefined).then(
          (result) => out.push(...[result].flat().map(({ rows }) => rows)),
          (error: pg.DatabaseError) => out.push({ ...error, message: error.message }),
        );
      }
      return JSON.stringify([out, notices]);
    });
    for (const value of PLAIN) expect(said.toLowerCase()).not.toContain(value.toLowerCase());
    await postgres.query(FILL);
  });

  it.each(REFUSED)('refused: %j', async (line) => {
    await asAgent(async (client) => {
      const [text, ...values] = filled(line as string | string[], await tokensOf(client));
      await expect(client.query(text!, values.length > 0 ? values : undefined)).rejects.toMatchObject({
        code: '42501',
      });
    });
    await postgres.query(FILL);
  });

  it.each(RUN)('run: %j', async (line) => {
    await asAgent(async (client) => {
      const [text, ...values] = filled(line as string | string[], await tokensOf(client));
      const run = client.query(text!, values.length > 0 ? values : undefined);
      if (text!.startsWith('DELETE')) {
        const { id, operation } = await nextHeld(sides.control);
        await sides.control.call('decide', { id, digest: operation.digest, decision: 'approve', pin: TEST_PIN });
      }
      await run;
    });
    await postgres.query(FILL);
  });

  it.each(KEPT)('sent as the text that it is: %j', async (line, shown) => {
    await asAgent(async (client) => {
      const tokens = await tokensOf(client);
      const [text, ...values] = filled(line as string | string[], tokens);
      const { rows } = await client.query({ text: text!, values, rowMode: 'array' });
      expect(rows).toEqual(JSON.parse(filled(JSON.stringify(shown), tokens)[0]!));
    });
  });

  it('no token of another conversation, database or column is taken', async () => {
    const [ada] = await asAgent(tokensOf);
    const { env } = await sides.connect();
    const other = { ...sides.gateway, ...env };
    await asAgent(async (client) => {
      const [own] = await tokensOf(client);
      expect(own).not.toBe(ada);
      await expect(client.query('SELECT FROM customers WHERE email = $1', [ada])).rejects.toThrow(
        /is no token of public.customers.email in this conversation; read the row again/,
      );
      await expect(client.query(`SELECT FROM customers WHERE email = '${ada}'`)).rejects.toThrow(/no token of/);
      expect(await count(client, 'SELECT FROM customers WHERE email = $1', [own])).toBe(1);
    }, other);
    await asAgent(async (client) => {
      await expect(client.query('SELECT FROM customers WHERE phone = $1', [ada])).rejects.toThrow(/no token of/);
    });
  });

  it('the server’s own words hold none: its activity, statements and log', async () => {
    const [ada] = await asAgent(tokensOf);
    await asAgent(async (client) => {
      await client.query(`SELECT current_query() FROM customers WHERE email = '${ada}'`);
      const activity = await postgres.query("SELECT query FROM pg_stat_activity WHERE application_name = 'tokens'");
      expect(activity.map(({ query }) => query)).toEqual([
        'SELECT current_query() FROM "public".customers WHERE email = $1',
      ]);
      await client.query(`SELECT nix FROM customers WHERE email = '${ada}'`).catch(() => {});
    });
    expect(postgres.log()).toContain('SELECT nix FROM');
    const statements = postgres
      .log()
      .split('\n')
      .filter((line) => line.includes('STATEMENT:'));
    expect(statements.length).toBeGreaterThan(0);
    for (const line of statements) expect(line).not.toContain(ADA);
  });

  it('the reserved name is nobody’s', async () => {
    await expect(
      asAgent((client) => client.query({ name: 'countersign: tokens', text: 'SELECT 1' })),
    ).rejects.toThrow();
    expect((await readFile(join(sides.service.home, 'masking.key'), 'utf8')).length).toBeGreaterThan(64);
  });
});

function filled(line: string | readonly string[], [ada, bob, external]: readonly string[]): string[] {
  return [line]
    .flat()
    .map((text) =>
      text
        .replaceAll('{ada}', ada!)
        .replaceAll('{bob}', bob!)
        .replaceAll('{uuid}', external!)
        .replaceAll('{cut}', ada!.slice(0, -1)),
    );
}
