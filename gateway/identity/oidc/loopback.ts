import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CountersignError } from '../../contract/errors.ts';
import { answerPage, CLOSE_THIS_PAGE, NOT_BEGUN_HERE } from '../answer-page.ts';

export interface Callback {
  redirectUri: string;
  /** The URL that the browser came back with. Rejects IDENTITY_EXPIRED, IDENTITY_STOPPED. */
  url: Promise<URL>;
  close(): void;
}

const PATH = '/callback';

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
    const refuse = (status: number, text: string) => answerPage(response, status, text, () => request.destroy());
    if (request.method !== 'GET') return refuse(405, 'Nothing is taken here but a sign-in.');
    // A page elsewhere whose name leads here (DNS rebinding) has another Host.
    if (`http://${request.headers.host}` !== origin) return refuse(403, 'This is not the address of the sign-in.');
    const url = URL.parse(request.url ?? '', origin);
    if (url === null || url.pathname !== PATH || url.origin !== origin) return refuse(404, 'There is nothing here.');
    if (!isOurs(url.searchParams.get('state') ?? '')) {
      return refuse(400, NOT_BEGUN_HERE);
    }
    answerPage(response, 200, CLOSE_THIS_PAGE);
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
