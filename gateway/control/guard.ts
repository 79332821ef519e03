import type { IncomingMessage } from 'node:http';
import { CountersignError } from '../contract/errors.ts';

const COOKIE = 'cs_session';
const MAX_COOKIES_TRIED = 4;

/**
 * Refuses what a web page of another origin could send to loopback. A name that was made to resolve to
 * 127.0.0.1 (DNS rebinding) has another Host; a form or a script of another page, also of another port
 * of this machine, has another Origin or says so in Sec-Fetch-Site. Throws WRONG_HOST, WRONG_ORIGIN.
 */
export function assertOwnOrigin(request: IncomingMessage, port: number): void {
  const { host, origin } = request.headers;
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) {
    throw new CountersignError('WRONG_HOST', `Countersign answers to 127.0.0.1:${port} and localhost:${port} only.`);
  }
  if (origin !== undefined && origin !== `http://${host}`) throw wrongOrigin();
  const path = (request.url ?? '/').split('?')[0]!;
  const fetchSite = request.headers['sec-fetch-site'];
  const changes = request.method !== 'GET' && request.method !== 'HEAD';
  // A link in another page may open the console, and nothing else.
  if (changes || path.startsWith('/api')) {
    if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') throw wrongOrigin();
  }
}

/**
 * A body that is not declared as JSON can come from a form of another origin without any preflight.
 * Throws NOT_JSON.
 */
export function assertJson(request: IncomingMessage): void {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new CountersignError('NOT_JSON', 'The body must be JSON, with content-type: application/json.');
  }
}

/**
 * No Max-Age: the browser keeps it in memory and does not write it into its profile, where others
 * could read it; the gateway ends the session after 12 hours by itself.
 */
export function sessionCookie(secret: string): string {
  return `${COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Strict`;
}

export function expiredCookie(): string {
  return `${COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`;
}

/** Other ports of this machine share the cookie jar and can add cookies of the same name, so several are tried. */
export function sessionSecrets(request: IncomingMessage): string[] {
  return (request.headers.cookie ?? '')
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(`${COOKIE}=`))
    .map((part) => part.slice(COOKIE.length + 1))
    .filter((value) => /^[A-Za-z0-9_-]{43}$/.test(value))
    .slice(0, MAX_COOKIES_TRIED);
}

function wrongOrigin(): CountersignError {
  return new CountersignError('WRONG_ORIGIN', 'Only the console itself may call this.');
}
