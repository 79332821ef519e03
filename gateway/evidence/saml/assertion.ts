import type { Element } from '@xmldom/xmldom';
import { FormatError } from '../../recording/format/primitives.ts';
import { attribute, childOf, childrenOf, elementsOf, instant, isA, need, textOf } from './xml.ts';

/** What a SAML 2.0 assertion says. Times are milliseconds since the epoch, or null. */
export interface SamlAssertion {
  id: string;
  issuer: string;
  issuedAt: number;
  nameId: string | null;
  nameIdFormat: string | null;
  /** Of the method `bearer`. */
  confirmations: readonly {
    recipient: string | null;
    inResponseTo: string | null;
    notBefore: number | null;
    notOnOrAfter: number | null;
  }[];
  notBefore: number | null;
  notOnOrAfter: number | null;
  /** Each restriction has to name whom it is for. */
  audiences: readonly (readonly string[])[];
  authenticatedAt: number;
  /** When the provider's session ends, or null where it does not say. */
  sessionNotOnOrAfter: number | null;
  attributes: ReadonlyMap<string, readonly string[]>;
}

const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
const MAX_ATTRIBUTES = 256;
const MAX_VALUES = 4096;

/** Reads an assertion whose signature was verified. Throws FormatError. */
export function readAssertion(root: Element): SamlAssertion {
  if (!isA(root, 'assertion', 'Assertion') || attribute(root, 'Version') !== '2.0')
    throw new FormatError('it is no assertion of SAML 2.0');
  const issuedAt = instant(root, 'IssueInstant');
  const id = attribute(root, 'ID');
  const issuer = textOf(need(root, 'assertion', 'Issuer'));
  if (issuedAt === null || id === null || issuer === null)
    throw new FormatError('its assertion does not say by whom and when it was made');
  const subject = need(root, 'assertion', 'Subject');
  const name = childOf(subject, 'assertion', 'NameID');
  const conditions = need(root, 'assertion', 'Conditions');
  const statements = childrenOf(root, 'assertion', 'AuthnStatement');
  const authenticated = statements.map((one) => instant(one, 'AuthnInstant'));
  const ends = statements.map((one) => instant(one, 'SessionNotOnOrAfter')).filter((time) => time !== null);
  const [authenticatedAt] = authenticated;
  if (authenticatedAt === undefined || authenticated.some((time) => time === null))
    throw new FormatError('its assertion does not say when the person signed in');
  return {
    id,
    issuer,
    issuedAt,
    nameId: name === null ? null : textOf(name),
    nameIdFormat: name === null ? null : attribute(name, 'Format'),
    confirmations: childrenOf(subject, 'assertion', 'SubjectConfirmation').flatMap(readConfirmation),
    notBefore: instant(conditions, 'NotBefore'),
    notOnOrAfter: instant(conditions, 'NotOnOrAfter'),
    audiences: readAudiences(conditions),
    authenticatedAt: Math.min(...authenticated.map(Number)),
    sessionNotOnOrAfter: ends.length === 0 ? null : Math.min(...ends),
    attributes: readAttributes(root),
  };
}

function readConfirmation(element: Element): SamlAssertion['confirmations'][0][] {
  const data = childOf(element, 'assertion', 'SubjectConfirmationData');
  if (attribute(element, 'Method') !== BEARER || data === null) return [];
  return [
    {
      recipient: attribute(data, 'Recipient'),
      inResponseTo: attribute(data, 'InResponseTo'),
      notBefore: instant(data, 'NotBefore'),
      notOnOrAfter: instant(data, 'NotOnOrAfter'),
    },
  ];
}

/** SAML core 2.5.1: a condition that is not understood makes the assertion's validity indeterminate, so it is refused. */
function readAudiences(conditions: Element): string[][] {
  const known = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'];
  for (const condition of elementsOf(conditions))
    if (!known.some((name) => isA(condition, 'assertion', name)))
      throw new FormatError(`its assertion has a condition that is not known: ${condition.localName}`);
  return childrenOf(conditions, 'assertion', 'AudienceRestriction').map((restriction) =>
    childrenOf(restriction, 'assertion', 'Audience').map((audience) => textOf(audience) ?? ''),
  );
}

/** Values that are texts; those with elements inside say nothing that is used here. */
function readAttributes(root: Element): Map<string, string[]> {
  const found = new Map<string, string[]>();
  let [attributes, values] = [0, 0];
  for (const statement of childrenOf(root, 'assertion', 'AttributeStatement')) {
    for (const one of childrenOf(statement, 'assertion', 'Attribute')) {
      const name = attribute(one, 'Name') ?? '';
      const texts = childrenOf(one, 'assertion', 'AttributeValue').flatMap((value) => textOf(value) ?? []);
      attributes += 1;
      values += texts.length;
      if (attributes > MAX_ATTRIBUTES || values > MAX_VALUES)
        throw new FormatError('its assertion has too many attributes');
      found.set(name, [...(found.get(name) ?? []), ...texts]);
    }
  }
  return found;
}

const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';

/**
 * The assertion in the form of an ID token's claims: attributes by their names, a single value as itself, several as
 * a list; `sub` is the NameID, unless it is another one at each sign-in.
 */
export function claimsOf(assertion: SamlAssertion): Record<string, unknown> {
  const claims = [...assertion.attributes]
    .filter(([name]) => name !== '__proto__')
    .map(([name, values]): [string, unknown] => [name, values.length === 1 ? values[0] : values]);
  const { nameId, nameIdFormat, issuer, issuedAt, authenticatedAt } = assertion;
  return {
    ...Object.fromEntries(claims),
    iss: issuer,
    sub: nameIdFormat === TRANSIENT ? undefined : (nameId ?? undefined),
    iat: Math.floor(issuedAt / 1000),
    auth_time: Math.floor(authenticatedAt / 1000),
  };
}
