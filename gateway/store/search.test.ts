import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SessionFilter } from '../contract/routes/sessions.ts';
import type { StatementFilter } from '../contract/search.ts';
import { StoreCore } from './core.ts';
import { migrate } from './migrations/index.ts';
import { APPROVED, DENIED, type FakeQuery, FakeRecordings, fakeSession } from './test-recordings.ts';

let folder: string;
const open: StoreCore[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cs-search-'));
});
afterEach(() => {
  for (const core of open.splice(0)) core.close();
  rmSync(folder, { recursive: true, force: true });
});

function core(source: FakeRecordings): StoreCore {
  const one = new StoreCore({ file: join(folder, 'index.db'), recordingsDir: folder, role: 'write', source });
  open.push(one);
  return one;
}

const page = { offset: 0, limit: 100 };
const DEVICES = new Map([['01B', '01DEVICEB']]);
const rebuild = (store: StoreCore) =>
  store.rebuild({ fresh: false, devices: DEVICES }, () => {}, new AbortController().signal);
const found = (store: StoreCore, filter: StatementFilter) =>
  store.search(filter, page).items.map((s) => `${s.sessionId}/${s.index}`);

const QUERIES: FakeQuery[] = [
  {
    text: 'SELECT email FROM public.customers',
    facts: { objects: ['public.customers'], masked: { EMAIL_ADDRESS: 1 } },
  },
  {
    text: 'UPDATE orders SET total = 1',
    facts: { decision: APPROVED, own: true, objects: ['orders', 'audit.Orders'] },
  },
  { text: 'DROP DATABASE shop', error: { sqlstate: '42501', message: 'no' }, facts: { decision: DENIED, own: true } },
];

/** Two sessions of two persons and agents, an hour apart. */
function recordings(): FakeRecordings {
  const first = fakeSession('01A', QUERIES);
  const second = fakeSession('01B', QUERIES);
  const { info } = second.recorded;
  second.recorded.info = {
    ...info,
    identity: { ...info.identity, subject: 'bob@example.com', display: 'Bob Ross' },
    agent: { ...info.agent, name: 'Cursor' },
    connection: { ...info.connection, id: 'prod' },
  };
  second.exchanges = second.exchanges.map((exchange) => ({
    ...exchange,
    up: exchange.up.map((piece) => ({ ...piece, at: piece.at + 3_600_000_000 })),
    down: exchange.down.map((piece) => ({ ...piece, at: piece.at + 3_600_000_000 })),
  }));
  // The later session is indexed first.
  return new FakeRecordings(second, first);
}

test('what one subject may see is theirs alone, whatever they ask for', async () => {
  const store = core(recordings());
  await rebuild(store);
  const bob = { subject: 'bob@example.com' };
  const ids = (items: { sessionId: string }[]) => [...new Set(items.map(({ sessionId }) => sessionId))];
  expect(ids(store.search({ ...bob }, page).items)).toEqual(['01B']);
  expect(store.search({ ...bob, person: '*', agent: '*' }, page).items.every((s) => s.sessionId === '01B')).toBe(true);
  expect(store.search({ subject: 'Bob@example.com' }, page)).toEqual({ items: [], total: 0 });
  expect(store.sessions({ ...SessionFilter.parse({}), ...bob }).items.map(({ id }) => id)).toEqual(['01B']);
  expect(store.sessions({ ...SessionFilter.parse({}), subject: 'nobody' }).total).toBe(0);
  const since = '2000-01-01T00:00:00.000Z';
  const all = store.summary(since);
  const own = store.summary(since, 'bob@example.com');
  expect([all.sessions, own.sessions, own.operations * 2]).toEqual([2, 1, all.operations]);
  const at = Date.parse(store.session('01B')!.openedAt);
  const days = { days: 366, by: 'verdict' } as const;
  expect(store.insights({ ...days, ...bob }, at).operations * 2).toBe(store.insights(days, at).operations);
  const shapes = store.insightShapes({ days: 366, order: 'asked', limit: 20, ...bob }, at);
  expect(ids(shapes.items)).toEqual(['01B']);
});

describe('filters', () => {
  test.each<[StatementFilter, string[]]>([
    [{}, ['01B/2', '01B/1', '01B/0', '01A/2', '01A/1', '01A/0']],
    [{ person: 'ann' }, ['01A/2', '01A/1', '01A/0']],
    [{ person: 'BOB@example.com', text: 'select' }, ['01B/0']],
    [{ person: 'bob*', text: 'update' }, ['01B/1']],
    [{ person: 'bob ross', verdict: 'denied' }, ['01B/2']],
    [{ person: 'bob' }, []],
    [{ agent: 'cursor', entity: 'email_address' }, ['01B/0']],
    [{ connection: 'prod', table: 'customers' }, ['01B/0']],
    [{ device: '01deviceb', verdict: 'asked' }, ['01B/1']],
    [{ table: 'orders' }, ['01B/1', '01A/1']],
    [{ table: 'audit.orders', connection: 'demo' }, ['01A/1']],
    [{ table: 'public.orders' }, []],
    [{ table: 'pub*' }, ['01B/0', '01A/0']],
    [{ verdict: 'error', person: 'ann' }, ['01A/2']],
    [{ verdict: 'allowed', text: 'email' }, ['01B/0', '01A/0']],
    [{ approver: 'Ann' }, ['01B/1', '01A/1']],
    [{ approver: 'nobody' }, []],
    [{ since: '2026-01-02T04:00:00Z', text: 'total' }, ['01B/1']],
    [{ until: '2026-01-02T05:00:00+01:00' }, ['01A/2', '01A/1', '01A/0']],
    [{ until: '2026-01-02T03:04:06Z', verdict: 'allowed' }, ['01A/0']],
    // Names and words do not reach each other.
    [{ text: 'f1' }, []],
    [{ text: 'v0' }, []],
    [{ text: 'cursor' }, []],
    [{ text: '!!' }, []],
    [{ person: '" OR "f1' }, []],
    [{ table: '%' }, []],
  ])('%j', async (filter, expected) => {
    const store = core(recordings());
    await rebuild(store);
    expect(found(store, filter)).toEqual(expected);
    expect(store.search(filter, page).total).toBe(expected.length);
    expect(store.search(filter, { offset: 1, limit: 1 }).items).toHaveLength(expected.length > 1 ? 1 : 0);
  });

  test('names that too much begins with are refused, not cut', async () => {
    const store = core(
      new FakeRecordings(
        fakeSession('01A', [{ text: 'x', facts: {} }, ...many((i) => ({ text: 'y', facts: { objects: [`t${i}`] } }))]),
      ),
    );
    await rebuild(store);
    expect(() => found(store, { table: 't*' })).toThrow(expect.objectContaining({ code: 'SEARCH_TOO_WIDE' }));
    expect(found(store, { table: 't77*' })).toEqual(
      ['01A/78', '01A/771', ...nine().map((i) => `01A/${i}`)].sort(latest),
    );
  });
});

const many = (query: (i: number) => FakeQuery) => Array.from({ length: 1_100 }, (_, i) => query(i));
const nine = () => Array.from({ length: 9 }, (_, i) => 772 + i);
const latest = (a: string, b: string) => Number(b.slice(4)) - Number(a.slice(4));

test('statements of the same microsecond all have their place, in order', async () => {
  const sessions = ['01A', '01B', '01C'].map((id) => {
    const session = fakeSession(
      id,
      many((i) => ({ text: `SELECT ${i}` })),
    );
    for (const { up } of session.exchanges) up[0]!.at = 1_700_000_000_000_000;
    return session;
  });
  const store = core(new FakeRecordings(...sessions));
  await rebuild(store);
  expect(store.search({ text: 'select' }, page).total).toBe(3_300);
  expect(store.search({ until: '2023-11-14T22:13:20.001Z' }, page).total).toBe(3_300);
  expect(store.search({ since: '2023-11-14T22:13:20.001Z' }, page).total).toBe(0);
  expect(found(store, {}).slice(0, 2)).toEqual(['01C/1099', '01C/1098']);
});

test('a name that another process forgot is not taken for another one', async () => {
  const source = new FakeRecordings(fakeSession('01A', [{ text: 'one', facts: { objects: ['first'] } }]));
  const [here, there] = [core(source), core(source)];
  await here.indexSession('01A');
  there.removeSession('01A');
  source.put(fakeSession('01B', [{ text: 'two', facts: { objects: ['second'] } }]));
  await there.indexSession('01B');
  source.put(fakeSession('01C', [{ text: 'three', facts: { objects: ['first'] } }]));
  await here.indexSession('01C');
  expect(found(here, { table: 'first' })).toEqual(['01C/0']);
  expect(found(here, { table: 'second' })).toEqual(['01B/0']);
});

test('sessions by a word that is everywhere, and by one that is rare', async () => {
  const common = many((i) => ({ text: `SELECT ${i}` }));
  const ids = Array.from({ length: 8 }, (_, i) => `01S${i}`);
  const store = core(new FakeRecordings(...ids.map((id) => fakeSession(id, common)), fakeSession('01T', QUERIES)));
  await rebuild(store);
  const sessions = (text: string) => store.sessions(SessionFilter.parse({ text })).items.map((s) => s.id);
  expect(sessions('select').sort()).toEqual([...ids, '01T']);
  expect(sessions('database')).toEqual(['01T']);
});

test('an index of an older version says that it is not whole until it was rebuilt', async () => {
  const db = new Database(join(folder, 'index.db'));
  migrate(db, 40);
  db.prepare(
    `INSERT INTO sessions (id, state, connection_id, opened_at, database, role, application_name, mode, identity, agent, finished, next_unit)
     VALUES ('01A', 'closed', 'demo', '2026-01-02T03:04:05.000Z', 'd', 'r', 'a', 'enforce', ?, ?, 1, 6)`,
  ).run(JSON.stringify(fakeSession('x', []).recorded.info.identity), '{"pid":1,"name":"psql","parents":[]}');
  db.close();
  const store = core(new FakeRecordings(fakeSession('01A', QUERIES)));
  expect(store.incomplete()).toContain('older Countersign');
  await rebuild(store);
  expect(store.incomplete()).toBe(null);
  expect(found(store, { text: 'database' })).toEqual(['01A/2']);
});
