import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceOrigin } from '../evidence/format/checkpoint.ts';
import type { EnrolmentRequest, Validity } from '../evidence/format/documents.ts';
import { signDocument } from '../evidence/format/signed-document.ts';
import { testSigner } from '../evidence/format/test-keys.ts';
import { COSIGNATURE, formatVkey, type Signer } from '../evidence/format/vkey.ts';
import { DeviceKeys } from '../evidence/trust/device-keys.ts';
import { readNotes } from '../evidence/trust/trust-folder.ts';
import { validAt } from '../evidence/trust/validity.ts';
import { verifyTrust } from '../evidence/trust/verify-trust.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { runCommand } from './test-cli.ts';

const PASSPHRASE = 'a passphrase for tests';
let work = '';
let folder = '';
let secret = '';
let rootVkey = '';

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'countersign-trust-'));
  folder = join(work, 'trust');
  secret = join(work, 'passphrase');
  writeFileSync(secret, `${PASSPHRASE}\n`, { mode: 0o600 });
  const made = await runCommand(['trust', 'init', 'acme', '--trust', folder], { typed: [PASSPHRASE, PASSPHRASE] });
  expect(made.notes).toContain('keep that folder offline');
  rootVkey = made.out;
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const at = (name: string, content = '') => {
  const file = join(work, name);
  if (content !== '') writeFileSync(file, content);
  return file;
};
/** A command that makes the next note, without questions. */
const next = (...args: string[]) =>
  runCommand(['trust', ...args, '--trust', folder, '--passphrase-file', secret, '--yes']);
const trustNow = (now = new Date().toISOString()) => verifyTrust(p, rootVkey, readNotes(folder), now);
const state = () => trustNow().note!;
const vkeyOf = (signer: Signer) => formatVkey(signer.vkey);
/** The days before and after today. */
const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

/** What was seen before a revocation stays; what was seen after, or by nobody, does not count. */
function expectRevokedYesterday(entry: Validity): void {
  const entryOfOld = { ...entry, from: day(-30) };
  expect(entry.revoked).toMatchObject({ reason: 'stolen' });
  expect(validAt(entryOfOld, day(-2), day(0)).ok).toBe(true);
  expect(validAt(entryOfOld, day(-0.5), day(0)).ok).toBe(false);
  expect(validAt(entryOfOld, null, day(0)).ok).toBe(false);
}
const STOLEN = ['--reason', 'stolen', '--at', day(-1)];

describe('trust init', () => {
  it('makes a root that openssl reads with its passphrase, and a first note', () => {
    const [key] = readdirSync(folder).filter((name) => name.endsWith('.key'));
    const pem = execFileSync('openssl', [
      'pkey',
      '-in',
      join(folder, key!),
      '-passin',
      `file:${secret}`,
      '-pubout',
      '-outform',
      'DER',
    ]);
    expect(pem.subarray(-32).toString('base64')).toBe(
      Buffer.from(rootVkey.split('+').slice(2).join('+'), 'base64').subarray(1).toString('base64'),
    );
    expect(trustNow()).toMatchObject({ problems: [], note: { n: 1, org: 'acme', root: rootVkey } });
  });

  it('does not make one over another, without a passphrase, or under a name that is none', async () => {
    const again = await runCommand(['trust', 'init', 'acme', '--trust', folder], { typed: [PASSPHRASE, PASSPHRASE] });
    expect(again).toMatchObject({ code: 1, notes: expect.stringContaining('already') });
    const elsewhere = ['--trust', join(work, 'none')];
    expect((await runCommand(['trust', 'init', 'acme', ...elsewhere], { typed: ['short'] })).notes).toContain(
      '12 characters',
    );
    expect(
      (await runCommand(['trust', 'init', 'acme', ...elsewhere], { typed: [PASSPHRASE, 'other'] })).notes,
    ).toContain('not the same');
    expect((await runCommand(['trust', 'init', 'ACME', ...elsewhere])).notes).toContain('called by');
    expect(readdirSync(work)).not.toContain('none');
  });

  it('takes a passphrase from no file that others can read', async () => {
    chmodSync(secret, 0o644);
    expect(await next('renew')).toMatchObject({ code: 2, notes: expect.stringContaining('can be read by others') });
    chmodSync(secret, 0o600);
  });
});

describe('what a person sees before the root signs', () => {
  const witness = vkeyOf(testSigner('witness.example/seen', 'seen', COSIGNATURE));

  it('is the change in words; anything but yes signs nothing', async () => {
    const before = state().n;
    const refused = await runCommand(['trust', 'witness', 'add', witness, '--trust', folder], { typed: ['no'] });
    expect(refused.notes).toContain('adds witness witness.example/seen');
    expect(refused.notes).toContain('nothing was signed');
    expect(state().n).toBe(before);
    const signed = await runCommand(['trust', 'witness', 'add', witness, '--trust', folder], {
      typed: ['yes', PASSPHRASE],
    });
    expect(signed.asked.map(({ shown }) => shown)).toEqual([true, false]);
    expect(state()).toMatchObject({ n: before + 1, witnesses: [{ vkey: witness }] });
  });

  it('cannot be what no note may be', async () => {
    const before = state().n;
    expect((await next('witness', 'add', rootVkey)).notes).toContain('is not a key of that kind');
    expect((await next('witness', 'add', witness)).notes).toContain('stands in it twice');
    expect((await next('quorum', '7')).notes).toContain('more witnesses than it names');
    expect((await next('sync', '--prompts', 'never')).notes).toContain('sync.prompts');
    expect((await next('witness', 'revoke', 'nobody', '--reason', 'x')).notes).toContain('none called nobody');
    expect((await next('witness', 'revoke', witness, '--reason', 'x', '--at', day(1))).notes).toContain(
      'a time that has been',
    );
    expect(state().n).toBe(before);
  });

  it('does not sign with another key than the root’s, or under a wrong passphrase', async () => {
    await runCommand(['trust', 'authority', 'create', 'other', '--to', at('other.key'), '--passphrase-file', secret]);
    expect((await next('renew', '--key', at('other.key'))).notes).toContain('is not the key of the root');
    const wrong = await runCommand(['trust', 'renew', '--trust', folder], { typed: ['yes', 'wrong passphrase'] });
    expect(wrong.notes).toContain('does not open with this passphrase');
  });
});

describe('rotation and revocation', () => {
  it('of a witness', async () => {
    const old = vkeyOf(testSigner('witness.example/1', '1', COSIGNATURE));
    const young = vkeyOf(testSigner('witness.example/2', '2', COSIGNATURE));
    await next('witness', 'add', old);
    await next('witness', 'add', young);
    await next('quorum', '1');
    expect((await next('witness', 'revoke', 'witness.example/1', ...STOLEN)).notes).toContain(
      'revokes witness witness.example/1',
    );
    const entry = (vkey: string) => state().witnesses.find((one) => one.vkey === vkey)!;
    expectRevokedYesterday(entry(old));
    expect(validAt(entry(young), null, day(0.1)).ok).toBe(true);
    expect(state().quorum).toBe(1);
  });

  it('of an auditor, whose new recipient has another entry', async () => {
    const vkey = vkeyOf(testSigner('countersign/auditor/grace'));
    const recipients = ['q', 'p'].map((letter) => `age1${letter.repeat(58)}`);
    await next('auditor', 'add', 'grace', '--role', 'auditor', '--recipient', recipients[0]!, '--vkey', vkey);
    await next('auditor', 'revoke', 'grace', ...STOLEN);
    await next('auditor', 'add', 'grace', '--role', 'reader', '--recipient', recipients[1]!);
    const [old, young] = state().auditors;
    expectRevokedYesterday(old!);
    expect(young).toMatchObject({ recipient: recipients[1], role: 'reader', vkey: null, revoked: null });
    expect((await next('auditor', 'add', 'x', '--role', 'king', '--recipient', recipients[1]!)).notes).toContain(
      'auditors',
    );
  });

  it('of a timestamping authority, a passkey and a policy set', async () => {
    const pem = execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-keyout', at('tsa.key'), '-subj', '/CN=tsa'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    ).toString();
    expect(
      (await next('tsa', 'add', 'ours', '--url', 'http://tsa.internal/', '--certificate', at('no.pem', 'x'))).notes,
    ).toContain('not a certificate');
    await next('tsa', 'add', 'ours', '--url', 'http://tsa.internal/', '--certificate', at('tsa.pem', pem));
    await next('tsa', 'revoke', 'ours', ...STOLEN);
    expectRevokedYesterday(state().tsas[0]!);
    const passkey = { credentialId: 'Y3JlZA', publicKey: 'cHVibGlj', algorithm: -7, rpId: 'localhost' };
    await next('passkey', 'add', 'ada@example.com', at('passkey.json', JSON.stringify(passkey)));
    await next(
      'passkey',
      'add',
      'ada@example.com',
      at('passkey2.json', JSON.stringify({ ...passkey, credentialId: 'bmV3' })),
    );
    expect((await next('passkey', 'revoke', 'ada@example.com', ...STOLEN)).notes).toContain('2 are called');
    await next('passkey', 'revoke', 'Y3JlZA', ...STOLEN);
    expectRevokedYesterday(state().passkeys[0]!);
    expect(state().passkeys[1]).toMatchObject({ credentialId: 'bmV3', person: 'ada@example.com', revoked: null });
    await next('policy', 'add', 'ab'.repeat(32));
    await next('policy', 'revoke', 'ab'.repeat(32), ...STOLEN);
    expectRevokedYesterday(state().policies[0]!);
  });

  it('of an identity provider, its keys and its rules', async () => {
    const key = (kid: string, more = {}) => ({
      kty: 'EC',
      crv: 'P-256',
      kid,
      use: 'sig',
      alg: 'ES256',
      x: `${kid}x`,
      y: 'y',
      ...more,
    });
    const jwks = (...keys: object[]) => at('jwks.json', JSON.stringify({ keys }));
    const iss = 'https://login.example.com/';
    const added = await next(
      'issuer',
      'add',
      iss,
      '--audience',
      'app',
      '--keys',
      jwks(key('one'), key('enc', { use: 'enc' }), { kty: 'oct', k: 'x' }),
      '--rule',
      'groups=agents',
    );
    expect(added.notes).toContain('rule "groups is agents"');
    const entry = () => state().issuers[0]!;
    expect(entry().keys.map(({ kid }) => kid)).toEqual(['one']);
    expect((await next('issuer', 'rotate', iss, '--keys', jwks(key('two')))).notes).toContain('adds signing key two');
    expect(entry().keys.map(({ kid, until }) => [kid, until > day(1)])).toEqual([
      ['one', false],
      ['two', true],
    ]);
    expect((await next('issuer', 'rotate', iss, '--keys', jwks(key('two')))).notes).toContain('pinned already');
    await next('issuer', 'revoke-key', iss, 'two', ...STOLEN);
    expectRevokedYesterday(entry().keys[1]!);
    await next('issuer', 'allow', iss, 'realm_access.roles=dba');
    await next('issuer', 'disallow', iss, 'groups=agents', ...STOLEN);
    expectRevokedYesterday(entry().rules[0]!);
    expect(entry().rules[1]).toMatchObject({ claim: 'realm_access.roles', value: 'dba', revoked: null });
    await next('issuer', 'revoke', iss, ...STOLEN);
    expectRevokedYesterday(entry());
    expect((await next('issuer', 'allow', iss, 'a=b')).notes).toContain('none called');
    expect(
      (await next('issuer', 'add', 'https://x.example/', '--audience', 'a', '--keys', jwks({ kty: 'oct', k: 'x' })))
        .notes,
    ).toContain('no key that signs');
  });

  it('of what leaves the devices, and for how long the note is good', async () => {
    expect((await next('sync', '--prompts', 'local', '--files', 'omit')).notes).toContain(
      'prompts: recorded, and kept on the device',
    );
    expect(state().sync).toEqual({ prompts: 'local', thoughts: 'sync', files: 'omit' });
    await next('renew', '--note-days', '30');
    expect(state().validUntil > day(29) && state().validUntil < day(31)).toBe(true);
  });
});

const REQUESTS = 500;
const device = (n: number) => `01JABCDEFGHJKMNPQRSTVW${String(n).padStart(4, '0')}`;
const request = (n: number, signer = testSigner(deviceOrigin(device(n))), changes: Partial<EnrolmentRequest> = {}) =>
  signDocument(
    'enrolment-request',
    {
      v: 1,
      org: 'acme',
      device: device(n),
      vkey: vkeyOf(signer),
      name: `laptop-${n}`,
      account: `user${n}`,
      protection: 'protected',
      at: day(0),
      ...changes,
    },
    [signer],
  );

describe('500 laptops', () => {
  const authority = () => at('berlin.key');
  const store = () => join(work, 'store');
  const enrol = (from: string, ...more: string[]) =>
    runCommand([
      'trust',
      'enrol',
      from,
      '--key',
      authority(),
      '--trust',
      folder,
      '--to',
      store(),
      '--passphrase-file',
      secret,
      '--yes',
      ...more,
    ]);
  const judge = async (n: number, seen: string | null) => {
    const identity = join(store(), 'acme', device(n), 'identity');
    const enrolments = readdirSync(identity).map((name) => ({ bytes: readFileSync(join(identity, name)), seen }));
    const keys = await DeviceKeys.read(p, trustNow(), device(n), { enrolments, bindings: [], changes: [] });
    return keys.judge(testSigner(deviceOrigin(device(n))).vkey, null);
  };
  const requests = () => join(work, 'requests');

  beforeAll(() => {
    mkdirSync(requests());
    for (let n = 0; n < REQUESTS; n += 1) writeFileSync(join(requests(), `${n}.request`), request(n));
  });

  it('are not enrolled by an authority that the root does not name', async () => {
    const made = await runCommand(['trust', 'authority', 'create', 'berlin', '--to', authority()], {
      typed: [PASSPHRASE, PASSPHRASE],
    });
    expect(made.out).toMatch(/^countersign\/authority\/berlin\+/);
    expect((await enrol(requests())).notes).toContain('lets countersign/authority/berlin');
    expect((await next('authority', 'add', `${authority()}.pub`)).notes).toContain(
      'adds authority countersign/authority/berlin',
    );
  });

  it('are enrolled at once, and again only if they were not', async () => {
    const done = await enrol(requests());
    expect(done).toMatchObject({ code: 0, out: '500 enrolled, 0 were already, 0 refused' });
    expect(done.notes).toContain('500 to enrol, 0 refused');
    expect(done.notes).toContain('400 of 500');
    expect((await judge(7, null)).sentence).toContain('countersign/authority/berlin');
    expect((await enrol(requests())).out).toBe('0 enrolled, 500 were already, 0 refused');
  });

  it('are told from what is no request, and from two that say they are one device', async () => {
    const other = join(work, 'other-requests');
    mkdirSync(other);
    const thief = testSigner(deviceOrigin(device(900)), 'thief');
    const files: Record<string, Uint8Array> = {
      hello: Buffer.from('hello'),
      long: Buffer.alloc(100_000, 'x'),
      org: request(901, undefined, { org: 'acne' }),
      forged: Buffer.from(Buffer.from(request(902)).toString().replace('laptop-902', 'laptop-903')),
      '\u001b[2Jname': request(903, testSigner(deviceOrigin(device(904)))),
      one: request(900),
      two: request(900, thief),
      good: request(905, undefined, { protection: 'unprotected' }),
    };
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(other, name), bytes);
    const { out, notes, code } = await enrol(other);
    expect({ out, code }).toEqual({ out: '1 enrolled, 0 were already, 7 refused', code: 1 });
    expect(notes).toContain('1 of them unprotected');
    expect(notes).not.toContain('\u001b');
    for (const why of [
      'not UTF-8|does not end with',
      'the organisation acne',
      'not signed by the key',
      'not of its device',
      'each with another key',
    ]) {
      expect(notes).toMatch(new RegExp(why));
    }
  });

  it('are not overwritten by what somebody put in their place', async () => {
    const lone = at('lone.request', Buffer.from(request(910)).toString());
    await enrol(lone);
    const [file] = readdirSync(join(store(), 'acme', device(910), 'identity'));
    writeFileSync(join(store(), 'acme', device(910), 'identity', file!), 'something else');
    expect(await enrol(lone)).toMatchObject({ code: 1, out: '0 enrolled, 0 were already, 1 refused' });
  });

  it('get no second key while one counts, but for a change that both keys signed', async () => {
    const old = testSigner(deviceOrigin(device(20)));
    const young = testSigner(deviceOrigin(device(20)), 'young');
    const again = at('again.request', Buffer.from(request(20, young)).toString());
    expect((await enrol(again)).notes).toContain('if that is lost, revoke it first');
    const identity = join(store(), 'acme', device(20), 'identity');
    const [first] = readdirSync(identity);
    const change = { v: 1, device: device(20), old: vkeyOf(old), new: vkeyOf(young), at: day(0) } as const;
    writeFileSync(join(identity, 'x.change.note'), signDocument('key-change', change, [old, young]));
    expect((await enrol(again)).out).toBe('1 enrolled, 0 were already, 0 refused');
    const lost = await next(
      'device',
      'revoke',
      device(20),
      join(identity, first!),
      join(identity, 'x.change.note'),
      '--reason',
      'lost',
    );
    expect(lost.notes).toContain('revokes device key');
    expect(
      state()
        .devices.map(({ vkey }) => vkey)
        .sort(),
    ).toEqual([vkeyOf(old), vkeyOf(young)].sort());
    const third = at(
      'third.request',
      Buffer.from(request(20, testSigner(deviceOrigin(device(20)), 'third'))).toString(),
    );
    expect((await enrol(again)).notes).toContain('the key that it asks for was revoked');
    expect((await enrol(third)).out).toBe('1 enrolled, 0 were already, 0 refused');
  });

  it('lose nothing when the authority is revoked, and gain nothing', async () => {
    await next('authority', 'revoke', 'berlin', '--reason', 'stolen');
    expect((await judge(7, day(-2))).ok).toBe(false); // before its beginning
    const [entry] = state().authorities;
    expect((await judge(7, entry!.from)).ok).toBe(true);
    expect((await judge(7, entry!.revoked!.at)).ok).toBe(false);
    expect((await judge(7, null)).ok).toBe(false);
    expect((await enrol(requests())).notes).toContain('may not enrol devices: it was revoked');
  });

  it('are taken back one by one', async () => {
    const vkey = vkeyOf(testSigner(deviceOrigin(device(7))));
    expect((await next('device', 'revoke', device(7), vkey, '--reason', 'lost')).notes).toContain('revokes device key');
    expect(state().devices.at(-1)).toMatchObject({ device: device(7), vkey });
    expect((await next('device', 'revoke', device(7), vkey, '--reason', 'lost')).notes).toContain('revoked already');
    const other = vkeyOf(testSigner(deviceOrigin(device(9))));
    expect((await next('device', 'revoke', device(8), at('no.note', 'x'), '--reason', 'lost')).notes).toContain(
      'neither a key nor',
    );
    expect((await next('device', 'revoke', device(8), other, '--reason', 'lost')).notes).toContain(
      'not a key of that kind',
    );
  });
});

describe('the root', () => {
  it('is rotated: the old one names the new one, which signs from then on', async () => {
    const old = readdirSync(folder).filter((name) => name.endsWith('.key'));
    const typed = ['a new passphrase', 'a new passphrase', 'no'];
    await runCommand(['trust', 'rotate-root', '--trust', folder], { typed });
    expect(readdirSync(folder).filter((name) => name.endsWith('.key'))).toEqual(old);
    const before = state().n;
    const changed = await next('rotate-root');
    expect(changed.notes).toContain('changes the root from');
    expect(state()).toMatchObject({ n: before + 1 });
    expect(state().root).not.toBe(rootVkey);
    expect((await next('renew', '--key', join(folder, old[0]!))).notes).toContain('is not the key of the root');
    expect((await next('renew')).code).toBe(0);
    expect(trustNow()).toMatchObject({ problems: [], note: { n: before + 2 } });
    expect(verifyTrust(p, state().root, readNotes(folder), day(0)).problems).toEqual([]);
  });

  it('is all that trust verify needs, on what trust publish copied', async () => {
    const store = join(work, 'published');
    const { n } = state();
    expect((await runCommand(['trust', 'publish', store, '--trust', folder])).out).toContain(`${n} new notes`);
    expect((await runCommand(['trust', 'publish', store, '--trust', folder])).out).toContain('0 new notes');
    const notes = join(store, 'acme', 'trust');
    const good = await runCommand(['trust', 'verify', notes, '--root', rootVkey]);
    expect(good).toMatchObject({ code: 0, notes: expect.stringContaining(`the newest is ${n}`) });
    expect(good.out).toBe((await runCommand(['trust', 'show', '--trust', folder])).out);
    rmSync(join(notes, '000003.note'));
    expect(await runCommand(['trust', 'verify', notes, '--root', rootVkey])).toMatchObject({
      code: 1,
      notes: expect.stringContaining('trust note 3 is missing'),
    });
    writeFileSync(join(notes, '000003.note'), 'something else');
    expect((await runCommand(['trust', 'publish', store, '--trust', folder])).notes).toContain('never written over');
  });
});
