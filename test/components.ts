import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Everything the tests need from the system, listed once. `npm test` installs what is missing where it
 * may (Debian or Ubuntu, as root); a test asks `component(name)` and skips itself, by name, when it is
 * not there. With CI=true a missing required component fails the run.
 */
export interface Component {
  name: string;
  need: 'required' | 'optional';
  /** What installs it on Debian; empty when no package does. */
  packages: readonly string[];
  /** `bench` ones are looked for by `npm run bench` only. */
  usedBy: 'test' | 'bench';
  what: string;
  /** Absolute path of the program (or file) when it is there and works. */
  find(): string | null;
}

const DEBIAN_POSTGRES = '/usr/lib/postgresql';

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath(program: string): string | null {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    if (folder !== '' && executable(join(folder, program))) return join(folder, program);
  }
  return null;
}

/** Debian keeps some of PostgreSQL's programs out of PATH, under a folder per version; the newest wins. */
function postgresProgram(relative: string): string | null {
  if (!existsSync(DEBIAN_POSTGRES)) return null;
  const versions = readdirSync(DEBIAN_POSTGRES).sort((a, b) => Number(b) - Number(a));
  for (const version of versions) {
    const path = join(DEBIAN_POSTGRES, version, relative);
    if (executable(path)) return path;
  }
  return null;
}

/** Debian keeps programs that other programs start below a folder per architecture. */
function libraryProgram(relative: string): string | null {
  if (process.platform !== 'linux') return null;
  const folders = ['/usr/lib', '/usr/libexec', ...readdirSync('/usr/lib').map((name) => join('/usr/lib', name))];
  return folders.map((folder) => join(folder, relative)).find(executable) ?? null;
}

/** The client programs on PATH may be pg_wrapper scripts that find nothing, so the versioned folder comes first. */
const postgresClient = (program: string) => () => postgresProgram(join('bin', program)) ?? onPath(program);

function answers(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
}

const COMPONENTS: readonly Component[] = [
  {
    name: 'psql',
    need: 'required',
    packages: ['postgresql-client'],
    usedBy: 'test',
    what: "PostgreSQL's own client, through the gateway",
    find: postgresClient('psql'),
  },
  {
    name: 'pg_dump',
    need: 'required',
    packages: ['postgresql-client'],
    usedBy: 'test',
    what: 'pg_dump and pg_restore through the gateway',
    find: postgresClient('pg_dump'),
  },
  {
    name: 'pgbench',
    need: 'required',
    packages: ['postgresql-15|postgresql'],
    usedBy: 'test',
    what: 'pgbench through the gateway',
    find: postgresClient('pgbench'),
  },
  {
    name: 'psycopg',
    need: 'required',
    packages: ['python3-psycopg'],
    usedBy: 'test',
    what: "Python's driver through the gateway; the path is that of an interpreter that has it",
    // `python3` on PATH may be a version manager's, which does not see Debian's modules.
    find: () => (answers('/usr/bin/python3', ['-c', 'import psycopg']) ? '/usr/bin/python3' : null),
  },
  {
    name: 'terminal-programs',
    need: 'optional',
    packages: ['vim', 'less', 'procps'],
    usedBy: 'test',
    what: 'full-screen programs in a recorded terminal: vim, less and top',
    find: () => (onPath('less') === null || onPath('top') === null ? null : onPath('vim')),
  },
  {
    name: 'git',
    need: 'required',
    packages: ['git'],
    usedBy: 'test',
    what: "Git's own reading of stored credentials, before and after they go to the vault",
    find: () => onPath('git'),
  },
  {
    name: 'sudo',
    need: 'optional',
    packages: ['sudo'],
    usedBy: 'test',
    what: 'its question for a password in a recorded terminal',
    find: () => onPath('sudo'),
  },
  {
    name: 'kubectl',
    need: 'optional',
    packages: [],
    usedBy: 'test',
    what: 'the same for kubeconfigs',
    find: () => onPath('kubectl'),
  },
  {
    name: 'aws',
    need: 'optional',
    packages: [],
    usedBy: 'test',
    what: 'the same for the profiles of AWS',
    find: () => onPath('aws'),
  },
  {
    name: 'java',
    need: 'required',
    packages: ['default-jdk-headless'],
    usedBy: 'test',
    what: 'runs the JDBC test from its source file, which needs the compiler module',
    find: () => (onPath('javac') === null ? null : onPath('java')),
  },
  {
    name: 'jdbc',
    need: 'required',
    packages: ['libpostgresql-jdbc-java'],
    usedBy: 'test',
    what: "Java's driver through the gateway; the path is that of its jar",
    find: () => (existsSync('/usr/share/java/postgresql.jar') ? '/usr/share/java/postgresql.jar' : null),
  },
  {
    name: 'chromium',
    need: 'required',
    packages: ['chromium'],
    usedBy: 'test',
    what: 'drives the console',
    find: () => onPath('chromium') ?? onPath('chromium-browser') ?? onPath('google-chrome'),
  },
  ...(
    [
      ['openssl', 'openssl', 'checks signatures without this program'],
      ['jq', 'jq', 'reads bundles without this program'],
      ['zstd', 'zstd', 'unpacks bundles without this program'],
      ['xxd', 'xxd', 'reads bundles without this program'],
      ['sha256sum', 'coreutils', 'checks sums without this program'],
    ] as const
  ).map(
    ([name, debian, what]): Component => ({
      name,
      need: 'required',
      packages: [debian],
      usedBy: 'test',
      what,
      find: () => onPath(name),
    }),
  ),
  {
    name: 'gnome-keyring-daemon',
    need: 'optional',
    packages: ['gnome-keyring', 'dbus'],
    usedBy: 'test',
    what: "a desktop's keyring, for the device's key; needs dbus-run-session besides",
    find: () => (onPath('dbus-run-session') === null ? null : onPath('gnome-keyring-daemon')),
  },
  {
    name: 'xfce4-notifyd',
    need: 'optional',
    packages: ['xfce4-notifyd', 'xvfb', 'xdotool', 'dbus'],
    usedBy: 'test',
    what: "a desktop's notifications with buttons, and what shows and clicks them",
    find: () =>
      ['dbus-daemon', 'Xvfb', 'xdotool'].every((program) => onPath(program) !== null)
        ? libraryProgram('xfce4/notifyd/xfce4-notifyd')
        : null,
  },
  {
    name: 'xfce4-panel',
    need: 'optional',
    packages: ['xfce4-panel', 'xfce4-notifyd', 'xvfb', 'xdotool', 'dbus'],
    usedBy: 'test',
    what: "a desktop's panel, which shows the icon and its menu",
    find: () =>
      ['dbus-daemon', 'Xvfb', 'xdotool'].every((program) => onPath(program) !== null) &&
      libraryProgram('xfce4/notifyd/xfce4-notifyd') !== null
        ? onPath('xfce4-panel')
        : null,
  },
  {
    name: 'sshd',
    need: 'required',
    packages: ['openssh-server'],
    usedBy: 'test',
    what: "OpenSSH's server, as a store",
    find: () => onPath('sshd') ?? (executable('/usr/sbin/sshd') ? '/usr/sbin/sshd' : null),
  },
  {
    name: 'ssh-agent',
    need: 'required',
    packages: ['openssh-client'],
    usedBy: 'test',
    what: 'keys of an agent, and ssh-keygen beside it',
    find: () => (onPath('ssh-keygen') === null ? null : onPath('ssh-agent')),
  },
  {
    name: 'radosgw',
    need: 'optional',
    packages: ['ceph-mon', 'ceph-osd', 'radosgw'],
    usedBy: 'test',
    what: "Ceph's S3 server as a store with Object Lock (0.7 GB of memory while its test runs)",
    find: () => (onPath('ceph-mon') === null || onPath('ceph-osd') === null ? null : onPath('radosgw')),
  },
  {
    name: 'sshfs',
    need: 'optional',
    packages: ['sshfs'],
    usedBy: 'test',
    what: 'a share without hard links, whose server can go away',
    find: () => (existsSync('/dev/fuse') ? onPath('sshfs') : null),
  },
  {
    name: 'simplesamlphp',
    need: 'optional',
    packages: ['simplesamlphp', 'php-cli', 'php-sqlite3', 'php-xml', 'php-mbstring', 'php-curl'],
    usedBy: 'test',
    what: "a SAML identity provider; the path is that of PHP's interpreter",
    find: () => (existsSync('/usr/share/simplesamlphp/www/module.php') ? onPath('php') : null),
  },
  {
    name: 'syslog-ng',
    need: 'required',
    packages: ['syslog-ng-core'],
    usedBy: 'test',
    what: 'takes events over TLS as a SIEM does',
    find: () => onPath('syslog-ng') ?? (executable('/usr/sbin/syslog-ng') ? '/usr/sbin/syslog-ng' : null),
  },
  {
    name: 'pg_regress',
    need: 'optional',
    packages: ['postgresql-client-15'],
    usedBy: 'test',
    what: "PostgreSQL's own regression suite; the path is that of its runner",
    find: () => postgresProgram('lib/pgxs/src/test/regress/pg_regress'),
  },
  {
    name: 'pg_isolation_regress',
    need: 'optional',
    packages: ['postgresql-client-15'],
    usedBy: 'test',
    what: "PostgreSQL's own isolation suite; the path is that of its runner",
    find: () => postgresProgram('lib/pgxs/src/test/isolation/pg_isolation_regress'),
  },
  {
    name: 'postgres-15',
    need: 'optional',
    packages: ['postgresql-15'],
    usedBy: 'test',
    what: "Debian's server, to which its pg_dump and the regression suite belong",
    find: () => (executable(`${DEBIAN_POSTGRES}/15/bin/postgres`) ? `${DEBIAN_POSTGRES}/15/bin/postgres` : null),
  },
  {
    name: 'electron',
    need: 'optional',
    packages: [],
    usedBy: 'test',
    what: "the desktop app's runtime, which npm fetches from elsewhere on first use",
    find: () => {
      try {
        const home = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
        const path = join(home, 'dist', process.platform === 'win32' ? 'electron.exe' : 'electron');
        return executable(path) ? path : null;
      } catch {
        return null;
      }
    },
  },
  ...(
    [
      ['sftp', 'openssh-client'],
      ['rclone', 'rclone'],
    ] as const
  ).map(
    ([name, debian]): Component => ({
      name,
      need: 'optional',
      packages: [debian],
      usedBy: 'bench',
      what: 'a peer for the speed of sync',
      find: () => onPath(name),
    }),
  ),
  {
    name: 'postgres',
    need: 'optional',
    packages: ['postgresql-15|postgresql'],
    usedBy: 'bench',
    what: 'the server under the benchmark; the embedded one stands in for it',
    find: () => postgresProgram('bin/postgres'),
  },
  {
    name: 'pgbouncer',
    need: 'optional',
    packages: ['pgbouncer'],
    usedBy: 'bench',
    what: 'a peer for speed',
    find: () => onPath('pgbouncer') ?? (executable('/usr/sbin/pgbouncer') ? '/usr/sbin/pgbouncer' : null),
  },
  {
    name: 'haproxy',
    need: 'optional',
    packages: ['haproxy'],
    usedBy: 'bench',
    what: 'a peer for speed',
    find: () => onPath('haproxy') ?? (executable('/usr/sbin/haproxy') ? '/usr/sbin/haproxy' : null),
  },
];

export function components(usedBy: 'test' | 'bench'): readonly Component[] {
  return COMPONENTS.filter((entry) => usedBy === 'bench' || entry.usedBy === 'test');
}

const found = new Map<string, string | null>();

/**
 * For tests: `const psql = component('psql'); describe.skipIf(psql.missing)(…)`.
 * `missing` is the sentence that says what is not there, or false; `path` is empty when it is missing.
 */
export function component(name: string): { path: string; missing: string | false } {
  const entry = COMPONENTS.find((candidate) => candidate.name === name);
  if (entry === undefined) throw new Error(`${name} is not listed in test/components.ts`);
  const path = found.has(name) ? (found.get(name) ?? null) : entry.find();
  found.set(name, path);
  return path === null
    ? { path: '', missing: `${name} is not on this machine (Debian: ${entry.packages.join(' ') || 'no package'})` }
    : { path, missing: false };
}
