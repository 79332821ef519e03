import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { CountersignError } from '../contract/errors.ts';
import type { Clock } from '../pipeline/ports.ts';

const CODE_MS = 10 * 60 * 1000;
const SESSION_MS = 12 * 60 * 60 * 1000;
const MAX_CODES = 4;
const MAX_SESSIONS = 16;
/** Wrong codes, over all callers, in a minute. 50 bits at this rate: 10^8 years. */
const MAX_WRONG = 10;
const WRONG_WINDOW_MS = 60_000;

/** Crockford's base32: no I, L, O, U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_LENGTH = 10;

const digest = (text: string) => createHash('sha256').update(text).digest();

export interface Logins {
  /** A fresh one-time code, 50 bits, for 10 minutes: to be shown to the person and nobody else. */
  newCode(): string;
  /** Uses a code up. Throws LOGIN_CODE_WRONG, LOGIN_TOO_MANY. */
  redeem(code: string): void;
  /** @returns the secret for the cookie and the key for the page; only their hashes are kept. */
  openSession(): { secret: string; key: string };
  /** It takes both. @returns the session's id, or null. */
  find(secret: string, key: string): string | null;
  /** Whether the session with this id is still open. */
  has(id: string): boolean;
  closeSession(id: string): void;
}

export function createLogins(clock: Clock): Logins {
  /** Hashes of codes that were not used yet. */
  let codes: Array<{ hash: Buffer; expires: number }> = [];
  let wrong: number[] = [];
  const sessions = new Map<string, { hash: Buffer; key: Buffer; expires: number }>();

  function forgetExpired(): void {
    const now = clock.now();
    codes = codes.filter((code) => code.expires > now);
    wrong = wrong.filter((at) => at > now - WRONG_WINDOW_MS);
    for (const [id, session] of sessions) if (session.expires <= now) sessions.delete(id);
  }

  return {
    newCode() {
      forgetExpired();
      // 32 divides 256, so every character is equally likely.
      const code = [...randomBytes(CODE_LENGTH)].map((byte) => ALPHABET[byte % 32]).join('');
      codes.push({ hash: digest(code), expires: clock.now() + CODE_MS });
      if (codes.length > MAX_CODES) codes.shift();
      return `${code.slice(0, 5)}-${code.slice(5)}`;
    },

    redeem(typed) {
      forgetExpired();
      if (wrong.length >= MAX_WRONG) {
        throw new CountersignError('LOGIN_TOO_MANY', 'Too many wrong codes; wait a minute.');
      }
      const hash = digest(normalize(typed));
      // All are compared, so that the time tells nothing of which one was near.
      const matches = codes.filter((code) => timingSafeEqual(code.hash, hash));
      if (matches.length === 0) {
        wrong.push(clock.now());
        throw new CountersignError(
          'LOGIN_CODE_WRONG',
          'This code is wrong, expired or used; the terminal in which the gateway runs shows a valid one.',
        );
      }
      codes = codes.filter((code) => !matches.includes(code));
    },

    openSession() {
      forgetExpired();
      const secret = randomBytes(32).toString('base64url');
      const key = randomBytes(32).toString('base64url');
      const hash = digest(secret);
      sessions.set(hash.toString('hex'), { hash, key: digest(key), expires: clock.now() + SESSION_MS });
      if (sessions.size > MAX_SESSIONS) sessions.delete(sessions.keys().next().value!);
      return { secret, key };
    },

    find(secret, key) {
      forgetExpired();
      const hash = digest(secret);
      const id = hash.toString('hex');
      const session = sessions.get(id);
      if (!session) return null;
      const both = timingSafeEqual(session.hash, hash) && timingSafeEqual(session.key, digest(key));
      return both ? id : null;
    },

    has(id) {
      forgetExpired();
      return sessions.has(id);
    },

    closeSession(id) {
      sessions.delete(id);
    },
  };
}

/** As it may be typed: any case, with spaces and dashes, and the letters that Crockford reads as digits. */
function normalize(code: string): string {
  return code.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
}
