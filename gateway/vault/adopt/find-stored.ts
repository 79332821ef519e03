import { readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import type { StoredKind } from '../../contract/stored-credential.ts';
import { readAwsProfiles } from './aws.ts';
import type { WhereCredentialsAre } from './find.ts';
import { readForgeHosts } from './forge-hosts.ts';
import { readGitConfig, readGitCredentials, storeFiles } from './git.ts';
import { readKubeconfig } from './kube.ts';
import { readMysqlOptions } from './mysql.ts';
import { readNetrc } from './netrc.ts';
import { bounded, type ReadStored, type StoredFile } from './stored.ts';

const MAX_FILE = 1024 * 1024;
const MAX_FILES = 64;

/** What each kind is, and what no longer works once its secrets are out of their files. */
export const KINDS: Readonly<Record<StoredKind, { name: string; stops: string }>> = {
  mysql: { name: 'MySQL', stops: 'mysql, mysqldump and others that read this option file ask for a password again' },
  aws: { name: 'AWS', stops: 'the AWS command line, SDKs and tools such as terraform find no key for these profiles' },
  kube: { name: 'Kubernetes', stops: 'kubectl, helm and others are not let in as these users' },
  git: { name: 'Git', stops: 'git asks for a password over HTTPS, and gh and glab are signed out' },
};

/** Files of this person that hold credentials of other kinds than PostgreSQL's. Throws ADOPT_UNREADABLE. */
export function findStored({ home, project, env }: WhereCredentialsAre): StoredFile[] {
  const configHome = env.XDG_CONFIG_HOME || join(home, '.config');
  const gitConfigs = [join(home, '.gitconfig'), join(configHome, 'git', 'config'), join(project, '.git', 'config')];
  const configTexts = gitConfigs.map((file) => readBytes(file) ?? '');
  const gitStores = [
    join(home, '.git-credentials'),
    join(configHome, 'git', 'credentials'),
    ...configTexts.flatMap((text) => storeFiles(text, home)),
  ];
  const awsFile = (name: string, usual: string) => env[name] || join(home, '.aws', usual);
  const readers: [string, ReadStored][] = [
    [join(home, '.my.cnf'), readMysqlOptions],
    [awsFile('AWS_SHARED_CREDENTIALS_FILE', 'credentials'), readAwsProfiles],
    [awsFile('AWS_CONFIG_FILE', 'config'), readAwsProfiles],
    ...(env.KUBECONFIG || join(home, '.kube', 'config'))
      .split(delimiter)
      .filter((file) => file !== '')
      .map((file): [string, ReadStored] => [file, readKubeconfig]),
    ...gitStores.map((file): [string, ReadStored] => [file, readGitCredentials]),
    ...gitConfigs.map((file): [string, ReadStored] => [file, readGitConfig]),
    [env.NETRC || join(home, '.netrc'), readNetrc(gitHosts(gitStores, configTexts))],
    [join(env.GH_CONFIG_DIR || join(configHome, 'gh'), 'hosts.yml'), readForgeHosts],
    [join(env.GLAB_CONFIG_DIR || join(configHome, 'glab-cli'), 'config.yml'), readForgeHosts],
  ];
  // The first reader of a file counts.
  const files = new Map(readers.toReversed());
  if (files.size > MAX_FILES)
    throw new CountersignError('ADOPT_UNREADABLE', 'These are too many files of credentials.');
  return [...files].toReversed().flatMap(([file, read]) => {
    const text = readBytes(file);
    if (text === null) return [];
    const found = { file, text, ...bounded(read(file, text)) };
    return found.secrets.length > 0 || found.left.length > 0 ? [found] : [];
  });
}

/** One character a byte; null when there is no such file, or it is none of a person's. Throws ADOPT_UNREADABLE. */
export function readBytes(file: string): string | null {
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return null;
    if (stat.size > MAX_FILE) throw new Error('it is too large');
    return readFileSync(file, 'latin1');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new CountersignError('ADOPT_UNREADABLE', `${file} cannot be read: ${code ?? 'it is too large'}`, { cause });
  }
}

/** Hosts that remotes and stored credentials name. */
function gitHosts(stores: readonly string[], configs: readonly string[]): Set<string> {
  const texts = [...stores.map((file) => readBytes(file) ?? ''), ...configs];
  const hosts = texts.flatMap((text) =>
    [...text.matchAll(/https?:\/\/(?:[^\s/@"']*@)?([A-Za-z0-9.-]+)/g)].map(([, host = '']) => host.toLowerCase()),
  );
  return new Set(hosts);
}
