import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ALLOW_ALL } from '../support/service.ts';
import { eventually, type SideBySide, startSideBySide } from '../support/side-by-side.ts';

let postgres: TestPostgres;
let sides: SideBySide;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE TABLE n (i int); INSERT INTO n SELECT generate_series(1, 100)');
  sides = await startSideBySide(postgres, { policy: ALLOW_ALL });
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
});

const config = (env: NodeJS.ProcessEnv): pg.PoolConfig => ({
  host: env.PGHOST ?? '',
  port: Number(env.PGPORT),
  user: env.PGUSER ?? '',
  password: env.PGPASSWORD ?? '',
  database: env.PGDATABASE ?? '',
});

async function withClient<T>(env: NodeJS.ProcessEnv, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(config(env));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function both<T>(work: (client: pg.Client) => Promise<T>): Promise<[T, T]> {
  return [await withClient(sides.direct, work), await withClient(sides.gateway, work)];
}

const VALUES = `SELECT 1::int2 a, 2::int4 b, 3::int8 c, 1.5::float4 d, 2.5::float8 e, 12.34::numeric f, true g,
  'text' h, '\\x00ff'::bytea i, date '2026-01-02' j, timestamptz '2026-01-02 03:04:05.678+00' k, NULL l,
  '{"a":[1,null]}'::jsonb m, ARRAY[1,NULL,3] n, ARRAY['a','"','b,c'] o, '00000000-0000-0000-0000-000000000001'::uuid p,
  interval '1 day 02:03' q, point(1,2) r, ROW(1,'x') s, int4range(1,5) t, inet '10.0.0.1/8' u`;

describe('node-postgres', () => {
  it('reads every type as it does directly, in text and in binary', async () => {
    const [direct, gateway] = await both(async (client) => {
      const text = await client.query(VALUES);
      const fields = text.fields.map(({ name, dataTypeID, format }) => ({ name, dataTypeID, format }));
      const columns = "SELECT 1::int4, 2::int8, true, 1.5::float8, '\\x00ff'::bytea, date '2026-01-02', $1::int4";
      const raw = { getTypeParser: () => (value: unknown) => (Buffer.isBuffer(value) ? value.toString('hex') : value) };
      const binary = await client.query({
        text: columns,
        values: [7],
        rowMode: 'array',
        binary: true,
        types: raw,
      } as pg.QueryArrayConfig);
      return { rows: text.rows, fields, binary: binary.rows };
    });
    expect(gateway).toEqual(direct);
  });

  it('runs named statements over and over', async () => {
    const [direct, gateway] = await both(async (client) => {
      const seen: unknown[] = [];
      for (let i = 0; i < 20; i++) {
        const query = {
          name: `s${i % 2}`,
          text: `SELECT i FROM n WHERE i > $1 ORDER BY i LIMIT ${(i % 2) + 1}`,
          values: [i],
        };
        seen.push((await client.query(query)).rows);
      }
      return seen;
    });
    expect(gateway).toEqual(direct);
  });

  it('fetches a portal in pieces', async () => {
    const [direct, gateway] = await both(async (client) => {
      const query = { text: 'SELECT i FROM n ORDER BY i', rows: 7 } as pg.QueryConfig;
      const { rows } = await client.query(query);
      return rows.length;
    });
    expect([direct, gateway]).toEqual([100, 100]);
  });

  it('reports errors with every field', async () => {
    const [direct, gateway] = await both(async (client) => {
      const errors: unknown[] = [];
      for (const text of [
        'SELECT 1/0',
        'SELECT x FROM n',
        "INSERT INTO n VALUES ('x')",
        "DO $$ BEGIN RAISE EXCEPTION 'a' USING HINT = 'h', DETAIL = 'd', TABLE = 't'; END $$",
      ]) {
        const error = await client.query(text).then(
          () => null,
          (reason: unknown) => reason as pg.DatabaseError,
        );
        const { code, message, detail, hint, position, where, table, severity, routine } = error as pg.DatabaseError;
        errors.push({ code, message, detail, hint, position, where, table, severity, routine });
      }
      return [errors, (await client.query('SELECT 1 AS one')).rows];
    });
    expect(gateway).toEqual(direct);
  });

  it('hears notifications and notices', async () => {
    const [direct, gateway] = await both(async (client) => {
      const heard: unknown[] = [];
      client.on('notification', ({ channel, payload }) => heard.push([channel, payload]));
      client.on('notice', ({ message }) => heard.push(message));
      await client.query('LISTEN news');
      await client.query("NOTIFY news, 'own'");
      await client.query("DO $$ BEGIN RAISE NOTICE 'noticed'; END $$");
      await postgres.query("NOTIFY news, 'from elsewhere'");
      await eventually('the notification', () => (heard.length === 3 ? true : null));
      return heard;
    });
    expect(gateway).toEqual(direct);
  });

  it('keeps a pool busy, and survives what a client leaves behind', async () => {
    const pool = new pg.Pool({ ...config(sides.gateway), max: 8 });
    try {
      const sums = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const { rows } = await pool.query('SELECT $1::int + 1 AS n', [i]);
          return (rows[0] as { n: number }).n - i;
        }),
      );
      expect(new Set(sums)).toEqual(new Set([1]));
      await expect(pool.query('SELECT 1/0')).rejects.toThrow('division by zero');
      const client = await pool.connect();
      await client.query('BEGIN');
      client.release(true);
      expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    } finally {
      await pool.end();
    }
  });

  it('is ended at once when its token is revoked, and told why', async () => {
    const minted = await sides.control.call('mintToken', { id: sides.gateway.PGUSER ?? '' });
    const pool = new pg.Pool({ ...config(minted.env), max: 1 });
    const ends: string[] = [];
    pool.on('error', (error) => ends.push(error.message));
    try {
      await pool.query('SELECT 1');
      await sides.control.call('revokeToken', { id: minted.agentSessionId });
      await eventually('the end', () => (ends.length > 0 ? true : null));
      expect(ends[0]).toMatch(/token .*ended.*revoked/);
      await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '28P01' });
      await expect(pool.query('SELECT 1')).rejects.toThrow(/revoked.*countersign -- --home \S+ connect/);
    } finally {
      await pool.end();
    }
  });

  it('opens two hundred connections one after the other', async () => {
    for (let i = 0; i < 200; i++) await withClient(sides.gateway, (client) => client.query('SELECT 1'));
  });
});
