import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { component } from '../../components.ts';
import { freePort } from '../../support/postgres.ts';
import { plainUser } from './database.ts';
import { listening, run, startDetached, stop } from './processes.ts';

/** Something that stands between the load generator and the server. */
export interface Peer {
  pid: number | null;
  version: string;
  port: number;
  stop(): Promise<void>;
}

/** pgbouncer with a server connection per client (session pooling), one thread as always. */
export async function startPgbouncer(databasePort: number): Promise<Peer | string> {
  const { path, missing } = component('pgbouncer');
  if (missing !== false) return missing;
  const port = await freePort();
  return startPeer(
    path,
    port,
    'pgbouncer.ini',
    (file) => [file],
    ['--version'],
    [
      '[databases]',
      `bench = host=127.0.0.1 port=${databasePort} dbname=bench user=bench`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = session',
      'default_pool_size = 100',
      'max_client_conn = 400',
      'server_reset_query =',
      'log_connections = 0',
      'log_disconnections = 0',
      'ignore_startup_parameters = extra_float_digits',
    ],
  );
}

/** haproxy forwarding TCP on one thread. */
export async function startHaproxy(databasePort: number): Promise<Peer | string> {
  const { path, missing } = component('haproxy');
  if (missing !== false) return missing;
  const port = await freePort();
  return startPeer(
    path,
    port,
    'haproxy.cfg',
    (file) => ['-db', '-f', file],
    ['-v'],
    [
      'global',
      '  nbthread 1',
      '  maxconn 400',
      'defaults',
      '  mode tcp',
      '  timeout connect 5s',
      '  timeout client 10m',
      '  timeout server 10m',
      'listen postgres',
      `  bind 127.0.0.1:${port}`,
      `  server database 127.0.0.1:${databasePort}`,
    ],
  );
}

/** Plain forwarding on Node: the floor for anything written on it. */
export async function startForwarder(databasePort: number): Promise<Peer> {
  const port = await freePort();
  const file = fileURLToPath(new URL('../forward.ts', import.meta.url));
  const child = startDetached(process.execPath, [file, String(port), String(databasePort)]);
  await listening(port, 'the forwarder');
  return { pid: child.pid ?? null, version: process.version, port, stop: () => stop(child) };
}

async function startPeer(
  program: string,
  port: number,
  name: string,
  args: (file: string) => string[],
  versionArgs: string[],
  config: readonly string[],
): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-bench-peer-'));
  const file = join(folder, name);
  writeFileSync(file, `${config.join('\n')}\n`);
  chmodSync(folder, 0o755);
  const child = startDetached(program, args(file), { ...(plainUser() ?? {}), cwd: folder });
  await listening(port, name);
  const version = (await run(program, versionArgs)).stdout.split('\n')[0]!.trim();
  return {
    pid: child.pid ?? null,
    version,
    port,
    async stop() {
      await stop(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
