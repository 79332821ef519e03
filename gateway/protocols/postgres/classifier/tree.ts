/** A node of libpg-query's JSON tree: either `{NodeType: body}` or a body with fields. */
export type Tree = { readonly [key: string]: unknown };

const NONE: readonly Tree[] = [];

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function child(tree: Tree | null, field: string): Tree | null {
  const value = tree?.[field];
  return isTree(value) ? value : null;
}

export function list(tree: Tree | null, field: string): readonly Tree[] {
  const value = tree?.[field];
  return Array.isArray(value) ? (value as Tree[]) : NONE;
}

export function text(tree: Tree | null, field: string): string {
  const value = tree?.[field];
  return typeof value === 'string' ? value : '';
}

export function isNodeType(key: string): boolean {
  const first = key.charCodeAt(0);
  return first >= 65 && first <= 90;
}

/** The node's type, '' for a body without one. */
export function tagOf(tree: Tree | null): string {
  if (tree === null) return '';
  for (const key in tree) return isNodeType(key) ? key : '';
  return '';
}

/** The node's body: what is under its type. */
export function bodyOf(tree: Tree): Tree {
  const tag = tagOf(tree);
  return tag === '' ? tree : (tree[tag] as Tree);
}

/** `tree` as a node of that type, else null. */
export function as(tree: Tree | null, type: string): Tree | null {
  return child(tree, type);
}

/** A list of String nodes, as names are kept; other members become ''. */
export function names(nodes: readonly Tree[]): string[] {
  return nodes.map((node) => text(as(node, 'String'), 'sval'));
}

/** Two trees that differ at most in where they stand in the text. */
export function sameTree(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((x, i) => sameTree(x, b[i]));
  if (!isTree(a) || !isTree(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  keys.delete('location');
  for (const key of keys) if (!sameTree(a[key], b[key])) return false;
  return true;
}
