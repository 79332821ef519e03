import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CountersignError } from '../../contract/errors.ts';
import { answerPage, CLOSE_THIS_PAGE, NOT_BEGUN_HERE } from '../answer-page.ts';

export interface PostedAnswer {
  /** `SAMLResponse` as it was posted. Rejects IDENTITY_EXPIRED, IDENTITY_STOPPED. */
  response: Promise<string>;
  close(): void;
}

/** A response in base64 and in a form's escapes. */
const MAX_BODY = 256 * 1024;

/**
 * Waits for the browser to bring the provider's answer (HTTP-POST binding), at an address that providers have
 * registered, so it is the same each time. What makes a POST ours is the RelayState that went along with the
 * request; whatever else comes is refused and changes nothing, and after one answer there is nobody there.
 *
 * Rejects IDENTITY_CONFIG where another program has the port.
 */
export async function listenForPost(
  acs: string,
  relayState: string,
  schedule: (milliseconds: number, run: () => void) => () => void,
  milliseconds: number,
): Promise<PostedAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // Whoever does not wait for it any more is not told.
  promise.catch(() => {});
  const { host, hostname, port, pathname } = new URL(acs);
  const servers: Server[] = [];
  let stop = () => {};

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number, text: string) => answerPage(response, status, text, () => request.destroy());
    // A page elsewhere whose name leads here (DNS rebinding) has another Host.
    if (request.headers.host !== host) return refuse(403, 'This is not the address of the sign-in.');
    if (request.url !== pathname) return refuse(404, 'There is nothing here.');
    if (request.method !== 'POST') return refuse(405, 'Nothing is taken here but a sign-in.');
    const form = await formOf(request);
    if (form === null) return refuse(413, 'This is more than an answer of a provider.');
    const [state, ...states] = form.getAll('RelayState');
    const [posted, ...others] = form.getAll('SAMLResponse');
    if (states.length > 0 || state === undefined || !isSame(state, relayState)) return refuse(400, NOT_BEGUN_HERE);
    if (posted === undefined || others.length > 0) return refuse(400, 'There is no answer of a provider in this.');
    answerPage(response, 200, CLOSE_THIS_PAGE);
    resolve(posted);
    close();
  }

  function close(): void {
    stop();
    for (const server of servers) {
      server.close();
      server.closeIdleConnections();
    }
    reject(new CountersignError('IDENTITY_STOPPED', 'the sign-in was given up'));
  }

  try {
    for (const address of hostname === 'localhost' ? ['127.0.0.1', '::1'] : ['127.0.0.1'])
      servers.push(await listen(address, Number(port), (request, response) => void answer(request, response)));
  } catch (cause) {
    close();
    throw cause;
  }
  stop = schedule(milliseconds, () => {
    reject(new CountersignError('IDENTITY_EXPIRED', 'nobody signed in in time; begin it again'));
    close();
  });
  return { response: promise, close };
}

async function listen(
  address: string,
  port: number,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, listener);
  server.maxConnections = 8;
  await new Promise<void>((done, fail) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'another program has it' : (cause.code ?? cause.message);
      fail(
        new CountersignError(
          'IDENTITY_CONFIG',
          `the answer of the provider cannot be waited for on port ${port} of ${address}: ${why}`,
          { cause },
        ),
      );
    });
    server.listen({ port, host: address, exclusive: true }, done);
  });
  return server;
}

/** null: too long, broken off, or no form. */
async function formOf(request: IncomingMessage): Promise<URLSearchParams | null> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? '')) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BODY) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function isSame(given: string, sent: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(sent)];
  return a.length === b.length && timingSafeEqual(a, b);
}
