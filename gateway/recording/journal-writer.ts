import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { fillWithZeros, journalPath, syncPath, writeAll } from './files.ts';
import {
  JOURNAL_HEADER_BYTES,
  journalHeader,
  putRecordHeader,
  RECORD_HEADER_BYTES,
  RECORD_NAME,
  recordBytes,
} from './format/journal.ts';
import { nodePrimitives as p } from './primitives.ts';

interface JournalFile {
  number: number;
  fd: number;
  position: number;
  /** Has content that no fdatasync has covered. */
  dirty: boolean;
}

/**
 * The journal that all sessions share: one write a call, and a group commit that covers everybody who waits.
 * Throws what the file system throws; what was whole before stays whole.
 */
export class JournalWriter {
  private file: JournalFile;
  private readonly dir: string;
  private readonly limit: number;
  private readonly id: Uint8Array;
  /** Files that are full, until their content is on disk. */
  private full: JournalFile[] = [];
  private waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  private syncing = false;
  private readonly prepared = new Set<number>();
  private readonly onRotated: (number: number) => void;

  constructor(dir: string, first: number, limit: number, id: Uint8Array, onRotated: (number: number) => void) {
    this.dir = dir;
    this.limit = limit;
    this.id = id;
    this.onRotated = onRotated;
    this.file = this.create(first, true);
  }

  get number(): number {
    return this.file.number;
  }

  private create(number: number, fill: boolean): JournalFile {
    const path = journalPath(this.dir, number);
    const fd = fs.openSync(path, 'wx', 0o600);
    if (fill) fillWithZeros(fd, this.limit);
    writeAll(fd, journalHeader(p, number, this.id), 0);
    fs.fsyncSync(fd);
    syncPath(dirname(path));
    return { number, fd, position: JOURNAL_HEADER_BYTES, dirty: false };
  }

  /** The worker made and filled this journal. */
  ready(number: number): void {
    this.prepared.add(number);
  }

  private rotate(): void {
    const number = this.file.number + 1;
    const old = this.file;
    if (this.prepared.delete(number)) {
      this.file = {
        number,
        fd: fs.openSync(journalPath(this.dir, number), 'r+'),
        position: JOURNAL_HEADER_BYTES,
        dirty: false,
      };
    } else {
      // The worker may be half-way through making this one: skip it, so that two never write the same file.
      this.file = this.create(number + 1, false);
    }
    if (old.dirty) this.full.push(old);
    else fs.closeSync(old.fd);
    this.onRotated(this.file.number);
  }

  /**
   * Appends records, in one write. @param name the session's id if its records in this journal do not
   * have it yet. @returns the number of the journal the records are in.
   */
  append(bytes: Uint8Array, start: number, end: number, session: { index: number; id: string; journal: number }): void {
    if (this.file.position + (end - start) + 256 > this.limit) this.rotate();
    const { file } = this;
    try {
      if (session.journal !== file.number) {
        const name = nameRecord(session.index, session.id);
        writeAll(file.fd, name, file.position);
        file.position += name.length;
        session.journal = file.number;
      }
      const length = end - start;
      let wrote = fs.writeSync(file.fd, bytes, start, length, file.position);
      while (wrote < length) {
        const more = fs.writeSync(file.fd, bytes, start + wrote, length - wrote, file.position + wrote);
        if (more === 0) throw Object.assign(new Error('the system wrote nothing'), { code: 'EIO' });
        wrote += more;
      }
      file.position += length;
      file.dirty = true;
    } catch (error) {
      try {
        fs.ftruncateSync(file.fd, file.position);
      } catch {
        // The record's own checksum ends the journal there as well.
      }
      throw error;
    }
  }

  /** Resolves when everything appended so far is on disk. */
  durable(): Promise<void> {
    if (!this.file.dirty && this.full.length === 0 && !this.syncing) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      if (!this.syncing) this.commit();
    });
  }

  private commit(): void {
    const waiting = this.waiting;
    this.waiting = [];
    this.syncing = true;
    const { file, full } = this;
    this.full = [];
    file.dirty = false;
    let left = full.length + 1;
    let failure: unknown = null;
    const done = (error: unknown) => {
      failure ??= error;
      left -= 1;
      if (left > 0) return;
      for (const one of full) fs.close(one.fd, () => {});
      this.syncing = false;
      for (const one of waiting) {
        if (failure === null) one.resolve();
        else one.reject(failure);
      }
      if (this.waiting.length > 0) this.commit();
    };
    fs.fdatasync(file.fd, done);
    for (const one of full) fs.fdatasync(one.fd, done);
  }

  close(): void {
    for (const one of [...this.full, this.file]) fs.closeSync(one.fd);
    this.full = [];
  }
}

function nameRecord(index: number, id: string): Uint8Array {
  const bytes = Buffer.from(id);
  const out = Buffer.alloc(recordBytes(bytes.length));
  putRecordHeader(
    new Uint32Array(out.buffer, out.byteOffset, out.length >>> 2),
    0,
    RECORD_NAME,
    bytes.length,
    index,
    0,
    0,
    0,
  );
  bytes.copy(out, RECORD_HEADER_BYTES);
  out.writeUInt32LE(p.crc32(out.subarray(4, RECORD_HEADER_BYTES + bytes.length)), 0);
  return out;
}
