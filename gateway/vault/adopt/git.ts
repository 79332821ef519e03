import { decoded, linesOf, type ReadStored, type StoredSecret } from './stored.ts';

/** `scheme://user:password@host`, wherever it stands in a line. */
const ADDRESS = /(https?|ftps?):\/\/([^\s/:@"']*):([^\s/@"']+)@([^\s/"'?#]+)/g;

/** Lines of addresses (gitcredentials-store(1)). A line that is none is passed over by Git, and stays. */
export const readGitCredentials: ReadStored = (_file, text) => ({
  secrets: linesOf(text).flatMap((line): StoredSecret[] => {
    const [found] = line.text.matchAll(ADDRESS);
    if (found === undefined || found.index !== 0) return [];
    return [{ ...secretOf(found, line.number), cuts: [{ from: line.from, to: line.next, instead: '' }] }];
  }),
  left: [],
});

/** Addresses with a password in `.gitconfig` and `.git/config`: remotes, insteadOf, proxies. The user stays. */
export const readGitConfig: ReadStored = (_file, text) => {
  const secrets: StoredSecret[] = [];
  const left: { line: number; why: string }[] = [];
  for (const line of linesOf(text)) {
    if (/^\s*[#;]/.test(line.text)) continue;
    if (/^\s*extraheader\s*=.*authorization/i.test(line.text)) {
      left.push({ line: line.number, why: 'it is a header that lets in; take it out by hand' });
    }
    for (const found of line.text.matchAll(ADDRESS)) {
      const [, scheme = '', user = '', password = ''] = found;
      const from = line.from + found.index + scheme.length + '://'.length;
      const cut =
        user === ''
          ? { from, to: from + 1 + password.length + 1 }
          : { from: from + user.length, to: from + user.length + 1 + password.length };
      secrets.push({ ...secretOf(found, line.number), cuts: [{ ...cut, instead: '' }] });
    }
  }
  return { secrets, left };
};

/** Files that `credential.helper = store --file=…` names. */
export function storeFiles(config: string, home: string): string[] {
  return linesOf(config).flatMap(({ text }) => {
    const [, quoted, plain] = /^\s*helper\s*=\s*"?store\s.*?--file(?:=|\s+)(?:'([^']+)'|([^\s"']+))/.exec(text) ?? [];
    const file = decoded(quoted ?? plain ?? '');
    return file === '' ? [] : [file.replace(/^~(?=\/)/, home)];
  });
}

function secretOf(found: RegExpExecArray, line: number): Omit<StoredSecret, 'cuts'> {
  const [, scheme = '', user = '', password = '', host = ''] = found;
  return {
    kind: 'git',
    line,
    title: `${unescaped(user) || 'a token'} at ${decoded(host)}`,
    values: { protocol: scheme, host: decoded(host), username: unescaped(user), password: unescaped(password) },
  };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(decoded(text));
  } catch {
    return decoded(text);
  }
}
