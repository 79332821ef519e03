import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

interface Lock {
  packages: Record<
    string,
    { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string>; peerDependencies?: object }
  >;
}

/** Folder of a package as Node would find it from another one; null where it is not installed there. */
function resolved(lock: Lock, from: string, name: string): string | null {
  for (let at = from; ; at = posix.dirname(at)) {
    const folder = posix.join(at === '.' ? '' : at, 'node_modules', name);
    if (lock.packages[folder] !== undefined) return folder;
    if (at === '.' || at === '') return null;
  }
}

/** Folders below the root of these packages and of all that they need; what is optional only where it is there. */
export function neededFolders(root: string, names: readonly string[]): string[] {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const needed = new Set<string>();
  const visit = (from: string, name: string, optional: boolean) => {
    const folder = resolved(lock, from, name);
    const isThere = folder !== null && existsSync(join(root, folder));
    if (!isThere && optional) return;
    if (!isThere) throw new Error(`${name} is not installed in ${root}; run npm ci`);
    if (needed.has(folder)) return;
    needed.add(folder);
    const { dependencies = {}, optionalDependencies = {} } = lock.packages[folder] ?? {};
    for (const one of Object.keys(optionalDependencies)) visit(folder, one, true);
    for (const one of Object.keys(dependencies)) visit(folder, one, one in optionalDependencies);
  };
  for (const name of names) visit('', name, false);
  return [...needed].sort();
}

const NEVER = /\.(md|map|d\.ts|d\.mts|d\.cts)$/i;

/** What is in a package besides what runs on the target, by the package's folder. */
const BESIDES: Readonly<Record<string, (below: string, target: string) => boolean>> = {
  'node_modules/better-sqlite3': (below, target) =>
    /^(deps|src)$/.test(below) || (below.startsWith('prebuilds/') && below !== `prebuilds/${target}.node`),
  'node_modules/@vscode/tree-sitter-wasm': (below) =>
    /^wasm\/tree-sitter-.*\.wasm$/.test(below) && below !== 'wasm/tree-sitter-bash.wasm',
};

/** @param target as `linux-x64`. */
export function copyPackages(root: string, out: string, names: readonly string[], target: string): void {
  for (const folder of neededFolders(root, names)) {
    const source = join(root, folder);
    cpSync(source, join(out, folder), {
      recursive: true,
      filter: (path) => {
        const below = path.slice(source.length + 1).replaceAll('\\', '/');
        // A package's own packages are listed by themselves.
        return below !== 'node_modules' && !NEVER.test(below) && !BESIDES[folder]?.(below, target);
      },
    });
  }
}
