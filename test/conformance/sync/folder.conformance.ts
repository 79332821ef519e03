import { execFileSync, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoreTarget } from '../../../gateway/sync/ports.ts';
import { openFolderTarget } from '../../../gateway/sync/targets/folder.ts';
import { component } from '../../components.ts';
import { startSshd, type TestSshd } from '../../support/openssh.ts';
import { anyTime, body, fails, largeBody, listed, names, storeContract, text } from '../../support/store-target.ts';

const root = process.getuid?.() === 0 && process.platform === 'linux';

let folder: string;
let store: StoreTarget;
const openStore = () => openFolderTarget({ kind: 'folder', path: folder });
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cs-folder-'));
  store = openStore();
  await store.setUp(anyTime());
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a folder', () => {
  storeContract(() => store);

  it('lists 10,000 objects', async () => {
    for (let day = 0; day < 10; day += 1) {
      mkdirSync(join(folder, 'acme', `${day}`), { recursive: true });
      for (let n = 0; n < 1000; n += 1) writeFileSync(join(folder, 'acme', `${day}`, `part-${n}`), `${n}`);
    }
    const found = await names(store, 'acme/');
    expect(found).toHaveLength(10_000);
    expect(found).toEqual(found.toSorted());
  });

  it('keeps no torso under the name when the gateway is killed in the middle', async () => {
    const child = fork(new URL('./killed-upload.ts', import.meta.url), [folder], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(child, 'message');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readdirSync(join(folder, 'acme'))).toEqual([expect.stringMatching(/^\.x\..*\.part$/)]);
    expect(await names(store, 'acme/')).toEqual([]);
    expect(await store.create('acme/x', body('whole'), anyTime())).toBe('created');
  });
});

describe.skipIf(!root)('a folder on a disk of its own (needs root on Linux to mount it)', () => {
  const mounts: string[] = [];
  const mount = (...args: string[]) => execFileSync('mount', [...args, folder]);
  const mountDisk = async (options: string) => {
    mount('-t', 'tmpfs', '-o', options, 'none');
    mounts.push(folder);
    await store.setUp(anyTime());
  };
  const unmount = () => {
    for (const one of mounts.splice(0)) spawnSync('umount', ['-l', one]);
  };
  afterEach(unmount);
  afterAll(unmount);

  it('says that it is full, leaves no torso, and goes on when there is room', async () => {
    await mountDisk('size=1m');
    await expect(store.create('acme/x', largeBody(3_000_000), anyTime())).rejects.toThrow(fails('SYNC_FULL'));
    await expect(store.create('acme/x', largeBody(3_000_000), anyTime())).rejects.toThrow('no room left');
    expect(readdirSync(join(folder, 'acme'))).toEqual([]);
    expect(await store.create('acme/y', body('small'), anyTime())).toBe('created');
    mount('-o', 'remount,size=8m');
    expect(await store.create('acme/x', largeBody(3_000_000), anyTime())).toBe('created');
  });

  it('says that there are no names left', async () => {
    await mountDisk('size=1m,nr_inodes=8');
    const many = async () => {
      for (let n = 0; n < 10; n += 1) await store.create(`acme/${n}`, body('x'), anyTime());
    };
    await expect(many()).rejects.toThrow(fails('SYNC_FULL'));
  });

  it('writes nothing once the share is unmounted, and goes on when it is back', async () => {
    await mountDisk('size=1m');
    await store.create('acme/x', body('x'), anyTime());
    unmount();
    rmSync(join(folder, 'countersign-store.json'));
    await expect(store.create('acme/y', body('y'), anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    expect(existsSync(join(folder, 'acme'))).toBe(false);
    await mountDisk('size=1m');
    expect(await store.create('acme/y', body('y'), anyTime())).toBe('created');
  });

  it('says that a read-only share refuses, and still reads it', async () => {
    await mountDisk('size=1m');
    await store.create('acme/x', body('x'), anyTime());
    mount('-o', 'remount,ro');
    await expect(store.create('acme/y', body('y'), anyTime())).rejects.toThrow(fails('SYNC_REFUSED'));
    expect(await text(await store.read('acme/x', anyTime()))).toBe('x');
    expect(await listed(store, 'acme/')).toHaveLength(1);
  });

  it('finds a folder that refuses deletion by trying (append-only)', async (context) => {
    const probes = join(folder, 'countersign-probe');
    mkdirSync(probes);
    if (spawnSync('chattr', ['+a', probes]).status !== 0) context.skip('chattr +a does not work on this file system');
    try {
      const found = await store.probe(anyTime());
      expect(found).toMatchObject({ refusesOverwrite: false, refusesDelete: true });
    } finally {
      spawnSync('chattr', ['-a', probes]);
    }
  });
});

const sshfs = component('sshfs');
const sshd = component('sshd');
const noShare = sshfs.missing || sshd.missing || (root ? false : 'needs root, to mount a share');
describe.skipIf(noShare)('a share without hard links, over the network (sshfs, needs root)', () => {
  let server: TestSshd;
  const unmount = () => spawnSync('fusermount', ['-u', '-z', folder]);
  beforeEach(async () => {
    server = await startSshd(sshd.path, { kind: 'plain' });
    rmSync(join(folder, 'countersign-store.json'));
    const known = join(server.keyFile, '..', 'known_hosts');
    writeFileSync(known, `[${server.host}]:${server.port} ${server.hostKeyLine}\n`);
    const options = [`port=${server.port}`, `IdentityFile=${server.keyFile}`, `UserKnownHostsFile=${known}`];
    const all = [...options, 'disable_hardlink', 'ssh_command=ssh -F /dev/null'].flatMap((one) => ['-o', one]);
    execFileSync(sshfs.path, [`${server.user}@${server.host}:${server.path}`, folder, ...all]);
    await store.setUp(anyTime());
  });
  afterEach(async () => {
    unmount();
    await server.stop();
  });

  it('takes objects, and replaces none', async () => {
    expect(await store.create('acme/x', body('x'), anyTime())).toBe('created');
    expect(await store.create('acme/x', body('x'), anyTime())).toBe('exists');
    await expect(store.create('acme/x', body('other'), anyTime())).rejects.toThrow(fails('SYNC_INTERRUPTED'));
    expect(readdirSync(join(server.folder, 'acme'))).toEqual(['x']);
    expect(await text(await store.read('acme/x', anyTime()))).toBe('x');
  });

  it('is away when its server is killed in the middle, and says so', async () => {
    const large = largeBody(4 * 1024 * 1024, async (at) => {
      if (at === 2 * 1024 * 1024) await server.kill();
    });
    await expect(store.create('acme/x', large, anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    await expect(store.create('acme/y', body('y'), anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    expect(readdirSync(server.folder)).toContain('acme');
  });
});
