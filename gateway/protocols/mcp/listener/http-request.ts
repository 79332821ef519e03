import type { IncomingMessage, ServerResponse } from 'node:http';
import { ErrorCode, errorText, type Message, parseMessage, type RequestId } from '../codec/message.ts';
import { MAX_MESSAGE } from '../ports.ts';

/** What a web page of another origin could send here, as a sentence; null: nothing of the kind. */
export function wrongOrigin({ headers }: IncomingMessage, port: number): string | null {
  const { host, origin } = headers;
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) {
    return `this answers to 127.0.0.1:${port} and localhost:${port} only`;
  }
  return origin === undefined || origin === `http://${host}` ? null : 'pages of other origins may not call this';
}

export const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
};

/** Headers that mirror arguments of a call. */
export function paramHeadersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith('mcp-param-') && typeof value === 'string' ? [[name, value] as const] : [],
    ),
  );
}

export function accepts(request: IncomingMessage, type: string): boolean {
  const accept = request.headers.accept ?? '*/*';
  return accept.includes(type) || accept.includes('*/*') || accept.includes(`${type.split('/')[0]}/*`);
}

/** @returns null when it was refused. */
export async function readMessage(request: IncomingMessage, response: ServerResponse): Promise<Message | null> {
  if ((request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    refuse(response, 415, 'a message is sent as application/json');
    return null;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_MESSAGE) {
      response.setHeader('connection', 'close');
      refuse(response, 413, `a message may have ${MAX_MESSAGE / 1024 / 1024} MB at most`);
      return null;
    }
    chunks.push(chunk);
  }
  const message = parseMessage(Buffer.concat(chunks).toString('utf8'), true);
  if (message.kind !== 'malformed') return message;
  refuse(response, 400, message.why, message.id, message.code);
  return null;
}

export function refuse(
  response: ServerResponse,
  status: number,
  sentence: string,
  id: RequestId | null = null,
  code: number = ErrorCode.refused,
): void {
  if (response.headersSent) return void response.end();
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(errorText(id, code, `Countersign: ${sentence}.`));
}
