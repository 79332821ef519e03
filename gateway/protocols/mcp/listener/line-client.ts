import type { Duplex } from 'node:stream';
import { isCountersignError } from '../../../contract/errors.ts';
import { LineSplitter } from '../codec/line-splitter.ts';
import { ErrorCode, errorText } from '../codec/message.ts';
import { type ClientSide, MAX_MESSAGE } from '../ports.ts';
import type { McpSession } from '../session/session.ts';
import { firstRefusal, hangUp } from './shim.ts';

/** Above it the server is not read on until the client has read. */
const MAX_WAITING = 1024 * 1024;

/**
 * Serves a client that sends its messages as lines: the shim's socket.
 * @param open is called with the first message, which is received afterwards.
 * What it throws as a CountersignError is the answer to that message, and the end.
 * @returns when the session has ended.
 */
export async function serveLines(
  socket: Duplex,
  head: Uint8Array,
  open: (first: string, side: ClientSide) => McpSession,
): Promise<void> {
  const splitter = new LineSplitter(MAX_MESSAGE);
  let session: McpSession | null = null;
  const side: ClientSide = {
    send(text) {
      if (socket.destroyed) return;
      if (socket.write(`${text}\n`) || socket.writableLength <= MAX_WAITING) return;
      return new Promise((resolve) => {
        const go = () => {
          socket.off('drain', go).off('close', go);
          resolve();
        };
        socket.on('drain', go).on('close', go);
      });
    },
    closed: () => hangUp(socket),
  };

  /** @returns false when nothing more is to be read. */
  const take = (chunk: Uint8Array): boolean => {
    const lines = splitter.push(chunk);
    if (lines === null) {
      const sentence = `Countersign: a message may have ${MAX_MESSAGE / 1024 / 1024} MB at most.`;
      void side.send(errorText(null, ErrorCode.invalidRequest, sentence), null, false);
      session?.end('the client sent a message that is too large');
      if (session === null) socket.end();
      return false;
    }
    for (const line of lines) {
      if (session === null) {
        try {
          session = open(line, side);
        } catch (error) {
          if (!isCountersignError(error)) throw error;
          socket.end(`${firstRefusal(line, error.message) ?? ''}\n`);
          return false;
        }
      }
      session.receive(line);
    }
    return true;
  };

  socket.on('error', () => {});
  socket.on('close', () => session?.end('the client went away'));
  try {
    if (head.length === 0 || take(head)) {
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) if (!take(chunk as Uint8Array)) break;
    }
  } catch (error) {
    // A socket that breaks is a client that went away; anything else is the opening's own.
    if ((error as { code?: string }).code?.startsWith('E') !== true) throw error;
  } finally {
    // A client that has said all it has to say may still wait for answers.
    if (session !== null && !socket.destroyed) await lastAnswers(session);
    (session as McpSession | null)?.end('the client went away');
  }
  await (session as McpSession | null)?.done;
  hangUp(socket);
}

const LAST_ANSWERS_MS = 5_000;

async function lastAnswers(session: McpSession): Promise<void> {
  for (let waited = 0; waited < LAST_ANSWERS_MS && session.inFlight > 0 && !session.ended; waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
