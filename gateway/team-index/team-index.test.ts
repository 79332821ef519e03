import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import type { StatementFilter } from '../contract/search.ts';
import { StoreCore } from '../store/core.ts';
import {
  APPROVED,
  DENIED,
  type FakeQuery,
  FakeRecordings,
  type FakeSession,
  fakeSession,
} from '../store/test-recordings.ts';
import type { TeamSession } from './batch.ts';
import { connectTeamDb, type TeamDb } from './connect.ts';
import { forgetBefore, liftHold, listHolds, setHold } from './retention.ts';
import { ensureSchema } from './schema.ts';
import { searchTeamIndex } from './search.ts';
import { indexTeam } from './writer.ts';

let server: TestPostgres;
let number = 0;
let url: string;
let db: TeamDb;
const open: TeamDb[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  for (const one of open) await one.end();
  await server.stop();
});
beforeEach(async () => {
  const name = `team${number++}`;
  await server.query(`CREATE DATABASE ${name}`);
  url = `postgres://postgres@127.0.0.1:${server.port}/${name}`;
  db = await connected();
});

const nobody = () => Promise.reject(new Error('nobody answers'));

async function connected(): Promise<TeamDb> {
  const one = await connectTeamDb(url, { env: { PGPASSWORD: server.password }, askPassword: nobody });
  open.push(one);
  await ensureSchema(one, { make: true });
  return one;
}

const never = new AbortController().signal;
const sessionsOf = (source: FakeRecordings, stamp = '1'): TeamSession[] =>
  [...source.sessions.keys()].map((id) => ({ id, folder: id, device: DEVICES.get(id) ?? null, stamp }));
const DEVICES = new Map([['01B', '01DEVICE']]);
const index = (source: FakeRecordings, stamp?: string) =>
  indexTeam(db, source, sessionsOf(source, stamp), { signal: never });
const page = { offset: 0, limit: 1_000 };
const found = async (filter: StatementFilter) =>
  (await searchTeamIndex(db, filter, page)).items.map((s) => `${s.sessionId}/${s.index}`);
const count = async (table: string) => Number((await db.query(`SELECT count(*) AS n FROM ${table}`)).rows[0].n);

const QUERIES: FakeQuery[] = [
  {
    text: 'SELECT id, email FROM public.customers',
    columns: ['id', 'email'],
    rows: [['1', 'x']],
    facts: { masked: { EMAIL_ADDRESS: 1 }, maskedColumns: [[0, [1]]], objects: ['public.customers'] },
  },
  {
    text: 'UPDATE orders SET total = 1',
    tag: 'UPDATE 1',
    facts: { decision: APPROVED, own: true, objects: ['orders'] },
  },
  { text: 'DROP DATABASE shop', error: { sqlstate: '42501', message: 'no' }, facts: { decision: DENIED, own: true } },
];

/** With all times moved by so many microseconds. */
function moved(session: FakeSession, by: number): FakeSession {
  for (const exchange of session.exchanges) {
    for (const piece of [...exchange.up, ...exchange.down]) piece.at += by;
  }
  return session;
}

test('what is found is what the index on one machine finds, as it shows it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cs-team-'));
  const source = new FakeRecordings(fakeSession('01A', QUERIES), moved(fakeSession('01B', QUERIES), 500));
  const store = new StoreCore({ file: join(folder, 'index.db'), recordingsDir: folder, role: 'write', source });
  try {
    await store.rebuild({ fresh: false, devices: DEVICES }, () => {}, never);
    expect(await index(source)).toMatchObject({ seen: 2, written: 2, statements: 6, problems: [] });
    const here = store.search({}, page);
    expect(here.total).toBe(6);
    expect(await searchTeamIndex(db, {}, page)).toEqual(here);
  } finally {
    store.close();
    rmSync(folder, { recursive: true });
  }
});

const WORDS = ['select', 'Public.orders', 'customer_id', 'größe', 'x1', "it's", '"a b"', '\\N', '\t', '🙂', 'İ', '42'];
const OBJECTS = ['public.orders', 'orders', 'audit.Orders', 'staff'];
const anyQuery: fc.Arbitrary<FakeQuery> = fc.record({
  text: fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 6 }).map((words) => words.join(' ')),
  facts: fc.record<NonNullable<FakeQuery['facts']>>({
    objects: fc.subarray(OBJECTS),
    decision: fc.constantFrom(APPROVED, DENIED, { ...APPROVED, decidedBy: 'Bob' }),
    masked: fc.constantFrom<Record<string, number> | null>(null, { EMAIL_ADDRESS: 2 }, { US_SSN: 1, PERSON: 1 }),
    own: fc.constant(true),
  }),
});
const anyFilter: fc.Arbitrary<StatementFilter> = fc.record(
  {
    text: fc.constantFrom(...WORDS, 'select x1', 'orders*', 'cust*', '"public orders"', 'id 4*', 'grosse', '""'),
    person: fc.constantFrom('ann', 'An*', 'bob', 'nobody'),
    agent: fc.constantFrom('psql', 'CURSOR', 'c*'),
    connection: fc.constantFrom('demo', 'prod'),
    device: fc.constantFrom('01device', 'x'),
    table: fc.constantFrom('orders', 'public.orders', 'STAFF', 'o*'),
    approver: fc.constantFrom('ann', 'BOB'),
    entity: fc.constantFrom('email_address', 'us*'),
    verdict: fc.constantFrom('asked', 'asked-approved', 'denied', 'error', 'allowed'),
    since: fc.constantFrom('2026-01-02T03:04:07Z'),
    until: fc.constantFrom('2026-01-02T03:04:09Z', '2026-01-02T04:04:09.5+01:00'),
  },
  { requiredKeys: [] },
);

test('whatever is looked for, both indexes answer the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cs-team-'));
  const [all] = fc.sample(
    fc.array(fc.array(anyQuery, { minLength: 20, maxLength: 40 }), { minLength: 5, maxLength: 8 }),
    1,
  );
  const source = new FakeRecordings(
    ...all!.map((queries, i) => {
      const session = moved(fakeSession(`01${'ABCDEFGH'[i]}`, queries), i * 7);
      const { info } = session.recorded;
      if (i % 2 === 1) {
        info.agent = { ...info.agent, name: 'Cursor' };
        info.connection = { ...info.connection, id: 'prod' };
      }
      if (i % 3 === 1) info.identity = { ...info.identity, subject: 'bob', display: 'Ann-Kathrin' };
      return session;
    }),
  );
  const store = new StoreCore({ file: join(folder, 'index.db'), recordingsDir: folder, role: 'write', source });
  try {
    await store.rebuild({ fresh: false, devices: DEVICES }, () => {}, never);
    await index(source);
    let hits = 0;
    await fc.assert(
      fc.asyncProperty(anyFilter, fc.integer({ min: 0, max: 3 }), async (filter, offset) => {
        const some = { offset, limit: 20 };
        const here = store.search(filter, some);
        hits += here.items.length;
        expect(await searchTeamIndex(db, filter, some)).toEqual(here);
      }),
      { numRuns: 200 },
    );
    expect(hits).toBeGreaterThan(0);
  } finally {
    store.close();
    rmSync(folder, { recursive: true });
  }
});

describe('import', () => {
  test('a second run adds only what is new, and a changed session replaces its rows', async () => {
    const source = new FakeRecordings(fakeSession('01A', QUERIES), fakeSession('01B', QUERIES));
    await index(source);
    expect(await index(source)).toMatchObject({ seen: 2, written: 0, statements: 0 });
    source.put(fakeSession('01C', QUERIES));
    expect(await index(source)).toMatchObject({ seen: 3, written: 1, statements: 3 });
    source.put(fakeSession('01B', [{ text: 'VACUUM' }]));
    expect(
      await indexTeam(db, source, [{ id: '01B', folder: '01B', device: null, stamp: '2' }], { signal: never }),
    ).toMatchObject({
      written: 1,
      statements: 1,
    });
    expect((await found({ text: 'database' })).sort()).toEqual(['01A/2', '01C/2']);
    expect(await found({ text: 'vacuum' })).toEqual(['01B/0']);
    expect(await count('statements')).toBe(7);
    expect(await count('sessions')).toBe(3);
  });

  test('one that was stopped within a session is gone on with', async () => {
    const large = Array.from({ length: 25_000 }, (_, i): FakeQuery => ({ text: `SELECT ${i} FROM t${i % 5}` }));
    const source = new FakeRecordings(fakeSession('01A', QUERIES), fakeSession('01L', large));
    const stop = new AbortController();
    const stopped = await indexTeam(db, source, sessionsOf(source), {
      signal: stop.signal,
      progress: () => stop.abort(),
    });
    expect(stopped).toMatchObject({ stopped: true });
    expect(await count('statements')).toBeLessThan(25_003);
    expect(await index(source)).toMatchObject({ stopped: false, written: 1, problems: [] });
    expect(await count('statements')).toBe(25_003);
    expect((await searchTeamIndex(db, { table: 'x' }, page)).total).toBe(0);
    expect((await searchTeamIndex(db, { text: 't3' }, page)).total).toBe(5_000);
  });

  test('hostile texts, names and times are stored, and a recording that cannot be read is named', async () => {
    const bad = fakeSession('01A', [
      {
        text: `a\tb\\N\n\\. ${'é'.repeat(100_000)}`,
        facts: { objects: ["x'; DROP", '\u{1f600}'.repeat(400), 'a\ud800b'] },
      },
      { text: 'lone \ud800 half' },
    ]);
    bad.exchanges[1]!.up[0]!.at = 1;
    bad.recorded.info.identity.display = 'N\0UL \udfff';
    bad.recorded.info.agent.name = '\ud800';
    const source = new FakeRecordings(bad, fakeSession('01B', QUERIES));
    const read = source.readSession.bind(source);
    source.readSession = async (id) => {
      if (id === '01B') throw new Error('its first line is damaged');
      return read(id);
    };
    expect(await index(source)).toMatchObject({ written: 1, problems: ['01B: its first line is damaged'] });
    expect(await found({ text: 'half' })).toEqual(['01A/1']);
    expect(await found({ table: "x'; drop" })).toEqual(['01A/0']);
    expect((await searchTeamIndex(db, { text: 'half' }, page)).items[0]!.startedAt).toBe('1970-01-01T00:00:00.000Z');
  });

  test('two do not write at once', async () => {
    await index(new FakeRecordings());
    const other = await connected();
    await expect(indexTeam(other, new FakeRecordings(), [], { signal: never })).rejects.toMatchObject({
      code: 'TEAM_INDEX_BUSY',
    });
  });
});

describe('retention', () => {
  const DAY_US = 86_400_000_000;
  const old = (id: string, days: number) =>
    moved(fakeSession(id, QUERIES, 'closed', '2025-01-01T00:00:00.000Z'), -days * DAY_US);
  const forget = (before: string, dryRun = false) => forgetBefore(db, new Date(before), { why: 'old', dryRun });

  test('drops whole months, deletes from shared ones, and does not take them in again', async () => {
    const source = new FakeRecordings(old('01A', 300), old('01B', 40), old('01C', 35), old('01D', 1));
    await index(source);
    const dry = await forget('2025-12-01T00:00:00Z', true);
    expect(dry).toMatchObject({ sessions: 3, statements: 9, held: 0 });
    expect(await count('statements')).toBe(12);
    expect(await forget('2025-12-01T00:00:00Z')).toEqual(dry);
    expect(await found({ text: 'database' })).toEqual(['01D/2']);
    expect(await index(source)).toMatchObject({ written: 0 });
    expect(await count('statements')).toBe(3);
    expect(await count('facts')).toBe(3);
    expect(await found({ device: '01device' })).toEqual([]);
    expect(Number((await db.query("SELECT count(*) AS n FROM facets WHERE kind = 'device'")).rows[0].n)).toBe(0);
  });

  test.each(['01A', 'connection:demo', 'all'])('a hold on %s wins until it is lifted', async (what) => {
    const source = new FakeRecordings(old('01A', 300), old('01D', 1));
    await index(source);
    await setHold(db, { what, why: 'a case', by: 'eve' });
    expect(await listHolds(db)).toMatchObject([{ what, why: 'a case', by: 'eve' }]);
    await expect(setHold(db, { what, why: 'a case', by: 'eve' })).rejects.toMatchObject({ code: 'HOLD_SET' });
    expect(await forget('2025-12-01T00:00:00Z')).toMatchObject({ sessions: 0, held: 1, months: [] });
    expect(await count('statements')).toBe(6);
    await liftHold(db, what);
    expect(await forget('2025-12-01T00:00:00Z')).toMatchObject({ sessions: 1, held: 0, months: ['statements_202503'] });
    expect(await count('statements')).toBe(3);
    await expect(liftHold(db, what)).rejects.toMatchObject({ code: 'HOLD_UNKNOWN' });
  });
});

describe('connecting', () => {
  test('the password is never in the URL; it is asked for where nothing else has it', async () => {
    const asked: string[] = [];
    const env = { HOME: '/nowhere' };
    const askPassword = async (question: string) => {
      asked.push(question);
      return server.password;
    };
    const one = await connectTeamDb(url, { env, askPassword });
    open.push(one);
    expect(asked).toEqual(['Password of postgres at 127.0.0.1: ']);
    await expect(
      connectTeamDb(url.replace('postgres@', 'postgres:secret@'), { env, askPassword: nobody }),
    ).rejects.toMatchObject({ code: 'REPLAY_URL', message: expect.not.stringContaining('secret') });
    await expect(connectTeamDb(url, { env: { PGPASSWORD: 'wrong one' }, askPassword: nobody })).rejects.toMatchObject({
      code: 'TEAM_INDEX_UNREACHABLE',
      message: expect.not.stringContaining('wrong one'),
    });
  });

  test('a database without an index, and one of a newer program', async () => {
    const name = `team${number++}`;
    await server.query(`CREATE DATABASE ${name}`);
    const there = url.replace(/team\d+$/, name);
    const empty = await connectTeamDb(there, { env: { PGPASSWORD: server.password }, askPassword: nobody });
    open.push(empty);
    await expect(ensureSchema(empty, { make: false })).rejects.toMatchObject({ code: 'TEAM_INDEX_MISSING' });
    await db.query('UPDATE version SET version = 99');
    await expect(ensureSchema(db, { make: true })).rejects.toMatchObject({ code: 'TEAM_INDEX_FROM_FUTURE' });
  });
});
