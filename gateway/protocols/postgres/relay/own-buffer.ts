import { Socket } from 'node:net';

const SLAB_BYTES = 64 * 1024;
/** With less room than this a new slab is begun: short reads would cost more than the slab. */
const LEAST_ROOM = 32 * 1024;

/**
 * Reads a paused socket into memory of our own, in place of 'data' events, for each of which Node
 * allocates 64 KiB and gives most of it back. `take` returns whether the bytes may be overwritten by
 * the next read; where it returns false they are never written to again.
 *
 * What the socket holds already is taken at once. The caller resumes the socket afterwards; pause(),
 * resume() and every event but 'data' are as they always are.
 */
export function readIntoOwnBuffer(socket: Socket, take: (chunk: Uint8Array) => boolean): void {
  const fields = bufferFields(socket);
  if (fields === null) {
    socket.on('data', (chunk: Buffer) => take(chunk));
    return;
  }
  let buffer: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  let next: Buffer | null = null;
  fields.set(
    buffer,
    (count) => {
      // Not a Buffer, whose subarray() takes several times as long.
      const overwrite = take(new Uint8Array(buffer.buffer, buffer.byteOffset, count));
      next = overwrite
        ? null
        : buffer.length - count >= LEAST_ROOM
          ? buffer.subarray(count)
          : Buffer.allocUnsafeSlow(SLAB_BYTES);
      return true;
    },
    () => {
      if (next !== null) buffer = next;
      return next;
    },
  );
  for (let held: Buffer | null = socket.read(); held !== null; held = socket.read()) take(held);
}

interface Handle {
  useUserBuffer?: (buffer: Uint8Array) => void;
}

type Take = (count: number, buffer: Uint8Array) => boolean;

/**
 * Node offers `onread` for the sockets that it connects and not for those that it accepts. These are the
 * fields that its option sets (lib/net.js: Socket's constructor and initSocketHandle); where one of them
 * is not there, as with TLS and with other versions of Node, the answer is null.
 */
function bufferFields(socket: Socket): { set: (buffer: Buffer, take: Take, next: () => Buffer | null) => void } | null {
  if (socket.constructor !== Socket) return null;
  const fields = socket as unknown as Record<symbol, unknown> & { _handle?: Handle | null };
  const symbols = Object.getOwnPropertySymbols(socket);
  const field = (name: string) => symbols.find((symbol) => symbol.description === name);
  const buffer = field('kBuffer');
  const callback = field('kBufferCb');
  const generator = field('kBufferGen');
  const handle = fields._handle;
  if (buffer === undefined || callback === undefined || generator === undefined) return null;
  if (typeof handle?.useUserBuffer !== 'function') return null;
  return {
    set(first, take, next) {
      fields[buffer] = first;
      fields[callback] = take;
      fields[generator] = next;
      handle.useUserBuffer!(first);
    },
  };
}
