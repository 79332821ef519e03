import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';

/** Behind the name of a file that was changed: what it was before Countersign first changed it. */
const BACKUP = '.before-countersign';
const MAX_SETTINGS = 8 * 1024 * 1024;

/** The text of an agent's settings; null when there is no such file. Throws HOOKS_FILE_UNREADABLE. */
export function readSettings(file: string): string | null {
  try {
    if (statSync(file).size > MAX_SETTINGS) throw new Error('it is too large');
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new CountersignError('HOOKS_FILE_UNREADABLE', `${file} cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Replaces the file as a whole, keeping its mode, its owner and a link to it; what it was is kept beside it, once.
 * @returns where it was kept; null when there was none or it was kept before. Throws HOOKS_FILE_UNWRITABLE.
 */
export function writeSettings(file: string, text: string): string | null {
  try {
    const target = existsSync(file) ? realpathSync(file) : file;
    mkdirSync(dirname(target), { recursive: true });
    const before = lstatSync(target, { throwIfNoEntry: false });
    const backup = `${target}${BACKUP}`;
    const kept = before !== undefined && !existsSync(backup) ? backup : null;
    if (kept !== null) replace(kept, readFileSync(target, 'utf8'), before);
    replace(target, text, before);
    return kept;
  } catch (cause) {
    throw new CountersignError('HOOKS_FILE_UNWRITABLE', `${file} cannot be written: ${reasonOf(cause)}`, { cause });
  }
}

/** Replaces the file as a whole and keeps nothing of what it was. @param mode of a new one. Throws HOOKS_FILE_UNWRITABLE. */
export function replaceSettings(file: string, content: string | Uint8Array, mode = 0o644): void {
  try {
    const target = existsSync(file) ? realpathSync(file) : file;
    replace(target, content, lstatSync(target, { throwIfNoEntry: false }), mode);
  } catch (cause) {
    throw new CountersignError('HOOKS_FILE_UNWRITABLE', `${file} cannot be written: ${reasonOf(cause)}`, { cause });
  }
}

/** The file and its backup go. */
export function removeSettings(file: string): void {
  rmSync(file, { force: true });
  forgetBackup(file);
}

/** Nothing of Countersign's is in the file any more. */
export function forgetBackup(file: string): void {
  const target = existsSync(file) ? realpathSync(file) : file;
  rmSync(`${target}${BACKUP}`, { force: true });
}

/** As the file was indented, so that a difference shows what changed. */
export function formatSettings(value: unknown, like: string | null): string {
  const indent = /^[{[]\r?\n([ \t]+)/.exec(like?.replace(/^\uFEFF+/, '') ?? '')?.[1] ?? '  ';
  return `${JSON.stringify(value, null, indent)}\n`;
}

function replace(
  file: string,
  content: string | Uint8Array,
  like: { mode: number; uid: number; gid: number } | undefined,
  mode = 0o644,
): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = openSync(temporary, 'wx', like === undefined ? mode : like.mode & 0o777);
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    for (let written = 0; written < bytes.length; ) written += writeSync(handle, bytes, written);
    fsyncSync(handle);
    // Only root may give a file away, and has to where it changes somebody's settings.
    if (like !== undefined && process.getuid?.() === 0) chownSync(temporary, like.uid, like.gid);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(handle);
  }
  renameSync(temporary, file);
}

const reasonOf = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.message : String(error));
