import { createHash } from 'node:crypto';

/** Content of an OBJECT IDENTIFIER in hexadecimal → hash of the signature algorithm. */
const hashOfSignature: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption: SHA-256 in place of MD5
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption: SHA-256 in place of SHA-1
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1: SHA-256 in place of SHA-1
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

interface Element {
  start: number;
  end: number;
}

/** Content of the DER element at `at`, or null. */
function element(der: Uint8Array, at: number, end: number): Element | null {
  if (end - at < 2) return null;
  const first = der[at + 1]!;
  if (first < 0x80) return at + 2 + first <= end ? { start: at + 2, end: at + 2 + first } : null;
  const octets = first & 0x7f;
  if (octets === 0 || octets > 3 || end - at < 2 + octets) return null;
  let length = 0;
  for (let i = 0; i < octets; i++) length = length * 256 + der[at + 2 + i]!;
  const start = at + 2 + octets;
  return start + length <= end ? { start, end: start + length } : null;
}

/**
 * tls-server-end-point (RFC 5929, section 4.1): the certificate hashed with the hash of its signature.
 * @param der the server's certificate.
 * @returns null where the signature names no single hash (Ed25519, RSA-PSS) or the bytes are no certificate.
 */
export function certificateHash(der: Uint8Array): Uint8Array | null {
  const certificate = element(der, 0, der.length);
  const body = certificate && element(der, certificate.start, certificate.end);
  const algorithm = body && element(der, body.end, certificate.end);
  const oid = algorithm && der[algorithm.start] === 0x06 ? element(der, algorithm.start, algorithm.end) : null;
  if (!oid) return null;
  const name = hashOfSignature[Buffer.from(der.subarray(oid.start, oid.end)).toString('hex')];
  return name ? createHash(name).update(der).digest() : null;
}
