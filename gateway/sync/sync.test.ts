import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Device, openDevice } from '../evidence/device/device.ts';
import { acceptEnrolment, askEnrolment, takeTrust } from '../evidence/device/membership.ts';
import { parseCheckpoint } from '../evidence/format/checkpoint.ts';
import type { TrustNote } from '../evidence/format/documents.ts';
import { type LogEntry, LogEntry as LogEntrySchema } from '../evidence/format/log-entries.ts';
import { signDocument } from '../evidence/format/signed-document.ts';
import { testSigner } from '../evidence/format/test-keys.ts';
import { always, chainOf, month, rootVkey, vkeyOf } from '../evidence/trust/test-trust.ts';
import { allFolders, sessionId, temporaryFolder } from '../recording/test-support.ts';
import { verifySession } from '../recording/verify.ts';
import { createServiceSync } from './service-sync.ts';
import type { Sync } from './sync.ts';
import { assemble, recordSession } from './test-support.ts';

const DEVICE = '01JTESTDEVCE00000000000001';
const DAY = 86_400_000;
const authority = testSigner('countersign/authority/helpdesk');

/** Other test files have the machine's processors at the same time. */
vi.setConfig({ testTimeout: 120_000 });

let home: string;
let recordingsDir: string;
let device: Device;
let sync: Sync;
/** What the gateway's clock is ahead of this machine's. */
let ahead = 0;
let secrets: Map<string, string>;
let problems: string[];
let budget: string | null;
let forgotten: string[];
let ticks: (() => void)[];

const now = () => Date.UTC(2026, 5, 1) + (Date.now() - started) + ahead;
let started = 0;

beforeEach(async () => {
  home = temporaryFolder('service-sync');
  recordingsDir = join(home, 'recordings');
  started = Date.now();
  ahead = 0;
  secrets = new Map();
  problems = [];
  budget = null;
  forgotten = [];
  ticks = [];
  device = await openDevice({
    places: { home, protection: 'protected', passphrase: async () => null, keyring: async () => null },
    clock: { now },
    version: '1',
    name: 'laptop',
    account: 'ada',
    newId: () => DEVICE,
  });
  fs.mkdirSync(join(home, 'store'));
  begin();
});
afterEach(async () => {
  await sync.close();
  await device.close();
  fs.rmSync(home, { recursive: true });
});

function begin(): void {
  sync = createServiceSync({
    home,
    recordingsDir,
    clock: { now },
    every: (_, run) => {
      ticks.push(run);
      return () => {};
    },
    vault: {
      read: async (id) => secrets.get(id) ?? null,
      write: async (id, secret) => void secrets.set(id, secret),
      remove: async (id) => void secrets.delete(id),
      has: async (id) => secrets.has(id),
    },
    device,
    forget: async (sid) => void forgotten.push(sid),
    onBudget: (sentence) => {
      budget = sentence;
    },
    onProblem: (sentence) => problems.push(sentence),
  });
}

const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 60_000, interval: 20 });
const tick = () => {
  for (const run of ticks) run();
};
const setup = (more: Partial<Parameters<Sync['setUp']>[0]> = {}) =>
  sync.setUp({ target: { kind: 'folder', path: join(home, 'store') }, sameStore: false, secrets: {}, ...more });

/** Makes the device the organisation's, by an authority that its root named. */
async function enrol(more: Partial<TrustNote> = {}): Promise<void> {
  await askEnrolment(device, rootVkey);
  const authorities = [{ ...always(), vkey: vkeyOf(authority) }];
  await takeTrust(device, chainOf([{ authorities, ...more }]));
  const enrolment = {
    v: 1,
    org: 'acme',
    device: DEVICE,
    vkey: device.key.vkey,
    name: 'laptop',
    account: 'ada',
    protection: 'protected',
    from: month(1),
    until: month(12),
    by: 'helpdesk',
  } as const;
  await acceptEnrolment(device, signDocument('enrolment', enrolment, [authority]));
}

function objects(): Map<string, Uint8Array> {
  const store = join(home, 'store');
  return new Map(
    fs
      .readdirSync(store, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => {
        const file = join(entry.parentPath, entry.name);
        return [file.slice(store.length + 1), fs.readFileSync(file)] as const;
      })
      .filter(([name]) => name.startsWith('acme/')),
  );
}

const upToDate = () =>
  eventually(async () => {
    tick();
    expect(await sync.status()).toMatchObject({ state: 'up-to-date', queue: { objects: 0, sessions: 0 } });
  });

async function entries(): Promise<LogEntry[]> {
  const found: LogEntry[] = [];
  for await (const bytes of device.log.entries(0))
    found.push(LogEntrySchema.parse(JSON.parse(Buffer.from(bytes).toString())));
  return found;
}

describe('a device of an organisation', () => {
  it('sends recordings, its log and who it is; what is read belongs together', async () => {
    await recordSession(recordingsDir, sessionId(1), 20);
    await enrol();
    await sync.start();
    await setup();
    await upToDate();
    const found = objects();
    const names = [...found.keys()];
    expect(names.filter((name) => name.includes('/identity/'))).toHaveLength(1);
    await eventually(() => {
      const checkpoints = [...objects()].filter(([name]) => name.includes('/log/checkpoint.'));
      const sizes = checkpoints.map(([, bytes]) => parseCheckpoint(bytes).size);
      expect(Math.max(...sizes)).toBe(device.log.size);
    });
    for (const name of device.log.tiles(0, device.log.size))
      expect(Buffer.from(objects().get(`acme/${DEVICE}/log/${name}`)!)).toEqual(
        Buffer.from(await device.log.readTile(name)),
      );
    const [folder = ''] = await allFolders(recordingsDir);
    const inStore = `acme/${DEVICE}/${folder.slice(folder.indexOf('sessions'))}`;
    const copy = join(home, 'copy');
    expect(await assemble(found, inStore, copy)).toMatchObject({ complete: true });
    expect((await verifySession(copy)).ok).toBe(true);
    expect(await sync.status()).toMatchObject({ encryption: { on: false }, target: `folder ${join(home, 'store')}` });
    expect(problems).toEqual([]);
  });

  it('encrypts to the auditors of a trust note that it finds in the store', async () => {
    await enrol();
    await sync.start();
    await setup();
    const identity = await generateX25519Identity();
    const auditor = {
      ...always(),
      name: 'Eve',
      role: 'auditor',
      recipient: await identityToRecipient(identity),
      vkey: null,
    } as const;
    const authorities = [{ ...always(), vkey: vkeyOf(authority) }];
    const [, second] = chainOf([{ authorities }, { auditors: [auditor] }]);
    fs.mkdirSync(join(home, 'store', 'acme', 'trust'), { recursive: true });
    fs.writeFileSync(join(home, 'store', 'acme', 'trust', '000002.note'), second!);
    await sync.now();
    await eventually(async () =>
      expect(await sync.status()).toMatchObject({ encryption: { on: true, recipients: 1 } }),
    );
    await recordSession(recordingsDir, sessionId(1), 20);
    await sync.now();
    await upToDate();
    const [folder = ''] = await allFolders(recordingsDir);
    const inStore = `acme/${DEVICE}/${folder.slice(folder.indexOf('sessions'))}`;
    expect(
      [...objects().keys()].filter((name) => name.startsWith(inStore)).every((name) => name.endsWith('.age')),
    ).toBe(true);
    expect(await assemble(objects(), inStore, join(home, 'copy'), [identity])).toMatchObject({ complete: true });
  });

  it('sends nothing in the clear where those who may read are named and none is valid', async () => {
    const auditor = {
      ...always({ until: month(2) }),
      name: 'Eve',
      role: 'auditor',
      recipient: `age1${'q'.repeat(58)}`,
      vkey: null,
    } as const;
    await recordSession(recordingsDir, sessionId(1), 20);
    await enrol({ auditors: [auditor] });
    await sync.start();
    await setup();
    expect(await sync.status()).toMatchObject({
      state: 'blocked',
      lastError: { sentence: expect.stringContaining('none of them is valid') },
    });
    expect([...objects().keys()]).toEqual([]);
  });

  it('says in its log when something has waited for too long, and when it went', async () => {
    await recordSession(recordingsDir, sessionId(1), 20);
    await enrol();
    await sync.start();
    await setup();
    await sync.setPaused(true);
    await recordSession(recordingsDir, sessionId(2), 20);
    await sync.now();
    await eventually(async () => expect((await sync.status()).queue.sessions).toBeGreaterThan(0));
    // The worker's clock is this machine's, so the gateway's is taken there and beyond.
    ahead = Date.now() - now() + 2 * DAY;
    const gaps = async () => (await entries()).filter((entry) => entry.type === 'gap' && entry.kind === 'sync-overdue');
    await eventually(async () => {
      tick();
      expect(await gaps()).toMatchObject([{ until: '' }]);
    });
    await sync.setPaused(false);
    await eventually(async () => {
      tick();
      expect(await gaps()).toMatchObject([{ until: '' }, { until: expect.stringMatching(/^2026-/) }]);
    });
  });
});

it('is not up to date while something was recorded, or logged, that nobody looked at yet', async () => {
  await enrol();
  await sync.start();
  await setup();
  await upToDate();
  await recordSession(recordingsDir, sessionId(1), 20);
  sync.sealed(sessionId(1), true);
  expect((await sync.status()).state).toBe('sending');
  await upToDate();
  await device.log.append({ type: 'gap', kind: 'observe', from: '', until: '', detail: 'a test' });
  expect((await sync.status()).state).toBe('sending');
  await upToDate();
});

it('a device without an organisation keeps everything, and says what to do', async () => {
  await recordSession(recordingsDir, sessionId(1), 20);
  await sync.start();
  await setup();
  expect(await sync.status()).toMatchObject({
    state: 'blocked',
    lastError: { sentence: expect.stringContaining('countersign device enrol') },
  });
  await enrol();
  await eventually(async () => {
    tick();
    expect((await sync.status()).state).toBe('up-to-date');
  });
});

describe('setting up', () => {
  it.each([
    ['a password of a connection', 'demo', {}, 'CONFIG_BROKEN'],
    ['a secret that nothing names', 'store/password', { 'store/password': 'x', 'store/other': 'x' }, 'CONFIG_BROKEN'],
    ['another place with what was typed before', 'store/password', {}, 'SYNC_SECRET_REQUIRED'],
  ])('refuses %s', async (_, password, given, code) => {
    await sync.start();
    secrets.set('demo', 'the production password');
    secrets.set('store/password', 'typed for another place');
    const target = {
      kind: 'sftp',
      host: '127.0.0.1',
      user: 'ada',
      hostKeys: ['SHA256:x'],
      auth: { method: 'password', password },
    };
    await expect(setup({ target, secrets: given as Record<string, string> })).rejects.toMatchObject({ code });
    expect(fs.existsSync(join(home, 'sync.json'))).toBe(false);
  });

  it('tries the store again and again for nobody: each try may leave an object there for ever', async () => {
    await sync.start();
    await setup();
    const [first, second] = await Promise.all([sync.probe(), sync.probe()]);
    expect(second).toBe(first);
    ahead += 11_000;
    expect(await sync.probe()).not.toBe(first);
  });

  it('refuses a place that cannot be used, and leaves what is set up as it is', async () => {
    await sync.start();
    await setup();
    const before = fs.readFileSync(join(home, 'sync.json'), 'utf8');
    expect(fs.statSync(join(home, 'sync.json')).mode & 0o777).toBe(0o600);
    const target = { kind: 'folder', path: join(home, 'nowhere') };
    await expect(setup({ target })).rejects.toMatchObject({ code: 'SYNC_UNREACHABLE' });
    expect(fs.readFileSync(join(home, 'sync.json'), 'utf8')).toBe(before);
    expect(await sync.status()).toMatchObject({ target: `folder ${join(home, 'store')}` });
  });
});

describe('what stays on this disk', () => {
  it('goes when a person says so; the log says it first, a hold wins, and the copy in the store stays', async () => {
    for (const n of [1, 2]) await recordSession(recordingsDir, sessionId(n), 20);
    await enrol();
    await sync.start();
    await setup();
    await upToDate();
    await sync.keeper.setHold(sessionId(2), 'a lawsuit', 'Ada');
    const before = objects().size;
    const folders = await allFolders(recordingsDir);
    const [gone, held] = [sessionId(1), sessionId(2)].map((sid) => folders.find((folder) => basename(folder) === sid)!);
    await expect(sync.keeper.removeByHand(basename(held!), 'because', 'Ada')).rejects.toMatchObject({
      code: 'SESSION_HELD',
    });
    await sync.keeper.removeByHand(sessionId(1), 'because', 'Ada');
    expect([fs.existsSync(gone!), fs.existsSync(held!)]).toEqual([false, true]);
    expect(forgotten).toEqual([sessionId(1)]);
    expect((await entries()).slice(-2)).toMatchObject([
      { type: 'hold', what: sessionId(2), set: true },
      { type: 'removed', sid: sessionId(1), why: 'because', rule: 'by hand', by: 'Ada', synced: true },
    ]);
    expect(objects().size).toBeGreaterThanOrEqual(before);
    await expect(sync.keeper.removeByHand(sessionId(1), 'because', 'Ada')).rejects.toMatchObject({
      code: 'SESSION_UNKNOWN',
    });
    await sync.keeper.liftHold(sessionId(2), 'settled', 'Ada');
    await sync.keeper.removeByHand(sessionId(2), 'because', 'Ada');
    expect(fs.existsSync(held!)).toBe(false);
  });

  it('that is not in the store is never dropped for the budget: forwarding stops, if so set, until it is', async () => {
    await recordSession(recordingsDir, sessionId(1), 70_000);
    await sync.start();
    await setup({ retention: { budget: { bytes: 64 * 1024 * 1024, whenFull: 'stop-forwarding' } } });
    await eventually(() => expect(budget).toContain('more than the disk budget'));
    expect(await allFolders(recordingsDir)).toHaveLength(1);
    await enrol();
    await eventually(async () => {
      ahead += 61_000;
      tick();
      expect(budget).toBeNull();
    });
    expect(await allFolders(recordingsDir)).toEqual([]);
    expect((await entries()).filter(({ type }) => type === 'removed')).toMatchObject([
      { rule: 'budget', synced: true },
    ]);
  });
});
