import { X509Certificate } from 'node:crypto';
import type { Element } from '@xmldom/xmldom';
import { CountersignError } from '../../contract/errors.ts';
import { allOf, attribute, childOf, childrenOf, instant, isA, readXml, textOf } from '../../evidence/saml/xml.ts';
import { FormatError } from '../../recording/format/primitives.ts';

/** What counts of an identity provider's metadata (SAML metadata 2.0). */
export interface IdpMetadata {
  entityId: string;
  /** Where the person's browser is sent (HTTP-Redirect). */
  singleSignOn: string;
  /** Base64 of the DER of certificates whose keys sign. */
  certificates: string[];
}

const MAX_METADATA = 1024 * 1024;
const MAX_CERTIFICATES = 8;
const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
const PROTOCOL = 'urn:oasis:names:tc:SAML:2.0:protocol';

const refused = (why: string, cause?: unknown) =>
  new CountersignError('IDENTITY_METADATA', `the provider's metadata cannot be used: ${why}`, { cause });

/**
 * @param now milliseconds since the epoch.
 * @param entityId of the provider, where the document has several. Throws IDENTITY_METADATA.
 */
export function readMetadata(text: string, now: number, entityId: string | null = null): IdpMetadata {
  try {
    return read(text, now, entityId);
  } catch (error) {
    if (error instanceof FormatError) throw refused(error.message, error);
    throw error;
  }
}

function read(text: string, now: number, wanted: string | null): IdpMetadata {
  const root = readXml(text, MAX_METADATA);
  const entities = allOf(root).filter(
    (one) => isA(one, 'metadata', 'EntityDescriptor') && roleOf(one) !== null && matches(one, wanted),
  );
  const [entity, another] = entities;
  if (entity === undefined)
    throw refused(`it has no identity provider of SAML 2.0${wanted === null ? '' : ` that is ${wanted}`}`);
  if (another !== undefined) throw refused('it has several identity providers; give a document with one');
  const role = roleOf(entity)!;
  for (const one of [root, entity, role]) {
    const until = instant(one, 'validUntil');
    if (until !== null && until <= now) throw refused(`it ended on ${new Date(until).toISOString()}`);
  }
  if (attribute(role, 'WantAuthnRequestsSigned') === 'true')
    throw refused('the provider wants signed requests, which Countersign does not make; let it take unsigned ones');
  const service = childrenOf(role, 'metadata', 'SingleSignOnService').find(
    (one) => attribute(one, 'Binding') === REDIRECT,
  );
  const singleSignOn = service === undefined ? null : attribute(service, 'Location');
  if (singleSignOn === null) throw refused('it has no SingleSignOnService with the binding HTTP-Redirect');
  return {
    entityId: attribute(entity, 'entityID') ?? '',
    singleSignOn: assertSingleSignOn(singleSignOn),
    certificates: certificatesOf(role),
  };
}

const matches = (entity: Element, wanted: string | null) => wanted === null || attribute(entity, 'entityID') === wanted;

function roleOf(entity: Element): Element | null {
  return (
    childrenOf(entity, 'metadata', 'IDPSSODescriptor').find((role) =>
      (attribute(role, 'protocolSupportEnumeration') ?? '').split(/\s+/).includes(PROTOCOL),
    ) ?? null
  );
}

/** A page of the provider: over TLS, or on this machine. */
function assertSingleSignOn(location: string): string {
  const url = URL.parse(location);
  const isHere = url?.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url === null || (url.protocol !== 'https:' && !isHere))
    throw refused('its SingleSignOnService is at no https address');
  return url.href;
}

function certificatesOf(role: Element): string[] {
  const found = childrenOf(role, 'metadata', 'KeyDescriptor')
    .filter((one) => (attribute(one, 'use') ?? 'signing') === 'signing')
    .flatMap((one) => childOf(one, 'signature', 'KeyInfo') ?? [])
    .flatMap((info) => childrenOf(info, 'signature', 'X509Data'))
    .flatMap((data) => childrenOf(data, 'signature', 'X509Certificate'))
    .map((one) => (textOf(one) ?? '').replaceAll(/\s+/g, ''));
  const certificates = [...new Set(found)];
  if (certificates.length === 0) throw refused('it has no signing certificate');
  if (certificates.length > MAX_CERTIFICATES)
    throw refused(`it has more than ${MAX_CERTIFICATES} signing certificates`);
  for (const one of certificates) assertCertificate(one);
  return certificates;
}

/** Throws IDENTITY_METADATA where its key is not RSA of 2048 bits at least. */
export function assertCertificate(base64: string): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(Buffer.from(base64, 'base64'));
  } catch (cause) {
    throw refused('it has a certificate that cannot be read', cause);
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < 2048)
    throw refused('its signing key is not RSA of 2048 bits or more');
  return certificate;
}

/** Base64 of DER as PEM. */
export const pemOf = (base64: string): string =>
  `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
