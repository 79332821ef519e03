import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version whose sources Debian's mirror still has; the suite belongs to every server of the same major version. */
const VERSION = '15.18-0+deb12u1';

/** Outside of TMPDIR, which a test run removes at its end. */
const CACHE = `/var/tmp/countersign-regression-${VERSION}-${process.getuid?.() ?? 0}`;

export interface RegressionSources {
  /** src/test/regress, with regress.so beside its SQL. */
  regress: string;
  /** src/test/isolation. */
  isolation: string;
}

/** PostgreSQL's own tests where they were made ready before, or null. */
export function findSources(): RegressionSources | null {
  try {
    // A folder that somebody else made could hold anything.
    if (statSync(CACHE).uid !== process.getuid?.()) return null;
  } catch {
    return null;
  }
  const regress = join(CACHE, 'postgresql', 'src', 'test', 'regress');
  const isolation = join(CACHE, 'postgresql', 'src', 'test', 'isolation');
  return existsSync(join(regress, 'regress.so')) ? { regress, isolation } : null;
}

/**
 * Fetches Debian's source package and builds what the suite needs of it (regress.so), about a minute.
 * @throws where the package or a compiler is not to be had; the message says which.
 */
export function prepareSources(say: (line: string) => void): RegressionSources {
  const found = findSources();
  if (found) return found;
  rmSync(CACHE, { recursive: true, force: true });
  const work = `${CACHE}.${process.pid}`;
  mkdirSync(join(work, 'lists', 'partial'), { recursive: true });
  mkdirSync(join(work, 'parts'));
  try {
    for (const program of ['apt-get', 'dpkg-source', 'gcc', 'make']) run('sh', ['-c', `command -v ${program}`], work);
    say(`fetching the sources of postgresql-15 ${VERSION}`);
    writeFileSync(join(work, 'parts', 'source.sources'), sourceEntry());
    // Lists of our own: the machine's package sources stay as they are.
    const options = [
      'Dir::Etc::sourcelist=/dev/null',
      `Dir::Etc::sourceparts=${join(work, 'parts')}`,
      `Dir::State::lists=${join(work, 'lists')}`,
      'Dir::Cache::srcpkgcache=',
      'Dir::Cache::pkgcache=',
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option]);
    run('apt-get', [...options, 'update', '-q'], work);
    run('apt-get', [...options, 'source', '--download-only', '-q', `postgresql-15=${VERSION}`], work);
    // Debian's patches are for the server; the suite is upstream's.
    const archive = readdirSync(work).find((name) => /\.orig\.tar\./.test(name));
    if (archive === undefined) throw new Error('the source package has no archive in it');
    mkdirSync(join(work, 'postgresql'));
    run('tar', ['xf', archive, '--strip-components=1', '-C', 'postgresql'], work);
    const tree = join(work, 'postgresql');
    say('building regress.so');
    run('./configure', ['--without-readline', '--without-zlib', '--without-icu', '--quiet'], tree);
    run('make', ['--quiet', '-j2', '-C', 'src/test/regress'], tree);
    for (const name of readdirSync(work)) {
      if (name !== 'postgresql') rmSync(join(work, name), { recursive: true, force: true });
    }
    renameSync(work, CACHE);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const made = findSources();
  if (!made) throw new Error('regress.so was not built');
  return made;
}

function sourceEntry(): string {
  return [
    'Types: deb-src',
    'URIs: http://deb.debian.org/debian',
    'Suites: bookworm',
    'Components: main',
    'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
    '',
  ].join('\n');
}

function run(program: string, args: readonly string[], cwd: string): void {
  try {
    execFileSync(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? '').trim();
    throw new Error(`${program} ${args.at(-1)} failed: ${said.slice(-2000)}`, { cause: error });
  }
}
