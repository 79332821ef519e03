import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allExchanges, temporaryFolder } from '../../recording/test-support.ts';
import { encryptPart } from '../../sync/age.ts';
import { failures, report, TestWorkspaces, take } from '../test-import.ts';
import { type Objects, writeStore } from '../test-organisation.ts';
import { sourceOf } from './sources.ts';
import { importStore } from './store.ts';

const vectors = JSON.parse(
  fs.readFileSync(join(import.meta.dirname, '../../../test/vectors/evidence/stores.json'), 'utf8'),
) as { root: string; now: string; store: Record<string, string> };
const now = Date.parse(vectors.now);
const valid: Objects = new Map(
  Object.entries(vectors.store).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
);
const isPart = (name: string) => name.includes('/part-');
const dir = temporaryFolder('audit-import');
let workspaces: TestWorkspaces;
let identity = '';
const encrypted: Objects = new Map();
beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, vectors.root);
  identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  for (const [name, bytes] of valid) {
    if (isPart(name)) encrypted.set(`${name}.age`, await encryptPart(bytes, [recipient]));
    else encrypted.set(name, bytes);
  }
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

describe('an import', () => {
  it('takes only what is new, and gives back the files byte by byte', async () => {
    const workspace = workspaces.next();
    const some: Objects = new Map([...valid].filter(([name]) => !/part-000001/.test(name)));
    expect(await take(workspace, some, now)).toMatchObject({ fresh: some.size });
    expect(await take(workspace, valid, now)).toMatchObject({ fresh: valid.size - some.size, seen: valid.size });
    expect(await take(workspace, valid, now)).toMatchObject({ fresh: 0 });
    expect((await report(workspace, now)).ok).toBe(true);
  });

  it('takes parts in any order', async () => {
    const workspace = workspaces.next();
    await take(workspace, new Map([...valid].filter(([name]) => !/part-000000/.test(name))), now);
    expect(failures(await report(workspace, now)).join()).toContain('Part 0 is missing');
    await take(workspace, valid, now);
    expect(failures(await report(workspace, now))).toEqual([]);
  });

  it('keeps what is encrypted to others, and opens it once it can', async () => {
    const workspace = workspaces.next();
    const others = [await generateX25519Identity()];
    const parts = [...encrypted.keys()].filter((name) => name.endsWith('.age')).length;
    expect(await take(workspace, encrypted, now, { identities: others })).toMatchObject({ unusual: { unread: parts } });
    const found = await report(workspace, now);
    expect(failures(found)).toEqual([]);
    expect(found.devices[0]?.sessions.map(({ state }) => state)).toEqual(['unreadable', 'unreadable']);
    expect(found.checks.find(({ name }) => name === 'unread')?.sentence).toContain(`${parts} objects cannot be read`);
    for (const [name, bytes] of encrypted) {
      if (name.endsWith('.age')) expect(fs.readFileSync(workspace.unread(name)).equals(bytes)).toBe(true);
    }
    expect(await take(workspace, encrypted, now, { identities: [identity] })).toMatchObject({ fresh: parts });
    expect(await report(workspace, now)).toMatchObject({ ok: true, counts: { verified: 2 } });
  });

  it('takes the whole attempt of a part whose first was torn', async () => {
    const workspace = workspaces.next();
    const name = [...valid.keys()].find((one) => /part-000001/.test(one))!;
    const torn: Objects = new Map([...valid, [name, valid.get(name)!.slice(0, 700)]]);
    expect(await take(workspace, torn, now)).toMatchObject({ unusual: { torso: 1 } });
    expect((await report(workspace, now)).ok).toBe(false);
    torn.set(name.replace('.tar', '.r1.tar'), valid.get(name)!);
    await take(workspace, torn, now);
    expect(failures(await report(workspace, now))).toEqual([]);
  });

  it('takes the whole attempt of any object, and tells of one that has none', async () => {
    const workspace = workspaces.next();
    const torn: Objects = new Map(valid);
    const names = [...valid.keys()].filter((name) => !isPart(name));
    for (const name of names) {
      torn.set(name, valid.get(name)!.slice(0, -7));
      torn.set(`${name}.r1`, valid.get(name)!);
    }
    expect(await take(workspace, torn, now)).toMatchObject({ unusual: { torso: names.length } });
    expect(failures(await report(workspace, now))).toEqual([]);
    const other = workspaces.next();
    await take(other, new Map([...valid, [names[0]!, torn.get(names[0]!)!]]), now);
    expect(failures(await report(other, now)).join()).toContain('It is not whole');
  });

  it('tells of two whole attempts that say different things, and believes the first', async () => {
    const workspace = workspaces.next();
    const [name, other] = [...valid.keys()].filter((one) => /log\/tile\/0\/000\.p\//.test(one)) as [string, string];
    const changed = Buffer.from(valid.get(name)!);
    changed[3]! ^= 1;
    const twice: Objects = new Map([...valid, [`${name}.r1`, changed], [`${other}.r1`, valid.get(other)!]]);
    expect(await take(workspace, twice, now)).toMatchObject({ unusual: { changed: 1, torso: 0 } });
    const found = failures(await report(workspace, now));
    expect(found).toEqual([expect.stringContaining(`${name.slice(name.indexOf('tile/'))}.r1 was replaced`)]);
  });

  it('shows what a part that is missing leaves, and marks the rest', async () => {
    const workspace = workspaces.next();
    await take(workspace, new Map([...valid].filter(([name]) => !/part-000001/.test(name))), now);
    const found = await report(workspace, now);
    expect(found.ok).toBe(false);
    const [session] = found.devices[0]!.sessions;
    const folder = join(workspace.recordingsDir, 'sessions/2026/03/04', session!.sid);
    expect((await allExchanges(folder)).length).toBeGreaterThanOrEqual(3);
  });

  it('sees what was replaced by something as long when it is told to look again', async () => {
    const workspace = workspaces.next();
    await take(workspace, valid, now);
    const name = [...valid.keys()].find((one) => /checkpoint\.5$/.test(one))!;
    const other = Buffer.from(valid.get(name)!);
    other[other.length - 5]! ^= 1;
    const changed: Objects = new Map([...valid, [name, other]]);
    expect(await take(workspace, changed, now)).toMatchObject({ fresh: 0 });
    expect(await take(workspace, changed, now, { recheck: true })).toMatchObject({ unusual: { changed: 1 } });
    expect(failures(await report(workspace, now)).join()).toContain('checkpoint.5 was replaced');
  });

  it('leaves out what no object is, and refuses what is too large', async () => {
    const workspace = workspaces.next();
    const strange: Objects = new Map(valid);
    strange.set('acme/README.txt', Buffer.from('hello'));
    strange.set('acme/trust/000009.note', Buffer.alloc(2 * 1024 * 1024));
    const outcome = await take(workspace, strange, now);
    expect(outcome).toMatchObject({ foreign: ['acme/README.txt'], unusual: { refused: 1 } });
    expect(failures(await report(workspace, now)).join()).toContain('larger than any object of its kind');
  });
});

describe('an import that is killed', () => {
  it('goes on where it was, and loses nothing', async () => {
    const store = join(dir, 'store');
    writeStore(valid, store);
    const workspace = workspaces.next();
    for (let round = 0; round < 6; round += 1) {
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'test-import-worker.ts'), workspace.folder, store],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      // Killed after so many objects; the last round may end.
      let seen = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        seen += chunk.length;
        if (round < 5 && seen > round * 3) child.kill('SIGKILL');
      });
      await once(child, 'exit');
    }
    expect(await report(workspace, now)).toMatchObject({ ok: true, counts: { sessions: 2, verified: 2 } });
    const source = sourceOf(store, { read: async () => null });
    const books = workspace.books('write');
    const again = await importStore(workspace, books, source.kind === 'store' ? source.open() : null!, {
      identities: [],
      signal: new AbortController().signal,
    });
    books.close();
    expect(again).toMatchObject({ fresh: 0, seen: valid.size });
  }, 60_000);
});
