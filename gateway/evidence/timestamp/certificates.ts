import { X509Certificate } from 'node:crypto';
import { boolean, children, type Element, Fields, integer, oidText, readElement, tag } from './der.ts';
import { refused } from './token.ts';

/** A certificate with what Node does not tell of it. */
export interface Certificate {
  x509: X509Certificate;
  serial: bigint;
  /** DER of the issuer's name. */
  issuer: Uint8Array;
  extensions: ReadonlyMap<string, { critical: boolean; value: Uint8Array }>;
}

const KEY_ID = '2.5.29.14';
const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = '2.5.29.19';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
/** Critical extensions that are looked at, here or by Node. */
const UNDERSTOOD = new Set([KEY_ID, KEY_USAGE, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, '2.5.29.32', '2.5.29.17']);
const MAX_CHAIN = 6;

export function readCertificate(source: Uint8Array | string): Certificate {
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(source);
  } catch {
    throw refused('a certificate cannot be read');
  }
  const whole = new Fields(readElement(x509.raw), 'a certificate');
  const tbs = new Fields(whole.take(tag.sequence), 'a certificate');
  tbs.optional(tag.context(0));
  const serial = integer(tbs.take(tag.integer));
  tbs.take(tag.sequence);
  const issuer = tbs.take(tag.sequence).raw;
  const extensions = new Map<string, { critical: boolean; value: Uint8Array }>();
  const list = tbs.rest().find((one) => one.tag === tag.context(3));
  for (const one of list ? children(readElement(list.content)) : []) {
    const fields = new Fields(one, 'a certificate’s extension');
    const oid = oidText(fields.take(tag.oid));
    const critical = fields.optional(tag.boolean);
    if (extensions.has(oid)) throw refused('a certificate has an extension twice');
    extensions.set(oid, {
      critical: critical ? boolean(critical) : false,
      value: fields.take(tag.octetString).content,
    });
  }
  return { x509, serial, issuer, extensions };
}

export function keyIdOf(certificate: Certificate): Uint8Array | null {
  const found = certificate.extensions.get(KEY_ID);
  return found ? readElement(found.value).content : null;
}

/** RFC 3161, section 2.3: for nothing but time stamping, and critical. */
export function assertForTimestamps(certificate: Certificate): void {
  const usage = certificate.extensions.get(EXTENDED_KEY_USAGE);
  const purposes = usage ? children(readElement(usage.value)).map(oidText) : [];
  if (purposes.length !== 1 || purposes[0] !== TIME_STAMPING) {
    throw refused('its signer’s certificate is not for time stamping and nothing else');
  }
  if (!usage!.critical) throw refused('its signer’s certificate does not mark its purpose as critical');
  const keyUsage = certificate.extensions.get(KEY_USAGE);
  // Bits 0 and 1: digitalSignature, nonRepudiation.
  if (keyUsage && ((readElement(keyUsage.value).content[1] ?? 0) & 0xc0) === 0) {
    throw refused('its signer’s certificate is not for signing');
  }
}

/**
 * The signer's certificate leads to one that is pinned, through certificates that came along, each of
 * them valid at `time` (the pinned ones too: a TSA's own statement of time must not outlive its key).
 */
export function assertTrusted(
  signer: Certificate,
  others: readonly Certificate[],
  pinned: readonly Certificate[],
  time: number,
): void {
  let current = signer;
  for (let depth = 0; depth < MAX_CHAIN; depth += 1) {
    assertUsable(current, time);
    if (pinned.some((one) => one.x509.raw.equals(current.x509.raw))) return;
    const anchor = pinned.find((one) => issued(one, current, depth));
    if (anchor) {
      assertUsable(anchor, time);
      return;
    }
    const next = others.find((one) => one !== current && issued(one, current, depth));
    if (!next) throw refused('its signer’s certificate does not lead to one that is trusted');
    current = next;
  }
  throw refused(`its certificates make a chain of more than ${MAX_CHAIN}`);
}

function assertUsable({ x509, extensions }: Certificate, time: number): void {
  if (time < x509.validFromDate.getTime() || time > x509.validToDate.getTime()) {
    throw refused('a certificate was not valid at the time that it states (expired, or not yet)');
  }
  for (const [oid, { critical }] of extensions) {
    if (critical && !UNDERSTOOD.has(oid))
      throw refused(`a certificate has a critical extension that is not known (${oid})`);
  }
}

/** @param depth intermediate certificates below `issuer`, for its path length. */
function issued(issuer: Certificate, subject: Certificate, depth: number): boolean {
  if (!issuer.x509.ca || !subject.x509.checkIssued(issuer.x509)) return false;
  const constraints = issuer.extensions.get(BASIC_CONSTRAINTS);
  if (constraints) {
    const fields = new Fields(readElement(constraints.value), 'basic constraints');
    fields.optional(tag.boolean);
    const length: Element | null = fields.optional(tag.integer);
    if (length && integer(length) < BigInt(depth)) return false;
  }
  try {
    return subject.x509.verify(issuer.x509.publicKey);
  } catch {
    return false;
  }
}
