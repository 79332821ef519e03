import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { equal } from '../../recording/format/bytes.ts';
import type { PartRange } from '../../sync/part.ts';
import type { Books } from '../books.ts';

/** What one file of a session says where something else was already: nothing of it was written. */
export interface RangeConflict {
  name: string;
  offset: number;
}

/**
 * Puts ranges of a session's files in their place. They may come in any order: what is still missing between
 * them is zeros, over which the recording's readers pass as over damage, so that the rest stays viewable.
 * All of them are on disk when it returns, or none was written.
 */
export function placeRanges(
  books: Books,
  sid: string,
  folder: string,
  ranges: readonly PartRange[],
): RangeConflict | null {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const { name, offset, bytes } of ranges) {
    if (contradicts(books, sid, join(folder, name), { name, offset, bytes })) return { name, offset };
  }
  for (const { name, offset, bytes } of ranges) {
    const fd = fs.openSync(join(folder, name), fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
    try {
      for (let done = 0; done < bytes.length; ) {
        done += fs.writeSync(fd, bytes, done, bytes.length - done, offset + done);
      }
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }
  return null;
}

/** Whether bytes that were booked before are others. What was written and not booked (a kill) does not count. */
function contradicts(books: Books, sid: string, path: string, { name, offset, bytes }: PartRange): boolean {
  for (const { start, length } of books.rangesAt(sid, name, offset, bytes.length)) {
    const from = Math.max(start, offset);
    const until = Math.min(start + length, offset + bytes.length);
    if (!equal(readAt(path, from, until - from), bytes.subarray(from - offset, until - offset))) return true;
  }
  return false;
}

function readAt(path: string, from: number, length: number): Uint8Array {
  if (!fs.existsSync(path)) return new Uint8Array(0);
  const out = Buffer.alloc(length);
  const fd = fs.openSync(path, 'r');
  try {
    let done = 0;
    while (done < length) {
      const read = fs.readSync(fd, out, done, length - done, from + done);
      if (read === 0) break;
      done += read;
    }
    return out.subarray(0, done);
  } finally {
    fs.closeSync(fd);
  }
}

/** Where a disk takes upper and lower case for the same, a folder that is there may be another's. */
export function isOtherwiseSpelt(folder: string): boolean {
  return fs.existsSync(folder) && basename(fs.realpathSync.native(folder)) !== basename(folder);
}

/** Writes a whole file beside its name and renames it, so that a kill leaves all of it or nothing. */
export function putFile(path: string, bytes: Uint8Array): void {
  fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.tmp`;
  fs.writeFileSync(temporary, bytes, { mode: 0o600, flush: true });
  fs.renameSync(temporary, path);
}
