import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

/** POSTs a TimeStampReq (RFC 3161 section 3.4). @param ca PEM of who may have signed the server's certificate; absent: the system's. */
export type SendQuery = (
  url: string,
  body: Uint8Array,
  ca: string | undefined,
  signal: AbortSignal,
) => Promise<IncomingMessage>;

/** Follows no redirection: the authority is where the trust note says. */
export const sendQuery: SendQuery = (url, body, ca, signal) =>
  new Promise((resolve, reject) => {
    const target = new URL(url);
    const headers = {
      'content-type': 'application/timestamp-query',
      'content-length': body.length,
      accept: 'application/timestamp-reply',
    };
    const options = { method: 'POST', headers, signal, agent: false, ...(ca === undefined ? {} : { ca }) } as const;
    const request = target.protocol === 'https:' ? httpsRequest(target, options) : httpRequest(target, options);
    request.on('response', resolve);
    request.on('error', reject);
    request.end(body);
  });
