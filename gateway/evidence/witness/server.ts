import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { MAX_REQUEST_BYTES } from './request.ts';
import type { Answer, Witness } from './witness.ts';

export interface WitnessServerOptions {
  witness: Pick<Witness, 'addCheckpoint' | 'addLog'>;
  host: string;
  port: number;
  /** PEM; null: HTTP, for a proxy in front or for loopback. */
  tls: { cert: string; key: string } | null;
  /** A mistake of this program; whoever asked gets a 500 without its words. */
  unexpected(error: unknown): void;
}

export interface WitnessServer {
  port: number;
  close(): Promise<void>;
}

const MAX_DOCUMENTS_BYTES = 1024 * 1024;
const TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 500;

/** Serves `add-checkpoint` (C2SP tlog-witness), and `add-log` beside it. Bodies, times and connections are bounded. */
export async function serveWitness(options: WitnessServerOptions): Promise<WitnessServer> {
  const { witness, host, port, tls } = options;
  const routes: Record<string, { limit: number; answer(body: Uint8Array): Promise<Answer> }> = {
    '/add-checkpoint': { limit: MAX_REQUEST_BYTES, answer: (body) => witness.addCheckpoint(body) },
    '/add-log': { limit: MAX_DOCUMENTS_BYTES, answer: (body) => witness.addLog(body) },
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = routes[request.url ?? ''];
    if (route === undefined) return end(response, 404, 'there is no such thing here\n');
    if (request.method !== 'POST') return end(response, 405, 'this is posted\n');
    const body = await readBody(request, route.limit);
    if (body === null) return end(response, 413, 'this is too long\n', true);
    const { status, type, body: text } = await route.answer(body);
    response.setHeader('content-type', type);
    end(response, status, text);
  };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    handle(request, response).catch((error: unknown) => {
      // A client that went away in the middle is nobody's mistake.
      if (request.destroyed && !request.complete) return;
      options.unexpected(error);
      if (!response.headersSent) end(response, 500, 'something went wrong that should not\n', true);
    });
  };
  const server = tls === null ? createServer(listener) : createTlsServer(tls, listener);
  server.requestTimeout = TIMEOUT_MS;
  server.headersTimeout = TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function end(response: ServerResponse, status: number, body: string, last = false): void {
  if (last) response.setHeader('connection', 'close');
  response.statusCode = status;
  response.end(body);
}

/** null: longer than `limit`; the rest is not read. */
async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array | null> {
  if (Number(request.headers['content-length'] ?? 0) > limit) return null;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
