import { createHash } from 'node:crypto';
import type { ObjectBody } from '../ports.ts';
import { bodyChanged } from './failures.ts';

/** The bytes of an object, exactly as many as announced. Throws SYNC_BODY_CHANGED before a byte too many is given out. */
export async function* exactly(name: string, body: ObjectBody): AsyncGenerator<Uint8Array> {
  let given = 0;
  for await (const chunk of body.open()) {
    given += chunk.length;
    if (given > body.size) throw bodyChanged(name, body.size, given);
    if (chunk.length > 0) yield chunk;
  }
  if (given !== body.size) throw bodyChanged(name, body.size, given);
}

/** Whether these bytes are the body's. Reads no more than the body has. */
export async function isSame(bytes: AsyncIterable<Uint8Array>, body: ObjectBody): Promise<boolean> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > body.size) return false;
    hash.update(chunk);
  }
  return size === body.size && hash.digest().equals(body.sha256);
}

/** A body of bytes in memory. */
export function bytesBody(bytes: Uint8Array): ObjectBody {
  return {
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest(),
    async *open() {
      yield bytes;
    },
  };
}
