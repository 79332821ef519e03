import { lineAt, type ReadStored, type StoredSecret } from './stored.ts';
import { type YamlScalar, yamlScalars } from './yaml-scalars.ts';

/** Of a user in a kubeconfig (client-go, clientcmd/api/v1). `auth-provider` has its tokens one level deeper. */
const SECRET = new Set(['token', 'password', 'client-key-data']);
const PROVIDER = new Set(['id-token', 'access-token', 'refresh-token', 'client-secret']);
const FILES = new Set(['client-key', 'tokenFile']);

/** Users of a kubeconfig that are let in by what stands in the file itself. */
export const readKubeconfig: ReadStored = (_file, text) => {
  const scalars = yamlScalars(text);
  if (scalars === null) return { secrets: [], left: [{ line: 1, why: 'it is not one YAML document' }] };
  const secrets: StoredSecret[] = [];
  const left: { line: number; why: string }[] = [];
  const users = Map.groupBy(
    scalars.filter(({ path }) => path[0] === 'users' && typeof path[1] === 'number'),
    ({ path }) => path[1],
  );
  for (const entries of users.values()) {
    const name = entries.find(({ path }) => path.length === 3 && path[2] === 'name')?.value ?? '';
    const parts: [string, YamlScalar][] = [];
    for (const one of entries) {
      const [, , user, first = '', second, third] = one.path;
      if (user !== 'user' || one.value === '') continue;
      const key = String(first);
      if (one.path.length === 4 && SECRET.has(key)) parts.push([key, one]);
      else if (one.path.length === 4 && FILES.has(key)) {
        left.push({ line: lineAt(text, one.from), why: `the user ${name} is let in by the file ${one.value}` });
      } else if (key === 'auth-provider' && second === 'config' && PROVIDER.has(String(third))) {
        parts.push([String(third), one]);
      } else if (key === 'exec' && second === 'command') {
        left.push({ line: lineAt(text, one.from), why: `the user ${name} is let in by the program ${one.value}` });
      }
    }
    const [first] = parts;
    if (first === undefined) continue;
    secrets.push({
      kind: 'kube',
      line: lineAt(text, first[1].from),
      title: `${parts.map(([key]) => key).join(' and ')} of the Kubernetes user ${name}`,
      values: Object.fromEntries(parts.map(([key, { value }]) => [key, value])),
      cuts: parts.map(([, one]) => emptied(text, one)),
    });
  }
  return { secrets, left };
};

/** An empty text in its place; behind a block of text comes a line end that belongs to the file. */
export function emptied(text: string, { from, to }: YamlScalar): { from: number; to: number; instead: string } {
  const block = /[|>]/.test(text.charAt(from));
  const end = block && text.charAt(to - 1) === '\n' ? to - (text.charAt(to - 2) === '\r' ? 2 : 1) : to;
  return { from, to: Math.max(from, end), instead: '""' };
}
