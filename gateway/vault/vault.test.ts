import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Keyring } from './keyring.ts';
import { createVault } from './vault.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cs-vault-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const SECRET = 'hunter2 – geheim';
const code = (expected: string) => expect.objectContaining({ code: expected });
const fileVault = () => createVault({ dir, protection: 'unprotected', keyring: async () => null });

function testKeyring() {
  const secrets = new Map<string, string>();
  const state = { locked: false };
  const guarded = async <T>(work: () => T) => {
    if (state.locked) throw new Error(`the keyring is locked; it was given ${[...secrets.values()]}`);
    return work();
  };
  const keyring: Keyring = {
    backend: 'test',
    read: (id) => guarded(() => secrets.get(id) ?? null),
    write: (id, secret) => guarded(() => void secrets.set(id, secret)),
    remove: (id) => guarded(() => void secrets.delete(id)),
  };
  return { keyring, secrets, state };
}

describe('the file store', () => {
  it('keeps secrets over a restart, private, and not in clear', async () => {
    const vault = fileVault();
    expect(await vault.read('demo')).toBeNull();
    await vault.write('demo', SECRET);
    expect(await fileVault().read('demo')).toBe(SECRET);
    expect(await vault.has('demo')).toBe(true);
    expect(await vault.has('other')).toBe(false);
    for (const name of ['vault.json', 'vault.key']) {
      expect(readFileSync(join(dir, name), 'utf8')).not.toContain('hunter2');
      if (process.platform !== 'win32') expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
    }
    await vault.remove('demo');
    await vault.remove('demo');
    expect(await fileVault().read('demo')).toBeNull();
  });

  it('is used in protected mode, whatever keyring there is', async () => {
    const { keyring, secrets } = testKeyring();
    const vault = createVault({ dir, protection: 'protected', keyring: async () => keyring });
    await vault.write('demo', SECRET);
    expect(secrets.size).toBe(0);
    expect((await vault.description()).store).toBe('file');
  });

  it('notices entries that were swapped or changed, without telling what is in them', async () => {
    const vault = fileVault();
    await vault.write('demo', SECRET);
    await vault.write('other', 'another');
    const file = join(dir, 'vault.json');
    const { version, entries } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ version, entries: { demo: entries.other, other: entries.demo } }));
    for (const id of ['demo', 'other']) await expect(fileVault().read(id)).rejects.toThrow(code('VAULT_BROKEN'));
    entries.demo.tag = Buffer.alloc(16).toString('base64');
    writeFileSync(file, JSON.stringify({ version, entries }));
    await expect(fileVault().read('demo')).rejects.toThrow(code('VAULT_BROKEN'));
    expect(await fileVault().read('other')).toBe('another');
  });

  it('makes no new key over secrets that it cannot read, and keeps a damaged file', async () => {
    await fileVault().write('demo', SECRET);
    rmSync(join(dir, 'vault.key'));
    await expect(fileVault().read('demo')).rejects.toThrow(code('VAULT_BROKEN'));
    await expect(fileVault().write('other', 'x')).rejects.toThrow(code('VAULT_BROKEN'));
    writeFileSync(join(dir, 'vault.json'), '{"version":1');
    await expect(fileVault().write('other', 'x')).rejects.toThrow(code('VAULT_BROKEN'));
    expect(readFileSync(join(dir, 'vault.json'), 'utf8')).toBe('{"version":1');
  });

  it('survives writes at the same time', async () => {
    const vault = fileVault();
    await Promise.all(Array.from({ length: 20 }, (_, i) => vault.write(`c${i}`, `secret ${i}`)));
    const again = fileVault();
    for (let i = 0; i < 20; i++) expect(await again.read(`c${i}`)).toBe(`secret ${i}`);
  });
});

describe('the keyring', () => {
  it('holds the secret where it works, and its file only says so', async () => {
    const { keyring, secrets } = testKeyring();
    const vault = createVault({ dir, protection: 'unprotected', keyring: async () => keyring });
    await vault.write('demo', SECRET);
    expect(secrets.get('demo')).toBe(SECRET);
    expect(JSON.parse(readFileSync(join(dir, 'vault.json'), 'utf8')).entries).toEqual({ demo: { store: 'keyring' } });
    expect(await vault.read('demo')).toBe(SECRET);
    await vault.remove('demo');
    expect(secrets.size).toBe(0);
  });

  it('that is locked or gone is an error, never a missing password, and quotes nothing', async () => {
    const { keyring, state } = testKeyring();
    const open = (found: Keyring | null) => createVault({ dir, protection: 'unprotected', keyring: async () => found });
    await open(keyring).write('demo', SECRET);
    state.locked = true;
    for (const vault of [open(keyring), open(null)]) {
      const error = (await vault.read('demo').catch((thrown: unknown) => thrown)) as Error;
      expect(error).toMatchObject({ code: 'VAULT_UNAVAILABLE' });
      expect(`${error.stack} ${error.cause}`).not.toContain('hunter2');
    }
  });

  it('that refuses a secret leaves it to the file', async () => {
    const { keyring, state } = testKeyring();
    state.locked = true;
    const vault = createVault({ dir, protection: 'unprotected', keyring: async () => keyring });
    await vault.write('demo', SECRET);
    expect(await fileVault().read('demo')).toBe(SECRET);
  });
});

it.skipIf(process.platform !== 'linux')('starts on a host without a session bus', async () => {
  const before = process.env.DBUS_SESSION_BUS_ADDRESS;
  // A bus that is named but not there.
  process.env.DBUS_SESSION_BUS_ADDRESS = `unix:path=${dir}/nothing`;
  try {
    const vault = createVault({ dir, protection: 'unprotected' });
    await vault.write('demo', SECRET);
    expect(await vault.read('demo')).toBe(SECRET);
    expect((await vault.description()).store).toBe('file');
  } finally {
    if (before === undefined) delete process.env.DBUS_SESSION_BUS_ADDRESS;
    else process.env.DBUS_SESSION_BUS_ADDRESS = before;
  }
});
