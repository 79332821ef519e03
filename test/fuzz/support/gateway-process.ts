import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sessionFolders } from '../../../gateway/recording/reader.ts';
import { verifySession } from '../../../gateway/recording/verify.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import type { GatewayOrder, GatewayReady, Held } from '../gateway.ts';
import type { Target } from './wire-client.ts';

export interface GatewayProcess {
  pid: number;
  /** Ended, by whomever. */
  readonly exited: boolean;
  target(connection: string): Target;
  /** Open file descriptors. */
  handles(): number;
  /** Resident memory in MiB. */
  memory(): number;
  /** One at a time. */
  measure(): Promise<Held>;
  /** Seals everything; resolves with the exit code. */
  end(): Promise<number | null>;
  /** As a power cut would, but for the disk. */
  kill(): Promise<void>;
}

export async function startGatewayProcess(order: GatewayOrder): Promise<GatewayProcess> {
  const file = fileURLToPath(new URL('../gateway.ts', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const ready = await new Promise<GatewayReady>((resolve, reject) => {
    child.once('message', (message) => resolve(message as GatewayReady));
    child.once('exit', (code) => reject(new Error(`the gateway ended (${code})`)));
    child.send(order);
  });
  const ended = exit.then((code) => Promise.reject<never>(new Error(`the gateway ended (${code})`)));
  ended.catch(() => {});
  const pid = child.pid!;
  return {
    pid,
    get exited() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    target(connection) {
      const env = ready[connection]!;
      return {
        host: env.PGHOST!,
        port: Number(env.PGPORT),
        user: env.PGUSER!,
        database: env.PGDATABASE!,
        password: env.PGPASSWORD!,
      };
    },
    handles: () => readdirSync(`/proc/${pid}/fd`).length,
    memory: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
    measure() {
      child.send('measure');
      const answer = new Promise<Held>((resolve) => child.once('message', (message) => resolve(message as Held)));
      return Promise.race([answer, ended]);
    },
    end() {
      if (child.connected) child.send('end');
      return exit;
    },
    async kill() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** Sessions of clients at a server, as it counts them itself. */
export async function backends(postgres: TestPostgres): Promise<number> {
  const [row] = await postgres.query(
    "SELECT count(*) AS n FROM pg_stat_activity WHERE backend_type = 'client backend'",
  );
  return Number(row?.n);
}

/** Verifies every session of a home. @returns sentences of what does not hold, and how many there are. */
export async function verifyAll(home: string): Promise<{ sessions: string[]; broken: string[] }> {
  const sessions: string[] = [];
  const broken: string[] = [];
  for await (const folder of sessionFolders(join(home, 'recordings'))) {
    sessions.push(folder);
    const { ok, checks } = await verifySession(folder);
    if (!ok)
      broken.push(
        checks
          .filter((c) => c.status === 'failed')
          .map((c) => c.sentence)
          .join('; '),
      );
  }
  return { sessions, broken };
}

/** Waits until it is so. Bounded by the test's own time. */
export async function eventually(so: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await so())) await new Promise((resolve) => setTimeout(resolve, 50));
}
