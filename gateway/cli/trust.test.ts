import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testSigner } from '../evidence/format/test-keys.ts';
import { COSIGNATURE, formatVkey } from '../evidence/format/vkey.ts';
import { readNotes } from '../evidence/trust/trust-folder.ts';
import { verifyTrust } from '../evidence/trust/verify-trust.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { runCommand } from './test-cli.ts';
import { createTrustFolder, day, PASSPHRASE, type TestFolder } from './test-trust-folder.ts';

let org: TestFolder;
beforeAll(async () => {
  org = await createTrustFolder();
});
afterAll(() => org.remove());

describe('trust init', () => {
  it('makes a root that openssl reads with its passphrase, and a first note', () => {
    const [key] = readdirSync(org.folder).filter((name) => name.endsWith('.key'));
    const pem = execFileSync('openssl', [
      'pkey',
      '-in',
      join(org.folder, key!),
      '-passin',
      `file:${org.secret}`,
      '-pubout',
      '-outform',
      'DER',
    ]);
    expect(pem.subarray(-32).toString('base64')).toBe(
      Buffer.from(org.rootVkey.split('+').slice(2).join('+'), 'base64').subarray(1).toString('base64'),
    );
    expect(org.trust()).toMatchObject({ problems: [], note: { n: 1, org: 'acme', root: org.rootVkey } });
  });

  it('does not make one over another, without a passphrase, or under a name that is none', async () => {
    const again = await runCommand(['trust', 'init', 'acme', '--trust', org.folder], {
      typed: [PASSPHRASE, PASSPHRASE],
    });
    expect(again).toMatchObject({ code: 1, notes: expect.stringContaining('already') });
    const elsewhere = ['--trust', org.at('none')];
    expect((await runCommand(['trust', 'init', 'acme', ...elsewhere], { typed: ['short'] })).notes).toContain(
      '12 characters',
    );
    expect(
      (await runCommand(['trust', 'init', 'acme', ...elsewhere], { typed: [PASSPHRASE, 'other'] })).notes,
    ).toContain('not the same');
    expect((await runCommand(['trust', 'init', 'ACME', ...elsewhere])).notes).toContain('called by');
    expect(readdirSync(org.at('.'))).not.toContain('none');
  });

  it('takes a passphrase from no file that others can read', async () => {
    chmodSync(org.secret, 0o644);
    expect(await org.next('renew')).toMatchObject({ code: 2, notes: expect.stringContaining('can be read by others') });
    chmodSync(org.secret, 0o600);
  });
});

describe('what a person sees before the root signs', () => {
  const witness = formatVkey(testSigner('witness.example/seen', 'seen', COSIGNATURE).vkey);

  it('is the change in words; anything but yes signs nothing', async () => {
    const before = org.state().n;
    const refused = await runCommand(['trust', 'witness', 'add', witness, '--trust', org.folder], { typed: ['no'] });
    expect(refused.notes).toContain('adds witness witness.example/seen');
    expect(refused.notes).toContain('nothing was signed');
    expect(org.state().n).toBe(before);
    const signed = await runCommand(['trust', 'witness', 'add', witness, '--trust', org.folder], {
      typed: ['yes', PASSPHRASE],
    });
    expect(signed.asked.map(({ shown }) => shown)).toEqual([true, false]);
    expect(org.state()).toMatchObject({ n: before + 1, witnesses: [{ vkey: witness }] });
  });

  it('cannot be what no note may be', async () => {
    const before = org.state().n;
    expect((await org.next('witness', 'add', org.rootVkey)).notes).toContain('is not a key of that kind');
    expect((await org.next('witness', 'add', witness)).notes).toContain('stands in it twice');
    expect((await org.next('quorum', '7')).notes).toContain('more witnesses than it names');
    expect((await org.next('sync', '--prompts', 'never')).notes).toContain('sync.prompts');
    expect((await org.next('witness', 'revoke', 'nobody', '--reason', 'x')).notes).toContain('none called nobody');
    expect((await org.next('witness', 'revoke', witness, '--reason', 'x', '--at', day(1))).notes).toContain(
      'a time that has been',
    );
    expect(org.state().n).toBe(before);
  });

  it('does not sign with another key than the root’s, or under a wrong passphrase', async () => {
    await runCommand([
      'trust',
      'authority',
      'create',
      'other',
      '--to',
      org.at('other.key'),
      '--passphrase-file',
      org.secret,
    ]);
    expect((await org.next('renew', '--key', org.at('other.key'))).notes).toContain('is not the key of the root');
    const wrong = await runCommand(['trust', 'renew', '--trust', org.folder], { typed: ['yes', 'wrong passphrase'] });
    expect(wrong.notes).toContain('does not open with this passphrase');
  });
});

describe('the root', () => {
  it('is rotated: the old one names the new one, which signs from then on', async () => {
    const old = readdirSync(org.folder).filter((name) => name.endsWith('.key'));
    const typed = ['a new passphrase', 'a new passphrase', 'no'];
    await runCommand(['trust', 'rotate-root', '--trust', org.folder], { typed });
    expect(readdirSync(org.folder).filter((name) => name.endsWith('.key'))).toEqual(old);
    const before = org.state().n;
    const changed = await org.next('rotate-root');
    expect(changed.notes).toContain('changes the root from');
    expect(org.state()).toMatchObject({ n: before + 1 });
    expect(org.state().root).not.toBe(org.rootVkey);
    expect((await org.next('renew', '--key', join(org.folder, old[0]!))).notes).toContain('is not the key of the root');
    expect((await org.next('renew')).code).toBe(0);
    expect(org.trust()).toMatchObject({ problems: [], note: { n: before + 2 } });
    expect(verifyTrust(p, org.state().root, readNotes(org.folder), day(0)).problems).toEqual([]);
  });

  it('is all that trust verify needs, on what trust publish copied', async () => {
    const store = org.at('published');
    const { n } = org.state();
    expect((await runCommand(['trust', 'publish', store, '--trust', org.folder])).out).toContain(`${n} new notes`);
    expect((await runCommand(['trust', 'publish', store, '--trust', org.folder])).out).toContain('0 new notes');
    const notes = join(store, 'acme', 'trust');
    const good = await runCommand(['trust', 'verify', notes, '--root', org.rootVkey]);
    expect(good).toMatchObject({ code: 0, notes: expect.stringContaining(`the newest is ${n}`) });
    expect(good.out).toBe((await runCommand(['trust', 'show', '--trust', org.folder])).out);
    rmSync(join(notes, '000002.note'));
    expect(await runCommand(['trust', 'verify', notes, '--root', org.rootVkey])).toMatchObject({
      code: 1,
      notes: expect.stringContaining('trust note 2 is missing'),
    });
    writeFileSync(join(notes, '000002.note'), 'something else');
    expect((await runCommand(['trust', 'publish', store, '--trust', org.folder])).notes).toContain(
      'never written over',
    );
  });
});
