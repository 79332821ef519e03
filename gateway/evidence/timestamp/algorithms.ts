import { constants, createVerify, type KeyObject, verify } from 'node:crypto';
import { CountersignError } from '../../contract/errors.ts';
import { type Element, Fields, integer, oidText, readElement, tag } from './der.ts';

/** Node's names of the digests that are good enough to sign with; SHA-1 and MD5 are not. */
const DIGESTS: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Signature algorithms with what they demand of the key, and the digest where their name holds one. */
const SIGNATURES: Readonly<Record<string, { key: string; digest?: string; pss?: true }>> = {
  '1.2.840.113549.1.1.1': { key: 'rsa' },
  '1.2.840.113549.1.1.10': { key: 'rsa', pss: true },
  '1.2.840.113549.1.1.11': { key: 'rsa', digest: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', digest: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', digest: 'sha512' },
  '1.2.840.10045.4.3.2': { key: 'ec', digest: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', digest: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', digest: 'sha512' },
  '1.3.101.112': { key: 'ed25519' },
};

function refused(sentence: string): CountersignError {
  return new CountersignError('TIMESTAMP_REFUSED', sentence);
}

/** AlgorithmIdentifier of a digest: Node's name of it. */
export function digestName(element: Element): string {
  const fields = new Fields(element, 'a digest algorithm');
  const oid = oidText(fields.take(tag.oid));
  fields.optional(tag.null);
  fields.end();
  const name = DIGESTS[oid];
  if (!name) throw refused(`it uses a digest that is not accepted (${oid}); SHA-256, SHA-384 and SHA-512 are`);
  return name;
}

/** RSASSA-PSS-params (RFC 4055): the digest has to be the signer's, MGF1 over the same, and the salt's length is its own. */
function pssSalt(parameters: Element | undefined, digest: string): number {
  const fields = new Fields(
    parameters ?? { tag: 0, raw: new Uint8Array(), content: new Uint8Array() },
    'PSS parameters',
  );
  const hashed = fields.optional(tag.context(0));
  const masked = fields.optional(tag.context(1));
  const salt = fields.optional(tag.context(2));
  if (!hashed || digestName(readElement(hashed.content)) !== digest || !masked) {
    throw refused('its PSS parameters name another digest than the signature');
  }
  const mgf = new Fields(readElement(masked.content), 'a mask generation function');
  if (oidText(mgf.take(tag.oid)) !== '1.2.840.113549.1.1.8' || digestName(mgf.take(tag.sequence)) !== digest) {
    throw refused('its PSS parameters name another mask than MGF1 over the signature’s digest');
  }
  const length = salt ? Number(integer(readElement(salt.content))) : 20;
  if (length < 0 || length > 64) throw refused('its PSS salt has no sensible length');
  return length;
}

/** Whether `signature` over `data` is by `key`, with an algorithm that is accepted. Throws TIMESTAMP_REFUSED where it is not. */
export function verifySignature(
  algorithm: Element,
  digest: string,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const fields = new Fields(algorithm, 'a signature algorithm');
  const oid = oidText(fields.take(tag.oid));
  const [parameters] = fields.rest();
  const known = SIGNATURES[oid];
  if (!known) throw refused(`it is signed with an algorithm that is not accepted (${oid})`);
  const type = key.asymmetricKeyType === 'rsa-pss' ? 'rsa' : key.asymmetricKeyType;
  if (type !== known.key) throw refused('its signature algorithm does not fit the key of its certificate');
  if (known.key === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) {
    throw refused('its signer’s RSA key has less than 2,048 bits');
  }
  if (known.digest !== undefined && known.digest !== digest) throw refused('it names two different digests');
  if (known.key === 'ed25519') return verify(null, data, key, signature);
  const options = known.pss
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: pssSalt(parameters, digest) }
    : { key };
  return createVerify(digest).update(data).verify(options, signature);
}
