import type { FileHandle } from 'node:fs/promises';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { MAX_ENTRY_BYTES } from '../format/log-entries.ts';

/** `length[4, big-endian] ‖ crc32[4] ‖ bytes`: an entry in the log's file (SPEC.md). */
export const FRAME_HEADER_BYTES = 8;
const CHUNK_BYTES = 256 * 1024;

export function frameOf(entry: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + entry.length);
  frame.writeUInt32BE(entry.length, 0);
  frame.writeUInt32BE(p.crc32(entry), 4);
  frame.set(entry, FRAME_HEADER_BYTES);
  return frame;
}

interface FramesRead {
  /** Each is valid until the next batch is asked for. */
  entries: Buffer[];
  /** Where the frame of each begins in the file. */
  offsets: number[];
  /** Where the first frame that is not whole begins, once nothing whole follows. */
  end: number;
}

/**
 * Whole frames of `[from, until)`, about 256 KiB at a time, so that memory does not grow with the file and
 * nothing else waits long. Ends before the first frame that is not whole; a length of 0 is none, since a
 * file that a crash has lengthened with zeros holds nothing there.
 */
export async function* readFrames(file: FileHandle, from: number, until: number): AsyncGenerator<FramesRead> {
  const memory = Buffer.allocUnsafe(CHUNK_BYTES + FRAME_HEADER_BYTES + MAX_ENTRY_BYTES);
  let position = from;
  while (position < until) {
    const wanted = Math.min(memory.length, until - position);
    let have = 0;
    while (have < wanted) {
      const { bytesRead } = await file.read(memory, have, wanted - have, position + have);
      if (bytesRead === 0) break;
      have += bytesRead;
    }
    const read: FramesRead = { entries: [], offsets: [], end: position };
    let at = 0;
    while (at + FRAME_HEADER_BYTES <= have) {
      const length = memory.readUInt32BE(at);
      const next = at + FRAME_HEADER_BYTES + length;
      if (length === 0 || length > MAX_ENTRY_BYTES || next > have) break;
      const entry = memory.subarray(at + FRAME_HEADER_BYTES, next);
      if (p.crc32(entry) !== memory.readUInt32BE(at + 4)) break;
      read.entries.push(entry);
      read.offsets.push(position + at);
      at = next;
    }
    position += at;
    read.end = position;
    if (at === 0) return;
    yield read;
  }
}
