import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RowsPreview } from '../../../gateway/contract/preview.ts';
import { eventually, nextHeld } from '../../support/side-by-side.ts';
import { type Case, CORPUS } from './corpus.ts';
import { CORPUS_SCHEMA } from './corpus-schema.ts';
import { ASK_ALL, type Stage, startStage } from './stage.ts';

/** Every statement of the corpus, as a role without rights over others, against a real server. */
let stage: Stage;
let agent: pg.Client;
let direct: pg.Client;
let listener: pg.Client;
const heard: string[] = [];
const decided: string[] = [];

beforeAll(async () => {
  stage = await startStage(
    CORPUS_SCHEMA,
    { user: 'app', secret: 'app', preview: { rows: 1000, statementMs: 20_000 } } as never,
    ASK_ALL,
  );
  agent = await stage.client();
  const { host, port } = stage.postgres;
  const app = { host, port, user: 'app', password: 'app', database: 'postgres' };
  direct = new pg.Client(app);
  listener = new pg.Client(app);
  await Promise.all([direct.connect(), listener.connect()]);
  listener.on('notification', ({ channel }) => heard.push(channel));
  await listener.query('LISTEN shouted; LISTEN c');
});
afterAll(async () => {
  await Promise.all([agent?.end(), direct?.end(), listener?.end()]);
  await stage?.stop();
});

/** Everything there is: rows, sequences, definitions. */
async function state(): Promise<string> {
  const tables = await stage.postgres.query(
    "SELECT c.oid::regclass AS t FROM pg_class c WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'other'::regnamespace) ORDER BY 1",
  );
  const parts = tables.map(
    ({ t }) => `SELECT $q$${t}$q$ AS name, md5(string_agg(x::text, ',' ORDER BY x::text)) AS sum FROM ${t} x`,
  );
  parts.push("SELECT 'sequence ' || sequencename, coalesce(last_value::text, '-') FROM pg_sequences");
  return JSON.stringify(await stage.postgres.query(parts.join(' UNION ALL ')));
}

/** What the server itself says, in a transaction that is rolled back: the rows, or the refusal. */
async function oracle({ sql, values }: Case): Promise<number | string> {
  await direct.query('BEGIN');
  try {
    return (await direct.query(sql, values as unknown[])).rowCount ?? 0;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await direct.query('ROLLBACK');
  }
}

async function shown({ sql, values, basis }: Case): Promise<RowsPreview | null> {
  const answer = agent.query(sql, values as unknown[]).catch((error: Error) => error.message);
  const { control } = stage.sides;
  const { id } = await Promise.race([
    nextHeld(control, decided),
    answer.then((end) => Promise.reject(new Error(`${sql} was not held: ${String(end)}`))),
  ]);
  decided.push(id);
  const approval = await eventually(`a preview of ${sql}`, async () => {
    const now = await control.call('approval', { id });
    return basis === 'no preview' || (now.preview && now.preview.state !== 'loading') ? now : null;
  });
  await stage.decide(approval, 'deny');
  expect(await answer).toContain('Countersign denied');
  if (!approval.preview) return null;
  return approval.preview.kind === 'objects' ? ({ basis: 'objects' } as never) : (approval.preview as RowsPreview);
}

describe('a corpus of statements', () => {
  it('has as many as it should', () => {
    expect(CORPUS.length).toBeGreaterThanOrEqual(150);
    expect(new Set(CORPUS.map(({ sql }) => sql)).size).toBe(CORPUS.length);
  });

  it('is shown as expected, with the server’s own counts, and nothing of it happens', async () => {
    const before = await state();
    const wrong: object[] = [];
    for (const one of CORPUS) {
      const preview = await shown(one);
      const basis = preview?.basis ?? 'no preview';
      if (basis !== one.basis) wrong.push({ sql: one.sql, expected: one.basis, basis, why: preview?.why });
      if (basis === 'exact') {
        const rows = await oracle(one);
        if (rows !== preview!.rows) wrong.push({ sql: one.sql, server: rows, shown: preview!.rows });
        const many = Math.min(preview!.rows ?? 0, 10);
        if (preview!.why === null && preview!.sample.length !== many)
          wrong.push({ sql: one.sql, sample: preview!.sample.length });
      }
      if (basis === 'none' && typeof (await oracle(one)) === 'number') wrong.push({ sql: one.sql, server: 'takes it' });
      if ((basis === 'estimate' || basis === 'statement') && preview!.why === null)
        wrong.push({ sql: one.sql, why: null });
    }
    expect(wrong.map((one) => JSON.stringify(one))).toEqual([]);
    expect(await state()).toBe(before);
    expect(heard).toEqual([]);
  }, 600_000);
});
