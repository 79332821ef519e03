import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { toBase64 } from '../../recording/format/bytes.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { deviceOrigin } from '../format/checkpoint.ts';
import type { IssuerEntry, IssuerKey } from '../format/documents.ts';
import { signDocument } from '../format/signed-document.ts';
import { testSigner } from '../format/test-keys.ts';
import { DeviceKeys } from './device-keys.ts';
import { bindingNonce, claimHas } from './id-token.ts';
import { always, chainOf, month, NOW, revokedIn, rootVkey, vkeyOf } from './test-trust.ts';
import { verifyTrust } from './verify-trust.ts';

const DEVICE = '01JABCDEFGHJKMNPQRSTVWXYZ0';
const device = testSigner(deviceOrigin(DEVICE));
const second = testSigner(deviceOrigin(DEVICE), 'second key');

describe('a key bound by an identity provider', () => {
  const ISSUER = 'https://login.example.com/';
  const random = new Uint8Array(16).fill(9);
  const nonce = bindingNonce(p, device.vkey.key, random);
  let keys: { jwk: IssuerKey; sign: CryptoKey }[] = [];

  const pinned = async (kid: string, alg: string) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const { kty, n, e, crv, x, y } = await exportJWK(publicKey);
    const members = Object.fromEntries(Object.entries({ n, e, crv, x, y }).filter(([, value]) => value !== undefined));
    return { jwk: { ...always(), kty: kty as 'RSA', kid, alg, ...members }, sign: privateKey };
  };
  beforeAll(async () => {
    keys = [await pinned('one', 'ES256'), await pinned('two', 'RS256')];
  });

  const issuer = (changes: Partial<IssuerEntry> = {}): IssuerEntry => ({
    ...always(),
    issuer: ISSUER,
    audience: 'countersign',
    keys: keys.map(({ jwk }) => jwk),
    rules: [{ ...always(), claim: 'realm_access.roles', value: 'agents' }],
    ...changes,
  });
  const token = (claims: object = {}, key = keys[0]!, madeAt = month(3)) =>
    new SignJWT({ nonce, email: 'ada@example.com', realm_access: { roles: ['staff', 'agents'] }, ...claims })
      .setProtectedHeader({ alg: key.jwk.alg!, kid: key.jwk.kid! })
      .setIssuer(ISSUER)
      .setAudience(['countersign', 'other'])
      .setSubject('u-1')
      .setIssuedAt(Date.parse(madeAt) / 1000)
      .setExpirationTime(Date.parse(madeAt) / 1000 + 300)
      .sign(key.sign);
  const binding = (idToken: string, signer = device) =>
    signDocument(
      'binding',
      { v: 1, org: 'acme', device: DEVICE, vkey: vkeyOf(device), name: 'laptop-7', idToken, random: toBase64(random) },
      [signer],
    );
  const judge = async (entry: IssuerEntry, idToken: string, seen: string | null = month(4), signer = device) => {
    const trust = verifyTrust(p, rootVkey, chainOf([{ issuers: [entry] }]), NOW);
    const bindings = [{ bytes: binding(idToken, signer), seen }];
    const found = await DeviceKeys.read(p, trust, DEVICE, { enrolments: [], bindings, changes: [] });
    const verdict = found.judge(device.vkey, null);
    return verdict.ok ? verdict.person?.name : found.problems[0];
  };

  it('is the device’s, and the person’s', async () => {
    expect(await judge(issuer(), await token())).toBe('ada@example.com');
    expect(await judge(issuer(), await token({ email: undefined }, keys[1]))).toBe('u-1');
    expect(await judge(issuer(), await token(), null)).toBe('ada@example.com');
  });

  it('is refused when the token is not for this key, not of a pinned key, or not for us', async () => {
    expect(await judge(issuer(), await token({ nonce: 'else' }))).toContain('another key');
    expect(await judge(issuer(), await token({ nonce: undefined }))).toContain('another key');
    expect(await judge(issuer({ keys: [keys[1]!.jwk] }), await token())).toContain('no key that the trust note pins');
    const theirs = await pinned('one', 'ES256');
    expect(await judge(issuer(), await token({}, theirs))).toContain('no key that the trust note pins');
    expect(await judge(issuer({ audience: 'somebody' }), await token())).toContain('for this audience');
    expect(await judge(issuer({ issuer: 'https://evil.example.com/' }), await token())).toContain('for this audience');
    expect(await judge(issuer(), `${(await token()).slice(0, -4)}AAAA`)).toContain('no key that the trust note pins');
    expect(await judge(issuer(), 'hello')).toContain('cannot be read');
    expect(await judge(issuer(), await token(), month(4), second)).toContain('not signed by the key that it binds');
  });

  it('is refused when the token has no signature, or one that anybody can make', async () => {
    const [, payload] = (await token()).split('.');
    const header = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    expect(await judge(issuer(), `${header({ alg: 'none' })}.${payload}.`)).toContain(
      'no key that the trust note pins',
    );
    const shared = new TextEncoder().encode(keys[1]!.jwk.n!);
    const hmac = await new SignJWT({ nonce, realm_access: { roles: ['agents'] } })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setAudience('countersign')
      .setSubject('u-1')
      .setIssuedAt(Date.parse(month(3)) / 1000)
      .sign(shared);
    expect(await judge(issuer(), hmac)).toContain('no key that the trust note pins');
  });

  it('is refused when no rule matches', async () => {
    expect(await judge(issuer(), await token({ realm_access: { roles: ['staff'] } }))).toContain('no rule');
    expect(await judge(issuer({ rules: [] }), await token())).toContain('no rule');
  });

  it('is refused when it was seen before it says it was made', async () => {
    expect(await judge(issuer(), await token(), month(2))).toContain('after it was first seen');
  });

  it.each(['issuer', 'key', 'rule'])(
    'and its %s: revoked or ended, what was before stays and what is after is refused',
    async (what) => {
      const entry = (changes: object) =>
        issuer({
          ...(what === 'issuer' ? changes : {}),
          ...(what === 'key' ? { keys: keys.map(({ jwk }) => ({ ...jwk, ...changes })) } : {}),
          ...(what === 'rule' ? { rules: [{ ...issuer().rules[0]!, ...changes }] } : {}),
        });
      expect(await judge(entry(revokedIn(5)), await token(), month(4))).toBe('ada@example.com');
      expect(await judge(entry(revokedIn(5)), await token(), month(5))).toContain('revoked');
      expect(await judge(entry(revokedIn(5)), await token(), null)).toContain('revoked');
      expect(await judge(entry(always({ until: month(3) })), await token(), month(4))).toContain('ended');
      if (what !== 'issuer')
        expect(await judge(entry(always({ until: month(4) })), await token(), month(6))).toBe('ada@example.com');
    },
  );

  it('rotates with the issuer’s keys: those added later verify later tokens, the old ones what they signed', async () => {
    const rotated = issuer({
      keys: [
        { ...keys[0]!.jwk, until: month(4) },
        { ...keys[1]!.jwk, from: month(4) },
      ],
    });
    const [old, next] = keys as [(typeof keys)[0], (typeof keys)[0]];
    expect(await judge(rotated, await token({}, old), month(8))).toBe('ada@example.com');
    expect(await judge(rotated, await token({}, next, month(5)), month(8))).toBe('ada@example.com');
    expect(await judge(rotated, await token({}, old, month(5)), month(8))).toContain('ended');
    expect(await judge(rotated, await token({}, next, month(3)), month(8))).toContain('counts from');
  });
});

describe('a rule’s claim', () => {
  it.each([
    [{ group: 'a' }, 'group', 'a', true],
    [{ groups: ['b', 'a'] }, 'groups', 'a', true],
    [{ groups: ['ab'] }, 'groups', 'a', false],
    [{ resource_access: { 'my.app': { roles: ['a'] } } }, 'resource_access.my.app.roles', 'a', true],
    [{ 'https://example.com/groups': ['a'] }, 'https://example.com/groups', 'a', true],
    [{ group: { a: true } }, 'group', 'a', false],
    [{}, '__proto__.x', 'a', false],
    [{ groups: 'a,b' }, 'groups', 'a', false],
    [null, 'group', 'a', false],
  ])('%j %s is %s: %s', (claims, path, value, expected) => {
    expect(claimHas(claims, path, value)).toBe(expected);
  });
});
