import { decoded, lineAt, type ReadStored, type StoredSecret } from './stored.ts';

/** Hosts that are known to be there for Git. */
const FORGE =
  /(?:^|\.)(?:github\.com|githubusercontent\.com|gitlab\.com|bitbucket\.org|codeberg\.org|azure\.com|sr\.ht)$|^(?:git|gitlab|gitea|forgejo|bitbucket|gerrit)\./;

interface Entry {
  host: string;
  user: string;
  password: string;
  from: number;
  to: number;
}

/** Entries of hosts of Git in a `.netrc` (curl's page "netrc"); those of others are another program's. */
export const readNetrc =
  (gitHosts: ReadonlySet<string>): ReadStored =>
  (_file, text) => {
    const secrets: StoredSecret[] = [];
    const left: { line: number; why: string }[] = [];
    for (const { host, user, password, from, to } of entries(text)) {
      const line = lineAt(text, from);
      if (!FORGE.test(host) && !gitHosts.has(host)) {
        left.push({ line, why: `it is for ${host || 'every host'}, which is not known to be a host of Git` });
        continue;
      }
      secrets.push({
        kind: 'git',
        line,
        title: `${user || 'a token'} at ${host}`,
        values: { protocol: 'https', host, username: user, password },
        cuts: [{ from, to, instead: '' }],
      });
    }
    return { secrets, left };
  };

function entries(text: string): Entry[] {
  const found: Entry[] = [];
  let host = '';
  let user = '';
  // A comment takes a line of its own: a password may begin with #.
  const tokens = [...text.matchAll(/(?<=^|\n)[ \t]*#[^\n]*|"(?:\\.|[^"\\])*"|\S+/g)].filter(
    ([token, ...rest]) => rest.length === 0 && !/^[ \t]*#/.test(token.startsWith('#') ? '' : token),
  );
  for (let at = 0; at < tokens.length; at += 1) {
    const name = tokens[at]?.[0];
    const value = tokens[at + 1];
    if (name === 'macdef') {
      // Up to an empty line it is text.
      const end = text.indexOf('\n\n', tokens[at]?.index);
      if (end < 0) break;
      while ((tokens[at + 1]?.index ?? Number.POSITIVE_INFINITY) < end) at += 1;
    } else if (name === 'default') {
      host = '';
      user = '';
    } else if (value !== undefined && (name === 'machine' || name === 'login' || name === 'account')) {
      if (name === 'machine') [host, user] = [plain(value[0]).toLowerCase(), ''];
      else if (name === 'login') user = plain(value[0]);
      at += 1;
    } else if (value !== undefined && name === 'password') {
      const from = tokens[at]?.index ?? 0;
      found.push({ host, user, password: plain(value[0]), from, to: value.index + value[0].length });
      at += 1;
    }
  }
  return found;
}

const plain = (token: string) => decoded(token.startsWith('"') ? token.slice(1, -1).replace(/\\(.)/g, '$1') : token);
