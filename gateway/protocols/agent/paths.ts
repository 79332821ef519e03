import { isAbsolute, resolve } from 'node:path';
import type { AgentContext } from './events.ts';

/** Absolute, without `.` and `..`; null where it is relative to what is not known. */
export function absolutePath(path: string, context: AgentContext, home: string): string | null {
  const whole = path === '~' || path.startsWith('~/') ? home + path.slice(1) : path;
  if (isAbsolute(whole)) return resolve(whole);
  const base = workingFolder(null, context);
  return base === null ? null : resolve(base, whole);
}

/** Where a command runs: what the agent says of it, else of itself, else its first workspace. */
export function workingFolder(told: string | null, context: AgentContext): string | null {
  const own = context.cwd !== null && isAbsolute(context.cwd) ? resolve(context.cwd) : (context.workspaces[0] ?? null);
  if (told === null || told === '') return own;
  if (isAbsolute(told)) return resolve(told);
  return own === null ? null : resolve(own, told);
}

export function isInside(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`));
}
