import { isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import { decoded } from './stored.ts';

/** A value of a YAML file that is a plain text, and where its characters are. */
export interface YamlScalar {
  path: readonly (string | number)[];
  value: string;
  from: number;
  to: number;
}

const MAX_DEPTH = 20;
const MAX_SCALARS = 20_000;

/**
 * All texts of one YAML (or JSON) document, with their names. null: it is none, or more than can be looked at.
 * Aliases are not followed: what they lead to is where it stands.
 */
export function yamlScalars(text: string): YamlScalar[] | null {
  const document = parseDocument(text, { logLevel: 'error', schema: 'failsafe', uniqueKeys: false });
  if (document.errors.length > 0) return null;
  const scalars: YamlScalar[] = [];
  const walk = (node: unknown, path: readonly (string | number)[]): boolean => {
    if (path.length > MAX_DEPTH || scalars.length > MAX_SCALARS) return false;
    if (isMap(node)) {
      return node.items.every(({ key, value }) => walk(value, [...path, isScalar(key) ? String(key.value) : '']));
    }
    if (isSeq(node)) return node.items.every((item, i) => walk(item, [...path, i]));
    if (!isScalar(node) || typeof node.value !== 'string') return true;
    const [from, to] = (node as Node).range ?? [0, 0];
    scalars.push({ path, value: decoded(node.value), from, to });
    return true;
  };
  return walk(document.contents, []) ? scalars : null;
}
