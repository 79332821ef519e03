import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CountersignError } from '../contract/errors.ts';
import { SAMPLE_DATABASE, SAMPLE_ROLE, SAMPLE_VERSION, sampleData } from './sample-data.ts';
import { type ServerPrograms, type ServerUser, serverPrograms, serverUser } from './server-programs.ts';
import { endStaleServer, gone } from './stale-server.ts';

export interface EmbeddedPostgresOptions {
  /** Made when it is not there; as root it has to be where user `postgres` may enter (demoDataFolder). */
  dataDir: string;
  /** TCP port on 127.0.0.1; a free one is taken when absent. */
  port?: number;
  /** More settings of the server, as in postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  host: '127.0.0.1';
  port: number;
  pid: number;
  superuser: 'postgres';
  /** Both passwords are new at every start and never written down. */
  superuserPassword: string;
  appUser: string;
  appPassword: string;
  database: string;
  /** Fast shutdown. Idempotent; resolves when the server is gone. */
  stop(): Promise<void>;
}

const SUPERUSER = 'postgres';
const MARKER = 'countersign-sample-version';
const START_PATIENCE = 60_000;
/** Who may connect: only over loopback TCP, and only with a password. */
const HBA = 'host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n';

/**
 * Where the demo's database lives for a gateway's home. As root it is under the temporary folder, since the
 * server runs as another user, who cannot enter the home.
 */
export function demoDataFolder(home: string): string {
  if (process.platform === 'win32' || process.getuid?.() !== 0) return join(home, 'demo-postgres');
  const tag = createHash('sha256').update(resolve(home)).digest('hex').slice(0, 16);
  return join(tmpdir(), `countersign-demo-${tag}`);
}

/** In a folder that everybody may write to, somebody else may have put what we are about to trust. */
function ownFolder(folder: string, user: ServerUser): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  const owners = [process.getuid?.(), user.uid];
  if (!stat.isDirectory() || (process.platform !== 'win32' && !owners.includes(stat.uid))) {
    throw new CountersignError(
      'DEMO_FOLDER_NOT_OURS',
      `${folder} belongs to somebody else; remove it, or start with --no-demo`,
    );
  }
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  if (process.platform !== 'win32') chmodSync(folder, 0o700);
}

/** Lines of a program that ends by itself; kept short, and shown only when it failed. */
function tail(keep: string[]): (chunk: Buffer) => void {
  return (chunk) => {
    keep.push(chunk.toString('utf8'));
    if (keep.length > 40) keep.shift();
  };
}

function run(program: string, args: readonly string[], user: ServerUser, cwd: string, input: string): Promise<void> {
  return new Promise((done, fail) => {
    const output: string[] = [];
    const child = spawn(program, args, { ...user, cwd, stdio: ['pipe', 'pipe', 'pipe'], env: serverEnvironment() });
    child.stdout.on('data', tail(output));
    child.stderr.on('data', tail(output));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', (cause) => fail(new CountersignError('DEMO_SERVER_FAILED', cause.message, { cause })));
    child.on('close', (code) => {
      if (code === 0) return done();
      const last = output.join('').trim().split('\n').slice(-4).join(' ');
      fail(new CountersignError('DEMO_SERVER_FAILED', `the embedded PostgreSQL could not be set up: ${last}`));
    });
  });
}

/** The gateway's environment may carry PG* settings and tokens: the server gets neither. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TMPDIR, TEMP, COUNTERSIGN_TEST_RUN } = process.env;
  return { PATH, SystemRoot, TMPDIR, TEMP, COUNTERSIGN_TEST_RUN, LC_ALL: 'C', TZ: 'UTC' };
}

/**
 * Statements without a server that listens (single-user mode): no client and no password is needed, so none
 * has to be kept. In this mode a statement ends at a semicolon followed by an empty line.
 */
function single(
  programs: ServerPrograms,
  user: ServerUser,
  cluster: string,
  database: string,
  statements: Iterable<string>,
) {
  // The text of a statement that fails would go to the log, and these hold passwords.
  const settings = ['exit_on_error=on', 'log_min_error_statement=panic', 'password_encryption=scram-sha-256'];
  const args = ['--single', '-j', '-D', cluster, ...settings.flatMap((setting) => ['-c', setting]), database];
  return run(programs.postgres, args, user, cluster, `${[...statements].join(';\n\n')};\n\n`);
}

/** Made beside and renamed when complete, so that a start that was killed leaves no half a database. */
async function makeCluster(programs: ServerPrograms, user: ServerUser, folder: string, cluster: string): Promise<void> {
  const fresh = `${cluster}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const args = [`--pgdata=${fresh}`, `--username=${SUPERUSER}`, '--auth=trust', '--no-instructions', ...locale];
  await run(programs.initdb, args, user, folder, '');
  writeFileSync(join(fresh, 'pg_hba.conf'), HBA);
  await single(programs, user, fresh, 'postgres', [
    `CREATE ROLE ${SAMPLE_ROLE} LOGIN CREATEDB`,
    `CREATE DATABASE ${SAMPLE_DATABASE} OWNER ${SAMPLE_ROLE}`,
  ]);
  await single(programs, user, fresh, SAMPLE_DATABASE, [
    `ALTER SCHEMA public OWNER TO ${SAMPLE_ROLE}`,
    `SET SESSION AUTHORIZATION ${SAMPLE_ROLE}`,
    ...sampleData(),
  ]);
  writeFileSync(join(fresh, MARKER), `${SAMPLE_VERSION}\n`);
  rmSync(cluster, { recursive: true, force: true });
  renameSync(fresh, cluster);
}

function upToDate(cluster: string): boolean {
  const marker = join(cluster, MARKER);
  return existsSync(marker) && readFileSync(marker, 'utf8').trim() === String(SAMPLE_VERSION);
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? done(address.port) : fail(new Error('no port')),
      );
    });
  });
}

function launch(program: string, cluster: string, port: number, user: ServerUser, settings: Record<string, string>) {
  const args = ['-D', cluster, '-p', String(port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  // A session of its own: ^C on the terminal ends the gateway, which then ends the server, not both at once.
  return spawn(program, args, {
    ...user,
    cwd: cluster,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: serverEnvironment(),
  });
}

/** The eighth line of the lock file is the server's state (PostgreSQL's utils/pidfile.h); what pg_ctl goes by. */
function isReady(cluster: string, pid: number | undefined): boolean {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    return lines[0]?.trim() === String(pid) && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

/** Resolves when the server accepts connections; rejects with its last words when it ends before. */
async function accepting(child: ChildProcess, cluster: string): Promise<void> {
  const output: string[] = [];
  const keep = tail(output);
  let ended: string | null = null;
  child.stderr?.on('data', keep);
  child.once('error', (cause) => {
    ended = cause.message;
  });
  child.once('close', () => {
    ended ??= output.join('').trim().split('\n').slice(-4).join(' ');
  });
  const deadline = Date.now() + START_PATIENCE;
  while (!isReady(cluster, child.pid)) {
    if (Date.now() > deadline) child.kill('SIGQUIT');
    if (ended !== null) {
      throw new CountersignError('DEMO_SERVER_FAILED', `the embedded PostgreSQL does not start: ${ended}`);
    }
    await sleep(25);
  }
  child.stderr?.off('data', keep);
  child.stderr?.resume();
}

/**
 * Starts a PostgreSQL 18 of our own with the sample data, on 127.0.0.1, SCRAM-SHA-256 only. The first start
 * in a folder takes a few seconds, later ones less than one. Changes made to the data stay.
 *
 * @throws CountersignError DEMO_* with a sentence that says what to do.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const user = serverUser();
  ownFolder(options.dataDir, user);
  const programs = serverPrograms(options.dataDir, user);
  const cluster = join(options.dataDir, 'cluster');
  await endStaleServer(cluster);
  if (!upToDate(cluster)) await makeCluster(programs, user, options.dataDir, cluster);
  const [superuserPassword, appPassword] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
  await single(programs, user, cluster, 'postgres', [
    `ALTER ROLE ${SUPERUSER} PASSWORD '${superuserPassword}'`,
    `ALTER ROLE ${SAMPLE_ROLE} PASSWORD '${appPassword}'`,
  ]);
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...options.settings };

  let child: ChildProcess | null = null;
  let port = 0;
  // Between finding a free port and taking it, another program may take it.
  for (let attempt = 1; child === null; attempt += 1) {
    port = options.port ?? (await freePort());
    const started = launch(programs.postgres, cluster, port, user, settings);
    try {
      await accepting(started, cluster);
      child = started;
    } catch (error) {
      if (options.port !== undefined || attempt === 3) throw error;
    }
  }
  return handle(child, { port, superuserPassword, appPassword });
}

function handle(
  child: ChildProcess,
  facts: { port: number; superuserPassword: string; appPassword: string },
): EmbeddedPostgres {
  const pid = child.pid as number;
  const atExit = () => child.kill('SIGINT');
  process.once('exit', atExit);
  child.unref();
  (child.stderr as unknown as { unref(): void }).unref();
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    process.off('exit', atExit);
    // SIGINT: fast; SIGQUIT: at once; both end its own children. SIGKILL would leave shared memory behind.
    for (const [signal, patience] of [
      ['SIGINT', 10_000],
      ['SIGQUIT', 5_000],
      ['SIGKILL', 2_000],
    ] as const) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      if (await gone(pid, patience)) return;
    }
  };
  return {
    host: '127.0.0.1',
    pid,
    superuser: SUPERUSER,
    appUser: SAMPLE_ROLE,
    database: SAMPLE_DATABASE,
    ...facts,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
