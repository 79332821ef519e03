import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackBundle } from '../recording/bundle.ts';
import { padding, tarHeader } from '../recording/tar.ts';
import { temporaryFolder } from '../recording/test-support.ts';
import { bundleSession } from './bundle.ts';
import { importBundle } from './import/bundles.ts';
import { failures, report, TestWorkspaces, take } from './test-import.ts';
import type { Objects } from './test-organisation.ts';

const vectors = JSON.parse(
  fs.readFileSync(join(import.meta.dirname, '../../test/vectors/evidence/stores.json'), 'utf8'),
) as { root: string; now: string; store: Record<string, string> };
const now = Date.parse(vectors.now);
const valid: Objects = new Map(
  Object.entries(vectors.store).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
);
const SID = '01JTESTSESSQN0000000000001';
const dir = temporaryFolder('audit-bundle');
const bundle = join(dir, 'one.tar');
let folder = '';
let workspaces: TestWorkspaces;
let count = 0;

beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, vectors.root);
  const workspace = workspaces.next();
  await take(workspace, valid, now);
  const books = workspace.books('read');
  await bundleSession(workspace, books, SID, bundle, now);
  books.close();
  fs.mkdirSync(join(dir, 'unpacked'));
  folder = await unpackBundle(bundle, join(dir, 'unpacked'));
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

const script = (target: string, root = vectors.root) =>
  spawnSync('bash', [join(import.meta.dirname, '../recording/verify.sh'), target, root], { encoding: 'utf8' });

/** A bundle of changed files, made without this program's help. */
function packed(from: string): string {
  const out = join(dir, `changed-${count++}.tar`);
  const names = (fs.readdirSync(from, { recursive: true }) as string[]).filter((name) =>
    fs.statSync(join(from, name)).isFile(),
  );
  const chunks = names.flatMap((name) => {
    const bytes = fs.readFileSync(join(from, name));
    return [tarHeader(`${SID}/${name}`, bytes.length), bytes, Buffer.alloc(padding(bytes.length))];
  });
  fs.writeFileSync(out, Buffer.concat([...chunks, Buffer.alloc(1024)]));
  return out;
}

async function imported(file: string) {
  const workspace = workspaces.next();
  const books = workspace.books('write');
  const outcome = await importBundle(workspace, books, file, () => now);
  books.close();
  return { outcome, report: await report(workspace, now) };
}

describe('a bundle with evidence', () => {
  it('verifies from the root alone, with this program and with standard tools', async () => {
    const { outcome, report: found } = await imported(bundle);
    expect(outcome).toMatchObject({ sid: SID, state: 'applied' });
    expect(failures(found)).toEqual([]);
    expect(found).toMatchObject({ ok: true, counts: { sessions: 1, verified: 1 } });
    const result = script(folder);
    expect(result.stdout).not.toContain('FAILED');
    expect(result.stdout).toContain('trust notes are signed by the root');
    expect(result.stdout).toContain("the session's end is that of the log");
    expect(result.status).toBe(0);
  });

  it('says nothing of sessions beside it', () => {
    const text = fs.readdirSync(join(folder, 'evidence')).map((name) => name);
    expect(text.sort()).toEqual([
      'closed.json',
      'closed.tlog-proof',
      'identity',
      'opened.json',
      'opened.tlog-proof',
      'trust',
    ]);
    expect(fs.readFileSync(bundle).includes('01JTESTSESSQN0000000000002')).toBe(false);
  });

  const replaced = (name: string, change: (text: string) => string) => (target: string) => {
    const path = join(target, name);
    fs.writeFileSync(path, change(fs.readFileSync(path, 'latin1')), 'latin1');
  };
  it.each([
    [
      'another root',
      () => {},
      'no trust note is signed by the root',
      'is not signed by the root',
      vectors.root.replace(/..$/, 'AA'),
    ],
    [
      'a trust note that is missing',
      (target: string) => fs.rmSync(join(target, 'evidence/trust/000001.note')),
      'trust note 1 is missing',
      'trust note 1 is missing',
      null,
    ],
    [
      'a trust note that is changed',
      replaced('evidence/trust/000002.note', (text) => text.replace('"quorum":1', '"quorum":0')),
      'is not signed by',
      'trust note 2 is not signed',
      null,
    ],
    [
      'an enrolment that is missing',
      (target: string) => fs.rmSync(join(target, 'evidence/identity'), { recursive: true }),
      'enrolled',
      'no enrolment that counts',
      null,
    ],
    [
      'an entry of the log that is changed',
      replaced('evidence/opened.json', (text) => text.replace('"demo"', '"prod"')),
      'does not prove the entry',
      'does not hold the opening',
      null,
    ],
    [
      'an end that is changed',
      replaced('evidence/closed.json', (text) => text.replace('"state":"closed"', '"state":"clOsed"')),
      'does not prove the entry',
      'end is not that of the log',
      null,
    ],
    [
      'a key that is swapped',
      replaced('evidence/opened.json', (text) => text.replace(/"key":"..../, '"key":"AAAA')),
      'does not prove the entry',
      'does not hold the opening',
      null,
    ],
  ] as const)('shows %s', async (_, change, ours, theirs, root) => {
    const copy = join(dir, `copy-${count++}`, SID);
    fs.cpSync(folder, copy, { recursive: true });
    change(copy);
    const result = script(copy, root ?? vectors.root);
    expect(result.stdout).toContain('FAILED');
    expect(result.stdout).toContain(theirs);
    expect(result.status).toBe(1);
    if (root !== null) return;
    const { report: found } = await imported(packed(copy));
    expect(found.ok).toBe(false);
    expect(failures(found).join('\n').toLowerCase()).toContain(ours);
  });
});
