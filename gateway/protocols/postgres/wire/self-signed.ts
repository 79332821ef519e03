import { createHash, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIPv4, isIPv6 } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** DER (X.690): tag, length, content. */
function der(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Uint8Array.of(tag, length), content]);
  const octets = length < 0x100 ? [length] : [length >>> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, 0x80 | octets.length, ...octets), content]);
}

const sequence = (...contents: Uint8Array[]) => der(0x30, ...contents);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const octetString = (content: Uint8Array) => der(0x04, content);
const bitString = (content: Uint8Array, unused = 0) => der(0x03, Uint8Array.of(unused), content);
const TRUE = der(0x01, Uint8Array.of(0xff));

/** RFC 5280, section 4.1.2.5: UTCTime through 2049. */
function time(date: Date): Uint8Array {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

/** An address as the bytes that a subject alternative name holds. */
function addressBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split('.'), Number);
  const [head = '', tail] = address.split('::');
  const groups = (text: string | undefined) => (text ? text.split(':').map((group) => Number.parseInt(group, 16)) : []);
  const first = groups(head);
  const last = groups(tail);
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((group) => [group >>> 8, group & 0xff]));
}

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));

export interface SelfSignedOptions {
  /** DNS names and addresses; the first is the common name. */
  names: readonly string[];
  notBefore: Date;
  days: number;
  /** 16 random bytes. */
  serial: Uint8Array;
}

export interface Certificate {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8, not encrypted. */
  key: string;
}

/** A self-signed certificate for a TLS server: ECDSA P-256 with SHA-256, X.509 v3 (RFC 5280). */
export function makeSelfSigned({ names, notBefore, days, serial }: SelfSignedOptions): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const commonName = der(0x0c, Buffer.from(names[0] ?? 'localhost'));
  const name = sequence(der(0x31, sequence(oid('550403'), commonName)));
  const notAfter = new Date(notBefore.getTime() + days * 86_400_000);
  const alternatives = names.map((entry) =>
    isIPv4(entry) || isIPv6(entry) ? der(0x87, addressBytes(entry)) : der(0x82, Buffer.from(entry)),
  );
  const extensions = sequence(
    sequence(oid('551d13'), TRUE, octetString(sequence())), // basicConstraints: not an authority
    sequence(oid('551d0f'), TRUE, octetString(bitString(Uint8Array.of(0x80), 7))), // keyUsage: digitalSignature
    sequence(oid('551d25'), octetString(sequence(oid('2b06010505070301')))), // extKeyUsage: serverAuth
    sequence(oid('551d11'), octetString(sequence(...alternatives))), // subjectAltName
    sequence(oid('551d0e'), octetString(octetString(createHash('sha1').update(spki.subarray(-65)).digest()))),
  );
  const body = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))), // v3
    // Positive, and with no superfluous zero in front.
    der(0x02, Uint8Array.of(0x40 | (serial[0]! & 0x3f)), serial.subarray(1)),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    spki,
    der(0xa3, extensions),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = Buffer.from(sequence(body, ECDSA_WITH_SHA256, bitString(signature)));
  const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const LIFETIME_DAYS = 800;
const RENEW_BEFORE_DAYS = 30;

/**
 * The gateway's own certificate, kept in `folder` as gateway.crt and gateway.key (mode 0600); made
 * where there is none, and anew 30 days before it ends. For localhost, 127.0.0.1, ::1 and this host's name.
 * @param now milliseconds since the epoch.
 */
export async function loadOrMakeCertificate(folder: string, now: number): Promise<Certificate> {
  const certPath = join(folder, 'gateway.crt');
  const keyPath = join(folder, 'gateway.key');
  const present = await readPair(certPath, keyPath);
  if (present && new X509Certificate(present.cert).validToDate.getTime() > now + RENEW_BEFORE_DAYS * 86_400_000) {
    return present;
  }
  const own = hostname().toLowerCase();
  const names = new Set(['localhost', '127.0.0.1', '::1', ...(/^[a-z0-9.-]{1,63}$/.test(own) ? [own] : [])]);
  const made = makeSelfSigned({
    names: [...names],
    // An hour back, for clients whose clock is behind.
    notBefore: new Date(now - 3_600_000),
    days: LIFETIME_DAYS,
    serial: randomBytes(16),
  });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // The key first: a certificate that is there always has its key.
  await replaceFile(keyPath, made.key);
  await replaceFile(certPath, made.cert);
  return made;
}

async function readPair(certPath: string, keyPath: string): Promise<Certificate | null> {
  try {
    const [cert, key] = await Promise.all([readFile(certPath, 'utf8'), readFile(keyPath, 'utf8')]);
    return { cert, key };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  await writeFile(temporary, content, { mode: 0o600, flag: 'wx' });
  await rename(temporary, path);
}
