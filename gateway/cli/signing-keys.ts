import { X509Certificate } from 'node:crypto';
import { CountersignError } from '../contract/errors.ts';
import { readText } from './trust-arguments.ts';

/**
 * The keys that a provider signs with, as a JWKS: of a file that is one, that is SAML metadata, or that is PEM of
 * certificates. Rejects USAGE, IDENTITY_METADATA.
 *
 * @param issuer its name, which metadata may have beside others.
 */
export async function readSigningKeys(file: string, issuer: string, now: string): Promise<unknown> {
  const text = readText(file);
  if (/^\uFEFF?\s*</.test(text)) {
    const { pemOf, readMetadata } = await import('../identity/saml/metadata.ts');
    const { certificates } = readMetadata(text.trim(), Date.parse(now), issuer);
    return { keys: certificates.map((one) => jwkOf(pemOf(one))) };
  }
  const pems = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g);
  if (pems !== null) return { keys: pems.map(jwkOf) };
  try {
    return JSON.parse(text);
  } catch {
    throw new CountersignError('USAGE', `${file} is neither a JWKS (JSON) nor SAML metadata nor a certificate (PEM)`);
  }
}

/** The key is pinned, under the certificate's fingerprint. */
function jwkOf(pem: string): Record<string, unknown> {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    throw new CountersignError('USAGE', 'a certificate in it cannot be read');
  }
  return { ...certificate.publicKey.export({ format: 'jwk' }), kid: certificate.fingerprint256, use: 'sig' };
}
