import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionRecorder } from '../../../gateway/pipeline/ports.ts';
import { createRecorder, type OpenedRecorder } from '../../../gateway/recording/recorder.ts';
import { allFolders, sessionId, sessionInfo } from '../../../gateway/recording/test-support.ts';
import { verifySession } from '../../../gateway/recording/verify.ts';
import { SyncEngine } from '../../../gateway/sync/engine.ts';
import type { StoreTarget } from '../../../gateway/sync/ports.ts';
import { openTarget } from '../../../gateway/sync/targets/open-target.ts';
import { assemble, PREFIX, recordSession } from '../../../gateway/sync/test-support.ts';
import { component } from '../../components.ts';
import { type SshdOptions, startSshd, type TestSshd } from '../../support/openssh.ts';
import { type Developer, makeDeveloper } from '../../support/protected.ts';
import { anyTime } from '../../support/store-target.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const sshd = component('sshd');
const root = process.getuid?.() === 0;

let home: string;
let recordingsDir: string;
let engine: SyncEngine | null;
let proxy: TcpProxy;
let skew: number;
let problems: string[];

let user: Developer | null = null;
function asUser() {
  if (user === null) {
    user = makeDeveloper();
    execFileSync('usermod', ['--password', '*', user.name]);
  }
  return { name: user.name, uid: user.uid, gid: user.uid };
}
afterAll(() => user?.remove());

function serve(options: () => SshdOptions): () => TestSshd {
  let server: TestSshd;
  beforeAll(async () => {
    server = await startSshd(sshd.path, options());
  });
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'cs-outbox-'));
    recordingsDir = join(home, 'recordings');
    engine = null;
    skew = 0;
    problems = [];
    proxy = await startTcpProxy(server);
  });
  afterEach(async () => {
    await engine?.close();
    await proxy.stop();
    rmSync(home, { recursive: true });
    for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true });
  });
  afterAll(() => server?.stop());
  return () => server;
}

const openStore = (server: TestSshd): StoreTarget =>
  openTarget(
    {
      kind: 'sftp',
      host: server.host,
      port: proxy.port,
      user: server.user,
      path: server.path,
      hostKeys: [server.hostKey],
      auth: { method: 'key-file', file: server.keyFile },
    },
    { read: async () => null },
  );

/** Sends as a gateway does, and more impatiently. */
async function start(store: StoreTarget, outbox = home): Promise<SyncEngine> {
  const soon = { firstMs: 50, mostMs: 200 };
  engine = new SyncEngine({
    home: outbox,
    recordingsDir,
    now: () => Date.now() + skew,
    random: Math.random,
    onProblem: (sentence) => problems.push(sentence),
    tuning: { partEveryMs: 100, partBytes: 512 * 1024, backoff: { unreachable: soon, refused: soon } },
  });
  await engine.configure({ store: 'one', prefix: PREFIX, recipients: [], bandwidth: null, paused: false }, store);
  await engine.discover();
  return engine;
}

const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 90_000, interval: 50 });
const idle = (one: SyncEngine) =>
  eventually(() => expect(one.status()).toMatchObject({ queue: { objects: 0, sessions: 0 }, oldestWaiting: null }));

/** What lies on the server's disk; a drop box has `,` in the names of files where folders could not be made. */
function objectsOf(folder: string): Map<string, Uint8Array> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return [file.slice(folder.length + 1).replaceAll(',', '/'), readFileSync(file)] as const;
    }),
  );
}

async function expectAll(folder: string): Promise<void> {
  const objects = objectsOf(folder);
  for (const session of await allFolders(recordingsDir)) {
    const into = join(home, 'copies', basename(session));
    const inStore = `${PREFIX}/${session.slice(session.indexOf('sessions'))}`;
    const found = await assemble(
      new Map([...objects].filter(([name]) => !basename(name).startsWith('.'))),
      inStore,
      into,
    );
    expect(found).toMatchObject({ complete: true, conflicts: 0 });
    for (const name of readdirSync(session))
      expect(readFileSync(join(into, name)).equals(readFileSync(join(session, name)))).toBe(true);
    expect((await verifySession(into)).ok).toBe(true);
  }
}

/** A session at work: 40 KiB ten times a second. */
function work(session: SessionRecorder): () => void {
  let n = 0;
  const noise = Buffer.alloc(40_000);
  const timer = setInterval(() => {
    for (let i = 0; i < noise.length; i += 4) noise.writeUInt32LE(Math.imul(i + n * 7919, 2654435761) >>> 0, i);
    session.request(n, Buffer.from(`SELECT ${n}`));
    session.response(n, noise);
    session.end(n);
    n += 1;
  }, 100);
  return () => clearInterval(timer);
}

describe.skipIf(sshd.missing)('recordings to an SFTP server', () => {
  const server = serve(() => ({ kind: 'plain' }));
  let recorder: OpenedRecorder;
  const parts = () => objectsOf(server().folder).size;

  it('arrive while the session runs, though the server is killed and the network is cut', async () => {
    const store = openStore(server());
    await store.setUp(anyTime());
    const one = await start(store);
    recorder = createRecorder({ dir: recordingsDir });
    recorder.onSealed((sid, closed) => void one.sealed(sid, closed));
    const session = recorder.open(sessionInfo(sessionId(1)));
    const stop = work(session);
    let before = parts();
    const grows = async () => {
      await eventually(() => expect(parts()).toBeGreaterThan(before + 1));
      before = parts();
    };
    await grows();
    await server().kill();
    await eventually(() => expect(one.status().failing).toBe(true));
    expect(one.status().lastError?.sentence).toContain('127.0.0.1');
    await server().start();
    await grows();
    for (let cut = 0; cut < 3; cut += 1) {
      proxy.cut();
      await eventually(() => expect(one.status().failing).toBe(true));
      proxy.restore();
      await grows();
    }
    stop();
    await session.close('done');
    await recorder.close();
    await idle(one);
    await expectAll(server().folder);
    expect(one.status().findings).toEqual([]);
  });

  it.each([-86_400_000, 86_400_000])('arrive with a clock that jumps by %i ms during an outage', async (jump) => {
    await recordSession(recordingsDir, sessionId(1), 3000);
    const store = openStore(server());
    await store.setUp(anyTime());
    proxy.cut();
    const one = await start(store);
    await eventually(() => expect(one.status().failing).toBe(true));
    skew = jump;
    proxy.restore();
    await idle(one);
    await expectAll(server().folder);
  });

  it.skipIf(!root)(
    'wait where its disk is full, and go on when there is room (needs root, for a small disk)',
    async () => {
      await recordSession(recordingsDir, sessionId(1), 3000);
      const { folder } = server();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', folder]);
      try {
        const store = openStore(server());
        await store.setUp(anyTime());
        const one = await start(store);
        await eventually(() => expect(one.status()).toMatchObject({ failing: true }));
        expect(one.status().lastError?.sentence).toMatch(/full|room/);
        expect(one.status().queue.bytes).toBeGreaterThan(2_000_000);
        execFileSync('mount', ['-o', 'remount,size=50m', folder]);
        await idle(one);
        await expectAll(folder);
        await one.close();
        engine = null;
      } finally {
        execFileSync('umount', ['-l', folder]);
      }
    },
  );

  it.skipIf(!root)(
    'wait where this machine’s disk is full, and lose nothing (needs root, for a small disk)',
    async () => {
      await recordSession(recordingsDir, sessionId(1), 3000);
      const small = join(home, 'small');
      mkdirSync(small);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', small]);
      try {
        const store = openStore(server());
        await store.setUp(anyTime());
        proxy.cut();
        const one = await start(store, small);
        await eventually(() => expect(one.status().queue.objects).toBe(2));
        expect(() => writeFileSync(join(small, 'filler'), Buffer.alloc(4_000_000))).toThrow('ENOSPC');
        proxy.restore();
        await eventually(() => expect(one.status().lastError?.sentence).toContain('disk of the outbox is full'));
        expect(problems).toContainEqual(expect.stringContaining('disk of the outbox is full'));
        rmSync(join(small, 'filler'));
        await idle(one);
        await expectAll(server().folder);
        await one.close();
        engine = null;
      } finally {
        execFileSync('umount', ['-l', small]);
      }
    },
  );
});

const noBox = sshd.missing || (root ? false : 'needs root, for a chroot and an account');
describe.skipIf(noBox)('recordings to a drop box that nobody can look into (needs root)', () => {
  const server = serve(() => ({ kind: 'blind-drop-box', user: asUser() }));

  it('arrive whole, those that were cut under another name', async () => {
    mkdirSync(join(server().folder, PREFIX), { recursive: true });
    execFileSync('chown', ['-R', server().user, server().folder]);
    await recordSession(recordingsDir, sessionId(1), 6000);
    const store = openStore(server());
    await store.setUp(anyTime());
    const one = await start(store);
    for (let cut = 0; cut < 4; cut += 1) {
      const before = objectsOf(server().folder).size;
      await eventually(() => expect(objectsOf(server().folder).size).toBeGreaterThan(before));
      proxy.cut();
      await eventually(() => expect(one.status().failing).toBe(true));
      proxy.restore();
      await eventually(() => expect(one.status().failing).toBe(false));
    }
    await idle(one);
    await expectAll(server().folder);
  });
});
