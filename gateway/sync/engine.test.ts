import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CountersignError } from '../contract/errors.ts';
import { createRecorder } from '../recording/recorder.ts';
import { allFolders, sessionId, sessionInfo, temporaryFolder } from '../recording/test-support.ts';
import { verifySession } from '../recording/verify.ts';
import { type EngineOptions, type EngineSettings, SyncEngine } from './engine.ts';
import { parsePartName } from './part.ts';
import type { StoreTarget } from './ports.ts';
import { assemble, MemoryStore, PREFIX, recordSession, unreachable } from './test-support.ts';

/** Other test files have the machine's processors at the same time. */
vi.setConfig({ testTimeout: 120_000 });

let home: string;
let recordingsDir: string;
let engine: SyncEngine | null = null;
/** Milliseconds that the machine's clock is wrong by. */
let skew = 0;

beforeEach(() => {
  home = temporaryFolder('sync');
  recordingsDir = join(home, 'recordings');
  skew = 0;
});
afterEach(async () => {
  await engine?.close();
  engine = null;
  fs.rmSync(home, { recursive: true });
});

const settings = (overrides: Partial<EngineSettings> = {}): EngineSettings => ({
  store: 'one',
  prefix: PREFIX,
  recipients: [],
  bandwidth: null,
  paused: false,
  ...overrides,
});
const fast = { unreachable: { firstMs: 5, mostMs: 20 }, refused: { firstMs: 5, mostMs: 20 } };

async function start(
  store: StoreTarget | null,
  overrides: Partial<EngineSettings> = {},
  options: Partial<EngineOptions> = {},
): Promise<SyncEngine> {
  engine = new SyncEngine({
    home,
    recordingsDir,
    now: () => Date.now() + skew,
    random: Math.random,
    onProblem: () => {},
    ...options,
    tuning: { partEveryMs: 20, backoff: fast, ...options.tuning },
  });
  await engine.configure(settings(overrides), store);
  await engine.discover();
  return engine;
}

const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 60_000, interval: 10 });
const idle = (one: SyncEngine) =>
  eventually(() => expect(one.status()).toMatchObject({ queue: { objects: 0, sessions: 0 }, oldestWaiting: null }));
const storeFolder = (folder: string) => `${PREFIX}/${folder.slice(folder.indexOf('sessions'))}`;

/** Puts every session of the store together, and lets the auditor's code look at it. */
async function expectAll(store: MemoryStore, identities: readonly string[] = []): Promise<void> {
  for (const folder of await allFolders(recordingsDir)) {
    const into = join(home, 'copies', basename(folder));
    expect(await assemble(store.objects, storeFolder(folder), into, identities)).toMatchObject({
      complete: true,
      conflicts: 0,
    });
    for (const name of fs.readdirSync(folder))
      expect(fs.readFileSync(join(into, name)).equals(fs.readFileSync(join(folder, name)))).toBe(true);
    expect((await verifySession(into)).ok).toBe(true);
  }
}

describe('recordings go to the store', () => {
  it('all of them, the parts of each in order, and nothing twice', async () => {
    for (const n of [1, 2, 3]) await recordSession(recordingsDir, sessionId(n), 50 * n);
    const store = new MemoryStore();
    const one = await start(store);
    await idle(one);
    await expectAll(store);
    expect(new Set(store.order).size).toBe(store.order.length);
    for (const folder of await allFolders(recordingsDir)) {
      const own = store.order.filter((name) => name.startsWith(storeFolder(folder)));
      expect(own).toEqual(own.toSorted());
    }
    expect(one.status().confirmed).toMatchObject({ objects: store.objects.size });
    expect(fs.readdirSync(join(home, 'outbox'))).toEqual([]);
  });

  it('while the session runs: what an auditor has then verifies up to its last head', async () => {
    const store = new MemoryStore();
    const one = await start(store);
    const recorder = createRecorder({ dir: recordingsDir });
    recorder.onSealed((sid, closed) => void one.sealed(sid, closed));
    const session = recorder.open(sessionInfo(sessionId(1)));
    const parts = () => [...store.objects.keys()].length;
    let n = 0;
    while (n < 200 && parts() < 3) {
      session.request(n, Buffer.from(`SELECT ${n}`));
      session.end(n);
      n += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(parts()).toBeGreaterThanOrEqual(3);
    await idle(one);
    const into = join(home, 'open-copy');
    const [folder = ''] = await allFolders(recordingsDir);
    expect(await assemble(new Map(store.objects), storeFolder(folder), into)).toMatchObject({ complete: false });
    const verification = await verifySession(into);
    expect([verification.state, verification.checks.filter(({ status }) => status === 'failed')]).toEqual(['open', []]);
    await session.close('done');
    await recorder.close();
    await idle(one);
    await expectAll(store);
  });

  it('encrypted to those who are named, and to nobody else', async () => {
    await recordSession(recordingsDir, sessionId(1), 50);
    const identity = await generateX25519Identity();
    const store = new MemoryStore();
    const one = await start(store, { recipients: [await identityToRecipient(identity)] });
    await idle(one);
    for (const [name, bytes] of store.objects) {
      expect(parsePartName(basename(name))).toMatchObject({ encrypted: true });
      expect(Buffer.from(bytes).includes('part.json')).toBe(false);
    }
    await expectAll(store, [identity]);
  });

  it('only those that may leave: a local one is not even prepared', async () => {
    await recordSession(recordingsDir, sessionId(1), 5);
    const recorder = createRecorder({ dir: recordingsDir });
    const info = sessionInfo(sessionId(2));
    const local = recorder.open({
      ...info,
      connection: { ...info.connection, sync: 'local' },
    });
    local.request(0, Buffer.from('SELECT 1'));
    await local.close('done');
    await recorder.close();
    const store = new MemoryStore();
    const one = await start(store);
    await idle(one);
    expect([...store.objects.keys()].filter((name) => name.includes(sessionId(2)))).toEqual([]);
    expect(one.status().localSessions).toBe(1);
  });

  it('none while the device belongs to no organisation', async () => {
    await recordSession(recordingsDir, sessionId(1), 5);
    const store = new MemoryStore();
    const one = await start(store, { prefix: null });
    expect(one.status().queue).toMatchObject({ objects: 0, sessions: 1 });
    await one.configure(settings(), store);
    await idle(one);
    await expectAll(store);
  });

  it('to another store from the beginning', async () => {
    await recordSession(recordingsDir, sessionId(1), 20);
    const [first, second] = [new MemoryStore(), new MemoryStore()];
    const one = await start(first);
    await idle(one);
    await one.configure(settings({ store: 'two' }), second);
    await idle(one);
    await expectAll(second);
  });
});

describe('a store that is away', () => {
  it('is tried again, more seldom each time, and gets everything once it is back', async () => {
    await recordSession(recordingsDir, sessionId(1), 50);
    const store = new MemoryStore();
    store.before = unreachable;
    const one = await start(store);
    await eventually(() => expect(store.attempts).toBeGreaterThan(5));
    expect(one.status()).toMatchObject({ failing: true, lastError: { sentence: 'the store does not answer' } });
    store.before = () => {};
    await idle(one);
    expect(one.status()).toMatchObject({ failing: false, lastError: null });
    await expectAll(store);
  });

  it('does not fill this disk: what waits stays where it was recorded', async () => {
    for (const n of [1, 2, 3, 4, 5, 6]) await recordSession(recordingsDir, sessionId(n), 60);
    const store = new MemoryStore();
    store.before = unreachable;
    const one = await start(store, {}, { tuning: { stagedBytes: 100_000 } });
    await eventually(() => expect(store.attempts).toBeGreaterThan(10));
    const staged = fs.readdirSync(join(home, 'outbox')).length;
    expect(staged).toBeLessThan(6);
    expect(one.status().queue.bytes).toBeGreaterThan(300_000);
    store.before = () => {};
    await idle(one);
    await expectAll(store);
  });

  it('gets nothing while paused, and the rest after a restart', async () => {
    await recordSession(recordingsDir, sessionId(1), 50);
    const store = new MemoryStore();
    const one = await start(store, { paused: true });
    expect(one.status().queue).toMatchObject({ objects: 0, sessions: 1 });
    await one.configure(settings(), store);
    await eventually(() => expect(store.order).not.toEqual([]));
    await one.configure(settings({ paused: true }), store);
    await one.close();
    const two = await start(store);
    await idle(two);
    await expectAll(store);
  });

  it.each([-86_400_000, 86_400_000])('is back in time with a clock that jumps by %i ms', async (jump) => {
    await recordSession(recordingsDir, sessionId(1), 50);
    const store = new MemoryStore();
    store.before = unreachable;
    const one = await start(store);
    await eventually(() => expect(store.attempts).toBeGreaterThan(3));
    skew = jump;
    store.before = () => {};
    await idle(one);
    await expectAll(store);
  });

  it('that is full or refuses keeps everything waiting, and says so', async () => {
    await recordSession(recordingsDir, sessionId(1), 50);
    const store = new MemoryStore();
    const one = await start(store, { prefix: null });
    for (const failure of ['SYNC_FULL', 'SYNC_REFUSED']) {
      store.before = () => {
        throw new CountersignError(failure, `told ${failure}`);
      };
      await one.configure(settings(), store);
      await eventually(() => expect(one.status().lastError?.sentence).toBe(`told ${failure}`));
      expect(one.status().queue.objects).toBeGreaterThan(0);
    }
    store.before = () => {};
    one.now();
    await idle(one);
    await expectAll(store);
  });
});

describe('what is under our own name', () => {
  const nameOf = async (n: number) => {
    const [folder = ''] = await allFolders(recordingsDir);
    return `${storeFolder(folder)}/part-${String(n).padStart(6, '0')}`;
  };

  it('and was cut off is written again under the next name', async () => {
    await recordSession(recordingsDir, sessionId(1), 50);
    const store = new MemoryStore();
    let cut = true;
    store.after = (name) => {
      if (!cut) return;
      cut = false;
      store.objects.set(name, store.objects.get(name)!.subarray(0, 1000));
      throw new CountersignError('SYNC_UNREACHABLE', 'the connection broke');
    };
    const one = await start(store);
    await idle(one);
    expect([...store.objects.keys()]).toContain(`${await nameOf(0)}.r1.tar`);
    expect(one.status().findings).toEqual([]);
    await expectAll(store);
  });

  it('and arrived although nobody was told is not sent again', async () => {
    await recordSession(recordingsDir, sessionId(1), 50);
    const store = new MemoryStore();
    let lost = true;
    store.after = () => {
      if (!lost) return;
      lost = false;
      throw new CountersignError('SYNC_UNREACHABLE', 'the connection broke');
    };
    await idle(await start(store));
    expect([...store.objects.keys()].some((name) => name.includes('.r1'))).toBe(false);
    await expectAll(store);
  });

  it('and somebody else’s is a finding, and ours goes beside it', async () => {
    await recordSession(recordingsDir, sessionId(1), 50);
    const store = new MemoryStore();
    store.objects.set(`${await nameOf(0)}.tar`, Buffer.from('forged'));
    const one = await start(store);
    await idle(one);
    expect(one.status().findings).toMatchObject([{ sentence: expect.stringContaining('another content') }]);
    await expectAll(store);
  });

  it('in a drop box where nobody reads gets another name where its length is another', async () => {
    await recordSession(recordingsDir, sessionId(1), 50);
    const store = new MemoryStore();
    store.canRead = false;
    store.objects.set(`${await nameOf(0)}.tar`, Buffer.from('torso'));
    await idle(await start(store));
    await expectAll(store);
  });
});

it('what was staged and lost is made again', async () => {
  await recordSession(recordingsDir, sessionId(1), 50);
  const store = new MemoryStore();
  store.before = unreachable;
  const one = await start(store);
  await eventually(() => expect(one.status().queue.objects).toBe(1));
  for (const file of fs.readdirSync(join(home, 'outbox'))) fs.rmSync(join(home, 'outbox', file));
  store.before = () => {};
  await idle(one);
  await expectAll(store);
});

it('the log’s objects arrive in their order, documents once', async () => {
  const store = new MemoryStore();
  const one = await start(store);
  const object = (name: string) => ({ name: `${PREFIX}/${name}`, bytes: Buffer.from(name) });
  const names = ['log/tile/entries/000.p/2', 'log/tile/0/000.p/2', 'log/checkpoint.2'];
  one.stage('log', names.map(object), { 'log-size/acme': '2' });
  for (let again = 0; again < 3; again += 1) {
    one.stage('document', [object('identity/0a1b2c3d.note')]);
    await idle(one);
  }
  expect(store.order.filter((name) => name.includes('/log/'))).toEqual(names.map((name) => `${PREFIX}/${name}`));
  expect(store.order.filter((name) => name.includes('/identity/'))).toHaveLength(1);
  expect(one.outbox.meta('log-size/acme')).toBe('2');
});

it('an outbox from the future is left as it is', async () => {
  await (await start(null)).close();
  const { default: Database } = await import('better-sqlite3');
  const db = new Database(join(home, 'outbox.db'));
  db.pragma('user_version = 9990');
  db.close();
  await expect(start(null)).rejects.toMatchObject({ code: 'SYNC_FROM_FUTURE' });
  engine = null;
});
