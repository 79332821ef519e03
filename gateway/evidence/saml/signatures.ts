import type { Element } from '@xmldom/xmldom';
import { SignedXml } from 'xml-crypto';
import { FormatError } from '../../recording/format/primitives.ts';
import { allOf, attribute, childOf, elementsOf, isA, NS, need } from './xml.ts';

/** A key of an identity provider. */
export interface SamlKey {
  /** PEM of a certificate or a public key. */
  pem: string;
}

/** RSA with SHA-2 and nothing else: SHA-1 is broken, and with a shared secret (HMAC) whoever verifies could sign. */
const SIGNATURE_ALGORITHMS: ReadonlySet<string> = new Set([
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
  'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
]);
const DIGEST_ALGORITHMS: ReadonlySet<string> = new Set([
  'http://www.w3.org/2001/04/xmlenc#sha256',
  'http://www.w3.org/2001/04/xmlenc#sha512',
]);
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
/** SAML core 5.4.4. */
const TRANSFORMS = [`${NS.signature}enveloped-signature`, EXCLUSIVE];

/** What a signature may have once; a second one further down is what a parser could take in its place. */
const ONCE = [
  'SignedInfo',
  'CanonicalizationMethod',
  'SignatureMethod',
  'Reference',
  'Transforms',
  'DigestMethod',
  'DigestValue',
  'SignatureValue',
];

/**
 * That the document has these signatures and no other, each of the element that it stands in, whole, and by an
 * algorithm that counts. Without it a right signature somewhere says nothing of what is read (signature wrapping).
 * Throws FormatError.
 *
 * @param signed elements of the document, each of which has a signature of its own.
 */
export function assertSigned(root: Element, signed: readonly Element[]): void {
  const all = allOf(root);
  const signatures = signed.map((element) => {
    const found = childOf(element, 'signature', 'Signature');
    if (found === null) throw new FormatError(`its ${element.localName} is not signed`);
    return found;
  });
  if (all.filter(({ localName }) => localName === 'Signature').length !== signatures.length)
    throw new FormatError('it has a signature in a place where none belongs');
  const ids = all.flatMap((element) => ['ID', 'Id', 'id'].map((name) => attribute(element, name)));
  const given = ids.filter((id) => id !== null);
  if (new Set(given).size !== given.length) throw new FormatError('two of its elements have the same ID');
  for (const [index, element] of signed.entries()) assertShape(signatures[index]!, element);
}

function assertShape(signature: Element, signed: Element): void {
  const inside = allOf(signature);
  for (const name of ONCE)
    if (inside.filter(({ localName }) => localName === name).length !== 1)
      throw new FormatError(`its signature has not exactly one ${name}`);
  for (const child of elementsOf(signature))
    if (!['SignedInfo', 'SignatureValue', 'KeyInfo'].some((name) => isA(child, 'signature', name)))
      throw new FormatError(`its signature has a ${child.localName}`);
  const info = need(signature, 'signature', 'SignedInfo');
  const reference = need(info, 'signature', 'Reference');
  const id = attribute(signed, 'ID');
  // A name as XML has it, so that it means the same wherever it is looked up by.
  if (id === null || !/^[A-Za-z_][A-Za-z0-9_.-]{0,255}$/.test(id) || attribute(reference, 'URI') !== `#${id}`)
    throw new FormatError('its signature is not of the element that it stands in');
  const transforms = elementsOf(need(reference, 'signature', 'Transforms'));
  if (
    transforms.length !== TRANSFORMS.length ||
    transforms.some((one, at) => !isA(one, 'signature', 'Transform') || attribute(one, 'Algorithm') !== TRANSFORMS[at])
  )
    throw new FormatError('its signature is over something else than the whole element');
  if (attribute(need(info, 'signature', 'CanonicalizationMethod'), 'Algorithm') !== EXCLUSIVE)
    throw new FormatError('its signature is not over exclusive canonical XML');
  assertAlgorithm(need(info, 'signature', 'SignatureMethod'), SIGNATURE_ALGORITHMS);
  assertAlgorithm(need(reference, 'signature', 'DigestMethod'), DIGEST_ALGORITHMS);
}

function assertAlgorithm(method: Element, taken: ReadonlySet<string>): void {
  const algorithm = attribute(method, 'Algorithm') ?? 'none';
  if (!taken.has(algorithm))
    throw new FormatError(`its signature is by ${algorithm.slice(-60)}, and only RSA with SHA-256 or SHA-512 counts`);
}

/**
 * Verifies the signature that the element with this ID has, with each key in turn and never with one that comes
 * along in it.
 *
 * @param text of the whole document, which assertSigned has looked at.
 * @returns the canonical XML that was signed, and by which key; null where it is by none of them.
 */
export function verifiedPart<K extends SamlKey>(
  text: string,
  signed: Element,
  keys: readonly K[],
): { xml: string; key: K } | null {
  const id = attribute(signed, 'ID') ?? '';
  // XML 1.0, 2.11: a parser takes each line's end as one newline.
  const document = text.replaceAll(/\r\n?/g, '\n');
  for (const key of keys) {
    const signature = new SignedXml({ publicCert: key.pem, getCertFromKeyInfo: () => null });
    try {
      signature.loadSignature(childOf(signed, 'signature', 'Signature')!.toString());
      if (!signature.checkSignature(document)) continue;
    } catch {
      continue;
    }
    const [xml, another] = signature.getSignedReferences();
    if (xml === undefined || another !== undefined || signature.getReferences()[0]?.uri !== `#${id}`) continue;
    return { xml, key };
  }
  return null;
}
