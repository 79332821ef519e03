import { beforeAll, describe, expect, it } from 'vitest';
import { readMetadata } from './metadata.ts';
import { makeProvider, metadataXml, type TestProvider } from './test-provider.ts';

let own: TestProvider;
let young: TestProvider;
beforeAll(async () => {
  [own, young] = await Promise.all([makeProvider(), makeProvider()]);
});
const read = (xml: string, wanted: string | null = null) => readMetadata(xml, Date.now(), wanted);
const keyXml = (certificate: string, use = ' use="signing"') =>
  `<md:KeyDescriptor${use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate.replaceAll(/.{64}/g, '$&\n')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;

it('takes who it is, where to sign in, and each key that signs', () => {
  expect(read(metadataXml(own, { more: keyXml(young.certificate, '') + keyXml(own.certificate) }))).toEqual({
    entityId: own.entityId,
    singleSignOn: 'https://id.acme.example/sso',
    certificates: [young.certificate, own.certificate],
  });
  expect(read(metadataXml(own, { more: keyXml(young.certificate, ' use="encryption"') })).certificates).toEqual([
    own.certificate,
  ]);
});

it('of several it takes the one that was asked for', () => {
  const [one, two] = [own, { ...young, entityId: 'urn:two' }].map((each) => metadataXml(each).replace(/<\?.*\?>/, ''));
  const both = `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">${one}${two}</md:EntitiesDescriptor>`;
  expect(read(both, 'urn:two').certificates).toEqual([young.certificate]);
  expect(() => read(both)).toThrow(/several/);
  expect(() => read(both, 'urn:three')).toThrow(/no identity provider/);
});

describe('refuses', () => {
  it.each<[string, () => string, RegExp]>([
    ['what is none', () => '<a/>', /no identity provider/],
    ['a document type', () => `<!DOCTYPE a>${metadataXml(own)}`, /document type/],
    ['what has ended', () => metadataXml(own, { entity: ' validUntil="2020-01-01T00:00:00Z"' }), /ended on 2020/],
    ['a sign-in without TLS', () => metadataXml(own, { sso: 'http://id.acme.example/sso' }), /https/],
    ['a sign-in that is a script', () => metadataXml(own, { sso: 'javascript:alert(1)' }), /https/],
    ['another binding', () => metadataXml(own).replace('HTTP-Redirect', 'HTTP-POST'), /HTTP-Redirect/],
    [
      'who wants signed requests',
      () => metadataXml(own, { role: ' WantAuthnRequestsSigned="true"' }),
      /signed requests/,
    ],
    ['no certificate', () => metadataXml(own).replace(/<md:KeyDescriptor.*KeyDescriptor>/s, ''), /no signing/],
    ['what is no certificate', () => metadataXml({ ...own, certificate: 'AAAA' }), /cannot be read/],
    ['too many', () => metadataXml(own, { more: [...'abcdefghi'].map((one) => keyXml(one)).join('') }), /more than/],
    [
      'another version of SAML',
      () => metadataXml(own).replace('urn:oasis:names:tc:SAML:2.0:protocol', 'urn:oasis:names:tc:SAML:1.1:protocol'),
      /no identity provider/,
    ],
  ])('%s', (_, make, why) => {
    expect(() => read(make())).toThrow(why);
  });
});
