import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Validity } from '../evidence/format/documents.ts';
import { testSigner } from '../evidence/format/test-keys.ts';
import { COSIGNATURE, formatVkey, type Signer } from '../evidence/format/vkey.ts';
import { validAt } from '../evidence/trust/validity.ts';
import { createTrustFolder, day, type TestFolder } from './test-trust-folder.ts';

let org: TestFolder;
beforeAll(async () => {
  org = await createTrustFolder();
});
afterAll(() => org.remove());

const vkeyOf = (signer: Signer) => formatVkey(signer.vkey);

/** What was seen before a revocation stays; what was seen after, or by nobody, does not count. */
function expectRevokedYesterday(entry: Validity): void {
  const entryOfOld = { ...entry, from: day(-30) };
  expect(entry.revoked).toMatchObject({ reason: 'stolen' });
  expect(validAt(entryOfOld, day(-2), day(0)).ok).toBe(true);
  expect(validAt(entryOfOld, day(-0.5), day(0)).ok).toBe(false);
  expect(validAt(entryOfOld, null, day(0)).ok).toBe(false);
}
const STOLEN = ['--reason', 'stolen', '--at', day(-1)];

describe('rotation and revocation', () => {
  it('of a witness', async () => {
    const old = vkeyOf(testSigner('witness.example/1', '1', COSIGNATURE));
    const young = vkeyOf(testSigner('witness.example/2', '2', COSIGNATURE));
    await org.next('witness', 'add', old);
    await org.next('witness', 'add', young);
    await org.next('quorum', '1');
    expect((await org.next('witness', 'revoke', 'witness.example/1', ...STOLEN)).notes).toContain(
      'revokes witness witness.example/1',
    );
    const entry = (vkey: string) => org.state().witnesses.find((one) => one.vkey === vkey)!;
    expectRevokedYesterday(entry(old));
    expect(validAt(entry(young), null, day(0.1)).ok).toBe(true);
    expect(org.state().quorum).toBe(1);
  });

  it('of an auditor, whose new recipient has another entry', async () => {
    const vkey = vkeyOf(testSigner('countersign/auditor/grace'));
    const recipients = ['q', 'p'].map((letter) => `age1${letter.repeat(58)}`);
    await org.next('auditor', 'add', 'grace', '--role', 'auditor', '--recipient', recipients[0]!, '--vkey', vkey);
    await org.next('auditor', 'revoke', 'grace', ...STOLEN);
    await org.next('auditor', 'add', 'grace', '--role', 'reader', '--recipient', recipients[1]!);
    const [old, young] = org.state().auditors;
    expectRevokedYesterday(old!);
    expect(young).toMatchObject({ recipient: recipients[1], role: 'reader', vkey: null, revoked: null });
    expect((await org.next('auditor', 'add', 'x', '--role', 'king', '--recipient', recipients[1]!)).notes).toContain(
      'auditors',
    );
  });

  it('of a timestamping authority, a passkey and a policy set', async () => {
    const pem = execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-keyout', org.at('tsa.key'), '-subj', '/CN=tsa'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    ).toString();
    expect(
      (await org.next('tsa', 'add', 'ours', '--url', 'http://tsa.internal/', '--certificate', org.at('no.pem', 'x')))
        .notes,
    ).toContain('not a certificate');
    await org.next('tsa', 'add', 'ours', '--url', 'http://tsa.internal/', '--certificate', org.at('tsa.pem', pem));
    expect((await org.next('tsa', 'move', 'ours', '--ca', org.at('no.pem', 'x'))).notes).toContain('no certificates');
    expect((await org.next('tsa', 'move', 'theirs', '--url', 'https://x')).notes).toContain('no authority is called');
    await org.next('tsa', 'move', 'ours', '--url', 'https://tsa.internal/', '--ca', org.at('ca.pem', pem + pem));
    expect(org.state().tsas).toMatchObject([{ url: 'https://tsa.internal/', ca: pem + pem }]);
    await org.next('tsa', 'revoke', 'ours', ...STOLEN);
    expectRevokedYesterday(org.state().tsas[0]!);
    const passkey = { credentialId: 'Y3JlZA', publicKey: 'cHVibGlj', algorithm: -7, rpId: 'localhost' };
    await org.next('passkey', 'add', 'ada@example.com', org.at('passkey.json', JSON.stringify(passkey)));
    await org.next(
      'passkey',
      'add',
      'ada@example.com',
      org.at('passkey2.json', JSON.stringify({ ...passkey, credentialId: 'bmV3' })),
    );
    expect((await org.next('passkey', 'revoke', 'ada@example.com', ...STOLEN)).notes).toContain('2 are called');
    await org.next('passkey', 'revoke', 'Y3JlZA', ...STOLEN);
    expectRevokedYesterday(org.state().passkeys[0]!);
    expect(org.state().passkeys[1]).toMatchObject({ credentialId: 'bmV3', person: 'ada@example.com', revoked: null });
    await org.next('policy', 'add', 'ab'.repeat(32));
    await org.next('policy', 'revoke', 'ab'.repeat(32), ...STOLEN);
    expectRevokedYesterday(org.state().policies[0]!);
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
    const jwks = (...keys: object[]) => org.at('jwks.json', JSON.stringify({ keys }));
    const iss = 'https://login.example.com/';
    const added = await org.next(
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
    const entry = () => org.state().issuers[0]!;
    expect(entry().keys.map(({ kid }) => kid)).toEqual(['one']);
    expect((await org.next('issuer', 'rotate', iss, '--keys', jwks(key('two')))).notes).toContain(
      'adds signing key two',
    );
    expect(entry().keys.map(({ kid, until }) => [kid, until > day(1)])).toEqual([
      ['one', false],
      ['two', true],
    ]);
    expect((await org.next('issuer', 'rotate', iss, '--keys', jwks(key('two')))).notes).toContain('pinned already');
    await org.next('issuer', 'revoke-key', iss, 'two', ...STOLEN);
    expectRevokedYesterday(entry().keys[1]!);
    await org.next('issuer', 'allow', iss, 'realm_access.roles=dba');
    await org.next('issuer', 'disallow', iss, 'groups=agents', ...STOLEN);
    expectRevokedYesterday(entry().rules[0]!);
    expect(entry().rules[1]).toMatchObject({ claim: 'realm_access.roles', value: 'dba', revoked: null });
    await org.next('issuer', 'revoke', iss, ...STOLEN);
    expectRevokedYesterday(entry());
    expect((await org.next('issuer', 'allow', iss, 'a=b')).notes).toContain('none called');
    expect(
      (await org.next('issuer', 'add', 'https://x.example/', '--audience', 'a', '--keys', jwks({ kty: 'oct', k: 'x' })))
        .notes,
    ).toContain('no key that signs');
  });

  it('of what leaves the devices, and for how long the note is good', async () => {
    expect((await org.next('sync', '--prompts', 'local', '--files', 'omit')).notes).toContain(
      'prompts: recorded, and kept on the device',
    );
    expect(org.state().sync).toEqual({ prompts: 'local', thoughts: 'sync', files: 'omit' });
    await org.next('renew', '--note-days', '30');
    expect(org.state().validUntil > day(29) && org.state().validUntil < day(31)).toBe(true);
  });
});
