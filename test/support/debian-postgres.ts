import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from './postgres.ts';

/** What a test needs of a server to register a connection to it. */
export interface TestServer {
  host: string;
  port: number;
  user: string;
  password: string;
}

export interface DebianPostgres extends TestServer {
  /** Environment of a libpq client that goes to it directly. */
  env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** The OS user that a server runs as: PostgreSQL refuses to be root. Null: the user who runs the tests. */
export const SERVER_USER = process.getuid?.() === 0 ? 'postgres' : null;

/** Runs a program as SERVER_USER and waits. Throws with its output where it fails. */
export function runAsServer(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): string {
  const [first, rest] = asServer(program, args);
  return execFileSync(first, rest, { env, encoding: 'utf8', cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The command that runs a program as SERVER_USER. */
export function asServer(program: string, args: readonly string[]): [string, readonly string[]] {
  return SERVER_USER === null ? [program, args] : ['setpriv', [...SETPRIV, program, ...args]];
}

const SETPRIV = [`--reuid=${SERVER_USER}`, `--regid=${SERVER_USER}`, '--init-groups', '--'];

/**
 * Debian's own PostgreSQL server with its data in a temporary folder: the server that Debian's pg_dump
 * and the regression suite belong to.
 * @param postgres path of the program `postgres`; its neighbours (initdb) are used too.
 */
export async function startDebianPostgres(postgres: string, conf: readonly string[] = []): Promise<DebianPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-pg15-'));
  chmodSync(folder, 0o755);
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const data = join(folder, 'data');
  const password = 'one for the "server" \\ alone';
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (SERVER_USER !== null) execFileSync('chown', ['-R', SERVER_USER, folder]);
  const flags = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync'];
  runAsServer(join(dirname(postgres), 'initdb'), ['-D', data, ...flags, '--locale=C.UTF-8', '--encoding=UTF8']);
  rmSync(passwordFile);
  const port = await freePort();
  const lines = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    `unix_socket_directories = '${folder}'`,
    'fsync = off',
    ...conf,
  ];
  appendFileSync(join(data, 'postgresql.conf'), `${lines.join('\n')}\n`);
  const [program, args] = asServer(postgres, ['-D', data]);
  const server = spawn(program, args, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  await started(server);
  return {
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password,
    env: {
      ...process.env,
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGUSER: 'postgres',
      PGPASSWORD: password,
      PGDATABASE: 'postgres',
    },
    async stop() {
      const ended = new Promise((done) => server.once('close', done));
      server.kill('SIGINT');
      await ended;
      process.off('exit', removeFolder);
      removeFolder();
    },
  };
}

function started(server: ChildProcess): Promise<void> {
  let said = '';
  return new Promise((done, fail) => {
    server.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      if (said.length < 65_536) said += chunk;
      if (said.includes('database system is ready to accept connections')) done();
    });
    server.once('error', fail);
    server.once('exit', (code) => fail(new Error(`PostgreSQL did not start (${code}):\n${said}`)));
  });
}
