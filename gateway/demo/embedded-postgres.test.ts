import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { SAMPLE_COUNTS } from './sample-data.ts';
import { gone } from './stale-server.ts';

let parent = '';
let server: EmbeddedPostgres;

async function query(sql: string, as: { user: string; password: string; database?: string }): Promise<unknown[][]> {
  const client = new pg.Client({
    host: server.host,
    port: server.port,
    database: as.database ?? server.database,
    ...as,
  });
  try {
    await client.connect();
    return (await client.query({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}
const app = () => ({ user: server.appUser, password: server.appPassword });

beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'embedded-'));
  chmodSync(parent, 0o755);
  server = await startEmbeddedPostgres({ dataDir: join(parent, 'data') });
}, 120_000);

afterAll(async () => {
  await server?.stop();
  rmSync(parent, { recursive: true, force: true });
});

describe('embedded PostgreSQL', () => {
  it('has the sample data, owned by the app', async () => {
    const counts = await query(
      `SELECT (SELECT count(*)::int FROM customers), (SELECT count(*)::int FROM orders),
              (SELECT count(*)::int FROM staff), (SELECT count(*)::int FROM products)`,
      app(),
    );
    expect(counts).toEqual([
      [SAMPLE_COUNTS.customers, SAMPLE_COUNTS.orders, SAMPLE_COUNTS.staff, SAMPLE_COUNTS.products],
    ]);
    const owners = await query(
      "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
      app(),
    );
    expect(owners).toEqual([[server.appUser]]);
    expect(await query('SELECT count(*)::int FROM customer_contacts', app())).toEqual([[SAMPLE_COUNTS.customers]]);
  });

  it('keeps totals and items in agreement', async () => {
    const wrong = await query(
      `SELECT o.id FROM orders o JOIN order_items i ON i.order_id = o.id
       GROUP BY o.id HAVING o.total <> sum(i.quantity * i.price)`,
      app(),
    );
    expect(wrong).toEqual([]);
  });

  it('lets nobody in without the right password', async () => {
    await expect(query('SELECT 1', { user: server.appUser, password: 'wrong' })).rejects.toMatchObject({
      code: '28P01',
    });
    await expect(query('SELECT 1', { user: 'postgres', password: '' })).rejects.toThrow();
    expect(
      await query('SELECT current_user::text', { user: server.superuser, password: server.superuserPassword }),
    ).toEqual([['postgres']]);
  });

  it('lets the app create and drop a database, so that a denial is the gateway’s doing', async () => {
    const as = { ...app(), database: 'postgres' };
    await query('CREATE DATABASE scratch', as);
    await query('DROP DATABASE scratch', as);
  });

  it('keeps changes over a restart, under new passwords', async () => {
    await query("UPDATE products SET name = 'Renamed' WHERE id = 1", app());
    const old = app();
    await server.stop();
    await server.stop();
    server = await startEmbeddedPostgres({ dataDir: join(parent, 'data') });
    expect(server.appPassword).not.toBe(old.password);
    await expect(query('SELECT 1', old)).rejects.toMatchObject({ code: '28P01' });
    expect(await query('SELECT name FROM products WHERE id = 1', app())).toEqual([['Renamed']]);
  });

  it('ends a server that a killed gateway left behind', async () => {
    const left = server;
    server = await startEmbeddedPostgres({ dataDir: join(parent, 'data') });
    expect(await gone(left.pid, 5_000)).toBe(true);
    expect(await query('SELECT name FROM products WHERE id = 1', app())).toEqual([['Renamed']]);
  });

  it('writes no password down', async () => {
    const config = ['pg_hba.conf', 'postgresql.conf', 'postgresql.auto.conf', 'postmaster.opts']
      .map((name) => join(parent, 'data', 'cluster', name))
      .filter((path) => existsSync(path))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
    expect(config).toContain('scram-sha-256');
    expect(config).not.toContain(server.appPassword);
    expect(config).not.toContain(server.superuserPassword);
  });
});
