import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { forgetBackup, formatSettings, readSettings, removeSettings, writeSettings } from './files.ts';
import { type HookTable, parseSettings, withHooks, withoutHooks } from './merge.ts';

export interface Change {
  file: string;
  /** unchanged: what was wanted is there already. */
  done: 'made' | 'changed' | 'removed' | 'unchanged';
  /** Where the file as it was before is kept, when it was not kept earlier. */
  backup: string | null;
}

/** Puts the hooks into the file; idempotent. Throws HOOKS_FILE_BROKEN, HOOKS_FILE_UNREADABLE, HOOKS_FILE_UNWRITABLE. */
export function installHooks(file: string, table: HookTable): Change {
  const text = readSettings(file);
  const before = text === null ? {} : parseSettings(text, file);
  const after = withHooks(before, table, file);
  if (text !== null && isDeepStrictEqual(before, after)) return { file, done: 'unchanged', backup: null };
  const backup = writeSettings(file, formatSettings(after, text));
  return { file, done: text === null ? 'made' : 'changed', backup };
}

/** Takes them out again; a file that holds nothing else goes. Throws as installHooks. */
export function uninstallHooks(file: string, table: HookTable): Change {
  const text = readSettings(file);
  if (text === null) return { file, done: 'unchanged', backup: null };
  const before = parseSettings(text, file);
  const after = withoutHooks(before, table, file);
  if (after === null) {
    // It may have been empty before, which is as good as not being there.
    removeSettings(file);
    return { file, done: 'removed', backup: null };
  }
  if (isDeepStrictEqual(before, after)) return { file, done: 'unchanged', backup: null };
  writeSettings(file, formatSettings(after, text));
  forgetBackup(file);
  return { file, done: existsSync(file) ? 'changed' : 'removed', backup: null };
}
