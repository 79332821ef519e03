import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { component } from '../../components.ts';
import { freePort, startPostgres } from '../../support/postgres.ts';
import { listening, pause, run, startDetached, stop } from './processes.ts';

/** The server under all proxies: a role `bench` and a database `bench`, without passwords on this machine's loopback. */
export interface Database {
  port: number;
  version: string;
  stop(): Promise<void>;
}

const CONF = [
  "listen_addresses = '127.0.0.1'",
  'shared_buffers = 512MB',
  'max_connections = 200',
  'autovacuum = off',
  'checkpoint_timeout = 1h',
  'max_wal_size = 8GB',
  'fsync = on',
];
const HBA = ['host bench bench 127.0.0.1/32 trust'];

/** A user that PostgreSQL's programs and pgbouncer run as: they refuse root. */
export function plainUser(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

/** Debian's server where it is there, else the embedded one. */
export async function startDatabase(): Promise<Database> {
  const server = component('postgres');
  return server.missing === false ? startInstalled(server.path) : startEmbedded();
}

async function startEmbedded(): Promise<Database> {
  const postgres = await startPostgres({ conf: CONF.slice(1), hba: HBA });
  await postgres.query('CREATE ROLE bench SUPERUSER LOGIN');
  await postgres.query('CREATE DATABASE bench OWNER bench');
  const [row] = await postgres.query('SHOW server_version');
  return { port: postgres.port, version: row?.server_version ?? '', stop: () => postgres.stop() };
}

async function startInstalled(program: string): Promise<Database> {
  const bin = dirname(program);
  const folder = mkdtempSync(join(tmpdir(), 'cs-bench-pg-'));
  const data = join(folder, 'data');
  const user = plainUser();
  const as = user ?? {};
  mkdirSync(data, { mode: 0o700 });
  if (user) for (const path of [folder, data]) chownSync(path, user.uid, user.gid);
  const init = await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'bench', '-A', 'trust', '--locale=C.UTF-8', '--encoding=UTF8', '--no-sync'],
    { ...as, cwd: folder },
  );
  if (init.status !== 0) throw new Error(`initdb: ${init.stderr}`);
  const port = await freePort();
  writeFileSync(
    join(data, 'postgresql.auto.conf'),
    [...CONF, `port = ${port}`, "unix_socket_directories = ''", ''].join('\n'),
  );
  const child = startDetached(program, ['-D', data], { ...as, cwd: folder });
  const end = async () => {
    await stop(child, 'SIGINT');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await createBench(bin, port);
  } catch (error) {
    await end();
    throw error;
  }
  const version = (await run(program, ['--version'])).stdout.trim().replace(/^postgres \(PostgreSQL\) /, '');
  return { port, version, stop: end };
}

async function createBench(bin: string, port: number): Promise<void> {
  await listening(port, 'PostgreSQL');
  const create = () => run(join(bin, 'createdb'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'bench', 'bench']);
  let made = await create();
  for (let i = 0; i < 100 && made.stderr.includes('starting up'); i += 1) {
    await pause(100);
    made = await create();
  }
  if (made.status !== 0) throw new Error(`createdb: ${made.stderr}`);
}
