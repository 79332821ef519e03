import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isCheckpointOf, parseCheckpoint } from '../evidence/format/checkpoint.ts';
import { formatVkey, makeVkey, parseVkey } from '../evidence/format/vkey.ts';
import { createSessionKey, nodePrimitives as p } from '../recording/primitives.ts';
import { temporaryFolder } from '../recording/test-support.ts';
import { createWorkspace, openWorkspace } from './workspace.ts';

const dir = temporaryFolder('workspace');
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));
const root = formatVkey(makeVkey(p.sha256, 'countersign/org/acme', createSessionKey().publicKey));
const folder = join(dir, 'one');

describe("the auditor's workspace", () => {
  it('is made once, with keys that only a passphrase opens', async () => {
    const made = await createWorkspace(folder, { root, name: 'eve', passphrase: 'correct horse' });
    expect(made.settings).toMatchObject({ org: 'acme', name: 'eve', root });
    expect(made.settings.recipient).toMatch(/^age1/);
    expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
    expect(fs.readFileSync(join(folder, 'identity.age'), 'utf8')).not.toContain('AGE-SECRET-KEY');
    expect(fs.readFileSync(join(folder, 'signing-key.pem'), 'utf8')).toContain('ENCRYPTED PRIVATE KEY');
    const opened = openWorkspace(folder);
    await expect(opened.unlock('wrong')).rejects.toMatchObject({ code: 'AUDIT_PASSPHRASE' });
    const keys = await opened.unlock('correct horse');
    expect(keys.identity).toMatch(/^AGE-SECRET-KEY-1/);
    expect(formatVkey(keys.signer.vkey)).toBe(opened.settings.vkey);
    await expect(createWorkspace(folder, { root, name: 'eve', passphrase: 'x' })).rejects.toMatchObject({
      code: 'AUDIT_EXISTS',
    });
    expect(() => openWorkspace(dir)).toThrow(/no auditor's workspace/);
  }, 60_000);

  it('takes nothing but a root', async () => {
    const authority = formatVkey(makeVkey(p.sha256, 'countersign/authority/x', createSessionKey().publicKey));
    const altered = `${root.slice(0, -2)}${root.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const bad of [authority, altered, 'nonsense']) {
      await expect(
        createWorkspace(join(dir, 'two'), { root: bad, name: 'eve', passphrase: 'x' }),
      ).rejects.toMatchObject({ code: 'AUDIT_ROOT_UNKNOWN' });
    }
  });

  it('gives a key that openssl reads with the passphrase', () => {
    const file = join(folder, 'signing-key.pem');
    const read = (passphrase: string) =>
      spawnSync('openssl', ['pkey', '-in', file, '-passin', `pass:${passphrase}`, '-noout', '-text'], {
        encoding: 'utf8',
      });
    expect(read('correct horse').stdout).toMatch(/ED25519/i);
    expect(read('wrong').status).not.toBe(0);
  });

  it('keeps a log of what was done, signed where the key is at hand', async () => {
    const workspace = openWorkspace(folder, () => Date.UTC(2026, 2, 4));
    workspace.log.append({ type: 'opened', sid: 'S1', how: 'replay' });
    // As if the machine had stopped within a write.
    fs.appendFileSync(join(folder, 'log', 'entries'), Buffer.from([0, 0, 0, 9, 1]));
    workspace.log.append({ type: 'searched', words: 'salary', found: 2 });
    const { signer } = await workspace.unlock('correct horse');
    workspace.log.sign(signer);
    const entries = [...workspace.log.entries()].map((bytes) => JSON.parse(Buffer.from(bytes).toString()));
    expect(entries.map(({ n, type }) => [n, type])).toEqual([
      [0, 'workspace'],
      [1, 'opened'],
      [2, 'searched'],
    ]);
    const head = parseCheckpoint(fs.readFileSync(join(folder, 'log', 'checkpoints', '3')));
    expect(isCheckpointOf(p, head, parseVkey(p.sha256, workspace.settings.vkey))).toBe(true);
    expect(head.size).toBe(3);
  }, 60_000);
});
