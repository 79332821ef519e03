import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { demoDataFolder } from '../../gateway/demo/embedded-postgres.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The program `countersign` as a person starts it: `argv` for spawn. */
export const COUNTERSIGN: readonly string[] = [process.execPath, join(root, 'gateway', 'index.ts')];

export interface CommandRun {
  code: number | null;
  out: string;
  err: string;
}

export interface RunningGateway {
  home: string;
  env: NodeJS.ProcessEnv;
  process: ChildProcess;
  consoleUrl: string;
  loginCode: string;
  /** Everything it said so far. */
  said(): string;
  /** Runs a command of `countersign` against it, without a terminal. */
  run(args: readonly string[], input?: string): Promise<CommandRun>;
  /** ^C. @returns the exit code. */
  stop(): Promise<number | null>;
  /** Stops it if it still runs and removes its home and its demo database. */
  remove(): Promise<void>;
}

/** A home of its own: `npm start` on a fresh machine. */
export function freshHome(): string {
  return mkdtempSync(join(tmpdir(), 'home-'));
}

export function removeHome(home: string): void {
  rmSync(home, { recursive: true, force: true });
  rmSync(demoDataFolder(home), { recursive: true, force: true });
}

export function runCountersign(
  home: string,
  args: readonly string[],
  input = '',
  env: NodeJS.ProcessEnv = process.env,
  /** As whom; default: who runs the tests. */
  user: { uid: number; gid: number } | null = null,
): Promise<CommandRun> {
  const [program, ...rest] = [...COUNTERSIGN, ...args];
  return new Promise((done, fail) => {
    // A session of its own, so that there is no controlling terminal to ask a person on.
    const child = spawn(program as string, rest, {
      env: { ...env, COUNTERSIGN_HOME: home },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...user,
    });
    const run: CommandRun = { code: null, out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      run.out += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      run.err += chunk;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', fail);
    child.on('close', (code) => done({ ...run, code }));
  });
}

/** Starts a gateway on free ports and waits until it says that it runs. */
export async function startGateway(args: readonly string[] = [], home = freshHome()): Promise<RunningGateway> {
  const [program, ...rest] = [
    ...COUNTERSIGN,
    'start',
    '--port',
    '0',
    '--console-port',
    '0',
    '--no-open',
    '--no-notifications',
    ...args,
  ];
  const env = { ...process.env, COUNTERSIGN_HOME: home };
  const child = spawn(program as string, rest, { env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const ended = new Promise<number | null>((done) => child.once('close', done));
  await new Promise<void>((done, fail) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString('utf8');
      if (said.includes('^C stops it')) done();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`the gateway ended with ${code}:\n${said}`)));
  });
  const stop = () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
    return ended;
  };
  return {
    home,
    env,
    process: child,
    consoleUrl: /Console +(\S+)/.exec(said)?.[1] ?? '',
    loginCode: /One-time code +(\S+)/.exec(said)?.[1] ?? '',
    said: () => said,
    run: (commandArgs, input) => runCountersign(home, commandArgs, input),
    stop,
    remove: async () => {
      await stop();
      removeHome(home);
    },
  };
}
