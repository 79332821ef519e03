import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CountersignError } from '../../contract/errors.ts';

export interface Callback {
  redirectUri: string;
  /** The URL that the browser came back with. Rejects IDENTITY_EXPIRED, IDENTITY_STOPPED. */
  url: Promise<URL>;
  close(): void;
}

const PATH = '/callback';
const page = (title: string, text: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><body><h1>${title}</h1><p>${text}</p></body></html>`;
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

/**
 * Waits on a loopback port of its own for the browser to come back (RFC 8252 section 7.3). Only a GET of the very
 * address that was sent along counts, with the state that was sent along, and once: whatever else comes is refused
 * and changes nothing.
 *
 * @param isOurs whether a state is the one that was sent.
 */
export async function listenForCallback(
  isOurs: (state: string) => boolean,
  schedule: (milliseconds: number, run: () => void) => () => void,
  milliseconds: number,
): Promise<Callback> {
  const { promise, resolve, reject } = Promise.withResolvers<URL>();
  // Whoever does not wait for it any more is not told.
  promise.catch(() => {});
  let origin = '';
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    const refuse = (status: number, text: string) =>
      response.writeHead(status, HEADERS).end(page('Countersign', text), () => request.destroy());
    if (request.method !== 'GET') return refuse(405, 'Nothing is taken here but a sign-in.');
    // A page elsewhere whose name leads here (DNS rebinding) has another Host.
    if (`http://${request.headers.host}` !== origin) return refuse(403, 'This is not the address of the sign-in.');
    const url = URL.parse(request.url ?? '', origin);
    if (url === null || url.pathname !== PATH || url.origin !== origin) return refuse(404, 'There is nothing here.');
    if (!isOurs(url.searchParams.get('state') ?? '')) {
      return refuse(400, 'This sign-in was not begun here, or is over. Begin it again in Countersign.');
    }
    response.writeHead(200, HEADERS);
    response.end(page('Countersign', 'You can close this page. Countersign says how the sign-in went.'));
    resolve(url);
    close();
  });
  server.maxConnections = 8;
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', done);
  });
  const { port } = server.address() as AddressInfo;
  origin = `http://127.0.0.1:${port}`;
  const stop = schedule(milliseconds, () => {
    reject(new CountersignError('IDENTITY_EXPIRED', 'nobody signed in in time; begin it again'));
    close();
  });
  function close(): void {
    stop();
    server.close();
    server.closeIdleConnections();
    reject(new CountersignError('IDENTITY_STOPPED', 'the sign-in was given up'));
  }
  return { redirectUri: `${origin}${PATH}`, url: promise, close };
}
