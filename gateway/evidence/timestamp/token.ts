import { CountersignError } from '../../contract/errors.ts';
import { digestName } from './algorithms.ts';
import { boolean, children, type Element, Fields, generalizedTime, integer, oidText, readElement, tag } from './der.ts';

/** A TimeStampToken, read (RFC 3161 section 2.4.2, RFC 5652, RFC 5816); nothing in it is verified yet. */
export interface Token {
  info: TstInfo;
  /** The signed TSTInfo, byte by byte. */
  content: Uint8Array;
  /** DER of the certificates that came along. */
  certificates: Uint8Array[];
  signer: SignerInfo;
}

export interface TstInfo {
  imprint: { digest: string; hash: Uint8Array };
  serial: bigint;
  /** Milliseconds since the epoch. */
  time: number;
  /** Milliseconds; null where the TSA says nothing. */
  accuracy: number | null;
  nonce: bigint | null;
}

export interface SignerInfo {
  /** Who signed: by issuer and serial number, or by subject key identifier. */
  issuer: Uint8Array | null;
  serial: bigint | null;
  keyId: Uint8Array | null;
  digest: string;
  /** The signed attributes as they were hashed: a SET OF. */
  signedAttributes: Uint8Array;
  attributes: ReadonlyMap<string, Element>;
  algorithm: Element;
  signature: Uint8Array;
}

export const MAX_TOKEN_BYTES = 64 * 1024;

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
export const attribute = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

const FAILURES: Readonly<Record<number, string>> = {
  0: 'it does not know the digest algorithm',
  2: 'the request is not allowed',
  5: 'the request is malformed',
  14: 'its time source is not available',
  15: 'it does not know the policy asked for',
  16: 'it does not know an extension asked for',
  17: 'it cannot say what was asked for besides',
  25: 'it has an internal failure',
};

export function refused(sentence: string): CountersignError {
  return new CountersignError('TIMESTAMP_REFUSED', sentence);
}

/** Reads a TimeStampResp (a `.tsr` file) or a bare token. Throws DER_BROKEN, TIMESTAMP_REFUSED. */
export function readToken(bytes: Uint8Array): Token {
  if (bytes.length > MAX_TOKEN_BYTES) throw refused(`it is larger than ${MAX_TOKEN_BYTES} bytes`);
  const outer = readElement(bytes);
  if (outer.tag === tag.sequence && children(outer)[0]?.tag === tag.oid) return readContentInfo(outer);
  const response = new Fields(outer, 'a timestamp response');
  assertGranted(response.take(tag.sequence));
  const token = response.optional(tag.sequence);
  response.end();
  if (!token) throw refused('it says that it was granted, and holds no token');
  return readContentInfo(token);
}

/** PKIStatusInfo (RFC 3161 section 2.4.2). */
function assertGranted(element: Element): void {
  const fields = new Fields(element, 'a status');
  const status = integer(fields.take(tag.integer));
  fields.optional(tag.sequence);
  const failure = fields.optional(tag.bitString);
  fields.end();
  if (status === 0n || status === 1n) return;
  const bits = failure?.content.subarray(1) ?? new Uint8Array();
  const words = Object.entries(FAILURES)
    .filter(([bit]) => ((bits[Number(bit) >> 3] ?? 0) & (0x80 >> (Number(bit) & 7))) !== 0)
    .map(([, text]) => text);
  throw refused(`the authority refused: ${words.join(', ') || `status ${status}`}`);
}

function readContentInfo(element: Element): Token {
  const info = new Fields(element, 'a token');
  if (oidText(info.take(tag.oid)) !== SIGNED_DATA) throw refused('it is not signed data');
  const wrapped = info.take(tag.context(0));
  info.end();
  const signed = new Fields(readElement(wrapped.content), 'signed data');
  signed.take(tag.integer);
  signed.take(tag.set);
  const content = readEncapsulated(signed.take(tag.sequence));
  const certificates = signed.optional(tag.context(0));
  signed.optional(tag.context(1));
  const signers = children(signed.take(tag.set));
  signed.end();
  const [signer] = signers;
  if (!signer || signers.length > 1) throw refused(`it has ${signers.length} signatures and not one`);
  return {
    info: readInfo(content),
    content,
    certificates: certificates
      ? children(certificates)
          .filter((one) => one.tag === tag.sequence)
          .map((one) => one.raw)
      : [],
    signer: readSigner(signer),
  };
}

function readEncapsulated(element: Element): Uint8Array {
  const fields = new Fields(element, 'the signed content');
  if (oidText(fields.take(tag.oid)) !== TST_INFO) throw refused('what is signed is not a timestamp');
  const octets = readElement(fields.take(tag.context(0)).content);
  fields.end();
  if (octets.tag !== tag.octetString) throw refused('what is signed is not where it belongs');
  return octets.content;
}

function readInfo(content: Uint8Array): TstInfo {
  const fields = new Fields(readElement(content), 'a timestamp');
  if (integer(fields.take(tag.integer)) !== 1n) throw refused('it is of another version than 1');
  fields.take(tag.oid);
  const imprint = new Fields(fields.take(tag.sequence), 'a message imprint');
  const digest = digestName(imprint.take(tag.sequence));
  const hash = imprint.take(tag.octetString).content;
  imprint.end();
  const serial = integer(fields.take(tag.integer));
  const time = generalizedTime(fields.take(tag.generalizedTime));
  const accuracy = fields.optional(tag.sequence);
  const ordering = fields.optional(tag.boolean);
  if (ordering) boolean(ordering);
  const nonce = fields.optional(tag.integer);
  fields.optional(tag.context(0));
  const extensions = fields.optional(tag.context(1));
  fields.end();
  if (extensions) assertNoneCritical(extensions);
  return {
    imprint: { digest, hash },
    serial,
    time,
    accuracy: accuracy ? readAccuracy(accuracy) : null,
    nonce: nonce ? integer(nonce) : null,
  };
}

function readAccuracy(element: Element): number {
  const fields = new Fields(element, 'an accuracy');
  const part = (field: Element | null, most: bigint): number => {
    const value = field ? integer(field) : 0n;
    if (value < 0n || value > most) throw refused('its accuracy is no duration');
    return Number(value);
  };
  const seconds = part(fields.optional(tag.integer), 10n ** 9n);
  const milliseconds = part(fields.optional(tag.implicit(0)), 999n);
  const microseconds = part(fields.optional(tag.implicit(1)), 999n);
  fields.end();
  return seconds * 1000 + milliseconds + microseconds / 1000;
}

function assertNoneCritical(extensions: Element): void {
  for (const one of children(extensions)) {
    const fields = new Fields(one, 'an extension');
    const oid = oidText(fields.take(tag.oid));
    const critical = fields.optional(tag.boolean);
    if (critical && boolean(critical)) throw refused(`it has a critical extension that is not known (${oid})`);
  }
}

function readSigner(element: Element): SignerInfo {
  const fields = new Fields(element, 'a signature');
  fields.take(tag.integer);
  const byName = fields.optional(tag.sequence);
  const byKey = byName ? null : fields.take(tag.implicit(0));
  const digest = digestName(fields.take(tag.sequence));
  const signed = fields.optional(tag.context(0));
  if (!signed) throw refused('it has no signed attributes');
  const algorithm = fields.take(tag.sequence);
  const signature = fields.take(tag.octetString).content;
  fields.optional(tag.context(1));
  fields.end();
  let issuer: Uint8Array | null = null;
  let serial: bigint | null = null;
  if (byName) {
    const name = new Fields(byName, 'a signer’s name');
    issuer = name.take(tag.sequence).raw;
    serial = integer(name.take(tag.integer));
    name.end();
  }
  const attributes = new Map<string, Element>();
  for (const one of children(signed)) {
    const parts = new Fields(one, 'a signed attribute');
    const type = oidText(parts.take(tag.oid));
    const values = children(parts.take(tag.set));
    parts.end();
    if (attributes.has(type) || values.length !== 1) throw refused('a signed attribute is there more than once');
    attributes.set(type, values[0]!);
  }
  // RFC 5652, section 5.4: hashed as a SET OF, not with the tag that it has in the message.
  const signedAttributes = Uint8Array.from(signed.raw);
  signedAttributes[0] = tag.set;
  return { issuer, serial, keyId: byKey?.content ?? null, digest, signedAttributes, attributes, algorithm, signature };
}
