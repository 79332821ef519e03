import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SessionFilter } from '../contract/routes/sessions.ts';
import { Session, Statement } from '../contract/session.ts';
import { StoreCore } from './core.ts';
import { APPROVED, DENIED, type FakeQuery, FakeRecordings, fakeExchange, fakeSession } from './test-recordings.ts';

let folder: string;
const open: StoreCore[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cs-store-'));
});
afterEach(() => {
  for (const core of open.splice(0)) core.close();
  rmSync(folder, { recursive: true, force: true });
});

function core(source: FakeRecordings, name = 'index.db', role: 'read' | 'write' = 'write'): StoreCore {
  const one = new StoreCore({ file: join(folder, name), recordingsDir: folder, role, source });
  open.push(one);
  return one;
}

const all = SessionFilter.parse({});
const page = { offset: 0, limit: 100 };
const rebuild = (store: StoreCore, fresh = false) => store.rebuild({ fresh }, () => {}, new AbortController().signal);

const QUERIES: FakeQuery[] = [
  {
    text: 'SELECT id, email FROM public.customers',
    columns: ['id', 'email'],
    rows: [
      ['1', 'x'],
      ['2', null],
    ],
    facts: { masked: { EMAIL_ADDRESS: 1 }, maskedColumns: [[0, [1]]] },
  },
  {
    text: 'UPDATE orders SET total = 1 WHERE id = 7',
    tag: 'UPDATE 1',
    facts: { class: 'write', decision: APPROVED, heldMs: 1500, own: true, objects: ['public.orders'] },
  },
  {
    text: 'DROP DATABASE shop',
    error: { sqlstate: '42501', message: 'Countersign denied this statement' },
    facts: { class: 'destructive', decision: DENIED, own: true },
  },
];

test('a session is found with its statements, counts, entities and objects', async () => {
  const store = core(new FakeRecordings(fakeSession('01A', QUERIES)));
  await store.indexSession('01A');
  const { items, total } = store.sessions(all);
  expect(total).toBe(1);
  expect(Session.parse(items[0])).toMatchObject({
    id: '01A',
    state: 'closed',
    connectionId: 'demo',
    statements: 3,
    asked: 1,
    denied: 1,
    errors: 1,
    rows: 3,
    masked: { EMAIL_ADDRESS: 1 },
    closedAt: '2026-01-02T03:04:08.000Z',
  });
  const statements = store.statements('01A', page);
  expect(statements.total).toBe(3);
  expect(
    statements.items.map((s) => [
      Statement.parse(s).index,
      s.verdict,
      s.rows,
      s.tag,
      s.error?.sqlstate ?? null,
      s.heldMs,
      s.durationMs,
    ]),
  ).toEqual([
    [0, 'allowed', 2, 'SELECT 2', null, 0, 2.5],
    [1, 'asked-approved', 1, 'UPDATE 1', null, 1500, 2.5],
    [2, 'denied', 0, null, '42501', 0, 2.5],
  ]);
  expect(statements.items[0]!.columns.map(({ masked }) => masked)).toEqual([false, true]);
  expect(store.touching('demo', 'public.orders', 10)).toEqual(['01A']);
  expect(store.touching('other', 'public.orders', 10)).toEqual([]);
});

test('results are read from the recording, page by page, also of exchanges that are not held whole', async () => {
  const rows = Array.from({ length: 60_000 }, (_, i) => [String(i), `name ${i} ${'x'.repeat(20)}`]);
  const source = new FakeRecordings(
    fakeSession('01A', [...QUERIES, { text: 'SELECT * FROM big', columns: ['a', 'b'], rows }]),
  );
  expect(source.sessions.get('01A')!.exchanges[3]!.bytesDown).toBeGreaterThan(1024 * 1024);
  const store = core(source);
  await store.indexSession('01A');
  expect(await store.result('01A', 0, page)).toEqual({
    columns: [
      { name: 'id', typeOid: 25, masked: false },
      { name: 'email', typeOid: 25, masked: true },
    ],
    rows: [
      ['1', 'x'],
      ['2', null],
    ],
    offset: 0,
    total: 2,
  });
  const far = await store.result('01A', 3, { offset: 59_998, limit: 10 });
  expect(far.rows).toEqual(rows.slice(59_998));
  expect(far.total).toBe(60_000);
  expect((await store.result('01A', 1, page)).rows).toEqual([]);
  await expect(store.result('01A', 9, page)).rejects.toMatchObject({ code: 'STATEMENT_UNKNOWN' });
});

describe('search', () => {
  test('words, phrases, names with punctuation, prefixes; latest first', async () => {
    const store = core(
      new FakeRecordings(
        fakeSession('01A', QUERIES),
        fakeSession('01B', [{ text: 'SELECT customer_id FROM shop_orders' }]),
      ),
    );
    await rebuild(store);
    const found = (text: string) => store.search({ text }, page).items.map((s) => `${s.sessionId}/${s.index}`);
    expect(found('select')).toEqual(['01B/0', '01A/0']);
    expect(found('public.customers')).toEqual(['01A/0']);
    expect(found('"customers public"')).toEqual([]);
    expect(found('customers public')).toEqual(['01A/0']);
    expect(found('customer_id')).toEqual(['01B/0']);
    expect(found('cust*')).toEqual(['01B/0', '01A/0']);
    expect(found('denied countersign')).toEqual(['01A/2']);
    expect(store.search({ text: 'select' }, { offset: 0, limit: 1 })).toMatchObject({
      total: 2,
      items: [{ sessionId: '01B' }],
    });
  });

  test.each(['"', "'; DROP TABLE x", 'a AND', 'NEAR(', 'text:x', '*', '^a', '(', '-', 'a"b', '\0x', 'NOT', '😀'])(
    '%j is no error',
    async (text) => {
      const store = core(new FakeRecordings(fakeSession('01A', QUERIES)));
      await rebuild(store);
      expect(() => store.search({ text }, page)).not.toThrow();
      expect(() => store.sessions({ ...all, text })).not.toThrow();
    },
  );

  test('sessions by text, verdict, connection, state and time', async () => {
    const store = core(
      new FakeRecordings(
        fakeSession('01A', QUERIES),
        fakeSession('01B', [{ text: 'SELECT 1' }], 'incomplete', '2026-02-01T00:00:00.000Z'),
        fakeSession('01C', [{ text: 'SELECT 2 FROM customers' }], 'closed', '2026-03-01T00:00:00.000Z'),
      ),
    );
    await rebuild(store);
    const ids = (filter: Partial<typeof all>) => store.sessions({ ...all, ...filter }).items.map((s) => s.id);
    expect(ids({})).toEqual(['01C', '01B', '01A']);
    expect(ids({ text: 'customers' })).toEqual(['01C', '01A']);
    expect(ids({ text: 'nowhere' })).toEqual([]);
    expect(ids({ verdict: 'denied' })).toEqual(['01A']);
    expect(ids({ verdict: 'asked' })).toEqual(['01A']);
    expect(ids({ verdict: 'error' })).toEqual(['01A']);
    expect(ids({ state: 'incomplete' })).toEqual(['01B']);
    expect(ids({ connectionId: 'none' })).toEqual([]);
    expect(ids({ since: '2026-02-01T00:00:00Z' })).toEqual(['01C', '01B']);
    expect(ids({ until: '2026-02-01T01:00:00+01:00' })).toEqual(['01A']);
    expect(ids({ offset: 1, limit: 1 })).toEqual(['01B']);
  });
});

describe('going on', () => {
  const grown = (length = 5_000) =>
    Array.from(
      { length },
      (_, i): FakeQuery => ({
        text: `SELECT ${i} FROM t${i % 7}`,
        facts: i % 50 === 0 ? { masked: { US_SSN: 1 } } : {},
      }),
    );
  const content = (store: StoreCore, id: string) => ({
    session: store.session(id),
    statements: store.statements(id, { offset: 0, limit: 10_000 }),
    found: store
      .search({ text: 't3' }, { offset: 0, limit: 10_000 })
      .items.map((s) => s.index)
      .sort((a, b) => a - b),
  });

  test('a live session that is indexed as it grows equals one indexed at its end, and a rebuild', async () => {
    const queries = grown();
    const whole = fakeSession('01A', queries);
    const live = new FakeRecordings();
    const step = core(live, 'step.db');
    for (const upTo of [0, 1, 2, 700, 701, 4_999, 5_000]) {
      live.put({
        recorded: fakeSession('01A', queries.slice(0, upTo), 'open').recorded,
        exchanges: whole.exchanges.slice(0, upTo),
      });
      await step.indexSession('01A');
      expect(step.session('01A')).toMatchObject({ state: 'open', statements: upTo });
    }
    live.put(whole);
    await step.indexSession('01A');
    const once = core(new FakeRecordings(whole), 'once.db');
    await once.indexSession('01A');
    expect(content(step, '01A')).toEqual(content(once, '01A'));
    const before = content(step, '01A');
    await rebuild(step, true);
    expect(content(step, '01A')).toEqual(before);
    expect(before.session).toMatchObject({ state: 'closed', statements: 5_000, masked: { US_SSN: 100 } });
  });

  test('a stop at any batch is gone on from', async () => {
    const source = new FakeRecordings(fakeSession('01A', grown(20_000)));
    const store = core(source);
    const abort = new AbortController();
    const outcome = await store.rebuild({ fresh: false }, () => abort.abort(), abort.signal);
    expect(outcome.stopped).toBe(true);
    const part = store.session('01A')!.statements;
    expect(part).toBeGreaterThan(0);
    expect(part).toBeLessThan(20_000);
    expect(await rebuild(store)).toMatchObject({ stopped: false, sessions: 1, of: 1 });
    expect(store.statements('01A', { offset: 0, limit: 20_000 }).items.map((s) => s.index)).toEqual(
      Array.from({ length: 20_000 }, (_, i) => i),
    );
  });

  test('two writers do not write a statement twice', async () => {
    const source = new FakeRecordings(fakeSession('01A', grown()));
    const [a, b] = [core(source), core(source)];
    await Promise.all([a.indexSession('01A'), b.indexSession('01A')]);
    await a.indexSession('01A');
    expect(a.session('01A')).toMatchObject({ statements: 5_000, state: 'closed' });
    expect(b.search({ text: 't3' }, { offset: 0, limit: 10_000 }).items).toHaveLength(714);
  });

  test('a recording that cannot be read is named, and the others are indexed', async () => {
    const source = new FakeRecordings(fakeSession('01A', QUERIES), fakeSession('01B', QUERIES));
    const readSession = source.readSession.bind(source);
    source.readSession = async (id) => {
      if (id === '01A') throw new Error('its first line is damaged');
      return readSession(id);
    };
    const store = core(source);
    const outcome = await rebuild(store);
    expect(outcome.problems).toEqual(['01A: its first line is damaged']);
    expect(store.sessions(all).items.map((s) => s.id)).toEqual(['01B']);
  });
});

test('a removed session is not found any more, nor its texts, entities and objects', async () => {
  const source = new FakeRecordings(fakeSession('01A', QUERIES), fakeSession('01B', QUERIES));
  const store = core(source);
  await rebuild(store);
  expect(store.removeSession('01A')).toBe(true);
  expect(store.removeSession('01A')).toBe(false);
  expect(store.search({ text: 'customers' }, page).items.map((s) => s.sessionId)).toEqual(['01B']);
  expect(store.search({ text: 'customers' }, page).total).toBe(1);
  expect(store.sessions({ ...all, text: 'customers' }).items.map((s) => s.id)).toEqual(['01B']);
  expect(store.touching('demo', 'public.orders', 10)).toEqual(['01B']);
  expect(() => store.statements('01A', page)).toThrow(expect.objectContaining({ code: 'SESSION_UNKNOWN' }));
  await store.indexSession('01A');
  expect(
    store
      .search({ text: 'customers' }, page)
      .items.map((s) => s.sessionId)
      .sort(),
  ).toEqual(['01A', '01B']);
  source.sessions.delete('01B');
  expect(await rebuild(store)).toMatchObject({ forgotten: 1 });
  expect(store.sessions(all).items.map((s) => s.id)).toEqual(['01A']);
});

test('a reader sees what a writer wrote, and cannot write', async () => {
  const source = new FakeRecordings(fakeSession('01A', QUERIES));
  expect(() => core(source, 'index.db', 'read')).toThrow(expect.objectContaining({ code: 'STORE_MISSING' }));
  const writer = core(source);
  const reader = core(source, 'index.db', 'read');
  await writer.indexSession('01A');
  expect(reader.session('01A')).toMatchObject({ statements: 3 });
  expect(() => reader.removeSession('01A')).toThrow(expect.objectContaining({ code: 'STORE_READ_ONLY' }));
  if (process.platform !== 'win32') expect(statSync(join(folder, 'index.db')).mode & 0o077).toBe(0);
});

test('a redacted request is a statement without text', async () => {
  const session = fakeSession('01A', QUERIES);
  const exchange = fakeExchange(0, QUERIES[0]!);
  session.exchanges[0] = { ...exchange, up: [{ ...exchange.up[0]!, bytes: null }] };
  const store = core(new FakeRecordings(session));
  await store.indexSession('01A');
  expect(store.statements('01A', page).items[0]).toMatchObject({
    op: 'SELECT',
    error: { message: expect.stringContaining('redacted') },
  });
  expect(store.session('01A')).toMatchObject({ statements: 3 });
});
