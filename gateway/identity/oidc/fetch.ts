import { readFileSync } from 'node:fs';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import type { LookupFunction } from 'node:net';
import { CountersignError } from '../../contract/errors.ts';

const MAX_ANSWER = 1024 * 1024;
const TIMEOUT_MS = 15_000;

/**
 * As fetch, with a private authority in place of the system's, bounded in time and size, and without redirects:
 * a provider's endpoints are where its discovery document says.
 *
 * @param lookup in place of the system's resolver; it is not asked for an address that stands in the URL itself.
 */
export function boundedFetch(caFile: string | undefined, lookup?: LookupFunction): typeof fetch {
  const ca = caFile === undefined ? undefined : readCa(caFile);
  return async (input, init = {}) => {
    const url = new URL(String(input));
    const { method = 'GET', body, headers } = init;
    const send = url.protocol === 'https:' ? secure : plain;
    return new Promise<Response>((resolve, reject) => {
      const options = {
        method,
        headers: Object.fromEntries(new Headers(headers)),
        signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(init.signal ? [init.signal] : [])]),
        ...(ca === undefined ? {} : { ca }),
        ...(lookup === undefined ? {} : { lookup }),
      };
      const request = send(url, options, (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER) request.destroy(new Error('the answer is too long'));
          else chunks.push(chunk);
        });
        answer.on('end', () => {
          const status = answer.statusCode ?? 502;
          const empty = status === 204 || status === 304;
          const found = new Headers();
          for (const [name, value] of Object.entries(answer.headers))
            if (value !== undefined) found.set(name, [value].flat().join(', '));
          resolve(new Response(empty ? null : Buffer.concat(chunks), { status, headers: found }));
        });
        answer.on('error', reject);
      });
      request.on('error', reject);
      request.end(body === undefined || body === null ? undefined : bytesOf(body));
    });
  };
}

function bytesOf(body: NonNullable<RequestInit['body']>): string | Uint8Array {
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new Error('a body that is neither text nor bytes');
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CountersignError('IDENTITY_CONFIG', `the file ${file} of the provider's authority cannot be read`, {
      cause,
    });
  }
}
