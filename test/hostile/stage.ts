import type { ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { PAGE_KEY_HEADER } from '../../gateway/contract/api.ts';
import { type ControlClient, createControlClient } from '../../gateway/control/client.ts';
import { freePort, type TestPostgres } from '../support/postgres.ts';
import type { Developer, ProtectedGateway } from '../support/protected.ts';
import type { AttackId } from './attacks.ts';
import type { Attempt, Target } from './tools.ts';

export const PIN = '739281';
export const CONNECTION = 'main';

/** A gateway that is attacked, and the person who works with it. */
export interface Stage {
  mode: 'protected' | 'unprotected';
  home: string;
  target(more?: Partial<Target>): Target;
  control: ControlClient;
  /** Lets the hostile process try one thing, and is the person that it may ask for a decision. */
  attempt(id: AttackId, more?: Partial<Target>): Promise<Attempt>;
  /** A fresh console session of the person: the headers that its calls carry. */
  session(): Promise<Record<string, string>>;
  /** A one-time code, as the person gets one. */
  code(): Promise<string>;
  /** Starts the gateway anew; it is killed before if it still runs. */
  restart(): Promise<void>;
  remove(): Promise<void>;
}

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** A folder of the developer's own, with everything below it. */
function give(developer: Developer, path: string): void {
  const all = [path, ...readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))];
  for (const one of all) lchownSync(one, developer.uid, developer.uid);
}

/** The attacker's program, where the developer's user can read it. */
export function installAttacker(developer: Developer): string {
  const folder = join(developer.home, 'hostile');
  cpSync(HERE, folder, { recursive: true });
  give(developer, folder);
  return join(folder, 'attacker.ts');
}

export async function setUp(postgres: TestPostgres): Promise<void> {
  await postgres.query(
    `CREATE TABLE customers (id int PRIMARY KEY, name text);
     INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 20) n`,
  );
}

interface Running {
  socket: string;
  consolePort: number;
  postgresPort: number;
  pid: number;
  firstCode: string | null;
}

/** `npm start` of the developer: the gateway from a checkout of theirs, under their own user. */
async function startUnprotected(developer: Developer, node: string, checkout: string, home: string, ports: number[]) {
  const program = join(checkout, 'gateway', 'index.ts');
  const flags = ['--port', String(ports[0]), '--console-port', String(ports[1]), '--no-demo', '--no-open'];
  const child: ChildProcess = developer.start([node, program, '--home', home, 'start', ...flags]);
  let said = '';
  await new Promise<void>((done, fail) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString('utf8');
      if (said.includes('^C stops it')) done();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (code) => fail(new Error(`the gateway ended with ${code}:\n${said}`)));
  });
  return {
    socket: join(home, 'control.sock'),
    consolePort: ports[1] as number,
    postgresPort: ports[0] as number,
    pid: child.pid as number,
    firstCode: /One-time code +(\S+)/.exec(said)?.[1] ?? null,
    child,
  };
}

async function tell(url: string, path: string, body: object): Promise<Response> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer;
}

export async function openStage(
  mode: Stage['mode'],
  developer: Developer,
  gateway: ProtectedGateway,
  postgres: TestPostgres,
  attacker: string,
): Promise<Stage> {
  const isolated = mode === 'protected';
  const { prefix } = gateway.layout;
  const home = isolated ? gateway.layout.home : join(developer.home, 'gateway-home');
  const checkout = join(developer.home, 'checkout');
  const ports = [await freePort(), await freePort()];
  if (!isolated) {
    mkdirSync(checkout);
    for (const part of ['gateway', 'renderer', 'package.json']) {
      cpSync(join(prefix, part), join(checkout, part), { recursive: true });
    }
    symlinkSync(join(prefix, 'node_modules'), join(checkout, 'node_modules'));
    give(developer, checkout);
  }

  let child: ChildProcess | null = null;
  const start = async (): Promise<Running> => {
    if (!isolated) {
      const started = await startUnprotected(developer, gateway.node, checkout, home, ports);
      child = started.child;
      return started;
    }
    const { socket } = gateway.layout;
    const { port, consolePort } = gateway;
    return { socket, consolePort, postgresPort: port, pid: gateway.pid(), firstCode: null };
  };
  let running = await start();
  const control = createControlClient({ socketPath: running.socket });
  const url = () => `http://127.0.0.1:${running.consolePort}`;

  const code = async () => {
    const socketPath = gateway.layout.rootSocket;
    if (isolated) return (await createControlClient({ socketPath }).call('newLoginCode', {})).code;
    return (await control.call('newLoginCode', { pin: PIN })).code;
  };
  await control.call('setPin', { pin: PIN, code: running.firstCode ?? (await code()) });
  const database = { host: postgres.host, port: postgres.port, user: postgres.user, database: 'postgres' };
  const connection = { id: CONNECTION, kind: 'postgres' as const, ...database, tls: { mode: 'disable' as const } };
  await control.call('putConnection', { id: CONNECTION, connection, secret: postgres.password, pin: PIN });
  const { token, agentSessionId } = await control.call('mintToken', { id: CONNECTION, purpose: 'hostile test' });

  // A session that is recorded and closed, for attempts on recordings.
  const client = new pg.Client({ ...database, port: running.postgresPort, user: CONNECTION, password: token });
  await client.connect();
  await client.query('SELECT count(*) FROM customers');
  await client.end();
  let sessionId = '';
  for (let attempt = 0; attempt < 200 && sessionId === ''; attempt += 1) {
    const { items } = await control.call('sessions', { state: 'closed' });
    sessionId = items[0]?.id ?? '';
    await new Promise((done) => setTimeout(done, 50));
  }

  const inHome = (name: string) => readFileSync(join(home, name), 'utf8');
  const needles: Record<string, string> = {
    password: postgres.password,
    'vault key': inHome('vault/vault.key').trim(),
    'masking key': inHome('masking.key').trim(),
    'PIN hash': (JSON.parse(inHome('pin.json')) as { hash: string }).hash,
    'token hash': (JSON.parse(inHome('tokens.json')) as { tokens: { id: string; hash: string }[] }).tokens.find(
      ({ id }) => id === agentSessionId,
    )?.hash as string,
  };

  const target = (more: Partial<Target> = {}): Target => ({
    prefix,
    program: join(isolated ? prefix : checkout, 'gateway', 'index.ts'),
    home,
    socket: running.socket,
    consolePort: running.consolePort,
    postgresPort: running.postgresPort,
    pid: running.pid,
    connectionId: CONNECTION,
    token,
    database,
    sessionId,
    dictionary: ['246801', '112358', PIN],
    needles,
    session: {},
    folders: [developer.home, home, `/run/${gateway.layout.name}`, prefix, '/etc', '/var/log', '/var/tmp', '/dev/shm'],
    chromium: '',
    chromiumProfile: '',
    debuggingPort: 0,
    ...more,
  });

  async function decide(decision: 'approve' | 'deny', id: string, digest: string): Promise<void> {
    await control.call('decide', { id, digest, decision, ...(decision === 'approve' ? { pin: PIN } : {}) });
  }

  function attempt(id: AttackId, more?: Partial<Target>): Promise<Attempt> {
    const hostile = developer.start([gateway.node, attacker, id]);
    let errors = '';
    hostile.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString('utf8');
    });
    hostile.stdin?.on('error', () => {});
    hostile.stdin?.write(`${JSON.stringify(target(more))}\n`);
    return new Promise((done, fail) => {
      let last: Attempt | null = null;
      createInterface({ input: hostile.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        const said = JSON.parse(line) as Attempt & { person?: 'approve' | 'deny' | 'look'; id: string; digest: string };
        if (said.person === undefined) last = said;
        else if (said.person === 'look') {
          control.call('status', {}).then(
            () => hostile.stdin?.write('the gateway\n'),
            (error: { code?: string }) =>
              hostile.stdin?.write(error.code === 'CONTROL_BAD_ANSWER' ? 'mine\n' : `${error.code}\n`),
          );
        } else decide(said.person, said.id, said.digest).then(() => hostile.stdin?.write('done\n'), fail);
      });
      hostile.on('close', () => (last ? done(last) : fail(new Error(`${id} said nothing: ${errors}`))));
    });
  }

  async function stop(): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child?.once('exit', done));
    process.kill(running.pid, 'SIGKILL');
    await ended;
  }

  return {
    mode,
    home,
    target,
    control,
    attempt,
    code,
    async session() {
      const answer = await tell(url(), '/api/login', { code: await code() });
      const cookie = (answer.headers.getSetCookie()[0] ?? '').split(';')[0] as string;
      const { key } = (await answer.json()) as { key: string };
      return { cookie, [PAGE_KEY_HEADER]: key };
    },
    async restart() {
      await stop();
      running = await start();
    },
    remove: stop,
  };
}

/** Undoes what an attempt left in a file, as the person would with a backup. */
export function keeping(path: string): () => void {
  const before = existsSync(path) ? readFileSync(path) : null;
  return () => (before === null ? rmSync(path, { force: true }) : writeFileSync(path, before));
}
