import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import type { TokenTable } from './token-table.ts';

/**
 * Tokens in place of the values of one column, in one conversation on one database: equal values have
 * equal tokens, and only who has the key can make one or tell what it stands for.
 *
 * Text: `tok_` and, in base64url, the first 10 bytes of HMAC-SHA-256 over the value, then the value and
 * its padding under AES-256-CTR with these bytes as its counter's beginning. The token holds the value, so nothing is kept and
 * a restart changes nothing; opening makes the HMAC again, so a token that was changed, guessed or made
 * for another column or conversation is none.
 *
 * UUID: 60 bits of such an HMAC and 62 bits of one over these, as a UUID of version 8. Those 62 bits
 * tell a token from other UUIDs; what it stands for is in the table.
 */
export interface ColumnTokens {
  /** @returns null: too long to be given a token. */
  sealText(value: Uint8Array): Uint8Array | null;
  /** @returns null: no token of this column in this conversation. */
  openText(token: string): Uint8Array | null;
  /** @param value, and what is returned, 16 bytes; null: two values that fall together. */
  sealUuid(value: Uint8Array): Uint8Array | null;
  openUuid(token: string): OpenedUuid;
}

/** `forgotten`: a token of this column, of which the table does not know any more what it stands for. */
export type OpenedUuid = { kind: 'value'; value: string } | { kind: 'forgotten' } | { kind: 'none' };

const PREFIX = 'tok_';
const TAG = 10;
const BLOCK = 16;
/** Longer values get no token: it would be longer than what an agent can repeat. */
const MAX_VALUE = 256;
const MAX_BODY = Math.ceil(((TAG + MAX_VALUE + BLOCK) * 4) / 3);
const MIN_BODY = Math.ceil(((TAG + BLOCK) * 4) / 3);
const TEXT_TOKEN = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{${MIN_BODY},${MAX_BODY}}$`);
const UUID_TOKEN = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const MAX_TOKEN = PREFIX.length + MAX_BODY;

/** Might be a token by its form alone. */
export function looksLikeToken(text: string): boolean {
  return text.length <= MAX_TOKEN && (TEXT_TOKEN.test(text) || UUID_TOKEN.test(text));
}

const TOKEN_INSIDE = new RegExp(`${PREFIX}[A-Za-z0-9_-]{${MIN_BODY}}|-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-`);

/** Whether a part of it might be one. */
export function mayHoldToken(text: string): boolean {
  return TOKEN_INSIDE.test(text);
}

/**
 * @param key 32 bytes, of the connection.
 * @param scope what the tokens are good for: the database, the person and the conversation.
 */
export function tokenKey(key: Uint8Array, scope: readonly string[]): Uint8Array {
  return createHmac('sha256', key)
    .update(JSON.stringify(['countersign tokens v1', ...scope]))
    .digest();
}

export function createColumnTokens(key: Uint8Array, column: readonly string[], table: TokenTable): ColumnTokens {
  const derived = (purpose: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([purpose, ...column]))
      .digest();
  const macKey = derived('mac');
  const encryptionKey = derived('encryption');
  const uuidKey = derived('uuid');
  const counter = (tag: Uint8Array) => Buffer.concat([tag, new Uint8Array(BLOCK - TAG)]);
  const tagOf = (value: Uint8Array) => createHmac('sha256', macKey).update(value).digest().subarray(0, TAG);
  const secondHalf = (first: Uint8Array) => {
    const half = createHmac('sha256', uuidKey).update('check').update(first).digest().subarray(0, 8);
    half[0] = (half[0]! & 0x3f) | 0x80;
    return half;
  };

  return {
    sealText(value) {
      if (value.length > MAX_VALUE) return null;
      const padded = new Uint8Array(Math.ceil((value.length + 1) / BLOCK) * BLOCK);
      padded.set(value);
      padded[value.length] = 0x80;
      const tag = tagOf(value);
      const body = createCipheriv('aes-256-ctr', encryptionKey, counter(tag)).update(padded);
      return Buffer.from(PREFIX + Buffer.concat([tag, body]).toString('base64url'), 'latin1');
    },
    openText(token) {
      if (!TEXT_TOKEN.test(token)) return null;
      const whole = Buffer.from(token.slice(PREFIX.length), 'base64url');
      if (whole.length < TAG + BLOCK || (whole.length - TAG) % BLOCK !== 0) return null;
      if (PREFIX + whole.toString('base64url') !== token) return null;
      const tag = whole.subarray(0, TAG);
      const padded = createDecipheriv('aes-256-ctr', encryptionKey, counter(tag)).update(whole.subarray(TAG));
      const end = padded.lastIndexOf(0x80);
      // The padding is all there is behind the value, and no longer than it has to be.
      if (end < padded.length - BLOCK || padded.subarray(end + 1).some((byte) => byte !== 0)) return null;
      const value = padded.subarray(0, end);
      return timingSafeEqual(tagOf(value), tag) ? value : null;
    },
    sealUuid(value) {
      if (value.length !== 16) return null;
      const first = createHmac('sha256', uuidKey).update('value').update(value).digest().subarray(0, 8);
      first[6] = (first[6]! & 0x0f) | 0x80;
      const token = Buffer.concat([first, secondHalf(first)]);
      return table.keep(token.toString('hex'), uuidText(value)) ? token : null;
    },
    openUuid(token) {
      if (!UUID_TOKEN.test(token)) return { kind: 'none' };
      const bytes = Buffer.from(token.replaceAll('-', ''), 'hex');
      if (!timingSafeEqual(secondHalf(bytes.subarray(0, 8)), bytes.subarray(8))) return { kind: 'none' };
      const value = table.value(bytes.toString('hex'));
      return value === undefined ? { kind: 'forgotten' } : { kind: 'value', value };
    },
  };
}

/** 16 bytes as uuid_out writes them. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
