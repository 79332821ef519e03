import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SessionFilter } from '../contract/routes/sessions.ts';
import { createRecorder } from '../recording/recorder.ts';
import { recoverRecordings } from '../recording/recovery.ts';
import { mergeLiveSessions } from './merge-live.ts';
import { createStore, type Store } from './store.ts';
import { APPROVED, type FakeQuery, fakeExchange, fakeSession } from './test-recordings.ts';

let folder: string;
let stores: Store[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cs-store-'));
  stores = [];
});
afterEach(async () => {
  for (const store of stores) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const recordingsDir = () => join(folder, 'recordings');
function open(name = 'index.db', readOnly = false): Store {
  const store = createStore({ file: join(folder, name), recordingsDir: recordingsDir(), readOnly });
  stores.push(store);
  return store;
}

const all = SessionFilter.parse({});
const page = { offset: 0, limit: 500 };

/** Records the queries for real. */
async function record(sessions: Record<string, readonly FakeQuery[]>): Promise<void> {
  await recoverRecordings(recordingsDir());
  const recorder = createRecorder({ dir: recordingsDir() });
  for (const [id, queries] of Object.entries(sessions)) {
    const { recorded } = fakeSession(id, [], 'closed', '2026-01-02T03:04:05.000Z');
    const session = recorder.open({ ...recorded.info, id });
    for (const [i, query] of queries.entries()) {
      const { up, down, statements } = fakeExchange(i, query);
      session.request(i, up[0]!.bytes!);
      session.response(i, down[0]!.bytes!);
      const [statement] = statements;
      session.statement(i, { ...statement!, text: i === 0 || statement!.own ? query.text : null });
      session.end(i);
    }
    await session.close('the test is over');
  }
  await recorder.close();
}

const QUERIES: FakeQuery[] = [
  {
    text: 'SELECT id, email FROM customers',
    columns: ['id', 'email'],
    rows: [
      ['1', 'x'],
      ['2', null],
    ],
  },
  {
    text: 'UPDATE orders SET total = 1',
    tag: 'UPDATE 3',
    facts: { class: 'write', decision: APPROVED, heldMs: 1500, own: true, objects: ['public.orders'] },
  },
  ...Array.from({ length: 300 }, (_, i): FakeQuery => ({ text: `SELECT ${i}`, columns: ['n'], rows: [[String(i)]] })),
  {
    text: 'SELECT * FROM big',
    columns: ['a', 'b'],
    rows: Array.from({ length: 40_000 }, (_, i) => [String(i), 'y'.repeat(40)]),
  },
];

test('what the recorder wrote is found, and its results are read, through the workers', async () => {
  await record({
    '01AAA': QUERIES,
    '01BBB': [
      {
        text: 'SELECT 1 FROM nowhere',
        error: { sqlstate: '42P01', message: 'no such relation' },
        facts: { own: true },
      },
    ],
  });
  const store = open();
  const seen: number[] = [];
  const outcome = await store.rebuild({ progress: ({ sessions }) => seen.push(sessions) });
  expect(outcome).toMatchObject({ sessions: 2, of: 2, statements: 304, problems: [], stopped: false });
  const session = await store.session('01AAA');
  expect(session).toMatchObject({ state: 'closed', statements: 303, asked: 1, rows: 40_305, agent: { name: 'psql' } });
  const { items } = await store.statements('01AAA', page);
  expect(items[0]).toMatchObject({
    text: 'SELECT id, email FROM customers',
    verdict: 'allowed',
    op: 'SELECT',
    class: 'read',
  });
  expect(items[1]).toMatchObject({ verdict: 'asked-approved', heldMs: 1500, tag: 'UPDATE 3', decidedBy: 'ann' });
  expect(items[301]).toMatchObject({ text: 'SELECT 299', rows: 1 });
  expect((await store.result('01AAA', 0, page)).rows).toEqual([
    ['1', 'x'],
    ['2', null],
  ]);
  expect((await store.result('01AAA', 150, page)).rows).toEqual([['148']]);
  expect((await store.result('01AAA', 302, { offset: 39_999, limit: 5 })).rows).toEqual([['39999', 'y'.repeat(40)]]);
  expect((await store.search({ text: 'nowhere' }, page)).items).toMatchObject([
    { sessionId: '01BBB', error: { sqlstate: '42P01' } },
  ]);
  expect(await store.touching('demo', 'public.orders', 5)).toEqual(['01AAA']);
  await expect(store.statements('nope', page)).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });

  const reader = open('index.db', true);
  expect((await reader.sessions(all)).total).toBe(2);
  await expect(reader.indexSession('01AAA')).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
});

test('reads are answered while sessions are indexed; closing ends a rebuild', async () => {
  await record({ '01AAA': Array.from({ length: 6_000 }, (_, i): FakeQuery => ({ text: `SELECT ${i} AS n` })) });
  const store = open();
  const rebuilt = store.rebuild();
  let during = 0;
  let over = false;
  void rebuilt.then(() => {
    over = true;
  });
  while (!over) {
    await store.sessions(all);
    during++;
  }
  expect(during).toBeGreaterThan(1);
  expect((await store.session('01AAA'))?.statements).toBe(6_000);

  const other = open('other.db');
  const stopped = other.rebuild({ progress: () => {} }).catch((error) => error);
  await other.close();
  expect((await stopped).stopped ?? true).toBe(true);
  await expect(other.sessions(all)).rejects.toMatchObject({ code: 'STORE_CLOSED' });
});

test('a rebuild equals what was indexed as it came', async () => {
  await record({ '01AAA': QUERIES, '01BBB': QUERIES.slice(0, 50) });
  const [step, fresh] = [open('step.db'), open('fresh.db')];
  await step.indexSession('01BBB');
  await step.indexSession('01AAA');
  await fresh.rebuild();
  const content = async (store: Store) => ({
    sessions: await store.sessions(all),
    a: await store.statements('01AAA', page),
    b: await store.statements('01BBB', page),
  });
  expect(await content(step)).toEqual(await content(fresh));
  const before = await content(step);
  await step.rebuild({ fresh: true });
  expect(await content(step)).toEqual(before);
});

test('live sessions take the place of what the index says of them', () => {
  const session = (id: string, openedAt: string, changes = {}) => ({
    id,
    state: 'closed' as const,
    connectionId: 'demo',
    protocol: 'postgres' as const,
    database: 'd',
    role: 'r',
    applicationName: '',
    identity: { subject: 'a', display: 'A', kind: 'local' as const, verified: false, groups: [] },
    agent: { pid: 1, name: 'x', parents: [] },
    conversationId: null,
    mode: 'enforce' as const,
    openedAt,
    closedAt: null,
    statements: 0,
    asked: 0,
    denied: 0,
    errors: 0,
    rows: 0,
    bytesUp: 0,
    bytesDown: 0,
    masked: {},
    ...changes,
  });
  const old = session('A', '2026-01-01T00:00:00.000Z');
  const stale = session('B', '2026-01-02T00:00:00.000Z', { state: 'open', statements: 1 });
  const live = [
    session('B', '2026-01-02T00:00:00.000Z', { state: 'open', statements: 9 }),
    session('C', '2026-01-03T00:00:00.000Z', { state: 'open' }),
  ];
  const indexed = { items: [stale, old], total: 2 };
  const merged = mergeLiveSessions(indexed, live, all);
  expect(merged.items.map((s) => [s.id, s.statements])).toEqual([
    ['C', 0],
    ['B', 9],
    ['A', 0],
  ]);
  expect(merged.total).toBe(3);
  expect(mergeLiveSessions(indexed, live, { ...all, state: 'closed' })).toMatchObject({
    total: 1,
    items: [{ id: 'A' }],
  });
  expect(mergeLiveSessions(indexed, live, { ...all, text: 'x' }).items.map((s) => s.id)).toEqual(['B', 'A']);
  const full = mergeLiveSessions({ items: [stale], total: 7 }, [...live, session('0', '2025-01-01T00:00:00.000Z')], {
    ...all,
    limit: 1,
  });
  expect(full).toMatchObject({ total: 8, items: [{ id: 'C' }] });
});
