import type { StoreObject } from '../ports.ts';
import { refused } from './failures.ts';
import { isObjectName } from './names.ts';

const MAX_DEPTH = 24;

/**
 * Between folders in a file's own name, where a store lets nobody make folders: `acme/x/part-000001.tar` is then
 * `part-000001.tar` in `acme/x`, or `x,part-000001.tar` in `acme`, or `acme,x,part-000001.tar`. No object's name has one.
 */
const FLAT = ',';

/** Where an object may lie: in its folders first, then with more and more of its name in the file's. */
export function placesOf(name: string): string[] {
  const segments = name.split('/');
  return segments.map((_, flat) => {
    const folders = segments.slice(0, segments.length - 1 - flat);
    return [...folders, segments.slice(folders.length).join(FLAT)].join('/');
  });
}

export interface TreeEntry {
  /** In its folder, as the store has it. */
  name: string;
  kind: 'folder' | 'file' | 'other';
  /** Null where it has to be asked for. */
  size: number | null;
}

export interface Tree {
  /** What is in a folder ('' or a path without `/` at its end), in any order; nothing where there is none. */
  entries(folder: string): Promise<readonly TreeEntry[]>;
  /** Null when it went meanwhile. */
  size(path: string): Promise<number | null>;
}

/** An object or a folder, by the name it has in the store's order: bytewise over whole names, as S3 lists them. */
interface Found {
  key: string;
  path: string;
  folder: boolean;
  size: number | null;
}

/** Every object that begins with `prefix`, in the order of names, whether its folders are folders or not. */
export async function* listTree(tree: Tree, prefix: string, after = ''): AsyncGenerator<StoreObject> {
  yield* walk(tree, { prefix, after }, '', '', [], 0);
}

async function* walk(
  tree: Tree,
  wanted: { prefix: string; after: string },
  folder: string,
  path: string,
  flatAbove: readonly Found[],
  depth: number,
): AsyncGenerator<StoreObject> {
  const { prefix, after } = wanted;
  if (depth > MAX_DEPTH) throw refused(`${path} is nested too deeply for a store.`);
  const found = [...flatAbove, ...(await tree.entries(path)).flatMap((entry) => foundOf(entry, folder, path))].filter(
    (one) =>
      (one.key.startsWith(prefix) || (one.folder && prefix.startsWith(one.key))) &&
      (one.key > after || (one.folder && after.startsWith(one.key))),
  );
  found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  for (let at = 0; at < found.length; at += 1) {
    const one = found[at] as Found;
    if (!one.folder) {
      const size = one.size ?? (await tree.size(one.path));
      if (size !== null) yield { name: one.key, size, version: null };
      continue;
    }
    // Objects of this folder that lie flat above it stand right behind it, and belong between those within it.
    let last = at;
    while (found[last + 1]?.key.startsWith(one.key)) last += 1;
    yield* walk(tree, wanted, one.key, one.path, found.slice(at + 1, last + 1), depth + 1);
    at = last;
  }
}

function foundOf(entry: TreeEntry, folder: string, path: string): Found[] {
  if (entry.kind === 'other') return [];
  const name = folder + (entry.kind === 'file' ? entry.name.replaceAll(FLAT, '/') : entry.name);
  if (!isObjectName(name)) return [];
  const isFolder = entry.kind === 'folder';
  return [
    {
      key: isFolder ? `${name}/` : name,
      path: path === '' ? entry.name : `${path}/${entry.name}`,
      folder: isFolder,
      size: entry.size,
    },
  ];
}
