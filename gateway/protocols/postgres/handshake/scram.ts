import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { CountersignError } from '../../../contract/errors.ts';

/**
 * SCRAM-SHA-256 as PostgreSQL uses it: RFC 5802, RFC 7677, channel binding tls-server-end-point of
 * RFC 5929. Source: https://www.postgresql.org/docs/current/sasl-authentication.html
 * Nonces come in as arguments.
 */

export const SCRAM = 'SCRAM-SHA-256';
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS';

/** Bounds what a peer can make the other compute; PostgreSQL's own default is 4096. */
export const MAX_ITERATIONS = 1_000_000;
/** PG_MAX_SASL_MESSAGE_LENGTH (libpq/auth-sasl.c). */
const MAX_MESSAGE = 1024;

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function hmac(key: Uint8Array, data: string | Uint8Array): Uint8Array {
  return createHmac('sha256', key).update(data).digest();
}

export function sha256(data: Uint8Array): Uint8Array {
  return createHash('sha256').update(data).digest();
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

/** Strict: null for what is not canonical base64. */
function fromBase64(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function scramError(what: string): CountersignError {
  return new CountersignError('PG_SCRAM_FAILED', `SCRAM authentication failed: ${what}`);
}

function messageText(bytes: Uint8Array): string {
  if (bytes.length > MAX_MESSAGE) throw scramError('a message is too long');
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw new CountersignError('PG_SCRAM_FAILED', 'SCRAM authentication failed: a message is not text', { cause });
  }
}

/** Printable ASCII without the comma (RFC 5802, section 7). */
function isNonce(text: string): boolean {
  return /^[\x21-\x2b\x2d-\x7e]{1,512}$/.test(text);
}

// ---- keys -----------------------------------------------------------------------------------

/** What a server keeps in place of a password. */
export interface ScramKeys {
  salt: Uint8Array;
  iterations: number;
  storedKey: Uint8Array;
  serverKey: Uint8Array;
}

/** @param saltedPassword PBKDF2-HMAC-SHA-256 of the prepared password, 32 bytes. */
export function scramKeys(saltedPassword: Uint8Array, salt: Uint8Array, iterations: number): ScramKeys {
  const storedKey = sha256(hmac(saltedPassword, 'Client Key'));
  return { salt, iterations, storedKey, serverKey: hmac(saltedPassword, 'Server Key') };
}

// ---- server side (the gateway towards a client) ---------------------------------------------

/** Hash of the server's certificate where the client reached it over TLS; offers SCRAM-SHA-256-PLUS. */
export type ChannelBinding = Uint8Array | null;

export interface ClientFirst {
  gs2Header: string;
  bare: string;
  nonce: string;
  channelBinding: 'none' | 'unused' | 'used';
}

/**
 * @param mechanism what the client chose.
 * @param bindingOffered SCRAM-SHA-256-PLUS was in the list.
 * Throws PG_SCRAM_FAILED.
 */
export function readClientFirst(bytes: Uint8Array, mechanism: string, bindingOffered: boolean): ClientFirst {
  const match = /^((n|y|p=([A-Za-z0-9.-]+)),(a=[^,]*)?,)(n=([^,]*),r=([^,]*))$/.exec(messageText(bytes));
  if (!match) throw scramError('the first message of the client is malformed');
  const [, gs2Header = '', flag = '', binding, authzid, bare = '', , nonce = ''] = match;
  if (authzid) throw scramError('another authorization identity is not supported');
  if (!isNonce(nonce)) throw scramError('the nonce of the client is malformed');
  if (flag === 'y' && bindingOffered) throw scramError('the client was led to believe that channel binding is absent');
  if ((binding !== undefined) !== (mechanism === SCRAM_PLUS)) throw scramError('channel binding and mechanism differ');
  if (binding !== undefined && binding !== 'tls-server-end-point') {
    throw scramError('the only channel binding that is supported is tls-server-end-point');
  }
  return { gs2Header, bare, nonce, channelBinding: flag === 'n' ? 'none' : flag === 'y' ? 'unused' : 'used' };
}

/** @param nonce the server's own part: printable ASCII without a comma. */
export function serverFirst(client: ClientFirst, nonce: string, salt: Uint8Array, iterations: number): string {
  return `r=${client.nonce}${nonce},s=${base64(salt)},i=${iterations}`;
}

export interface ServerVerification<T> {
  /** The candidate whose secret the client knows; null: none. */
  match: T | null;
  /** server-final-message for the match. */
  serverFinal: string;
}

/**
 * Checks the proof against every candidate and always against at least one, so that neither the number
 * of live tokens nor the existence of a connection shows in the time. Throws PG_SCRAM_FAILED for what
 * is malformed or bound to another channel.
 */
export function verifyClientFinal<T extends ScramKeys>(
  bytes: Uint8Array,
  client: ClientFirst,
  firstOfServer: string,
  binding: ChannelBinding,
  candidates: readonly T[],
): ServerVerification<T> {
  const match = /^((c=([A-Za-z0-9+/=]+)),r=([^,]*)(?:,[^,]+)*?),p=([A-Za-z0-9+/=]+)$/.exec(messageText(bytes));
  if (!match) throw scramError('the last message of the client is malformed');
  const [, withoutProof = '', , encodedBinding = '', nonce = '', encodedProof = ''] = match;
  const header = utf8.encode(client.gs2Header);
  const expectedBinding = client.channelBinding === 'used' && binding ? [header, binding] : [header];
  const bound = fromBase64(encodedBinding);
  if (!bound || !equal(bound, Buffer.concat(expectedBinding))) throw scramError('the channel binding does not match');
  if (nonce !== /^r=([^,]*)/.exec(firstOfServer)?.[1]) throw scramError('the nonce does not match');
  const proof = fromBase64(encodedProof);
  if (proof?.length !== 32) throw scramError('the proof is malformed');
  const authMessage = `${client.bare},${firstOfServer},${withoutProof}`;
  let found: T | null = null;
  for (const candidate of candidates) {
    const clientKey = xor(proof, hmac(candidate.storedKey, authMessage));
    if (equal(sha256(clientKey), candidate.storedKey)) found ??= candidate;
  }
  if (candidates.length === 0) equal(sha256(xor(proof, hmac(proof, authMessage))), proof);
  return {
    match: found,
    serverFinal: found ? `v=${base64(hmac(found.serverKey, authMessage))}` : 'e=invalid-proof',
  };
}

// ---- client side (the gateway towards a server) ---------------------------------------------

export interface ScramClient {
  mechanism: typeof SCRAM | typeof SCRAM_PLUS;
  clientFirst: string;
  /** What the server asks to be computed. Throws PG_SCRAM_FAILED. */
  challenge(serverFirst: Uint8Array): { salt: Uint8Array; iterations: number };
  /** @param saltedPassword PBKDF2-HMAC-SHA-256 with the challenge's salt and iterations, 32 bytes. */
  clientFinal(saltedPassword: Uint8Array): string;
  /** Throws PG_SCRAM_FAILED where the server does not prove that it knows the password too. */
  verifyServerFinal(serverFinal: Uint8Array): void;
}

/**
 * @param offered the server's mechanisms.
 * @param nonce printable ASCII without a comma, at least 18 bytes of randomness.
 * @param tls the connection is encrypted.
 * @param binding hash of the server's certificate; null where none can be computed.
 */
export function scramClient(
  offered: readonly string[],
  nonce: string,
  tls: boolean,
  binding: ChannelBinding,
): ScramClient {
  const plus = tls && binding !== null && offered.includes(SCRAM_PLUS);
  if (!plus && !offered.includes(SCRAM)) {
    const list = offered.map((name) => name.replace(/[^\x20-\x7e]/g, '?').slice(0, 64)).join(', ');
    throw new CountersignError('PG_UPSTREAM_AUTH_UNSUPPORTED', `the server offers no SCRAM mechanism but ${list}`);
  }
  // y tells a server that offered PLUS that somebody took it from the list (RFC 5802, section 6).
  const flag = plus ? 'p=tls-server-end-point' : tls && binding !== null ? 'y' : 'n';
  const gs2Header = `${flag},,`;
  const bare = `n=,r=${nonce}`;
  const bound = Buffer.concat([utf8.encode(gs2Header), ...(plus ? [binding] : [])]);
  let firstOfServer = '';
  let combinedNonce = '';
  let serverSignature: Uint8Array | null = null;
  return {
    mechanism: plus ? SCRAM_PLUS : SCRAM,
    clientFirst: gs2Header + bare,
    challenge(bytes) {
      firstOfServer = messageText(bytes);
      const match = /^r=([^,]+),s=([A-Za-z0-9+/=]+),i=([1-9]\d{0,9})(?:,.*)?$/.exec(firstOfServer);
      if (!match) throw scramError('the first message of the server is malformed');
      const [, fullNonce = '', encodedSalt = '', count = ''] = match;
      if (!isNonce(fullNonce) || !fullNonce.startsWith(nonce) || fullNonce.length === nonce.length) {
        throw scramError('the nonce of the server is not an answer to ours');
      }
      const salt = fromBase64(encodedSalt);
      if (!salt || salt.length === 0) throw scramError('the salt of the server is malformed');
      const iterations = Number(count);
      if (iterations > MAX_ITERATIONS) {
        throw scramError(`the server asks for ${iterations} iterations, more than ${MAX_ITERATIONS}`);
      }
      combinedNonce = fullNonce;
      return { salt, iterations };
    },
    clientFinal(saltedPassword) {
      const withoutProof = `c=${base64(bound)},r=${combinedNonce}`;
      const authMessage = `${bare},${firstOfServer},${withoutProof}`;
      const clientKey = hmac(saltedPassword, 'Client Key');
      const proof = xor(clientKey, hmac(sha256(clientKey), authMessage));
      serverSignature = hmac(hmac(saltedPassword, 'Server Key'), authMessage);
      return `${withoutProof},p=${base64(proof)}`;
    },
    verifyServerFinal(bytes) {
      const match = /^v=([A-Za-z0-9+/=]+)(?:,.*)?$/.exec(messageText(bytes));
      const signature = match ? fromBase64(match[1]!) : null;
      if (!serverSignature || !signature || !equal(signature, serverSignature)) {
        throw scramError('the server did not prove that it knows the password; it may not be the one it claims to be');
      }
    },
  };
}
