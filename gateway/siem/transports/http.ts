import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HttpDestination } from '../../contract/siem.ts';
import { failureOf, PATIENCE_MS, SiemFailure, type Transport, tlsMaterial } from './transport.ts';

const MAX_ANSWER = 64 * 1024;
const MAX_RETRY_AFTER_MS = 60 * 60 * 1000;

/** Batches of lines by POST. An answer of 2xx means that the other side has all of them. */
export function httpTransport(
  destination: HttpDestination,
  secret: () => Promise<string | null>,
  now: () => number,
  patienceMs: number = PATIENCE_MS,
): Transport {
  const where = new URL(destination.url).host;
  let batch = destination.batch;
  return {
    get batch() {
      return batch;
    },
    async deliver(records, signal) {
      const body = Buffer.from(records.map(({ text }) => `${text}\n`).join(''));
      const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
      let answer: Answer;
      try {
        answer = await post(destination, await secret(), body, limit);
      } catch (error) {
        throw failureOf(where, error);
      }
      const { status } = answer;
      if (status >= 200 && status < 300) {
        batch = Math.min(destination.batch, batch * 2);
        return records.length;
      }
      if (status === 413 && records.length > 1) {
        batch = Math.max(1, Math.floor(records.length / 2));
        return 0;
      }
      throw refusal(where, answer, now());
    },
    close: () => {},
  };
}

interface Answer {
  status: number;
  retryAfter: string | undefined;
}

function refusal(where: string, { status, retryAfter }: Answer, now: number): SiemFailure {
  const retryAfterMs = retryAfter === undefined ? null : waitOf(retryAfter, now);
  if (status === 401 || status === 403) return new SiemFailure(`${where}: it refuses the credentials (HTTP ${status})`);
  if (status >= 300 && status < 400)
    return new SiemFailure(`${where}: it sends elsewhere (HTTP ${status}), where nothing is sent; correct the address`);
  if (status === 413) return new SiemFailure(`${where}: one event is more than it takes (HTTP 413)`);
  return new SiemFailure(`${where}: it answers with HTTP ${status}`, { retryAfterMs });
}

/** Seconds or a date (RFC 9110 section 10.2.3). */
function waitOf(text: string, now: number): number | null {
  const wait = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(wait) ? null : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, wait));
}

function post(destination: HttpDestination, secret: string | null, body: Buffer, signal: AbortSignal): Promise<Answer> {
  const url = new URL(destination.url);
  const secure = url.protocol === 'https:';
  const request = secure ? requestHttps : requestHttp;
  const { serverName } = destination;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'POST',
        agent: false,
        signal,
        headers: {
          'content-type': destination.format === 'ocsf' ? 'application/x-ndjson' : 'text/plain; charset=utf-8',
          'content-length': body.length,
          ...(secret === null ? {} : { [destination.secretHeader]: secret }),
        },
        ...(secure ? { ...tlsMaterial(destination), minVersion: 'TLSv1.2', rejectUnauthorized: true } : {}),
        ...(secure && serverName !== undefined ? { servername: serverName } : {}),
      },
      (response) => read(response).then(resolve, reject),
    );
    // A signal that aborts says so by its reason, not by Node's own error.
    outgoing.once('error', (error) => reject(signal.aborted ? signal.reason : error));
    outgoing.end(body);
  });
}

/** The whole answer has to come: one that breaks off says nothing of what was taken. */
function read(response: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let size = 0;
    response.on('data', (part: Buffer) => {
      size += part.length;
      if (size > MAX_ANSWER) response.destroy(new SiemFailure('it answers without end'));
    });
    response.once('error', reject);
    response.once('end', () =>
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }),
    );
  });
}
