import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anyTime, body, fails, names, text } from '../../../test/support/store-target.ts';
import type { StoreTarget } from '../ports.ts';
import { openFolderTarget } from './folder.ts';
import { patience } from './patience.ts';

let root: string;
let store: StoreTarget;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'cs-store-'));
  store = openFolderTarget({ kind: 'folder', path: root });
  await store.setUp(anyTime());
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a share that is not mounted', () => {
  it('is told by its missing marker, and nothing is written below it', async () => {
    rmSync(join(root, 'countersign-store.json'));
    const sentence = /not mounted, or the folder was never set up/;
    await expect(store.create('acme/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    await expect(store.create('acme/x', body('x'), anyTime())).rejects.toThrow(sentence);
    await expect(store.read('acme/x', anyTime())).rejects.toThrow(sentence);
    await expect(names(store)).rejects.toThrow(sentence);
    await expect(store.probe(anyTime())).rejects.toThrow(sentence);
    expect(readdirSync(root)).toEqual([]);
  });

  it('is not set up where the folder itself is missing', async () => {
    const nowhere = openFolderTarget({ kind: 'folder', path: join(root, 'nowhere') });
    await expect(nowhere.setUp(anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    await expect(nowhere.create('acme/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    expect(existsSync(join(root, 'nowhere'))).toBe(false);
  });

  it('may be set up twice', async () => {
    await store.setUp(anyTime());
    expect(await names(store)).toEqual(['countersign-store.json']);
  });

  it('is used again once it is back, though its folders went with it', async () => {
    await store.create('acme/d/x', body('x'), anyTime());
    rmSync(join(root, 'acme'), { recursive: true });
    expect(await store.create('acme/d/y', body('y'), anyTime())).toBe('created');
  });
});

describe('what lies in the folder', () => {
  it('is readable by the owner and the group only, and nothing else is left beside it', async () => {
    await store.create('acme/d/x', body('x'), anyTime());
    if (process.platform !== 'win32') {
      expect(statSync(join(root, 'acme/d/x')).mode & 0o137).toBe(0);
      expect(statSync(join(root, 'acme')).mode & 0o027).toBe(0);
    }
    expect(readdirSync(join(root, 'acme/d'))).toEqual(['x']);
  });

  it('is not reached through symbolic links, neither to write nor to read', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'cs-elsewhere-'));
    try {
      writeFileSync(join(elsewhere, 'secret'), 'secret');
      symlinkSync(elsewhere, join(root, 'acme'));
      symlinkSync(join(elsewhere, 'secret'), join(root, 'link'));
      await expect(store.create('acme/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_REFUSED'));
      expect(await store.read('link', anyTime())).toBeNull();
      expect(await store.read('acme/secret', anyTime())).toBeNull();
      expect(await names(store)).toEqual(['countersign-store.json']);
      expect(readdirSync(elsewhere)).toEqual(['secret']);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('loses what a killed upload left, once that is a day old, and keeps what is being written', async () => {
    mkdirSync(join(root, 'acme'));
    for (const name of ['.x.0123.part', '.y.4567.part', '.other']) writeFileSync(join(root, 'acme', name), 'torso');
    const yesterday = Date.now() / 1000 - 90_000;
    for (const name of ['.x.0123.part', '.other']) utimesSync(join(root, 'acme', name), yesterday, yesterday);
    await store.create('acme/x', body('x'), anyTime());
    expect(readdirSync(join(root, 'acme')).sort()).toEqual(['.other', '.y.4567.part', 'x']);
    expect(await names(store, 'acme/')).toEqual(['acme/x']);
  });

  it('is listed without what cannot be an object', async () => {
    mkdirSync(join(root, 'acme', 'inner'), { recursive: true });
    for (const name of ['a b', '.x', 'ok', 'inner/ok']) writeFileSync(join(root, 'acme', name), 'x');
    expect(await names(store, 'acme/')).toEqual(['acme/inner/ok', 'acme/ok']);
  });

  it('says that something else is where a folder should be', async () => {
    writeFileSync(join(root, 'acme'), 'x');
    await expect(store.create('acme/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_REFUSED'));
    expect(await store.read('acme/x', anyTime())).toBeNull();
    expect(await names(store, 'acme/')).toEqual([]);
  });
});

it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
  'says that it may not write (as root nothing refuses)',
  async () => {
    mkdirSync(join(root, 'acme'));
    chmodSync(join(root, 'acme'), 0o500);
    await expect(store.create('acme/x', body('x'), anyTime())).rejects.toThrow(fails('SYNC_REFUSED'));
    chmodSync(join(root, 'acme'), 0o700);
  },
);

it('finds out by trying what the folder lets be done', async () => {
  expect(store.capabilities).toBeNull();
  const found = await store.probe(anyTime());
  expect(found).toMatchObject({ read: true, list: true, refusesOverwrite: false, refusesDelete: false });
  expect(store.capabilities).toEqual(found);
  expect(await names(store, 'countersign-probe/')).toEqual([]);
  expect(await text(await store.read('countersign-store.json', anyTime()))).toContain('countersign');
});

describe('a call that hangs', () => {
  it('is given up after a while, and no other is begun while it hangs', async () => {
    const { wait, close } = patience('folder /mnt/share', 20);
    const server = Promise.withResolvers<{ close(): Promise<void> }>();
    let closed = 0;
    const opened = {
      async close() {
        closed += 1;
      },
    };
    await expect(wait(() => server.promise, anyTime())).rejects.toThrow('folder /mnt/share does not answer');
    let began = false;
    const next = wait(async () => {
      began = true;
    }, anyTime());
    await expect(next).rejects.toThrow(fails('SYNC_UNREACHABLE'));
    expect(began).toBe(false);
    await close(opened);
    expect(closed).toBe(0);
    server.resolve(opened);
    await expect.poll(() => closed).toBe(2);
    expect(await wait(async () => 'back', anyTime())).toBe('back');
  });
});
