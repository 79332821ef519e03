import { constants, createCipheriv, publicEncrypt, randomBytes, X509Certificate } from 'node:crypto';
import { SignedXml } from 'xml-crypto';
import type { Vault } from '../../pipeline/ports.ts';
import { pemOf } from './metadata.ts';
import { type ServiceKey, serviceKey } from './service-key.ts';

/** For tests: a provider whose key the test has, so that it can sign what no honest one would. */
export interface TestProvider extends ServiceKey {
  entityId: string;
}

export function memoryVault(): Vault {
  const secrets = new Map<string, string>();
  return {
    read: async (id) => secrets.get(id) ?? null,
    write: async (id, secret) => void secrets.set(id, secret),
    remove: async (id) => void secrets.delete(id),
    has: async (id) => secrets.has(id),
  };
}

export const makeProvider = async (entityId = 'https://id.acme.example/saml'): Promise<TestProvider> => ({
  entityId,
  ...(await serviceKey(memoryVault(), 'any', Date.now())),
});

export interface Said {
  /** XML. */
  nameId: string;
  issuer: string;
  audience: string | null;
  recipient: string;
  destination: string | null;
  /** Of the response, and of the subject's confirmation. */
  inResponseTo: string | null;
  confirms: string | null;
  /** Seconds from now. */
  issuedAt: number;
  notBefore: number;
  notOnOrAfter: number;
  confirmedUntil: number | null;
  sessionEnds: number | null;
  /** XML of the attributes' statement. */
  attributes: string;
  conditions: string;
  status: string;
}

export interface Signing {
  response: boolean;
  assertion: boolean;
  signatureAlgorithm: string;
  digestAlgorithm: string;
  by: ServiceKey;
  /** XML in the signature's KeyInfo. */
  keyInfo: string | null;
  encryptFor: string | null;
}

export const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
export const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ENVELOPED = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature';
const SUCCESS = 'urn:oasis:names:tc:SAML:2.0:status:Success';

export const attributeXml = (name: string, ...values: string[]): string =>
  `<saml:Attribute Name="${name}">${values.map((one) => `<saml:AttributeValue>${one}</saml:AttributeValue>`).join('')}</saml:Attribute>`;

/** A response as a provider sends it. */
export function makeResponse(provider: TestProvider, said: Partial<Said>, signing: Partial<Signing> = {}): string {
  const how: Signing = {
    response: true,
    assertion: true,
    signatureAlgorithm: RSA_SHA256,
    digestAlgorithm: SHA256,
    by: provider,
    keyInfo: null,
    encryptFor: null,
    ...signing,
  };
  const assertion = assertionXml({ issuer: provider.entityId, ...said });
  const signed = how.assertion ? signXml(assertion, 'Assertion', how) : assertion;
  const inner = how.encryptFor === null ? signed : encryptedXml(signed, how.encryptFor);
  const response = responseXml({ issuer: provider.entityId, ...said }, inner);
  return how.response ? signXml(response, 'Response', how) : response;
}

const at = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
const optional = (name: string, value: string | null | undefined): string =>
  value === null || value === undefined ? '' : ` ${name}="${value}"`;
const newId = (): string => `_${randomBytes(16).toString('hex')}`;

function assertionXml(said: Partial<Said>): string {
  const { confirmedUntil = 300, sessionEnds = 3600, audience = 'urn:countersign:gateway' } = said;
  const until = optional('NotOnOrAfter', confirmedUntil === null ? null : at(confirmedUntil));
  const ends = optional('SessionNotOnOrAfter', sessionEnds === null ? null : at(sessionEnds));
  const restriction =
    audience === null
      ? ''
      : `<saml:AudienceRestriction><saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction>`;
  const attributes = said.attributes ?? attributeXml('email', 'ada@acme.example') + attributeXml('groups', 'devs');
  return `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${newId()}" Version="2.0" IssueInstant="${at(said.issuedAt ?? 0)}"><saml:Issuer>${said.issuer}</saml:Issuer><saml:Subject>${said.nameId ?? '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ada</saml:NameID>'}<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData${until}${optional('Recipient', said.recipient ?? ACS)}${optional('InResponseTo', said.confirms === undefined ? said.inResponseTo : said.confirms)}/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="${at(said.notBefore ?? -30)}" NotOnOrAfter="${at(said.notOnOrAfter ?? 300)}">${restriction}${said.conditions ?? ''}</saml:Conditions><saml:AuthnStatement AuthnInstant="${at(said.issuedAt ?? 0)}"${ends}><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>${attributes}</saml:AttributeStatement></saml:Assertion>`;
}

function responseXml(said: Partial<Said>, assertion: string): string {
  const destination = optional('Destination', said.destination === undefined ? ACS : said.destination);
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${newId()}" Version="2.0" IssueInstant="${at(said.issuedAt ?? 0)}"${destination}${optional('InResponseTo', said.inResponseTo)}><saml:Issuer>${said.issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="${said.status ?? SUCCESS}"/></samlp:Status>${assertion}</samlp:Response>`;
}

export const ACS = 'http://127.0.0.1:8917/saml/acs';

export function signXml(xml: string, name: string, how: Pick<Signing, keyof Signing & string>): string {
  const signature = new SignedXml({
    privateKey: how.by.key,
    signatureAlgorithm: how.signatureAlgorithm,
    canonicalizationAlgorithm: EXCLUSIVE,
    getKeyInfoContent: () => how.keyInfo,
  });
  const xpath = `/*[local-name(.)='${name}']`;
  signature.addReference({ xpath, transforms: [ENVELOPED, EXCLUSIVE], digestAlgorithm: how.digestAlgorithm });
  signature.computeSignature(xml, {
    prefix: 'ds',
    location: { reference: `${xpath}/*[local-name(.)='Issuer']`, action: 'after' },
  });
  return signature.getSignedXml();
}

/** XML encryption by AES-256-GCM and RSA-OAEP. @param certificate base64 of DER. */
export function encryptedXml(xml: string, certificate: string): string {
  const [key, iv] = [randomBytes(32), randomBytes(12)];
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const text = Buffer.concat([iv, cipher.update(xml), cipher.final(), cipher.getAuthTag()]).toString('base64');
  const { publicKey } = new X509Certificate(pemOf(certificate));
  const wrapped = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, key);
  return `<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Type="http://www.w3.org/2001/04/xmlenc#Element"><xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/><xenc:CipherData><xenc:CipherValue>${wrapped.toString('base64')}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData><xenc:CipherValue>${text}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></saml:EncryptedAssertion>`;
}

/** Metadata of a provider. @param more XML of the role, before its keys. */
export function metadataXml(
  provider: Pick<TestProvider, 'entityId' | 'certificate'>,
  { more = '', sso = 'https://id.acme.example/sso', role = '', entity = '' } = {},
): string {
  return `<?xml version="1.0"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${provider.entityId}"${entity}>
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"${role}>${more}
    <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${provider.certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${sso}"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
`;
}
