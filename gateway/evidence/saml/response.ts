import type { Element } from '@xmldom/xmldom';
import { FormatError } from '../../recording/format/primitives.ts';
import { readAssertion, type SamlAssertion } from './assertion.ts';
import { assertSigned, type SamlKey, verifiedPart } from './signatures.ts';
import { allOf, attribute, childrenOf, elementsOf, isA, need, readXml, textOf } from './xml.ts';

/** Characters of a response. */
export const MAX_RESPONSE = 96 * 1024;

const SUCCESS = 'urn:oasis:names:tc:SAML:2.0:status:Success';

/** A response whose form is right; nothing in it is verified yet. */
interface UnverifiedResponse {
  root: Element;
  /** `urn:…:status:Success` or what the provider says instead. */
  status: string;
  /** The provider's words. */
  statusMessage: string;
  /** Of an assertion that can be read. */
  assertion: Element | null;
  /** Of one that is encrypted. */
  encrypted: Element | null;
}

/** Signed in its whole, with one assertion that is signed too. */
export interface VerifiedResponse<K extends SamlKey> {
  destination: string | null;
  inResponseTo: string | null;
  issuer: string | null;
  assertion: SamlAssertion;
  /** Those that the response and the assertion are signed by. */
  keys: readonly K[];
}

/**
 * Looks at the form of a response: one assertion, in its place, and signatures where they belong and nowhere else.
 * Throws FormatError.
 */
export function readResponse(text: string): UnverifiedResponse {
  const root = readXml(text, MAX_RESPONSE);
  if (!isA(root, 'protocol', 'Response') || attribute(root, 'Version') !== '2.0')
    throw new FormatError('it is no response of SAML 2.0');
  const status = need(root, 'protocol', 'Status');
  const code = attribute(need(status, 'protocol', 'StatusCode'), 'Value') ?? '';
  const message = childrenOf(status, 'protocol', 'StatusMessage')[0]?.textContent ?? '';
  if (code !== SUCCESS) return { root, status: code, statusMessage: message.trim(), assertion: null, encrypted: null };
  const assertions = childrenOf(root, 'assertion', 'Assertion');
  const encrypted = childrenOf(root, 'assertion', 'EncryptedAssertion');
  if (assertions.length + encrypted.length !== 1) throw new FormatError('it has not exactly one assertion');
  assertOnly(root, [...assertions, ...encrypted]);
  assertSigned(root, [root, ...assertions]);
  return {
    root,
    status: SUCCESS,
    statusMessage: '',
    assertion: assertions[0] ?? null,
    encrypted: encrypted[0] ?? null,
  };
}

/** The provider that a response claims to be by. Throws FormatError. */
export function claimedIssuer(text: string, decrypted: string | null): string {
  const { root, assertion } = readResponse(text);
  const inside = assertion ?? (decrypted === null ? root : readXml(decrypted, MAX_RESPONSE));
  return textOf(need(inside, 'assertion', 'Issuer')) ?? '';
}

export const isSuccess = ({ status }: UnverifiedResponse): boolean => status === SUCCESS;

/** What is named like a response or an assertion is the one that was found, in whatever vocabulary. */
function assertOnly(root: Element, found: readonly Element[]): void {
  const names = ['Response', 'Assertion', 'EncryptedAssertion'];
  const like = allOf(root).filter(({ localName }) => names.includes(localName ?? ''));
  if (like.length !== new Set([root, ...found]).size)
    throw new FormatError('it has an assertion in a place where none belongs');
}

/**
 * Verifies a response with keys that are known beforehand. What is returned was read from the bytes that the
 * signatures are over. Throws FormatError.
 *
 * @param decrypted the assertion, where it came encrypted.
 */
export function verifyResponse<K extends SamlKey>(
  text: string,
  decrypted: string | null,
  keys: readonly K[],
): VerifiedResponse<K> {
  const read = readResponse(text);
  if (!isSuccess(read)) throw new FormatError('it says that nobody signed in');
  const whole = verified(text, read.root, keys, 'response');
  const response = readXml(whole.xml, MAX_RESPONSE);
  const part = read.assertion === null ? inner(decrypted) : { text, element: read.assertion };
  const signed = verified(part.text, part.element, keys, 'assertion');
  const issuer = childrenOf(response, 'assertion', 'Issuer')[0]?.textContent?.trim() ?? null;
  const assertion = readAssertion(readXml(signed.xml, MAX_RESPONSE));
  if (issuer !== null && issuer !== assertion.issuer)
    throw new FormatError('its response and its assertion are by different providers');
  return {
    destination: attribute(response, 'Destination'),
    inResponseTo: attribute(response, 'InResponseTo'),
    issuer,
    assertion,
    keys: [whole.key, signed.key],
  };
}

function verified<K extends SamlKey>(text: string, element: Element, keys: readonly K[], what: string) {
  const found = verifiedPart(text, element, keys);
  if (found === null) throw new FormatError(`its ${what} is signed by none of the keys that count`);
  return found;
}

/** The assertion that came encrypted, as a document of its own. */
function inner(decrypted: string | null): { text: string; element: Element } {
  if (decrypted === null) throw new FormatError('its assertion is encrypted');
  const element = readXml(decrypted, MAX_RESPONSE);
  if (!isA(element, 'assertion', 'Assertion')) throw new FormatError('what it has encrypted is no assertion');
  assertOnly(element, []);
  assertSigned(element, [element]);
  return { text: decrypted, element };
}

const BLOCK_CIPHERS = [
  'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
  'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
];
const KEY_TRANSPORT = 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p';

/**
 * That an assertion is encrypted by what is not broken, with its key inside of it. It is decrypted only after the
 * response around it was verified, so nobody learns anything by sending changed ones. Throws FormatError.
 */
export function assertEncryption(encrypted: Element): void {
  const data = need(encrypted, 'encryption', 'EncryptedData');
  if (elementsOf(encrypted).length !== 1) throw new FormatError('its encrypted assertion has more than one part');
  const info = need(data, 'signature', 'KeyInfo');
  const key = need(info, 'encryption', 'EncryptedKey');
  const all = allOf(encrypted);
  const once = (name: string, most: number) => all.filter(({ localName }) => localName === name).length === most;
  if (!once('EncryptedData', 1) || !once('EncryptedKey', 1) || !once('EncryptionMethod', 2) || !once('CipherValue', 2))
    throw new FormatError('its encrypted assertion has a part that does not belong there');
  if (all.some(({ localName }) => localName === 'RetrievalMethod' || localName === 'CipherReference'))
    throw new FormatError('its encrypted assertion has its key somewhere else');
  const cipher = attribute(need(data, 'encryption', 'EncryptionMethod'), 'Algorithm') ?? '';
  const transport = attribute(need(key, 'encryption', 'EncryptionMethod'), 'Algorithm') ?? '';
  if (!BLOCK_CIPHERS.includes(cipher) || transport !== KEY_TRANSPORT)
    throw new FormatError('its assertion is encrypted by something else than AES and RSA-OAEP');
}
