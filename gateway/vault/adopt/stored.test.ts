import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { readAwsProfiles } from './aws.ts';
import { readForgeHosts } from './forge-hosts.ts';
import { readGitConfig, readGitCredentials, storeFiles } from './git.ts';
import { readKubeconfig } from './kube.ts';
import { readMysqlOptions } from './mysql.ts';
import { readNetrc } from './netrc.ts';
import { type ReadStored, withoutSecrets } from './stored.ts';

const latin = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

function adopted(read: ReadStored, text: string) {
  const { secrets, left } = read('/f', latin(text));
  const after = Buffer.from(withoutSecrets(latin(text), secrets), 'latin1').toString('utf8');
  return { titles: secrets.map(({ title }) => title), values: secrets.map(({ values }) => values), left, after };
}

describe('option files of MySQL', () => {
  it('loses the password of each section, and nothing else', () => {
    const { titles, values, after, left } = adopted(
      readMysqlOptions,
      '# mine ü\r\n[client]\r\nuser = app\r\nhost=db.example.com\r\npassword = "s e#c\\"ret"\r\n\r\n[mysqldump]\npasswor=other # why\nquick\n!includedir /etc/x\n',
    );
    expect(titles).toEqual([
      'app of MySQL on db.example.com (section client)',
      'the own user of MySQL on localhost (section mysqldump)',
    ]);
    expect(values[0]).toMatchObject({ user: 'app', host: 'db.example.com' });
    expect(values[1]).toEqual({ password: 'other' });
    expect(after).toBe(
      '# mine ü\r\n[client]\r\nuser = app\r\nhost=db.example.com\r\n# its password is in the vault of Countersign\r\n\r\n[mysqldump]\n# its password is in the vault of Countersign\nquick\n!includedir /etc/x\n',
    );
    expect(left).toEqual([{ line: 10, why: 'what it includes is not looked at' }]);
  });
});

describe('profiles of AWS', () => {
  it('lose key and id, and keep their settings', () => {
    const { titles, values, after } = adopted(
      readAwsProfiles,
      '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalr/K7MDENG=\nregion = eu-west-1\n[sso]\nsso_session = x\n[profile b]\naws_access_key_id=AKIAB\naws_secret_access_key=k2\naws_session_token=t2\ns3 =\n  addressing_style = path\n',
    );
    expect(titles).toEqual(['key AKIAIOSFODNN7EXAMPLE of the AWS profile default', 'key AKIAB of the AWS profile b']);
    expect(values[0]).toEqual({ aws_access_key_id: 'AKIAIOSFODNN7EXAMPLE', aws_secret_access_key: 'wJalr/K7MDENG=' });
    expect(after).not.toMatch(/wJalr|k2|t2|AKIA/);
    expect(after).toContain('region = eu-west-1\n[sso]\nsso_session = x\n[profile b]\n');
    expect(after).toContain('s3 =\n  addressing_style = path\n');
  });
});

const KUBE = `apiVersion: v1
# a cluster of mine
clusters:
- cluster: {server: "https://k:6443", certificate-authority-data: Q0E=}
  name: c
users:
- name: ada  # me
  user:
    token: ey.abc.def   # until May
- name: bea
  user:
    client-certificate-data: Q0VSVA==
    client-key-data: |
      S0VZ
      S0VZ
- {name: cid, user: {username: cid, password: 'p w'}}
- name: dan
  user:
    auth-provider:
      name: oidc
      config: {client-id: x, id-token: idt, refresh-token: rft}
- name: eve
  user:
    exec: {command: aws, args: [eks, get-token], apiVersion: client.authentication.k8s.io/v1}
- name: fay
  user: {client-key: /home/fay/key.pem}
`;

describe('a kubeconfig', () => {
  it('loses what lets in, where it stands, and keeps comments and layout', () => {
    const { titles, values, after, left } = adopted(readKubeconfig, KUBE);
    expect(titles).toEqual([
      'token of the Kubernetes user ada',
      'client-key-data of the Kubernetes user bea',
      'password of the Kubernetes user cid',
      'id-token and refresh-token of the Kubernetes user dan',
    ]);
    expect(values.map((one) => Object.values(one))).toEqual([
      ['ey.abc.def'],
      ['S0VZ\nS0VZ\n'],
      ['p w'],
      ['idt', 'rft'],
    ]);
    expect(after).toBe(
      KUBE.replace('ey.abc.def', '""')
        .replace('|\n      S0VZ\n      S0VZ', '""')
        .replace("'p w'", '""')
        .replace('idt', '""')
        .replace('rft', '""'),
    );
    expect(left.map(({ why }) => why)).toEqual([
      'the user eve is let in by the program aws',
      'the user fay is let in by the file /home/fay/key.pem',
    ]);
    expect(adopted(readKubeconfig, after).titles).toEqual([]);
  });

  it('may be JSON; what is no YAML is left', () => {
    const json = JSON.stringify({ users: [{ name: 'a', user: { token: 'tök' } }] });
    expect(adopted(readKubeconfig, json)).toMatchObject({ values: [{ token: 'tök' }], after: json.replace('tök', '') });
    for (const text of ['a: [', 'a: 1\n---\nb: 2\n', 'users: &a [*a'])
      expect(adopted(readKubeconfig, text)).toMatchObject({ titles: [], after: text, left: [{ line: 1 }] });
  });
});

describe('what Git reads', () => {
  it('its store loses the lines of addresses', () => {
    const { titles, values, after } = adopted(
      readGitCredentials,
      'https://ada:p%40ss%3A@git.example.com\n# nothing\nhttps://git.example.com\nhttps://tok:x-oauth-basic@github.com/a/b.git\r\n',
    );
    expect(titles).toEqual(['ada at git.example.com', 'tok at github.com']);
    expect(values[0]).toEqual({ protocol: 'https', host: 'git.example.com', username: 'ada', password: 'p@ss:' });
    expect(after).toBe('# nothing\nhttps://git.example.com\n');
  });

  it('its settings lose passwords in addresses, and the names of further stores are told', () => {
    const text =
      '[remote "o"]\n\turl = https://ada:tok1@git.example.com/x.git\n[url "https://:tok2@h.example/"]\n\tinsteadOf = h:\n[http]\n\textraHeader = Authorization: Basic eA==\n';
    const { titles, after, left } = adopted(readGitConfig, text);
    expect(titles).toEqual(['ada at git.example.com', 'a token at h.example']);
    expect(after).toBe(text.replace(':tok1', '').replace(':tok2@', ''));
    expect(left).toEqual([{ line: 6, why: expect.stringContaining('by hand') }]);
    expect(
      storeFiles(
        '[credential]\n helper = store --file=~/a\n helper = "store --file \'/x y\'"\n helper = cache\n',
        '/h',
      ),
    ).toEqual(['/h/a', '/x y']);
  });

  it('a .netrc loses the passwords of hosts of Git', () => {
    const text =
      '# machine github.com password no\nmachine github.com\n  login ada\n  password "p w"\nmachine ftp.example.com login b password #c\nmacdef init\nmachine github.com password text\n\nmachine own.example login d password e\ndefault login x password y\n';
    const { titles, values, after, left } = adopted(readNetrc(new Set(['own.example'])), text);
    expect(titles).toEqual(['ada at github.com', 'd at own.example']);
    expect(values.map(({ password }) => password)).toEqual(['p w', 'e']);
    expect(after).toBe(text.replace('password "p w"', '').replace('password e', ''));
    expect(left.map(({ line }) => line)).toEqual([5, 10]);
  });

  it('gh and glab lose their tokens', () => {
    const gh =
      'github.com:\n    users:\n        ada:\n            oauth_token: gho_1\n    oauth_token: gho_1\n    user: ada\n';
    expect(adopted(readForgeHosts, gh)).toMatchObject({
      titles: ['the token of gh at github.com as ada', 'the token of gh at github.com'],
      after: gh.replaceAll('gho_1', '""'),
    });
    const glab = 'git_protocol: ssh\nhosts:\n    gitlab.com:\n        token: glpat-1\n        api_host: gitlab.com\n';
    expect(adopted(readForgeHosts, glab)).toMatchObject({
      titles: ['the token of glab at gitlab.com'],
      after: glab.replace('glpat-1', '""'),
    });
  });
});

const READERS: readonly (readonly [string, ReadStored, string])[] = [
  ['mysql', readMysqlOptions, '[client]\npassword=SECRET1\n'],
  ['aws', readAwsProfiles, '[a]\naws_secret_access_key=SECRET1\n'],
  ['kube', readKubeconfig, 'users:\n- name: a\n  user: {token: SECRET1}\n'],
  ['git', readGitCredentials, 'https://a:SECRET1@h\n'],
  ['git config', readGitConfig, 'url = https://a:SECRET1@h\n'],
  ['netrc', readNetrc(new Set()), 'machine github.com login a password SECRET1\n'],
  ['gh', readForgeHosts, 'h:\n  oauth_token: SECRET1\n'],
];
const PIECES = [
  '[',
  ']',
  '=',
  '\n',
  '\r\n',
  '"',
  "'",
  '#',
  ':',
  ' ',
  '\t',
  '\\',
  '|',
  '>',
  '{',
  '}',
  '&a',
  '*a',
  '@',
  '//',
  '!',
  '\0',
  'é',
  'password',
  'SECRET1',
  'machine',
  'macdef',
  'token',
  'https://',
];

test.each(READERS)('%s: no text makes it fail, cut elsewhere or say a secret', (_name, read, sample) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(sample.length), fc.constantFrom(...PIECES)), { maxLength: 8 }),
      fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: 'binary' })), { maxLength: 20 }),
      (edits, noise) => {
        let text = sample;
        for (const [at, piece] of edits) text = text.slice(0, at) + piece + text.slice(at);
        text = latin(text + noise.join(''));
        const { secrets, left } = read('/f', text);
        const after = withoutSecrets(text, secrets);
        // What stays is the text without what was cut, in order.
        let rest = text;
        for (const { from, to, instead } of secrets.flatMap(({ cuts }) => cuts).sort((a, b) => b.from - a.from)) {
          expect(0 <= from && from <= to && to <= text.length).toBe(true);
          rest = rest.slice(0, from) + instead + rest.slice(to);
        }
        expect(after).toBe(rest);
        expect([...secrets, ...left].every(({ line }) => line >= 1)).toBe(true);
        for (const { title, values } of secrets) {
          if (
            Object.values(values).includes('SECRET1') &&
            !noise.join('').includes('SECRET1') &&
            edits.every(([, piece]) => piece !== 'SECRET1')
          )
            expect(title).not.toContain('SECRET1');
        }
      },
    ),
    { numRuns: 400 },
  );
});
