import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import type { TsaEntry } from '../format/documents.ts';
import { encode, encodeInteger, encodeOid, tag } from './der.ts';
import type { SendQuery } from './send.ts';
import { MAX_TOKEN_BYTES } from './token.ts';
import { verifyToken } from './verify.ts';

const SHA256 = '2.16.840.1.101.3.4.2.1';
const PATIENCE_MS = 20_000;
const NONCE_BYTES = 16;

/** TimeStampReq (RFC 3161 section 2.4.1) over a SHA-256, with a nonce, asking for the signer's certificate. */
export function timestampRequest(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  const algorithm = encode(tag.sequence, encodeOid(SHA256), encode(tag.null));
  const imprint = encode(tag.sequence, algorithm, encode(tag.octetString, digest));
  const certReq = encode(tag.boolean, Uint8Array.of(0xff));
  return encode(tag.sequence, encodeInteger(Uint8Array.of(1)), imprint, encodeInteger(nonce), certReq);
}

/**
 * Asks a TSA over HTTP (RFC 3161 section 3.4) to stamp a SHA-256, and verifies its answer before giving it
 * back: the TimeStampResp, DER, which `openssl ts -verify -in` takes. Errors: TIMESTAMP_UNREACHABLE (try
 * again later), TIMESTAMP_REFUSED (somebody has to look).
 */
export async function requestToken(
  digest: Uint8Array,
  tsa: Pick<TsaEntry, 'name' | 'url' | 'certificate' | 'ca'>,
  send: SendQuery,
  random: (bytes: number) => Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const nonce = random(NONCE_BYTES);
  const answer = await ask(timestampRequest(digest, nonce), tsa, send, signal);
  const number = BigInt(`0x${Buffer.from(nonce).toString('hex')}`);
  const verified = verifyToken(answer, digest, [tsa.certificate], number);
  if (!verified.ok) throw new CountersignError('TIMESTAMP_REFUSED', `${tsa.name}: ${verified.sentence}`);
  return answer;
}

async function ask(
  body: Uint8Array,
  tsa: Pick<TsaEntry, 'name' | 'url' | 'ca'>,
  send: SendQuery,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const unreachable = (why: string, cause?: unknown) =>
    new CountersignError('TIMESTAMP_UNREACHABLE', `the timestamp authority ${tsa.name} ${why}`, { cause });
  try {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    const response = await send(tsa.url, body, tsa.ca, patience);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) {
      response.destroy();
      throw unreachable(`answered with HTTP ${status}`);
    }
    if (!/^application\/timestamp-reply\b/i.test(response.headers['content-type'] ?? '')) {
      response.destroy();
      throw unreachable('answered with something that is not a timestamp');
    }
    return await bounded(response, () => unreachable('answered with more than a timestamp'));
  } catch (error) {
    if (isCountersignError(error)) throw error;
    throw unreachable(`cannot be reached (${reasonOf(error)})`, error);
  }
}

/** The system's code where there is one, such as SELF_SIGNED_CERT_IN_CHAIN. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : message;
}

async function bounded(body: AsyncIterable<Uint8Array>, tooMuch: () => Error): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the stream.
  for await (const part of body) {
    size += part.length;
    if (size > MAX_TOKEN_BYTES) throw tooMuch();
    parts.push(part);
  }
  return Buffer.concat(parts);
}
