import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ProviderConfig } from '../../contract/sign-in.ts';
import { createSamlClient, type SamlRequest } from './client.ts';
import { pemOf } from './metadata.ts';
import { serviceKey } from './service-key.ts';
import {
  attributeXml,
  encryptedXml,
  makeProvider,
  makeResponse,
  memoryVault,
  RSA_SHA256,
  type Said,
  SHA256,
  type Signing,
  type TestProvider,
} from './test-provider.ts';
import { wrappings } from './test-wrapping.ts';

const SSO = 'https://id.acme.example/sso';
let own: TestProvider;
let other: TestProvider;
let request: SamlRequest;
const vault = memoryVault();
let now = () => Date.now();

beforeAll(async () => {
  [own, other] = await Promise.all([makeProvider(), makeProvider('https://other.example/saml')]);
  ({ request } = await clientOf().begin('_request-1'));
});

function clientOf(more: object = {}) {
  const config = ProviderConfig.parse({
    id: 'acme',
    issuer: own.entityId,
    clientId: 'urn:countersign:gateway',
    saml: { pinned: { singleSignOn: SSO, certificates: [own.certificate] }, ...more },
  });
  return createSamlClient({ ...config, saml: config.saml! }, { clock: { now: () => now() }, vault });
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const made = (said: Partial<Said> = {}, signing: Partial<Signing> = {}) =>
  makeResponse(own, { inResponseTo: '_request-1', ...said }, signing);
const finish = (text: string, client = clientOf()) => client.finish(base64(text), request);

describe('a request', () => {
  it('goes to the provider with its ID, asks for the person anew, and names where the answer belongs', async () => {
    const { url, request: sent } = await clientOf().begin('_abc');
    const asked = new URL(url);
    expect(`${asked.origin}${asked.pathname}`).toBe(SSO);
    expect(asked.searchParams.get('RelayState')).toBe(sent.relayState);
    expect(sent.relayState.length).toBeLessThanOrEqual(80);
    const { inflateRawSync } = await import('node:zlib');
    const xml = inflateRawSync(Buffer.from(asked.searchParams.get('SAMLRequest')!, 'base64')).toString();
    expect(xml).toContain('ID="_abc"');
    expect(xml).toContain('ForceAuthn="true"');
    expect(xml).toContain('AssertionConsumerServiceURL="http://127.0.0.1:8917/saml/acs"');
    expect(xml).toContain('urn:countersign:gateway');
  });

  it('is answered by who signed in', async () => {
    const text = made();
    const { claims, saml } = await finish(text);
    expect(claims).toMatchObject({ sub: 'ada', email: 'ada@acme.example', groups: 'devs', iss: own.entityId });
    expect(saml).toEqual({ response: text, assertion: null });
  });
});

describe('what a provider says', () => {
  it('comes as claims: one value as itself, several as a list, and what has elements inside not at all', async () => {
    const attributes =
      attributeXml('urn:oid:0.9.2342.19200300.100.1.3', 'a@x.example') +
      attributeXml('groups', 'b', 'a') +
      attributeXml('nested', '<saml:NameID>x</saml:NameID>') +
      attributeXml('exp', '99999999999') +
      attributeXml('__proto__', 'x');
    const { claims } = await finish(made({ attributes }));
    expect(claims).toMatchObject({ 'urn:oid:0.9.2342.19200300.100.1.3': 'a@x.example', groups: ['b', 'a'] });
    expect(claims.nested).toEqual([]);
    expect(claims.exp).toBeLessThan(Date.now() / 1000 + 3700);
    expect(Object.getPrototypeOf(claims)).toBe(Object.prototype);
  });

  it('names nobody for good by a NameID that is another one each time', async () => {
    const nameId = '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">_1</saml:NameID>';
    expect((await finish(made({ nameId }))).claims.sub).toBeUndefined();
  });

  it('counts to the end of its session, or for the hours that were configured', async () => {
    const inSeconds = async (said: Partial<Said>, more: object = {}) =>
      Math.round((Number((await finish(made(said), clientOf(more))).claims.exp) - Date.now() / 1000) / 60);
    expect(await inSeconds({ sessionEnds: 1800 })).toBe(30);
    expect(await inSeconds({ sessionEnds: null })).toBe(12 * 60);
    expect(await inSeconds({ sessionEnds: 1800 * 100 }, { sessionHours: 2 })).toBe(2 * 60);
  });

  it('may be off by the difference of clocks, and no more', async () => {
    expect((await finish(made({ notBefore: 40, issuedAt: 40 }))).claims.sub).toBe('ada');
    expect((await finish(made({ notOnOrAfter: -40, confirmedUntil: -40 }))).claims.sub).toBe('ada');
  });

  it('is told where it is no', async () => {
    const status = 'urn:oasis:names:tc:SAML:2.0:status:Responder';
    await expect(finish(made({ status }))).rejects.toMatchObject({
      code: 'IDENTITY_REFUSED',
      message: 'acme did not let you in: Responder',
    });
  });
});

const refuses = async (text: string, why: RegExp, client = clientOf()) =>
  expect(finish(text, client)).rejects.toMatchObject({
    code: 'IDENTITY_REFUSED',
    message: expect.stringMatching(why),
  });

describe('refuses', () => {
  it.each<[string, Partial<Said>, RegExp]>([
    ['what has expired', { notOnOrAfter: -120 }, /expired/],
    ['what may not be brought here any more', { confirmedUntil: -120 }, /expired|confirmation/],
    ['what is not valid yet', { notBefore: 120 }, /not (yet )?valid/],
    ['what is dated in the future', { issuedAt: 120 }, /future/],
    ['a session that has ended', { sessionEnds: -120 }, /session at the provider has ended/],
    ['what may be brought here for ever', { confirmedUntil: null }, /NotOnOrAfter|how long/],
    ['another audience', { audience: 'urn:another' }, /audience/],
    ['no audience', { audience: null }, /audience/i],
    [
      'a second restriction that leaves us out',
      {
        conditions: '<saml:AudienceRestriction><saml:Audience>urn:another</saml:Audience></saml:AudienceRestriction>',
      },
      /audience/i,
    ],
    ['a condition that is not known', { conditions: '<saml:Condition/>' }, /condition/],
    ['another recipient', { recipient: 'https://elsewhere.example/acs' }, /recipient/],
    ['another destination', { destination: 'https://elsewhere.example/acs' }, /another address/],
    ['no destination', { destination: null }, /another address/],
    ['an answer to another request', { inResponseTo: '_request-2' }, /does not answer the request/],
    ['an answer to no request (begun at the provider)', { inResponseTo: null }, /does not answer the request/],
    ['an assertion that answers another request', { confirms: '_request-2' }, /does not answer the request/],
    ['an assertion that answers none', { confirms: null }, /does not answer the request/],
    ['an assertion in the name of another provider', { issuer: 'https://other.example/saml' }, /another provider/],
  ])('%s', async (_, said, why) => {
    await refuses(made(said), why);
  });

  it.each<[string, Partial<Signing>, RegExp]>([
    ['a signed response around an assertion that is not', { assertion: false }, /Assertion is not signed/],
    ['a signed assertion in a response that is not', { response: false }, /Response is not signed/],
    ['nothing signed at all', { response: false, assertion: false }, /not signed/],
    ['SHA-1 in the signature', { signatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' }, /SHA-256/],
    ['SHA-1 in the digest', { digestAlgorithm: 'http://www.w3.org/2000/09/xmldsig#sha1' }, /SHA-256/],
  ])('%s', async (_, signing, why) => {
    await refuses(made({}, signing), why);
  });

  it('signatures by another key', async () => {
    await refuses(made({}, { by: other }), /signature|signed by none/i);
    await refuses(
      makeResponse(other, { inResponseTo: '_request-1', issuer: own.entityId }),
      /signature|signed by none/i,
    );
  });

  it('a certificate that the response brings along', async () => {
    const keyInfo = `<ds:X509Data><ds:X509Certificate>${other.certificate}</ds:X509Certificate></ds:X509Data>`;
    await refuses(made({}, { by: other, keyInfo }), /signature|signed by none/i);
    expect((await finish(made({}, { keyInfo }))).claims.sub).toBe('ada');
  });

  it.each([
    ['none', ''],
    ['a shared secret', 'http://www.w3.org/2000/09/xmldsig#hmac-sha1'],
    ['a shared secret with SHA-256', 'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256'],
  ])('an algorithm that is %s, with the public key as the secret', async (_, algorithm) => {
    await refuses(made().replaceAll(RSA_SHA256, algorithm), /only RSA/);
  });

  it('another way to make what is signed of the document', async () => {
    const transform = '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>';
    expect(made()).toContain(transform);
    const xpath = '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>';
    await refuses(made().replace(transform, `${transform}${xpath}`), /whole element/);
    await refuses(made().replaceAll('xml-exc-c14n#"', 'xml-exc-c14n#WithComments"'), /whole element|canonical/);
    await refuses(made().replace(SHA256, 'http://www.w3.org/2001/04/xmlenc#none'), /only RSA/);
  });

  it('a response of another provider, as it was signed there', async () => {
    await refuses(makeResponse(other, { inResponseTo: '_request-1' }), /signature|signed by none/i);
  });

  it('a name that is cut by a comment', async () => {
    const nameId = '<saml:NameID>ada@acme.example.evil.example</saml:NameID>';
    const text = made({ nameId });
    await refuses(text.replace('acme.example.evil', 'acme.example<!-- -->.evil'), /comment/);
    await refuses(text.replace('acme.example.evil', 'acme.example<?x?>.evil'), /processing/);
    await refuses(text.replace('acme.example.evil', '<![CDATA[acme.example]]>.evil'), /CDATA/);
  });

  it('a document type, and what it would blow up', async () => {
    const bomb =
      '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>';
    await refuses(bomb + made(), /document type/);
    await refuses(`<?xml version="1.0"?>\n${bomb}${made()}`, /document type/);
    await refuses(made().replace('ada@acme.example', '&b;'), /entity/);
    await refuses(made().replace('ada@acme.example', '&#0;'), /did not let you in/);
  });

  it('what is too long, too deep, or no response', async () => {
    await refuses(made({ attributes: attributeXml('x', 'x'.repeat(140_000)) }), /longer/);
    await refuses(`${'<a>'.repeat(2000)}${'</a>'.repeat(2000)}`, /deep/);
    await refuses(made({ attributes: '<saml:Attribute/>'.repeat(300) }), /too many attributes/);
    await refuses('hello', /XML/);
    await refuses('', /XML/);
    await refuses('<a/>', /no response/);
    await refuses(made().replaceAll('tc:SAML:2.0:protocol', 'tc:SAML:1.1:protocol'), /no response/);
    await expect(clientOf().finish('%%%', request)).rejects.toMatchObject({ code: 'IDENTITY_REFUSED' });
    await expect(clientOf().finish(Buffer.from([0x3c, 0xff]).toString('base64'), request)).rejects.toMatchObject({
      message: expect.stringContaining('UTF-8'),
    });
  });
});

describe('signature wrapping', () => {
  const evil = (xml: string) => xml.replaceAll('ada', 'root');
  it.each(wrappings)('%s', async (_, wrap) => {
    const text = wrap(made(), evil);
    expect(text).toContain('root');
    await refuses(text, /did not let you in/);
  });
});

describe('an encrypted assertion', () => {
  let certificate: string;
  beforeAll(async () => {
    ({ certificate } = await serviceKey(vault, 'acme', Date.now()));
  });

  it('is read with the key of the gateway, and kept in the open for the auditor', async () => {
    const text = made({}, { encryptFor: certificate });
    expect(text).not.toContain('ada');
    const { claims, saml } = await finish(text, clientOf({ encrypted: true }));
    expect(claims.sub).toBe('ada');
    expect(saml.assertion).toContain('ada@acme.example');
  });

  it('is refused by another key, unsigned inside, by another cipher, or where none was asked for', async () => {
    const client = clientOf({ encrypted: true });
    await refuses(made({}, { encryptFor: other.certificate }), /does not count/, client);
    await refuses(made({}, { encryptFor: certificate, assertion: false }), /signature|not signed/i, client);
    await refuses(made({}, { encryptFor: certificate, response: false }), /Response is not signed/, client);
    await refuses(made(), /not encrypted/, client);
    await refuses(made({}, { encryptFor: certificate }), /not asked for/);
    const weak = made({}, { encryptFor: certificate });
    await refuses(weak.replace('rsa-oaep-mgf1p', 'rsa-1_5'), /AES and RSA-OAEP/, client);
    await refuses(weak.replace('xmlenc11#aes256-gcm', 'xmlenc#tripledes-cbc'), /AES and RSA-OAEP/, client);
    await refuses(weak.replace(/<xenc:CipherValue>[^<]{8}/, '<xenc:CipherValue>AAAAAAAA'), /signature/i, client);
  });

  it('that was swapped into the response of somebody else is refused', async () => {
    const text = made({}, { encryptFor: certificate });
    const stolen = encryptedXml('<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>', certificate);
    await refuses(
      text.replace(/<saml:EncryptedAssertion>.*<\/saml:EncryptedAssertion>/s, () => stolen),
      /signature/i,
      clientOf({ encrypted: true }),
    );
  });

  it('has a key that the gateway says in its metadata, and only where it was asked for', async () => {
    const xml = await clientOf({ encrypted: true }).metadata();
    expect(xml).toContain('use="encryption"');
    expect(xml.replaceAll(/\s/g, '')).toContain(certificate);
    expect(new X509Certificate(pemOf(certificate)).checkIssued(new X509Certificate(pemOf(certificate)))).toBe(true);
    const plain = await clientOf().metadata();
    expect(plain).not.toContain('encryption');
    expect(plain).toContain('entityID="urn:countersign:gateway"');
    expect(plain).toContain('Location="http://127.0.0.1:8917/saml/acs"');
    expect(plain).toContain('WantAssertionsSigned="true"');
  });
});

describe('what is configured', () => {
  const parse = (saml: object, more: object = {}) =>
    ProviderConfig.safeParse({ id: 'a', issuer: 'urn:a', clientId: 'urn:b', saml, ...more }).success;
  const metadataUrl = 'https://id.example/metadata';

  it('is an address on this machine for answers, and one source of keys', () => {
    expect(parse({ metadataUrl, acs: 'http://localhost:8917/saml/acs' })).toBe(true);
    expect(parse({ metadataUrl, acs: 'http://127.0.0.1:99999/' })).toBe(false);
    expect(parse({ metadataUrl, acs: 'http://192.0.2.1:8917/' })).toBe(false);
    expect(parse({ metadataUrl, acs: 'https://id.example/acs' })).toBe(false);
    expect(parse({ metadataUrl: 'http://id.example/metadata' })).toBe(false);
    expect(parse({})).toBe(false);
    const pinned = { singleSignOn: SSO, certificates: [own.certificate] };
    expect(parse({ metadataUrl, pinned })).toBe(false);
    expect(parse({ pinned })).toBe(true);
    expect(parse({ pinned }, { secret: true })).toBe(false);
    expect(parse({ pinned }, { workloads: { audience: 'x', connections: ['*'] } })).toBe(false);
    expect(ProviderConfig.safeParse({ id: 'a', issuer: 'urn:a', clientId: 'b' }).success).toBe(false);
  });
});

it('judges times by the clock that it is given too', async () => {
  now = () => Date.now() + 3_600_000;
  try {
    await refuses(made(), /expired/);
  } finally {
    now = () => Date.now();
  }
});

it('a changed response is refused, or says the same', async () => {
  const text = made();
  const { claims } = await finish(text);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(text.length - 1),
      fc.integer({ min: 0, max: 3 }),
      fc.string({ minLength: 0, maxLength: 3 }),
      async (at, cut, put) => {
        const changed = text.slice(0, at) + put + text.slice(at + cut);
        const said = await finish(changed).catch(() => null);
        if (said !== null) expect({ ...said.claims, exp: 0 }).toEqual({ ...claims, exp: 0 });
      },
    ),
    { numRuns: 150 },
  );
});
