import { emptied } from './kube.ts';
import { lineAt, type ReadStored } from './stored.ts';
import { yamlScalars } from './yaml-scalars.ts';

const TOKENS: Readonly<Record<string, string>> = { oauth_token: 'gh', token: 'glab', job_token: 'glab' };

/** `hosts.yml` of gh and `config.yml` of glab: tokens by host, gh's by user too. */
export const readForgeHosts: ReadStored = (_file, text) => {
  const scalars = yamlScalars(text);
  if (scalars === null) return { secrets: [], left: [{ line: 1, why: 'it is not one YAML document' }] };
  const secrets = scalars.flatMap((one) => {
    const name = String(one.path.at(-1) ?? '');
    const program = TOKENS[name];
    if (program === undefined || one.path.length < 2 || one.value === '') return [];
    const host = one.path.slice(0, -1).filter((part) => part !== 'hosts' && part !== 'users');
    return [
      {
        kind: 'git' as const,
        line: lineAt(text, one.from),
        title: `the token of ${program} at ${host.join(' as ')}`,
        values: { host: String(host[0] ?? ''), username: String(host[1] ?? ''), [name]: one.value },
        cuts: [emptied(text, one)],
      },
    ];
  });
  return { secrets, left: [] };
};
