import type { Duplex } from 'node:stream';
import { McpHello } from '../../../contract/mcp.ts';
import { LineSplitter } from '../codec/line-splitter.ts';
import { ErrorCode, errorText, parseMessage } from '../codec/message.ts';
import { MAX_MESSAGE } from '../ports.ts';

const MAX_HELLO = 4096;
const HELLO_MS = 10_000;
const FIRST_MS = 30_000;

/** The shim's first line, and what follows it. null: there was none in time; the socket is closed. */
export async function readHello(
  socket: Duplex,
  head: Uint8Array,
): Promise<{ hello: McpHello; rest: Uint8Array } | null> {
  socket.on('error', () => {});
  const line = await readLine(socket, head);
  const hello = line === null ? null : parseHello(line.text);
  if (line === null || hello === null) {
    socket.destroy();
    return null;
  }
  return { hello, rest: line.rest };
}

function readLine(socket: Duplex, head: Uint8Array): Promise<{ text: string; rest: Uint8Array } | null> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.from(head);
    const done = (result: { text: string; rest: Uint8Array } | null) => {
      clearTimeout(timer);
      socket.off('data', take).off('close', gone);
      socket.pause();
      resolve(result);
    };
    const gone = () => done(null);
    const look = () => {
      const end = bytes.indexOf(0x0a);
      if (end !== -1) done({ text: bytes.subarray(0, end).toString('utf8'), rest: bytes.subarray(end + 1) });
      else if (bytes.length > MAX_HELLO) done(null);
    };
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      look();
    };
    const timer = setTimeout(gone, HELLO_MS);
    socket.on('data', take).on('close', gone);
    look();
  });
}

function parseHello(text: string): McpHello | null {
  try {
    return McpHello.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The error for a client's first message, where it is a request. */
export function firstRefusal(line: string, sentence: string): string | null {
  const message = parseMessage(line, false);
  return message.kind === 'request' ? errorText(message.id, ErrorCode.internal, `Countersign: ${sentence}`) : null;
}

/** Answers the client's first request with a sentence, and hangs up: clients show that, and not a closed connection. */
export async function refuseClient(socket: Duplex, head: Uint8Array, sentence: string): Promise<void> {
  const splitter = new LineSplitter(MAX_MESSAGE);
  const answer = (chunk: Uint8Array): boolean => {
    for (const line of splitter.push(chunk) ?? []) {
      const refusal = firstRefusal(line, sentence);
      if (refusal === null) continue;
      socket.end(`${refusal}\n`);
      return true;
    }
    return false;
  };
  const timer = setTimeout(() => socket.destroy(), FIRST_MS);
  try {
    if (answer(head)) return;
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) if (answer(chunk as Uint8Array)) return;
  } catch {
    // It went away.
  } finally {
    clearTimeout(timer);
    hangUp(socket);
  }
}

const HANG_UP_MS = 5_000;

/**
 * Ends a connection whose client may still be sending: what comes is dropped until it has read the end, for some time.
 * A socket that is only ended, and not read, stays for as long as its client likes.
 */
export function hangUp(socket: Duplex): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), HANG_UP_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.end();
  socket.resume();
}
