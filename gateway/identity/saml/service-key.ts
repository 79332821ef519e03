import { generateKeyPair, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Vault } from '../../pipeline/ports.ts';

/** The gateway's own key that assertions are encrypted for. */
const ServiceKey = z.object({ key: z.string(), certificate: z.string() });
export type ServiceKey = z.infer<typeof ServiceKey>;

/** Where the vault has it. */
export const serviceKeyId = (provider: string): string => `identity/${provider}/saml`;

/** Made where there is none. Rejects where the vault does not take it. */
export async function serviceKey(vault: Vault, provider: string, now: number): Promise<ServiceKey> {
  const kept = await vault.read(serviceKeyId(provider));
  if (kept !== null) return ServiceKey.parse(JSON.parse(kept));
  const made = await makeServiceKey(now);
  await vault.write(serviceKeyId(provider), JSON.stringify(made));
  return made;
}

const YEARS = 10;
const RSA_WITH_SHA256 = '2a864886f70d01010b';

/**
 * RSA of 3072 bits in a certificate that it signs itself: metadata carries keys in certificates, and nobody looks at
 * anything in it but the key (SAML metadata interoperability profile).
 */
async function makeServiceKey(now: number): Promise<ServiceKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 3072 });
  const algorithm = der(0x30, oid(RSA_WITH_SHA256), der(0x05));
  const name = der(0x30, der(0x31, der(0x30, oid('550403'), der(0x0c, Buffer.from('Countersign gateway')))));
  const body = der(
    0x30,
    der(0xa0, der(0x02, Uint8Array.of(2))),
    // Positive, and with no superfluous zero in front.
    der(0x02, Uint8Array.of(0x40), randomBytes(15)),
    algorithm,
    name,
    der(0x30, time(new Date(now)), time(new Date(now + YEARS * 365 * 86_400_000))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = der(0x03, Uint8Array.of(0), sign('sha256', body, privateKey));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: Buffer.from(der(0x30, body, algorithm, signature)).toString('base64'),
  };
}

/** DER (X.690): tag, length, content. */
function der(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  const { length } = content;
  const octets = length < 0x100 ? [length] : [length >>> 8, length & 0xff];
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets];
  return Buffer.concat([Uint8Array.from(head), content]);
}

const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));

/** RFC 5280, section 4.1.2.5: UTCTime through 2049. */
function time(date: Date): Uint8Array {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}
