import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { serverPrograms, serverUser } from '../../gateway/demo/server-programs.ts';

export interface PostgresOptions {
  /** Lines for postgresql.conf, such as "ssl = on". */
  conf?: readonly string[];
  /** Lines for pg_hba.conf, before the ones that let the superuser in by the unix socket. */
  hba?: readonly string[];
  /** Files in the data folder (mode 0600, the server's own), such as server.crt and server.key. */
  files?: Readonly<Record<string, string>>;
}

/** A real PostgreSQL 18 that lives for one test file, with its data under the system's temporary folder. */
export interface TestPostgres {
  host: '127.0.0.1';
  port: number;
  /** The superuser, for whom scram-sha-256 is asked over TCP unless `hba` says otherwise. */
  user: 'postgres';
  password: string;
  /** Folder of the unix socket, where the superuser needs no password. */
  socketDir: string;
  dataDir: string;
  /** Runs SQL as the superuser by the unix socket; rows of the last statement, all values as text. */
  query(sql: string, database?: string): Promise<Record<string, string | null>[]>;
  /** What the server logged so far (the last 64 KiB). */
  log(): string;
  /** Stops at once and removes the data. */
  stop(): Promise<void>;
}

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Resolves at the server's own word; rejects when it ends before. Its log goes on to `onLog`. */
function accepting(server: ChildProcess, onLog: (text: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    server.stderr?.on('data', (text: Buffer) => {
      onLog(text);
      if (said.length < 65_536) said += text.toString('utf8');
      if (said.includes('ready to accept connections')) resolve();
    });
    server.once('error', reject);
    server.once('close', () => reject(new Error('the server ended')));
  });
}

/** Fast shutdown, sessions or not. */
function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.once('exit', () => resolve());
  server.kill('SIGINT');
  return promise;
}

export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'cs-pg-'));
  // The server runs as another user where the tests run as root, and has to reach its data.
  await chmod(folder, 0o755);
  const dataDir = join(folder, 'data');
  const socketDir = join(folder, 'socket');
  const port = await freePort();
  const password = 'correct horse "battery" \\ staple';
  let log = '';
  const onLog = (text: Buffer) => {
    log = (log + text.toString('utf8')).slice(-65_536);
  };
  const user = serverUser();
  const own = async (path: string) => {
    if (user.uid !== undefined && user.gid !== undefined) await chown(path, user.uid, user.gid);
  };
  let server: ChildProcess | null = null;
  // A test that fails before stop() leaves no server and no data behind either.
  const removeFolder = () => {
    server?.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', removeFolder);
  try {
    await own(folder);
    // A checkout below /root is out of the server's reach; then its programs are copied here.
    const programs = serverPrograms(folder, user);
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    await own(passwordFile);
    const initdb = [
      `--pgdata=${dataDir}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--locale=C.UTF-8',
      '--encoding=UTF8',
      '--no-sync',
    ];
    await promisify(execFile)(programs.initdb, initdb, { ...user, cwd: folder });
    await mkdir(socketDir);
    await own(socketDir);
    await chmod(socketDir, 0o755);
    const hba = [
      ...(options.hba ?? []),
      'local all postgres trust',
      'local all all scram-sha-256',
      'host all all 127.0.0.1/32 scram-sha-256',
      'host all all ::1/128 scram-sha-256',
    ];
    await writeFile(join(dataDir, 'pg_hba.conf'), `${hba.join('\n')}\n`);
    for (const [name, content] of Object.entries(options.files ?? {})) {
      await writeFile(join(dataDir, name), content, { mode: 0o600 });
      await own(join(dataDir, name));
    }
    const conf = [
      "listen_addresses = '127.0.0.1'",
      `unix_socket_directories = '${socketDir}'`,
      'fsync = off',
      'shared_buffers = 16MB',
      'max_connections = 60',
      ...(options.conf ?? []),
    ];
    await appendFile(join(dataDir, 'postgresql.conf'), `\n${conf.join('\n')}\n`);
    server = spawn(programs.postgres, ['-D', dataDir, '-p', String(port)], {
      ...user,
      cwd: dataDir,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await accepting(server, onLog);
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start:\n${log}`, { cause });
  }
  return {
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password,
    socketDir,
    dataDir,
    log: () => log,
    async query(sql, database = 'postgres') {
      const types = { getTypeParser: () => (value: unknown) => value as string };
      const client = new pg.Client({ host: socketDir, port, user: 'postgres', database, types });
      await client.connect();
      try {
        const result = await client.query(sql);
        const last = Array.isArray(result) ? result.at(-1) : result;
        return (last?.rows ?? []) as Record<string, string | null>[];
      } finally {
        await client.end();
      }
    },
    async stop() {
      if (server) await ended(server);
      process.off('exit', removeFolder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
