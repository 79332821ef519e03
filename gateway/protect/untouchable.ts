import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

const isRoots = ({ uid, mode }: { uid: number; mode: number }) => uid === 0 && (mode & 0o022) === 0;

/**
 * Whether nobody but root can change what this path leads to: it and every folder above it belong to root
 * and are closed to the writing of others. @returns null, or the path that is open.
 */
export function openAbove(path: string): string | null {
  for (let at = realpathSync(path); ; at = dirname(at)) {
    if (!isRoots(lstatSync(at))) return at;
    if (dirname(at) === at) return null;
  }
}

/** The same for everything below a folder; symbolic links must stay within it. @returns null, or what is open. */
export function openBelow(folder: string): string | null {
  const root = realpathSync(folder);
  const waiting = [root];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const found of readdirSync(at, { withFileTypes: true })) {
      const path = join(at, found.name);
      if (found.isSymbolicLink()) {
        if (!realpathSync(path).startsWith(root + sep)) return path;
      } else if (!isRoots(lstatSync(path))) return path;
      if (found.isDirectory()) waiting.push(path);
    }
  }
  return null;
}
