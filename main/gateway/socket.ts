import { request as httpRequest, type IncomingMessage } from 'node:http';
import { CountersignError } from '../../gateway/contract/errors.ts';

export interface SocketRequest {
  method: string;
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array | string;
  /** Milliseconds without a byte until it is given up; 0: never. */
  idleMs?: number;
  signal?: AbortSignal;
}

/** HTTP to the gateway over its unix socket or named pipe, which only this user can open. */
export type SocketCall = (request: SocketRequest) => Promise<IncomingMessage>;

const IDLE_MS = 60_000;

/** @param socket read at each call: where the gateway listens may change with a restart. */
export function createSocketCall(socket: () => string): SocketCall {
  return ({ method, path, headers = {}, body, idleMs = IDLE_MS, signal }) =>
    new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          socketPath: socket(),
          method,
          path,
          agent: false,
          headers: {
            host: 'localhost',
            ...headers,
            ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
          },
          ...(signal ? { signal } : {}),
        },
        resolve,
      );
      request.setTimeout(idleMs, () => request.destroy(new Error('it does not answer')));
      request.on('error', (cause) =>
        reject(new CountersignError('GATEWAY_UNREACHABLE', 'The gateway does not answer.', { cause })),
      );
      request.end(body);
    });
}

/** Throws GATEWAY_BAD_ANSWER above `most` bytes. */
export async function readBody(response: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) {
      response.destroy();
      throw new CountersignError('GATEWAY_BAD_ANSWER', 'The gateway answered with too much.');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
