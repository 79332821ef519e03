import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { AwsV4Signer } from 'aws4fetch';
import type { S3Config } from './config.ts';
import { refused, unreachable } from './failures.ts';
import { parseError, type S3Error } from './s3-xml.ts';
import type { Secrets } from './secrets.ts';

/** How long a server may take to go on: to connect, to take bytes, to answer. */
const SILENCE_MS = 30_000;
const MAX_CONNECTIONS = 8;
const MAX_ERROR = 64 * 1024;
const MAX_TEXT = 8 * 1024 * 1024;
const EMPTY = createHash('sha256').digest('hex');

export interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Without it the request is about the bucket. */
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: S3Body;
}

export interface S3Body {
  size: number;
  /** SHA-256, in hexadecimal digits: it is signed, so the server refuses other bytes. */
  sha256: string;
  open(): AsyncIterable<Uint8Array>;
}

export interface S3Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Has to be read to its end, or destroyed. */
  bytes: IncomingMessage;
}

export interface S3Client {
  /** Any answer of the server. Throws SYNC_UNREACHABLE, SYNC_REFUSED (its certificate), the signal's reason. */
  send(request: S3Request, signal: AbortSignal): Promise<S3Answer>;
  /** The server's time at its last answer; null before. */
  readonly serverTime: Date | null;
  close(): void;
}

/** Requests of one call to a target, whose signal they share. */
export interface S3Calls {
  /** Throws, as StoreTarget says it, on an answer that is not expected. */
  send(request: S3Request, expected?: readonly number[]): Promise<S3Answer>;
  /** The answer's body as text. */
  text(request: S3Request): Promise<string>;
}

/** S3's REST interface, signed with Signature Version 4. */
export function s3Client(config: S3Config, secrets: Secrets, now: () => Date): S3Client {
  const endpoint = new URL(config.endpoint);
  const secure = endpoint.protocol === 'https:';
  let agent: HttpAgent | null = null;
  let serverTime: Date | null = null;
  /** The keys that are derived from the secret for a day; they go with this client. */
  let derived = new Map<string, ArrayBuffer>();

  const agentOf = () => {
    const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS, scheduling: 'lifo' as const };
    agent ??= secure ? new HttpsAgent({ ...options, ...trustOf(config) }) : new HttpAgent(options);
    return agent;
  };

  function urlOf({ key, query = {} }: S3Request): URL {
    const base = endpoint.pathname.replace(/\/$/, '');
    const encoded = (key ?? '').split('/').map(encodeURIComponent).join('/');
    const url = new URL(endpoint);
    if (config.pathStyle) url.pathname = `${base}/${config.bucket}${key === undefined ? '' : `/${encoded}`}`;
    else {
      url.hostname = `${config.bucket}.${endpoint.hostname}`;
      url.pathname = `${base}/${encoded}`;
    }
    // `%20` rather than `+`, which some servers take for itself.
    url.search = Object.entries(query)
      .map((pair) => pair.map(encodeURIComponent).join('='))
      .join('&');
    return url;
  }

  async function signed(request: S3Request): Promise<{ url: URL; headers: Record<string, string> }> {
    const { body } = request;
    if (derived.size > 100) derived = new Map();
    const signer = new AwsV4Signer({
      method: request.method,
      url: urlOf(request).href,
      headers: { ...request.headers, 'x-amz-content-sha256': body?.sha256 ?? EMPTY },
      accessKeyId: config.accessKeyId,
      secretAccessKey: await secrets(config.secretAccessKey),
      sessionToken: config.sessionToken === undefined ? undefined : await secrets(config.sessionToken),
      service: 's3',
      region: config.region,
      datetime: now()
        .toISOString()
        .replace(/[:-]|\.\d{3}/g, ''),
      allHeaders: true,
      cache: derived,
    });
    const { url, headers } = await signer.sign();
    const all = Object.fromEntries(headers);
    if (request.method === 'PUT' || request.method === 'POST') all['content-length'] = `${body?.size ?? 0}`;
    return { url, headers: all };
  }

  /** One attempt. `stale`: the connection had been kept and went before anything came back. */
  async function attempt(request: S3Request, signal: AbortSignal): Promise<S3Answer | 'stale'> {
    const { url, headers } = await signed(request);
    signal.throwIfAborted();
    const options = { method: request.method, headers, agent: agentOf(), signal };
    const outgoing = secure ? requestHttps(url, options) : requestHttp(url, options);
    const answer = Promise.withResolvers<IncomingMessage>();
    let answered = false;
    outgoing.on('response', (incoming) => {
      answered = true;
      answer.resolve(incoming);
    });
    outgoing.on('error', (error) => answer.reject(error));
    outgoing.setTimeout(SILENCE_MS, () => outgoing.destroy(new Error('it does not answer')));
    // A server that has heard enough answers before the end; what is left is not sent then.
    const sending = request.body === undefined ? null : write(outgoing, request.body, () => answered);
    let bodyFailed = false;
    sending?.catch((error) => {
      bodyFailed = true;
      answer.reject(error);
      outgoing.destroy();
    });
    if (sending === null) outgoing.end();
    try {
      const bytes = await answer.promise;
      const date = Date.parse(bytes.headers.date ?? '');
      if (!Number.isNaN(date)) serverTime = new Date(date);
      return { status: bytes.statusCode ?? 0, headers: bytes.headers, bytes };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (bodyFailed) throw error;
      if (outgoing.reusedSocket && GONE.has(codeOf(error))) return 'stale';
      throw inWords(error, config.endpoint);
    }
  }

  return {
    get serverTime() {
      return serverTime;
    },
    async send(request, signal) {
      for (let tries = 0; tries <= MAX_CONNECTIONS; tries += 1) {
        const answer = await attempt(request, signal);
        if (answer !== 'stale') return answer;
      }
      throw unreachable(`${config.endpoint} ends every connection.`);
    },
    close() {
      agent?.destroy();
    },
  };
}

async function write(outgoing: ReturnType<typeof requestHttp>, body: S3Body, answered: () => boolean): Promise<void> {
  for await (const chunk of body.open()) {
    if (answered() || outgoing.destroyed) return;
    if (!outgoing.write(chunk)) {
      await new Promise<void>((done) => {
        const go = () => {
          for (const event of ['drain', 'close', 'response'] as const) outgoing.off(event, go);
          done();
        };
        for (const event of ['drain', 'close', 'response'] as const) outgoing.on(event, go);
      });
    }
  }
  outgoing.end();
}

/** The error in an answer that is none of the expected ones. */
export async function errorOf(answer: S3Answer): Promise<S3Error> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.bytes as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_ERROR) break;
    chunks.push(chunk);
  }
  return parseError(answer.status, Buffer.concat(chunks).toString('utf8'));
}

/** A whole answer. Throws SYNC_UNREACHABLE on more than a page of S3 has. */
export async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > MAX_TEXT) throw unreachable('The store answered with more than S3 has.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function trustOf(config: S3Config): { ca?: string } {
  if (config.caFile === undefined) return {};
  try {
    return { ca: readFileSync(config.caFile, 'utf8') };
  } catch (error) {
    throw refused(`The certificates in ${config.caFile} cannot be read (${codeOf(error)}).`, error);
  }
}

const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);
const codeOf = (error: unknown) => String((error as NodeJS.ErrnoException | null)?.code ?? '');

/** As node:tls names what is wrong with a certificate. */
const CERTIFICATE = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_CA)/;

function inWords(error: unknown, endpoint: string): unknown {
  const code = codeOf(error);
  if (CERTIFICATE.test(code)) {
    return refused(`The certificate of ${endpoint} is not trusted (${code}); name its authority with caFile.`, error);
  }
  const reason = code === '' ? (error as Error).message : code;
  return unreachable(`${endpoint} cannot be reached (${reason}).`, error);
}
