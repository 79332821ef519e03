import { type ChildProcess, spawn } from 'node:child_process';
import type { ConnectionInput } from '../../gateway/contract/connection.ts';
import type { Approval } from '../../gateway/contract/decision.ts';
import type { TestServer } from './debian-postgres.ts';
import { startTestService, type TestService } from './service.ts';

/** One server as a client reaches it directly, and through a gateway. */
export interface SideBySide extends TestService {
  /** Environments of libpq clients. */
  direct: NodeJS.ProcessEnv;
  gateway: NodeJS.ProcessEnv;
}

/**
 * Starts a gateway before a server. The connection is called as the server's role is, so that clients
 * that show their own user's name show the same.
 */
export async function startSideBySide(
  server: TestServer,
  options: {
    policy?: string;
    connection?: Partial<ConnectionInput>;
    expireAfterSeconds?: number;
    keepAliveMs?: number;
  } = {},
): Promise<SideBySide> {
  const { connection, ...rest } = options;
  const service = await startTestService({
    ...rest,
    connections: [
      {
        id: server.user,
        kind: 'postgres',
        host: server.host,
        port: server.port,
        user: server.user,
        database: 'postgres',
        databases: ['*'],
        tls: { mode: 'disable' },
        environment: 'development',
        secret: server.password,
        ...connection,
      },
    ],
  });
  const { env } = await service.connect();
  return { ...service, gateway: clientEnv(env), direct: clientEnv({ ...process.env, ...directEnv(server) }) };
}

/** What libpq reads to reach a server without a gateway. */
export function directEnv(server: TestServer): Record<string, string> {
  return {
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSWORD: server.password,
    PGDATABASE: 'postgres',
  };
}

function clientEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...env, LC_ALL: 'C.UTF-8', TZ: 'UTC', PGTZ: 'UTC', PAGER: '', PSQLRC: '/dev/null' };
}

export interface ClientRun {
  code: number | null;
  /** Standard output and error in the order in which they came. */
  out: string;
}

export interface RunningClient {
  process: ChildProcess;
  said(): string;
  ended: Promise<ClientRun>;
}

/** Starts a client; both of its outputs go to one pipe, as in `2>&1`. */
export function startClient(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input: string | null = '',
): RunningClient {
  const child = spawn('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stdin.on('error', () => {});
  if (input !== null) child.stdin.end(input);
  const ended = new Promise<ClientRun>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, out }));
  });
  return { process: child, said: () => out, ended };
}

export function runClient(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input = '',
): Promise<ClientRun> {
  return startClient(program, args, env, input).ended;
}

/** Asks again until `probe` gives something. Throws after `seconds`. */
export async function eventually<T>(what: string, probe: () => Promise<T | null> | T | null, seconds = 20): Promise<T> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (Date.now() > until) throw new Error(`${what} did not happen within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The next request that waits for a person. */
export function nextHeld(control: TestService['control'], not: readonly string[] = []): Promise<Approval> {
  return eventually('a request for approval', async () => {
    const { items } = await control.call('approvals', { state: 'waiting' });
    return items.find(({ id }) => !not.includes(id)) ?? null;
  });
}

export const TEST_PIN = '493817';

/** Sets the gateway's first PIN as a person does with the one-time code in hand. */
export async function setTestPin({ control, service }: Pick<TestService, 'control' | 'service'>): Promise<void> {
  await control.call('setPin', { pin: TEST_PIN, code: service.loginCode });
}
