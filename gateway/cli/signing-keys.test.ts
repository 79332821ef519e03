import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signingKeysOf } from '../evidence/trust/changes.ts';
import { pemOf } from '../identity/saml/metadata.ts';
import { makeProvider, metadataXml, type TestProvider } from '../identity/saml/test-provider.ts';
import { readSigningKeys } from './signing-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'cs-keys-'));
const now = new Date().toISOString();
const always = { from: now, until: '2999-01-01T00:00:00.000Z', revoked: null };
let provider: TestProvider;
beforeAll(async () => {
  provider = await makeProvider();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keysOf = async (text: string) => {
  const file = join(folder, 'keys');
  writeFileSync(file, text);
  return signingKeysOf(await readSigningKeys(file, provider.entityId, now), always);
};

it('takes a provider’s keys from SAML metadata, from a certificate and from a JWKS', async () => {
  const pem = pemOf(provider.certificate);
  const { n } = createPublicKey(provider.key).export({ format: 'jwk' });
  for (const text of [metadataXml(provider), pem, JSON.stringify({ keys: [{ kty: 'RSA', n, e: 'AQAB' }] })]) {
    const [key, another] = await keysOf(text);
    expect(key).toMatchObject({ kty: 'RSA', n, e: 'AQAB' });
    expect(another).toBeUndefined();
  }
  expect((await keysOf(pem))[0]!.kid).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
});

it('says what is none of them', async () => {
  await expect(keysOf('hello')).rejects.toMatchObject({ code: 'USAGE' });
  await expect(keysOf(metadataXml({ ...provider, entityId: 'urn:another' }))).rejects.toMatchObject({
    code: 'IDENTITY_METADATA',
  });
  await expect(keysOf('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----')).rejects.toMatchObject({
    code: 'USAGE',
  });
});
