import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CountersignError } from '../../contract/errors.ts';
import { temporaryFolder } from '../../recording/test-support.ts';
import { MAX_PART_RANGES_BYTES, readPart, writePart } from '../../sync/part.ts';
import type { StoreTarget } from '../../sync/ports.ts';
import { failures, report, TestWorkspaces, take } from '../test-import.ts';
import { memoryStore, type Objects } from '../test-organisation.ts';
import type { Workspace } from '../workspace.ts';
import { type ImportOptions, type ImportOutcome, importStore } from './store.ts';

const vectors = JSON.parse(
  fs.readFileSync(join(import.meta.dirname, '../../../test/vectors/evidence/stores.json'), 'utf8'),
) as { root: string; now: string; store: Record<string, string> };
const now = Date.parse(vectors.now);
const valid: Objects = new Map(
  Object.entries(vectors.store).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
);
const names = [...valid.keys()].sort();
const part = names.find((name) => /part-000000/.test(name))!;
const [, device = '', , year, month, day, sid = ''] = part.split('/');
const other = '00000000000000000000000000';
const dir = temporaryFolder('hostile-store');
let workspaces: TestWorkspaces;
beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, vectors.root);
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

/** Imports from a store that does something else than others. */
async function takeFrom(
  workspace: Workspace,
  store: Partial<StoreTarget>,
  changes: Partial<ImportOptions> = {},
): Promise<ImportOutcome> {
  const books = workspace.books('write');
  const signal = new AbortController().signal;
  try {
    const options = { identities: [], signal, now: () => now, ...changes };
    return await importStore(workspace, books, { ...memoryStore(valid), ...store }, options);
  } finally {
    books.close();
  }
}

const below = (folder: string): string[] =>
  fs.readdirSync(folder, { recursive: true }).map((name) => String(name).replaceAll('\\', '/'));

describe('names', () => {
  it('that lead out of the workspace, or look like others, are no objects', async () => {
    const workspace = workspaces.next();
    const before = below(dir);
    const strange = [
      'acme/../../escaped',
      `acme/${device}/log/tile/entries/../../../../../../escaped`,
      `acme/${device}/log/checkpoint.5/../../escaped`,
      `acme/${device}/sessions/${year}/${month}/${day}/../../../../escaped/part-000000.tar`,
      `acme/${device}/sessions/${year}/${month}/../../..%2f${sid}/part-000000.tar`,
      `acme/${device}/sessions/${year}/${month}/${day}/${sid}\u0000/part-000000.tar`,
      `acme/${device}/sessions/${year}/${month}/${day}/${sid}/part-000000.tar\n`,
      `acme/${device}/sessions/\uff12026/03/04/${sid}/part-000000.tar`,
      'acme/trust/0000\u0660\u0661.note',
      'acme/trust/000001.note\u202e',
      '/acme/trust/000001.note',
      '\\acme\\trust\\000001.note',
      `acme/${'x'.repeat(100_000)}`,
    ];
    const list = async function* () {
      for (const name of strange) yield { name, size: 1, version: null };
    };
    const read = async () =>
      (async function* () {
        yield Buffer.from('x');
      })();
    expect(await takeFrom(workspace, { list, read })).toMatchObject({ fresh: 0, seen: strange.length });
    const made = below(dir).filter((name) => !before.includes(name));
    expect(made.every((name) => /^workspace-\d+\/books\.db/.test(name))).toBe(true);
  });

  it('by the hundred thousand take no memory and keep nothing from being imported', async () => {
    const workspace = workspaces.next();
    const list: StoreTarget['list'] = async function* (prefix, signal) {
      for (let n = 0; n < 100_000; n += 1) yield { name: `acme/junk-${n}`, size: 1, version: null };
      yield* memoryStore(valid).list(prefix, signal);
    };
    const outcome = await takeFrom(workspace, { list });
    expect(outcome).toMatchObject({ fresh: valid.size });
    expect(outcome.foreign.length).toBe(20);
    expect(failures(await report(workspace, now))).toEqual([]);
  });

  it('that differ in upper and lower case alone do not mix on a disk that takes them for the same', async () => {
    const workspace = workspaces.next();
    const folder = join(workspace.recordingsDir, 'sessions', year!, month!, day!);
    fs.mkdirSync(join(folder, sid.toLowerCase()), { recursive: true });
    // As such a disk answers: the other name leads to the folder that is there.
    fs.symlinkSync(join(folder, sid.toLowerCase()), join(folder, sid));
    expect((await take(workspace, valid, now)).unusual.refused).toBeGreaterThan(0);
    expect(fs.readdirSync(join(folder, sid.toLowerCase()))).toEqual([]);
    expect(failures(await report(workspace, now)).join()).toContain('upper and lower case');
  });
});

describe('objects', () => {
  it('without an end are let go of', async () => {
    const workspace = workspaces.next();
    let given = 0;
    const read: StoreTarget['read'] = async (name, signal) =>
      name !== part
        ? memoryStore(valid).read(name, signal)
        : (async function* () {
            for (;;) {
              given += 1;
              yield new Uint8Array(1024 * 1024);
            }
          })();
    expect(await takeFrom(workspace, { read })).toMatchObject({ unusual: { refused: 1 } });
    expect(given).toBeLessThan(30);
  });

  it('that drip for ever hold up nobody', async () => {
    const workspace = workspaces.next();
    const read: StoreTarget['read'] = async (name, signal) =>
      name !== part
        ? memoryStore(valid).read(name, signal)
        : (async function* () {
            for (;;) {
              yield new Uint8Array(1);
              await new Promise((resolve) => setTimeout(resolve, 5));
            }
          })();
    const { fresh, notGiven } = await takeFrom(workspace, { read }, { objectMs: 300 });
    expect(fresh).toBe(valid.size - 1);
    expect(notGiven).toEqual([{ name: part, why: expect.stringContaining('did not come whole') }]);
  });

  it('that cannot be had keep nobody from the others, and are asked for again', async () => {
    const workspace = workspaces.next();
    for (const code of ['SYNC_REFUSED', 'SYNC_WRITE_ONLY', 'SYNC_UNREACHABLE']) {
      const read: StoreTarget['read'] = async (name, signal) => {
        if (name === names[0] || name === part) throw new CountersignError(code, 'Not this one.');
        return memoryStore(valid).read(name, signal);
      };
      const { notGiven } = await takeFrom(workspace, { read });
      expect(notGiven).toEqual([names[0], part].map((name) => ({ name, why: 'Not this one.' })));
    }
    expect(await take(workspace, valid, now)).toMatchObject({ fresh: 2, notGiven: [] });
    expect(failures(await report(workspace, now))).toEqual([]);
  });

  it('of which none can be had are a store that cannot be read', async () => {
    const read = async () => {
      throw new CountersignError('SYNC_WRITE_ONLY', 'Nobody reads here.');
    };
    await expect(takeFrom(workspaces.next(), { read })).rejects.toMatchObject({ code: 'SYNC_WRITE_ONLY' });
    const gone = async () => {
      throw new CountersignError('SYNC_UNREACHABLE', 'Gone.');
    };
    await expect(takeFrom(workspaces.next(), { read: gone })).rejects.toMatchObject({ code: 'SYNC_UNREACHABLE' });
  });

  it('never fill the disk, and what came before stays', async () => {
    const workspace = workspaces.next();
    let left = 300 * 1024 * 1024;
    const list: StoreTarget['list'] = async function* () {
      for (let n = 1; ; n += 1) yield { name: `acme/${device}/log/checkpoint.${n}`, size: 1, version: null };
    };
    const read: StoreTarget['read'] = async () =>
      (async function* () {
        left -= 1024 * 1024;
        yield Buffer.from('x');
      })();
    await expect(takeFrom(workspace, { list, read }, { room: () => left })).rejects.toMatchObject({
      code: 'AUDIT_DISK_FULL',
    });
    expect(await take(workspace, valid, now, { room: () => 2 ** 40 })).toMatchObject({ notGiven: [] });
  });

  it('that change between two reads are told, each of them kept', async () => {
    const workspace = workspaces.next();
    let round = 0;
    const read: StoreTarget['read'] = async (name, signal) => {
      const bytes = Buffer.from(valid.get(name)!);
      if (name === part) bytes[bytes.length - 1] = round;
      return memoryStore(new Map([[name, bytes]])).read(name, signal);
    };
    for (; round < 3; round += 1) {
      const list: StoreTarget['list'] = async function* (prefix, signal) {
        for await (const one of memoryStore(valid).list(prefix, signal)) yield { ...one, size: one.size + round };
      };
      await takeFrom(workspace, { read, list });
    }
    expect(failures(await report(workspace, now)).join()).toContain('part-000000');
  });
});

describe('parts', () => {
  it('that speak of places that no file has are torn, and nothing is written', async () => {
    const workspace = workspaces.next();
    const genuine = readPart(valid.get(part)!);
    const whole = Buffer.from(writePart({ ...genuine, ranges: [{ ...genuine.ranges[0]!, offset: 33_554_432 }] }));
    const far = Buffer.from(whole);
    // The manifest's own digits: the member's name follows it.
    const text = far.toString('latin1').replaceAll('33554432', '99999999').replaceAll('000033554432', '000099999999');
    const objects: Objects = new Map([...valid, [part, Buffer.from(text, 'latin1')]]);
    expect(await take(workspace, objects, now)).toMatchObject({ unusual: { torso: 1 } });
    expect(MAX_PART_RANGES_BYTES).toBeLessThan(99_999_999);
  });

  it('that nobody can read take no session away from the device that has it', async () => {
    for (const [end, bytes] of [
      ['.tar', Buffer.from('junk')],
      ['.tar.age', Buffer.from('junk')],
    ] as const) {
      const workspace = workspaces.next();
      const claim = part.replace(device, other).replace(/\.tar$/, end);
      await take(workspace, new Map([[claim, bytes]]), now);
      await take(workspace, new Map([...valid, [claim, bytes]]), now);
      const found = await report(workspace, now);
      const genuine = found.devices.find((one) => one.device === device)!;
      expect([genuine.ok, genuine.sessions.map(({ ok }) => ok)]).toEqual([true, [true, true]]);
      expect(end === '.tar' ? failures(found).join() : 'claims').toContain('claims');
    }
  });
});

describe('documents', () => {
  it('of a device count also where somebody took their name before', async () => {
    const workspace = workspaces.next();
    const name = names.find((one) => one.includes('/identity/'))!;
    const trust = names.find((one) => one.includes('/trust/'))!;
    // Whole notes, and of another thing.
    await take(workspace, new Map([[name, valid.get(trust)!]]), now);
    await take(workspace, valid, now);
    const found = await report(workspace, now, {});
    expect(found.devices[0]?.sessions.map(({ ok }) => ok)).toEqual([true, true]);
    expect(found.ok).toBe(false);
  });
});
