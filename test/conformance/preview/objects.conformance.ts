import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectsPreview } from '../../../gateway/contract/preview.ts';
import { type Stage, startStage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage(`
    CREATE TABLE orders (id int PRIMARY KEY, note text);
    INSERT INTO orders SELECT i, 'n' FROM generate_series(1, 12) i;
    CREATE TABLE items (id int PRIMARY KEY, "order" int REFERENCES orders);
    CREATE VIEW open_orders AS SELECT * FROM orders;
    CREATE VIEW newest AS SELECT max(id) FROM open_orders`);
});
afterAll(() => stage?.stop());

async function shown(sql: string): Promise<ObjectsPreview> {
  const client = await stage.client();
  try {
    const answer = client.query(sql).catch((error: Error) => error.message);
    const approval = await stage.previewed();
    await stage.decide(approval, 'deny');
    expect(await answer).toContain('Countersign denied');
    return approval.preview as ObjectsPreview;
  } finally {
    await client.end();
  }
}

describe('a held definition', () => {
  it('that drops is shown with rows, lock, and what goes with it', async () => {
    const { parts, undo } = await shown('DROP TABLE orders CASCADE');
    expect(parts[0]).toMatchObject({
      tone: 'loss',
      sentence: expect.stringMatching(/^public\.orders: table, 12 rows, \d+ kB/),
    });
    expect(parts[1]!.sentence).toBe(
      'It takes an ACCESS EXCLUSIVE lock: nobody else can read or write until its transaction ends.',
    );
    expect(parts[2]!.tone).toBe('loss');
    expect(parts[2]!.lines).toEqual(
      expect.arrayContaining([
        'view public.open_orders',
        'view public.newest',
        'constraint items_order_fkey on table public.items',
      ]),
    );
    expect(undo?.can).toBe('none');
  });

  it('that truncates is shown with its rows', async () => {
    expect((await shown('TRUNCATE orders CASCADE')).parts[0]!.sentence).toContain('12 rows');
  });

  it.each([
    ['ALTER TABLE orders ADD COLUMN x int', 'ACCESS EXCLUSIVE'],
    ['ALTER TABLE items VALIDATE CONSTRAINT items_order_fkey', 'SHARE UPDATE EXCLUSIVE'],
    ['CREATE INDEX ON orders (note)', 'SHARE lock'],
    ['CREATE INDEX CONCURRENTLY ON orders (note)', 'SHARE UPDATE EXCLUSIVE'],
  ])('%s names its lock', async (sql, lock) => {
    const { parts } = await shown(sql);
    expect(parts.map(({ sentence }) => sentence).join('\n')).toContain(lock);
  });

  it('of what is not there says so', async () => {
    expect((await shown('DROP TABLE nowhere')).why).toBe('What it names is not there.');
  });
});
