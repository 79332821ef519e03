import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

/**
 * Gives a few bytes to the kernel at once. A socket's own write() does the same after a request object,
 * a callback and a turn of the tick queue, which for a small message cost as much as the system call.
 *
 * Only for a socket that is neither destroyed nor ended and holds nothing back (`writableLength` 0),
 * else bytes would overtake others. What it does not take, and every error, is left to write().
 *
 * @returns how many of the bytes were taken; null where there is no descriptor to write to (TLS, Windows).
 */
export function directWriter(socket: Socket): ((bytes: Uint8Array) => number) | null {
  if (socket.constructor !== Socket || process.platform === 'win32') return null;
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null };
  return (bytes) => {
    // Asked for each time: a descriptor that was closed may be somebody else's by now.
    const fd = handle?.fd ?? -1;
    if (fd < 0) return 0;
    try {
      return writeSync(fd, bytes);
    } catch {
      return 0;
    }
  };
}
