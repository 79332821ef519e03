import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a file as a whole: a crash at any moment leaves the old or the new content, never a mix.
 * Readable by its owner only; a missing folder is made with mode 0700.
 */
export function writeFileAtomic(file: string, text: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  let handle: number | null = null;
  try {
    handle = openSync(temporary, 'wx', 0o600);
    const bytes = Buffer.from(text, 'utf8');
    for (let written = 0; written < bytes.length; ) written += writeSync(handle, bytes, written);
    fsyncSync(handle);
    closeSync(handle);
    handle = null;
    renameSync(temporary, file);
  } catch (error) {
    if (handle !== null) closeSync(handle);
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** The rename itself is on disk only after this. Windows has no such thing. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The file's text; null when there is none. Throws on everything else. */
export function readFileIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
