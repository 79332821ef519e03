import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { padding, parseTarHeader } from '../../recording/tar.ts';
import { temporaryFolder } from '../../recording/test-support.ts';
import { bundleSession } from '../bundle.ts';
import { importBundle } from '../import/bundles.ts';
import { openObject } from '../import/intake.ts';
import { report, TestWorkspaces, take } from '../test-import.ts';
import type { Objects } from '../test-organisation.ts';
import type { Workspace } from '../workspace.ts';

const vectors = JSON.parse(
  fs.readFileSync(join(import.meta.dirname, '../../../test/vectors/evidence/stores.json'), 'utf8'),
) as { root: string; now: string; store: Record<string, string> };
const now = Date.parse(vectors.now);
const valid: Objects = new Map(
  Object.entries(vectors.store).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
);
const total = [...valid.values()].reduce((sum, bytes) => sum + bytes.length, 0);

const FULL = process.env.COUNTERSIGN_FULL === '1';
/** 1 tries every byte (some minutes); the usual run takes one in so many, others in each object. */
const STEP = FULL ? 1 : 61;
/** Each is an import of its own. */
const BUNDLE_STEP = FULL ? 1 : 397;

const dir = temporaryFolder('audit-mutation');
let workspaces: TestWorkspaces;
let imported: Workspace;
beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, vectors.root);
  imported = workspaces.next();
  await take(imported, valid, now);
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

/** As if the flipped object had been the first that came: only what an import looks at again is imported again. */
async function isDetected(name: string, flipped: Buffer): Promise<boolean> {
  if (name.includes('/sessions/')) {
    const opened = await openObject(name, flipped, []);
    // A part that is not whole is told wherever no other attempt of it is.
    if (opened !== null && 'state' in opened) return true;
    const workspace = workspaces.next();
    await take(workspace, new Map([...valid, [name, flipped]]), now);
    const { ok } = await report(workspace, now);
    fs.rmSync(workspace.folder, { recursive: true });
    return !ok;
  }
  const path = imported.kept(name);
  fs.writeFileSync(path, flipped);
  // What an earlier one left must not be what shows this one.
  fs.rmSync(join(imported.folder, 'heads.json'), { force: true });
  const { ok } = await report(imported, now, { session: 'none' });
  fs.writeFileSync(path, valid.get(name)!);
  return !ok;
}

describe('a byte of a store that is flipped', () => {
  it('is detected wherever it lies: no offset is exempt', async () => {
    const missed: string[] = [];
    let tried = 0;
    let offset = 0;
    for (const [name, bytes] of valid) {
      for (let at = 0; at < bytes.length; at += 1, offset += 1) {
        if (offset % STEP !== 0) continue;
        const flipped = Buffer.from(bytes);
        flipped[at]! ^= 1 << (at % 8);
        tried += 1;
        if (!(await isDetected(name, flipped))) missed.push(`${name} byte ${at}`);
      }
    }
    process.stdout.write(`of ${total} bytes of a store ${tried} were flipped, ${tried - missed.length} detected\n`);
    expect(missed).toEqual([]);
    expect(tried).toBeGreaterThanOrEqual(Math.floor(total / STEP));
    expect((await report(imported, now)).ok).toBe(true);
  }, 3_600_000);
});

describe('a byte of a bundle with its evidence that is flipped', () => {
  it('is detected, but in verify.sh, which nothing signs and nothing here runs', async () => {
    const books = imported.books('read');
    const file = join(dir, 'bundle.tar');
    await bundleSession(imported, books, '01JTESTSESSQN0000000000001', file, now);
    books.close();
    const bytes = fs.readFileSync(file);
    const [from, until] = scriptRange(bytes);
    const missed: number[] = [];
    let tried = 0;
    for (let at = 0; at < bytes.length; at += BUNDLE_STEP) {
      if (at >= from && at < until) continue;
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << (at % 8);
      const copy = join(dir, `flipped-${at}.tar`);
      fs.writeFileSync(copy, flipped);
      const workspace = workspaces.next();
      const into = workspace.books('write');
      const { state } = await importBundle(workspace, into, copy, () => now);
      into.close();
      if (state === 'applied' && (await report(workspace, now)).ok) missed.push(at);
      fs.rmSync(workspace.folder, { recursive: true });
      fs.rmSync(copy);
      tried += 1;
    }
    process.stdout.write(
      `of ${bytes.length} bytes of a bundle ${tried} were flipped, ${tried - missed.length} detected; exempt: ${from} to ${until - 1} (verify.sh)\n`,
    );
    expect(missed).toEqual([]);
  }, 3_600_000);
});

/** Content of verify.sh and what fills its last block. */
function scriptRange(tar: Buffer): [number, number] {
  for (let at = 0; at < tar.length; ) {
    const entry = parseTarHeader(tar.subarray(at, at + 512));
    if (entry === null) break;
    if (entry.name.endsWith('/verify.sh')) return [at + 512, at + 512 + entry.size];
    at += 512 + entry.size + padding(entry.size);
  }
  throw new Error('the bundle has no verify.sh');
}
