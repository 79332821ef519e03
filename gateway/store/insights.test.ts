import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { InsightShapesInput, InsightsInput } from '../contract/insights.ts';
import { createRecorder } from '../recording/recorder.ts';
import { recoverRecordings } from '../recording/recovery.ts';
import { StoreCore } from './core.ts';
import { createStore } from './store.ts';
import { APPROVED, DENIED, type FakeQuery, FakeRecordings, fakeExchange, fakeSession } from './test-recordings.ts';
import { shapeOf } from './writers/tally.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
const made = () => {
  const folder = mkdtempSync(join(tmpdir(), 'cs-insights-'));
  folders.push(folder);
  return folder;
};

const NOW = Date.UTC(2026, 0, 3, 12);
const asked = { class: 'write' as const, decision: APPROVED, own: true, objects: ['public.orders'] };
const QUERIES: FakeQuery[] = [
  { text: 'SELECT 1', columns: ['n'], rows: [['1']], facts: { objects: ['public.customers'] } },
  { text: 'SELECT 2', columns: ['n'], rows: [['2']], facts: { objects: ['public.customers', 'public.orders'] } },
  { text: "UPDATE orders SET a = 'x' WHERE id = 7", tag: 'UPDATE 1', facts: asked },
  { text: "UPDATE orders SET a = 'y' WHERE id = 8", tag: 'UPDATE 1', facts: asked },
  {
    text: 'DROP DATABASE shop',
    error: { sqlstate: '42501', message: 'never' },
    facts: { class: 'destructive', own: true, decision: DENIED },
  },
];
const input = (part: Partial<InsightsInput> = {}) => InsightsInput.parse({ days: 7, ...part });
const shapes = (part: Partial<InsightShapesInput> = {}) => InsightShapesInput.parse({ days: 7, ...part });

async function core(): Promise<StoreCore> {
  const folder = made();
  const source = new FakeRecordings(
    fakeSession('01A', QUERIES, 'closed', '2026-01-02T03:04:05.000Z'),
    fakeSession('01B', QUERIES.slice(0, 3), 'closed', '2026-01-02T03:04:00.000Z'),
  );
  const store = new StoreCore({ file: join(folder, 'index.db'), recordingsDir: folder, role: 'write', source });
  await store.indexSession('01A');
  await store.indexSession('01B');
  return store;
}

test('operations are counted by day and by what is asked for', async () => {
  const store = await core();
  try {
    const byVerdict = store.insights(input(), NOW);
    expect(byVerdict.days).toEqual([
      '2025-12-28',
      '2025-12-29',
      '2025-12-30',
      '2025-12-31',
      '2026-01-01',
      '2026-01-02',
      '2026-01-03',
    ]);
    expect(byVerdict.series).toEqual([
      { name: 'allowed', counts: [0, 0, 0, 0, 0, 4, 0], total: 4, asked: 0, denied: 0 },
      { name: 'asked-approved', counts: [0, 0, 0, 0, 0, 3, 0], total: 3, asked: 3, denied: 0 },
      { name: 'denied', counts: [0, 0, 0, 0, 0, 1, 0], total: 1, asked: 0, denied: 1 },
    ]);
    expect(byVerdict).toMatchObject({ operations: 8, errors: 1, more: false, others: { names: 0, total: 0 } });
    expect(store.insights(input({ by: 'table' }), NOW).series).toMatchObject([
      { name: 'public.orders', total: 5, asked: 3, denied: 0 },
      { name: 'public.customers', total: 4, asked: 0 },
    ]);
    expect(store.insights(input({ by: 'class' }), NOW).series.map(({ name, total }) => [name, total])).toEqual([
      ['read', 4],
      ['write', 3],
      ['destructive', 1],
    ]);
    const [connection] = store.insights(input({ by: 'connection' }), NOW).series;
    expect(connection).toMatchObject({ total: 8, asked: 3, denied: 1 });
    expect(store.insights(input({ connectionId: connection!.name }), NOW).operations).toBe(8);
    expect(store.insights(input({ connectionId: 'another' }), NOW)).toMatchObject({ operations: 0, series: [] });
    expect(store.insights(input({ by: 'agent' }), NOW).series).toHaveLength(1);
  } finally {
    store.close();
  }
});

test('days before the first and after the last are not counted', async () => {
  const store = await core();
  try {
    expect(store.insights(input({ days: 1 }), NOW).operations).toBe(0);
    expect(store.insights(input({ days: 2 }), NOW).series[0]?.counts).toEqual([4, 0]);
    expect(store.insights(input({ days: 7 }), NOW - 2 * 86_400_000).series).toEqual([]);
  } finally {
    store.close();
  }
});

test('statements that differ in values only are one shape, with where its slowest is', async () => {
  const store = await core();
  try {
    const [update, ...others] = store.insightShapes(shapes({ order: 'asked' }), NOW).items;
    expect(others).toEqual([]);
    expect(update).toMatchObject({
      shape: 'UPDATE orders SET a = $1 WHERE id = $2',
      count: 3,
      asked: 3,
      approved: 3,
      denied: 0,
      sessions: 2,
    });
    const repeated = store.insightShapes(shapes({ order: 'repeated' }), NOW).items;
    expect(repeated.map(({ shape, count }) => [shape, count])).toEqual([
      ['SELECT $1', 4],
      ['UPDATE orders SET a = $1 WHERE id = $2', 3],
    ]);
    for (const { sessionId, index, slowestMs, meanMs } of store.insightShapes(shapes({ order: 'slowest' }), NOW)
      .items) {
      const { items } = store.statements(sessionId, { offset: index, limit: 1 });
      expect(items[0]!.durationMs - items[0]!.heldMs).toBeCloseTo(slowestMs, 2);
      expect(meanMs).toBeLessThanOrEqual(slowestMs + 0.001);
    }
    expect(store.insightShapes(shapes({ order: 'repeated', limit: 1 }), NOW).items).toHaveLength(1);
  } finally {
    store.close();
  }
});

test('a session that is forgotten is not counted any more', async () => {
  const store = await core();
  try {
    store.removeSession('01A');
    expect(store.insights(input(), NOW).operations).toBe(3);
    expect(store.insightShapes(shapes({ order: 'asked' }), NOW).items).toMatchObject([{ count: 1 }]);
    store.removeSession('01B');
    expect(store.insights(input({ by: 'table' }), NOW)).toMatchObject({ operations: 0, series: [] });
  } finally {
    store.close();
  }
});

test('a real recording is counted once, however often it is indexed, and again after a rebuild', async () => {
  const folder = made();
  const recordingsDir = join(folder, 'recordings');
  await recoverRecordings(recordingsDir);
  const recorder = createRecorder({ dir: recordingsDir });
  const { recorded } = fakeSession('01REAL', [], 'closed', '2026-01-02T03:04:05.000Z');
  const session = recorder.open({ ...recorded.info, id: '01REAL' });
  for (let i = 0; i < 40; i++) {
    const { up, down, statements } = fakeExchange(i, { text: `SELECT ${i}`, columns: ['n'], rows: [[String(i)]] });
    session.request(i, up[0]!.bytes!);
    session.response(i, down[0]!.bytes!);
    session.statement(i, { ...statements[0]!, text: i === 0 ? 'SELECT 0' : null });
    session.end(i);
  }
  await session.close('the test is over');
  await recorder.close();
  const store = createStore({ file: join(folder, 'index.db'), recordingsDir });
  try {
    const now = Date.now();
    const counted = async () => {
      const { operations } = await store.insights(input(), now);
      const { items } = await store.insightShapes(shapes({ order: 'repeated' }), now);
      return [operations, items.map(({ shape, count }) => [shape, count])];
    };
    await store.indexSession('01REAL');
    await store.indexSession('01REAL');
    expect(await counted()).toEqual([40, [['SELECT $1', 40]]]);
    await store.rebuild({ fresh: true });
    expect(await counted()).toEqual([40, [['SELECT $1', 40]]]);
  } finally {
    await store.close();
  }
});

test('what cannot be lifted out of a text stays, and of a command nothing is', () => {
  expect(shapeOf('SELECT 1 -- why', true)).toBe('SELECT 1 -- why');
  expect(shapeOf('sleep 5', false)).toBe('sleep 5');
  expect(shapeOf('sleep 5', true)).toBe('sleep $1');
  expect(shapeOf('x'.repeat(5000), true)).toHaveLength(1000);
});
