import { createHash, timingSafeEqual } from 'node:crypto';
import { isCountersignError } from '../../contract/errors.ts';
import { digestName, verifySignature } from './algorithms.ts';
import { assertForTimestamps, assertTrusted, type Certificate, keyIdOf, readCertificate } from './certificates.ts';
import { children, type Element, Fields, integer, oidText, tag } from './der.ts';
import { attribute, readToken, refused, type SignerInfo, type Token } from './token.ts';

export interface VerifiedTimestamp {
  ok: boolean;
  /** RFC 3339, by the TSA's clock; null unless ok. */
  time: string | null;
  /** Milliseconds that the time may be off; null where the TSA says nothing. */
  accuracy: number | null;
  sentence: string;
}

/**
 * Verifies an RFC 3161 token offline: a TimeStampResp (`.tsr`) or the bare token, over `digest` (SHA-256,
 * 32 bytes), against pinned certificates in PEM: the signer's own or its authority's. Certificates count
 * as of the time that the token states. Revocation lists are not asked: a TSA is revoked in the trust note.
 * @param nonce the request's own, where this is the answer to it.
 */
export function verifyToken(
  token: Uint8Array,
  digest: Uint8Array,
  trustedCertificates: readonly string[],
  nonce?: bigint,
): VerifiedTimestamp {
  try {
    const read = readToken(token);
    assertWhole(read, digest, nonce);
    const pinned = trustedCertificates.map(readCertificate);
    const others = read.certificates.map(readCertificate);
    const signer = signerOf(read.signer, [...others, ...pinned]);
    assertForTimestamps(signer);
    assertBound(read.signer, signer);
    assertSigned(read, signer);
    assertTrusted(signer, others, pinned, read.info.time);
    const { accuracy } = read.info;
    const time = new Date(read.info.time).toISOString();
    const within = accuracy === null ? '' : `, to within ${accuracy} ms`;
    return { ok: true, time, accuracy, sentence: `A timestamp authority that is trusted saw it at ${time}${within}.` };
  } catch (error) {
    const known = isCountersignError(error);
    const why = known ? error.message : 'it holds something that cannot be read';
    return { ok: false, time: null, accuracy: null, sentence: `The timestamp is not accepted: ${why}.` };
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function assertWhole({ info }: Token, digest: Uint8Array, nonce: bigint | undefined): void {
  if (info.imprint.digest !== 'sha256' || !same(info.imprint.hash, digest)) throw refused('it is for something else');
  if (nonce !== undefined && info.nonce !== nonce) throw refused('it answers another request');
}

function signerOf(signer: SignerInfo, candidates: readonly Certificate[]): Certificate {
  const found = candidates.find((one) => {
    if (signer.issuer && signer.serial !== null) return one.serial === signer.serial && same(one.issuer, signer.issuer);
    const keyId = keyIdOf(one);
    return keyId !== null && signer.keyId !== null && same(keyId, signer.keyId);
  });
  if (!found) throw refused('its signer’s certificate is not at hand');
  return found;
}

/** The signed attributes name the certificate (RFC 2634, RFC 5035), so that another one with the same key cannot stand in. */
function assertBound(signer: SignerInfo, certificate: Certificate): void {
  const v2 = signer.attributes.get(attribute.signingCertificateV2);
  const v1 = signer.attributes.get(attribute.signingCertificate);
  if (!v1 && !v2) throw refused('it does not name its signer’s certificate');
  for (const [element, version] of [
    [v2, 2],
    [v1, 1],
  ] as const) {
    if (element && !names(element, version, certificate))
      throw refused('it names another certificate than its signer’s');
  }
}

function names(element: Element, version: 1 | 2, certificate: Certificate): boolean {
  const [first] = children(new Fields(element, 'a signing certificate').take(tag.sequence));
  if (!first) return false;
  const fields = new Fields(first, 'a certificate’s identifier');
  const algorithm = version === 2 ? fields.optional(tag.sequence) : null;
  const digest = version === 1 ? 'sha1' : algorithm ? digestName(algorithm) : 'sha256';
  const hash = fields.take(tag.octetString).content;
  const issuerSerial = fields.optional(tag.sequence);
  fields.end();
  if (issuerSerial) {
    const parts = new Fields(issuerSerial, 'an issuer and serial number');
    parts.take(tag.sequence);
    if (integer(parts.take(tag.integer)) !== certificate.serial) return false;
  }
  return same(hash, createHash(digest).update(certificate.x509.raw).digest());
}

function assertSigned({ signer, content }: Token, certificate: Certificate): void {
  const type = signer.attributes.get(attribute.contentType);
  if (!type || oidText(type) !== '1.2.840.113549.1.9.16.1.4')
    throw refused('its signature is for another kind of content');
  const stated = signer.attributes.get(attribute.messageDigest);
  const actual = createHash(signer.digest).update(content).digest();
  if (stated?.tag !== tag.octetString || !same(stated.content, actual)) throw refused('its content was changed');
  const { algorithm, digest, signedAttributes, signature } = signer;
  if (!verifySignature(algorithm, digest, certificate.x509.publicKey, signedAttributes, signature)) {
    throw refused('its signature does not verify');
  }
}
