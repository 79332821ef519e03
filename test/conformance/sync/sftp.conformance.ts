import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StoreTarget } from '../../../gateway/sync/ports.ts';
import { openTarget } from '../../../gateway/sync/targets/open-target.ts';
import { component } from '../../components.ts';
import { PASSPHRASE, type SshdOptions, startSshd, type TestSshd } from '../../support/openssh.ts';
import { type Developer, makeDeveloper } from '../../support/protected.ts';
import { anyTime, body, fails, largeBody, listed, names, storeContract, text } from '../../support/store-target.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const sshd = component('sshd');
const root = process.getuid?.() === 0;
const secrets = new Map<string, string>([['store/passphrase', PASSPHRASE]]);
const vault = { read: async (id: string) => secrets.get(id) ?? null };

const opened: StoreTarget[] = [];
function openStore(server: TestSshd, changes: Record<string, unknown> = {}): StoreTarget {
  const store = openTarget(
    {
      kind: 'sftp',
      host: server.host,
      port: server.port,
      user: server.user,
      path: server.path,
      hostKeys: [server.hostKey],
      auth: { method: 'key-file', file: server.keyFile },
      ...changes,
    },
    vault,
  );
  opened.push(store);
  return store;
}
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

let user: Developer | null = null;
const asUser = () => {
  if (user === null) {
    user = makeDeveloper();
    // An account without a password counts as locked to sshd.
    execFileSync('usermod', ['--password', '*', user.name]);
  }
  return { name: user.name, uid: user.uid, gid: user.uid };
};
afterAll(() => user?.remove());

/** A server for the tests of one describe, its store emptied before each. */
function serve(options: () => SshdOptions): () => TestSshd {
  let server: TestSshd;
  beforeAll(async () => {
    server = await startSshd(sshd.path, options());
  });
  beforeEach(() => {
    for (const name of readdirSync(server.folder)) rmSync(join(server.folder, name), { recursive: true });
  });
  afterAll(() => server?.stop());
  return () => server;
}

describe.skipIf(sshd.missing)('an SFTP server', () => {
  const server = serve(() => ({ kind: 'plain' }));
  let store: StoreTarget;
  beforeEach(async () => {
    store = openStore(server());
    await store.setUp(anyTime());
  });

  storeContract(() => store);

  it('lists 10,000 objects', async () => {
    for (let day = 0; day < 10; day += 1) {
      mkdirSync(join(server().folder, 'acme', `${day}`), { recursive: true });
      for (let n = 0; n < 1000; n += 1) writeFileSync(join(server().folder, 'acme', `${day}`, `part-${n}`), `${n}`);
    }
    const found = await names(store, 'acme/');
    expect(found).toHaveLength(10_000);
    expect(found).toEqual(found.toSorted());
  });

  it('uses one connection for everything, and makes a new one when that went', async () => {
    const proxy = await startTcpProxy(server());
    const through = openStore(server(), { port: proxy.port });
    await Promise.all(Array.from({ length: 20 }, (_, n) => through.create(`acme/${n}`, body(`${n}`), anyTime())));
    expect(proxy.connections).toBe(1);
    proxy.cut();
    proxy.restore();
    expect(await through.create('acme/after', body('x'), anyTime())).toBe('created');
    expect(proxy.connections).toBe(2);
    await proxy.stop();
  });

  it('leaves no torso under the name when the server is killed in the middle', async () => {
    const large = largeBody(16 * 1024 * 1024, async (at) => {
      if (at === 8 * 1024 * 1024) await server().kill();
    });
    await expect(store.create('acme/x', large, anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    await expect(store.create('acme/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    await server().start();
    expect(await names(store, 'acme/')).toEqual([]);
    expect(await store.create('acme/x', body('whole'), anyTime())).toBe('created');
    expect(await text(await store.read('acme/x', anyTime()))).toBe('whole');
  });

  it('leaves no torso when the network is cut in the middle, and goes on when it is back', async () => {
    const proxy = await startTcpProxy(server());
    const through = openStore(server(), { port: proxy.port });
    const large = largeBody(8 * 1024 * 1024, (at) => {
      if (at === 4 * 1024 * 1024) proxy.cut();
    });
    await expect(through.create('acme/x', large, anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    await expect(through.create('acme/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    proxy.restore();
    expect(await names(store, 'acme/')).toEqual([]);
    expect(await through.create('acme/x', body('x'), anyTime())).toBe('created');
    await proxy.stop();
  });

  it('gives up on a network that says nothing any more', async () => {
    const proxy: TcpProxy = await startTcpProxy(server());
    const through = openStore(server(), { port: proxy.port });
    await through.create('acme/x', body('x'), anyTime());
    proxy.silence();
    await expect(through.create('acme/y', body('y'), anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    await proxy.stop();
  });

  it('takes away what a killed gateway left a day ago, and nothing of anybody else', async () => {
    const folder = join(server().folder, 'acme/laptop/log');
    mkdirSync(folder, { recursive: true });
    const left = (name: string, hours: number) => {
      writeFileSync(join(folder, name), 'half');
      const at = Date.now() / 1000 - hours * 3600;
      utimesSync(join(folder, name), at, at);
    };
    left('.checkpoint.1.0123456789ab.part', 25);
    left('.checkpoint.2.0123456789ab.part', 23);
    left('.of-somebody-else.part', 25);
    left('checkpoint.0', 25);
    await store.create('acme/laptop/log/checkpoint.3', body('x'), anyTime());
    expect(readdirSync(folder).toSorted()).toEqual([
      '.checkpoint.2.0123456789ab.part',
      '.of-somebody-else.part',
      'checkpoint.0',
      'checkpoint.3',
    ]);
    // Where folders are part of a file's name, one folder has files of many devices.
    const flat = join(server().folder, '.acme,other,x.0123456789ab.part');
    writeFileSync(flat, 'half');
    utimesSync(flat, 1, 1);
    await store.create('countersign-x', body('x'), anyTime());
    expect(readdirSync(server().folder)).toContain('.acme,other,x.0123456789ab.part');
  });

  it('finds out that objects could be changed and deleted', async () => {
    const found = await store.probe(anyTime());
    expect(found).toMatchObject({ read: true, list: true, refusesOverwrite: false, refusesDelete: false });
    expect(found.sentences.join(' ')).toMatch(/opened for writing.*deleted.*renamed when they are whole/s);
    expect(await names(store, 'countersign-probe/')).toEqual([]);
  });

  it('says that the folder of the store is not there', async () => {
    const nowhere = openStore(server(), { path: `${server().path}/nowhere` });
    await expect(nowhere.create('acme/x', body('x'), anyTime())).rejects.toThrow('not there');
    await expect(names(nowhere)).rejects.toThrow(fails('SYNC_UNREACHABLE'));
  });
});

describe.skipIf(sshd.missing)('who an SFTP server is, and who we are to it', () => {
  const server = serve(() => ({ kind: 'plain' }));
  const attempt = (changes: Record<string, unknown>) =>
    openStore(server(), changes).create('acme/x', body('x'), anyTime());

  it.each([
    ['its fingerprint', () => server().hostKey],
    ['its public key file', () => server().hostKeyLine],
    ['a line of known_hosts', () => `[127.0.0.1]:${server().port} ${server().hostKeyLine}`],
  ])('takes a host key pinned by %s', async (_, pin) => {
    expect(await attempt({ hostKeys: [pin()] })).toBe('created');
  });

  it('refuses another host key, and shows the fingerprint that the server has', async () => {
    const other = `SHA256:${'A'.repeat(43)}`;
    await expect(attempt({ hostKeys: [other] })).rejects.toThrow(fails('SYNC_REFUSED'));
    await expect(attempt({ hostKeys: [other] })).rejects.toThrow(`ssh-ed25519 ${server().hostKey}`);
    const changed = readFileSync(`${server().otherKeyFile}.pub`, 'utf8');
    await expect(attempt({ hostKeys: [changed] })).rejects.toThrow(server().hostKey);
    expect(readdirSync(server().folder)).toEqual([]);
  });

  it.each(['MD5:00:11', 'ssh-ed25519 AAAA', '@revoked host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA'])(
    'does not take %j for a host key',
    async (pin) => {
      await expect(attempt({ hostKeys: [pin] })).rejects.toThrow('A pinned host key has to be');
    },
  );

  it('logs in with an encrypted key, whose passphrase is in the vault', async () => {
    const file = server().encryptedKeyFile;
    expect(await attempt({ auth: { method: 'key-file', file, passphrase: 'store/passphrase' } })).toBe('created');
    await expect(attempt({ auth: { method: 'key-file', file } })).rejects.toThrow(fails('SYNC_REFUSED'));
    secrets.set('store/wrong', 'wrong "passphrase"');
    const wrong = attempt({ auth: { method: 'key-file', file, passphrase: 'store/wrong' } });
    await expect(wrong).rejects.toThrow('its passphrase is another');
    await expect(wrong).rejects.not.toThrow('wrong "passphrase"');
  });

  it('logs in with a key of the vault', async () => {
    secrets.set('store/key', readFileSync(server().keyFile, 'utf8'));
    expect(await attempt({ auth: { method: 'key', key: 'store/key' } })).toBe('created');
    await expect(attempt({ auth: { method: 'key', key: 'store/none' } })).rejects.toThrow('has no secret store/none');
  });

  it('logs in with the keys of an agent', async () => {
    const socket = join(server().keyFile, '..', 'agent');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    try {
      await expect
        .poll(() => spawnSync('ssh-add', [server().keyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } }).status)
        .toBe(0);
      expect(await attempt({ auth: { method: 'agent', socket } })).toBe('created');
      spawnSync('ssh-add', ['-D'], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
      await expect(attempt({ auth: { method: 'agent', socket } })).rejects.toThrow(fails('SYNC_REFUSED'));
    } finally {
      agent.kill();
    }
    await expect(attempt({ auth: { method: 'agent', socket: '/nowhere' } })).rejects.toThrow(fails('SYNC_REFUSED'));
  });

  it.skipIf(!root)('logs in with a password of the vault (needs root, to make an account)', async () => {
    const { name } = asUser();
    execFileSync('chpasswd', { input: `${name}:right "one"\n` });
    secrets.set('store/password', 'right "one"');
    const auth = { method: 'password', password: 'store/password' };
    const path = asUserHome();
    expect(await attempt({ user: name, path, auth })).toBe('created');
    secrets.set('store/password', 'wrong "one"');
    await expect(attempt({ user: name, path, auth })).rejects.toThrow(fails('SYNC_REFUSED'));
    await expect(attempt({ user: name, path, auth })).rejects.toThrow('does not let');
    await expect(attempt({ user: name, path, auth })).rejects.not.toThrow('wrong "one"');
  });

  it('says that a key may not log in, and that a key file is not private', async () => {
    const file = server().otherKeyFile;
    await expect(attempt({ auth: { method: 'key-file', file } })).rejects.toThrow(
      `127.0.0.1:${server().port} does not let ${server().user} in with the key of the configuration.`,
    );
    execFileSync('chmod', ['644', file]);
    await expect(attempt({ auth: { method: 'key-file', file } })).rejects.toThrow('chmod 600');
    await expect(attempt({ auth: { method: 'key-file', file: '/nowhere' } })).rejects.toThrow('cannot be read');
  });

  it('says that there is no server', async () => {
    await expect(attempt({ port: 1 })).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    await expect(attempt({ host: 'store.invalid' })).rejects.toThrow(fails('SYNC_UNREACHABLE'));
  });
});

const asUserHome = () => user?.home ?? '';

const noBox = sshd.missing || (root ? false : 'needs root, for a chroot and an account');
describe.skipIf(noBox)('a drop box in which nothing can be changed (needs root)', () => {
  const server = serve(() => ({ kind: 'drop-box', user: asUser() }));
  const device = 'acme/01JCZZZZZZZZZZZZZZZZZZZZZZ';
  const part = `${device}/sessions/2026/11/21/01JD/part-000001.tar`;
  const inBox = () => join(server().folder, device);
  let store: StoreTarget;
  beforeEach(async () => {
    // Whoever runs the server makes a folder for each device.
    mkdirSync(inBox(), { recursive: true });
    execFileSync('chown', ['-R', server().user, server().folder]);
    store = openStore(server());
    await store.setUp(anyTime());
  });

  it('takes objects under their final name, though no folder can be made', async () => {
    expect(await store.create(part, body('one'), anyTime())).toBe('created');
    expect(await store.create(part, body('one'), anyTime())).toBe('exists');
    expect(await store.create(`${device}/log/checkpoint.1`, body('two'), anyTime())).toBe('created');
    await expect(store.create(part, body('other'), anyTime())).rejects.toThrow(fails('SYNC_INTERRUPTED'));
    expect(readdirSync(inBox()).filter((name) => statSync(join(inBox(), name)).isFile())).toEqual([
      'log,checkpoint.1',
      'sessions,2026,11,21,01JD,part-000001.tar',
    ]);
    expect(statSync(join(inBox(), 'log,checkpoint.1')).mode & 0o222).toBe(0);
    expect(await text(await store.read(part, anyTime()))).toBe('one');
    expect(await names(store)).toEqual([`${device}/log/checkpoint.1`, part, 'countersign-store.json']);
  });

  it('finds out by trying that nothing can be changed or deleted', async () => {
    const found = await store.probe(anyTime());
    expect(found).toMatchObject({ read: true, list: true, refusesOverwrite: true, refusesDelete: true });
    expect(found.sentences.join(' ')).toMatch(/neither written to, nor renamed, nor deleted.*under the next name/s);
  });

  it('asks for the next name after an upload was cut, at once and after a restart', async () => {
    const proxy = await startTcpProxy(server());
    const through = openStore(server(), { port: proxy.port });
    await through.create(`${device}/x`, body('x'), anyTime());
    const large = largeBody(8 * 1024 * 1024, (at) => {
      if (at === 4 * 1024 * 1024) proxy.cut();
    });
    await expect(through.create(part, large, anyTime())).rejects.toThrow(fails('SYNC_INTERRUPTED'));
    proxy.restore();
    await expect(openStore(server()).create(part, large, anyTime())).rejects.toThrow(fails('SYNC_INTERRUPTED'));
    const again = part.replace('.tar', '.r1.tar');
    expect(await store.create(again, largeBody(1_000_000), anyTime())).toBe('created');
    expect(await names(store, `${device}/sessions/`)).toEqual([again, part]);
    await proxy.stop();
  });

  it('says that the disk is full, for a new object as for one that is too large', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,nr_inodes=16', 'none', server().folder]);
    try {
      execFileSync('chown', [server().user, server().folder]);
      const full = openStore(server());
      await expect(full.create('x', largeBody(4_000_000), anyTime())).rejects.toThrow(fails('SYNC_FULL'));
      await expect(full.create('x', largeBody(4_000_000), anyTime())).rejects.toThrow(fails('SYNC_INTERRUPTED'));
      const many = async () => {
        for (let n = 0; n < 20; n += 1) await full.create(`${n}`, body(''), anyTime());
      };
      await expect(many()).rejects.toThrow(fails('SYNC_FULL'));
    } finally {
      await Promise.all(opened.splice(0).map((one) => one.close()));
      execFileSync('umount', ['-l', server().folder]);
    }
  });

  it('says that it is refused where there is no folder that takes anything', async () => {
    execFileSync('chown', ['-R', 'root', server().folder]);
    await expect(store.create('other/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_REFUSED'));
  });
});

describe.skipIf(noBox)('a drop box that nobody can look into (needs root)', () => {
  const server = serve(() => ({ kind: 'blind-drop-box', user: asUser() }));
  let store: StoreTarget;
  beforeEach(() => {
    execFileSync('chown', ['-R', server().user, server().folder]);
    store = openStore(server());
  });

  it('takes objects, and says that it is write-only', async () => {
    await store.setUp(anyTime());
    expect(await store.create('acme/d/x', body('x'), anyTime())).toBe('created');
    await expect(store.read('acme/d/x', anyTime())).rejects.toThrow(fails('SYNC_WRITE_ONLY'));
    await expect(listed(store)).rejects.toThrow(fails('SYNC_WRITE_ONLY'));
    const found = await store.probe(anyTime());
    expect(found).toMatchObject({ read: false, list: false, refusesOverwrite: true, refusesDelete: true });
  });

  it('asks for the next name where it cannot know whether the object is whole', async () => {
    await store.create('acme-x', body('x'), anyTime());
    await expect(store.create('acme-x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_INTERRUPTED'));
    expect(await store.create('acme-x.r1', body('x'), anyTime())).toBe('created');
    expect(readFileSync(join(server().folder, 'acme-x'), 'utf8')).toBe('x');
  });
});
