import { closeSync, constants, fstatSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { FileDestination } from '../../contract/siem.ts';
import { failureOf, type Transport } from './transport.ts';

/** Windows has neither of the last two. A pipe that nobody reads would hold up the whole gateway when it is opened. */
const APPEND =
  constants.O_WRONLY |
  constants.O_APPEND |
  constants.O_CREAT |
  (constants.O_NOFOLLOW ?? 0) |
  (constants.O_NONBLOCK ?? 0);

/** Lines at the end of a file (mode 0600), on disk before they count. A file that is full becomes `.1`, that `.2` …. */
export function fileTransport(destination: FileDestination): Transport {
  const { path, maxBytes, keep } = destination;
  return {
    batch: 500,
    async deliver(records) {
      try {
        append(records.map(({ text }) => Buffer.from(`${text}\n`)));
      } catch (error) {
        throw failureOf(path, error);
      }
      return records.length;
    },
    close: () => {},
  };

  function append(lines: readonly Buffer[]): void {
    for (let at = 0; at < lines.length; ) {
      const fd = openSync(path, APPEND, 0o600);
      let full = false;
      try {
        const found = fstatSync(fd);
        if (!found.isFile()) throw new Error('it is no file');
        let { size } = found;
        const part: Buffer[] = [];
        while (at < lines.length && (size === 0 || size + lines[at]!.length <= maxBytes)) {
          size += lines[at]!.length;
          part.push(lines[at++]!);
        }
        full = at < lines.length;
        const bytes = Buffer.concat(part);
        for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      if (full) rotate();
    }
  }

  function rotate(): void {
    if (keep === 0) {
      rmSync(path);
      return;
    }
    for (let i = keep; i > 0; i -= 1) {
      try {
        renameSync(i === 1 ? path : `${path}.${i - 1}`, `${path}.${i}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }
}
