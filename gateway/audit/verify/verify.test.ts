import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatNote, parseNote } from '../../evidence/format/signed-note.ts';
import { testSigner } from '../../evidence/format/test-keys.ts';
import { formatVkey } from '../../evidence/format/vkey.ts';
import { temporaryFolder } from '../../recording/test-support.ts';
import { failures, report, TestWorkspaces, take } from '../test-import.ts';
import type { Objects } from '../test-organisation.ts';

type Encoded = Record<string, string | null>;

const vectors = JSON.parse(
  fs.readFileSync(join(import.meta.dirname, '../../../test/vectors/evidence/stores.json'), 'utf8'),
) as {
  root: string;
  device: string;
  now: string;
  store: Record<string, string>;
  attacks: { name: string; says: string; imports: Encoded[] }[];
};

const now = Date.parse(vectors.now);
const valid: Objects = new Map(
  Object.entries(vectors.store).map(([name, text]) => [name, Buffer.from(text, 'base64')]),
);
const otherRoot = formatVkey(testSigner('countersign/org/acme', 'another').vkey);
const dir = temporaryFolder('audit-verify');
let workspaces: TestWorkspaces;
beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, vectors.root);
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

function storeAfter(changes: Encoded): Objects {
  const objects = new Map(valid);
  for (const [name, text] of Object.entries(changes)) {
    if (text === null) objects.delete(name);
    else objects.set(name, Buffer.from(text, 'base64'));
  }
  return objects;
}

describe('a store as it should be', () => {
  it('verifies from the root alone, and again after another import', async () => {
    const workspace = workspaces.next();
    for (let i = 0; i < 2; i += 1) {
      const outcome = await take(workspace, valid, now);
      expect(outcome).toMatchObject({ fresh: i === 0 ? valid.size : 0, seen: valid.size, foreign: [] });
      const found = await report(workspace, now);
      expect(failures(found)).toEqual([]);
      expect(found).toMatchObject({
        ok: true,
        counts: { devices: 1, sessions: 2, verified: 2, failed: 0, missing: 0 },
      });
      expect(found.devices[0]?.checks.find(({ name }) => name === 'witnesses')?.status).toBe('ok');
    }
  });

  it('is nothing to another root', async () => {
    const other = await TestWorkspaces.make(join(dir, 'other'), otherRoot);
    const workspace = other.next();
    await take(workspace, valid, now);
    const found = await report(workspace, now);
    expect(found.ok).toBe(false);
    expect(failures(found)[0]).toContain('No trust note is signed by the root given');
  }, 60_000);
});

describe('an attack', () => {
  it.each(vectors.attacks.map((attack) => [attack.name, attack] as const))(
    'shows: %s',
    async (_, { says, imports }) => {
      const workspace = workspaces.next();
      for (const [i, changes] of imports.entries()) {
        await take(workspace, storeAfter(changes), now + i * 60_000);
        const found = await report(workspace, now + i * 60_000);
        const last = i === imports.length - 1;
        if (!last) expect(failures(found)).toEqual([]);
        else {
          expect(found.ok).toBe(false);
          expect(failures(found).join('\n').toLowerCase()).toContain(says.toLowerCase());
        }
      }
    },
  );
});

it('loses no genuine signature to junk in the names of those who sign', async () => {
  const name = [...valid.keys()].findLast((one) => /\/log\/checkpoint\.[0-9]+\.[0-9a-f]{8}$/.test(one))!;
  const { text, signatures } = parseNote(valid.get(name)!);
  const junk = new Map(valid);
  for (let i = 0; i < 3; i += 1) {
    const wrong = signatures.flatMap(({ name: signer, hash, bytes }) =>
      Array.from({ length: 60 }, () => ({ name: signer, hash, bytes: randomBytes(bytes.length) })),
    );
    junk.set(`${name.replace(/[^.]*$/, '')}0000000${i}`, formatNote({ text, signatures: wrong }));
  }
  const workspace = workspaces.next();
  await take(workspace, junk, now);
  const found = await report(workspace, now);
  const check = (of: string) => found.devices[0]?.checks.find((one) => one.name === of);
  expect(check('witnesses')?.status).toBe('ok');
  expect(check('enrolment')?.status).toBe('ok');
  expect(check('log')?.sentence).toContain('has a cosignature in the name of');
  expect(check('log heads')?.sentence).toContain('is signed by no key of the device');
  expect(found.counts).toMatchObject({ sessions: 2, verified: 2 });
});
