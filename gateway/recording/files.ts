import * as fs from 'node:fs';
import { join } from 'node:path';

/** Names inside a session's folder; numbers have six digits and grow, so they sort. */
export const segmentName = (n: number): string => `seg-${String(n).padStart(6, '0')}.jsonl.zst`;
export const unitsName = (n: number): string => `units-${String(n).padStart(6, '0')}.bin`;
export const headsName = (n: number): string => `heads-${String(n).padStart(6, '0')}.notes`;
export const OPEN_NAME = 'open.json';
export const KEY_NAME = 'session-key.pem';
/** The key of a recovery, by the number of its event. */
export const recoveryKeyName = (seq: number): string => `recovery-key-${seq}.pem`;
export const SUMS_NAME = 'SHA256SUMS';
export const SUMS_SIGNATURE_NAME = 'SHA256SUMS.sig';

const NUMBERED = {
  segment: /^seg-(\d{6})\.jsonl\.zst$/,
  units: /^units-(\d{6})\.bin$/,
  heads: /^heads-(\d{6})\.notes$/,
};

/** Full paths of one kind of file, in order. */
export function numbered(
  folder: string,
  kind: keyof typeof NUMBERED,
): { path: string; name: string; number: number }[] {
  return fs
    .readdirSync(folder)
    .flatMap((name) => {
      const match = NUMBERED[kind].exec(name);
      return match === null ? [] : [{ path: join(folder, name), name, number: Number(match[1]) }];
    })
    .sort((a, b) => a.number - b.number);
}

export const sessionsDir = (dir: string): string => join(dir, 'sessions');
export const journalDir = (dir: string): string => join(dir, 'journal');
export const journalPath = (dir: string, number: number): string =>
  join(journalDir(dir), `${String(number).padStart(12, '0')}.wal`);

/** sessions/YYYY/MM/DD/<id>, by the day (UTC) of opening. */
export function sessionFolder(dir: string, id: string, openedAt: string): string {
  const [year = '0000', month = '00', day = '00'] = openedAt.slice(0, 10).split('-');
  return join(sessionsDir(dir), year, month, day, id);
}

/** Session ids become folder names: a ULID, and nothing that a path could be made of. */
export const isSessionId = (id: string): boolean => /^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/.test(id);

export function journalFiles(dir: string): { path: string; number: number }[] {
  let names: string[];
  try {
    names = fs.readdirSync(journalDir(dir));
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      const match = /^(\d{12})\.wal$/.exec(name);
      return match === null ? [] : [{ path: join(journalDir(dir), name), number: Number(match[1]) }];
    })
    .sort((a, b) => a.number - b.number);
}

/** Writes all of `bytes` or throws; a short write is followed up, so that the system names its reason. */
export function writeAll(fd: number, bytes: Uint8Array, position: number | null): void {
  let done = 0;
  while (done < bytes.length) {
    const wrote = fs.writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
    if (wrote === 0) throw Object.assign(new Error('the system wrote nothing'), { code: 'EIO' });
    done += wrote;
  }
}

/** Larger writes make large folios of the page cache, each of whose blocks ext4 then walks at every small append. */
const FILL_BYTES = 16 * 1024;

/** Writes `length` zeros from the start, so that later writes need no new blocks. */
export function fillWithZeros(fd: number, length: number): void {
  const zeros = Buffer.alloc(FILL_BYTES);
  for (let at = 0; at < length; at += zeros.length) {
    writeAll(fd, zeros.subarray(0, Math.min(zeros.length, length - at)), at);
  }
}

export function append(path: string, bytes: Uint8Array): void {
  const fd = fs.openSync(path, 'a', 0o600);
  try {
    writeAll(fd, bytes, null);
  } finally {
    fs.closeSync(fd);
  }
}

export function syncPath(path: string): void {
  const fd = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
