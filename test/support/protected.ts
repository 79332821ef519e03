import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ProtectedLayout, protectedLayout } from '../../gateway/protect/layout.ts';
import { COUNTERSIGN, type CommandRun } from './gateway.ts';
import { freePort } from './postgres.ts';

/** Why protected mode cannot be tested here, or false. */
export function protectedMissing(): string | false {
  if (process.platform !== 'linux') return 'protected mode is there on Linux only';
  if (process.getuid?.() !== 0) return 'protected mode is set up by root, and this is not';
  for (const tool of ['useradd', 'userdel', 'groupadd', 'usermod', 'setpriv', 'getent', 'install']) {
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `${tool} is not on this machine`;
  }
  return false;
}

const tag = () => randomBytes(4).toString('hex');

export interface Developer {
  name: string;
  uid: number;
  home: string;
  /** The arguments that run a program as this user, with the groups that it has by now and a clean environment. */
  as(argv: readonly string[]): [string, string[]];
  run(argv: readonly string[], input?: string): Promise<CommandRun>;
  start(argv: readonly string[]): ChildProcess;
  /** Ends what still runs as this user. */
  endAll(): void;
  remove(): void;
}

/** An ordinary user that lives for one test file. Removed when the process ends, whatever happens. */
export function makeDeveloper(): Developer {
  const name = `cs-dev-${tag()}`;
  execFileSync('useradd', ['--create-home', '--shell', '/bin/bash', name], { stdio: 'pipe' });
  const [, , uid, , , home = ''] = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).trim().split(':');
  const as = (argv: readonly string[]): [string, string[]] => [
    'setpriv',
    ['--reuid', name, '--regid', name, '--init-groups', '--reset-env', ...argv],
  ];
  const endAll = () => {
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        if (statSync(`/proc/${pid}`).uid === Number(uid)) process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended by itself in between.
      }
    }
  };
  const remove = () => {
    process.off('exit', remove);
    endAll();
    for (let attempt = 0; attempt < 20; attempt += 1) {
      if (spawnSync('userdel', ['--remove', name]).status !== 8) break;
      endAll();
      spawnSync('sleep', ['0.1']);
    }
  };
  process.once('exit', remove);
  const start = (argv: readonly string[]) => {
    const [program, args] = as(argv);
    return spawn(program, args, { cwd: home, stdio: ['pipe', 'pipe', 'pipe'] });
  };
  return {
    name,
    uid: Number(uid),
    home,
    as,
    start,
    run: (argv, input = '') =>
      new Promise((done, fail) => {
        const child = start(argv);
        const run: CommandRun = { code: null, out: '', err: '' };
        child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
          run.out += chunk;
        });
        child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
          run.err += chunk;
        });
        child.stdin?.on('error', () => {});
        child.stdin?.end(input);
        child.on('error', fail);
        child.on('close', (code) => done({ ...run, code }));
      }),
    endAll,
    remove,
  };
}

export interface ProtectedGateway {
  layout: ProtectedLayout;
  port: number;
  consolePort: number;
  url: string;
  said: string;
  node: string;
  pid(): number;
  /** `countersign protect` for this gateway, with more options. */
  protect(...more: readonly string[]): CommandRun;
  remove(): void;
}

/** `countersign protect` under a name of its own; taken away when the process ends, whatever happens. */
export async function protectGateway(developer: Developer): Promise<ProtectedGateway> {
  const layout = protectedLayout(`cs-gw-${tag()}`);
  const port = await freePort();
  const consolePort = await freePort();
  const protect = (...more: readonly string[]): CommandRun => {
    // The copy, once it is there: what it copies does not change while somebody edits the checkout.
    const own = existsSync(layout.launcher) ? [layout.launcher] : COUNTERSIGN;
    const [program, ...args] = [...own, 'protect', '--name', layout.name, ...more];
    const { status, stdout, stderr } = spawnSync(program as string, args, { encoding: 'utf8', timeout: 120_000 });
    return { code: status, out: stdout, err: stderr };
  };
  const remove = () => {
    process.off('exit', remove);
    const undone = protect('--undo', '--purge');
    if (undone.code !== 0) process.stderr.write(`protected mode was not taken away: ${undone.err}\n`);
  };
  process.once('exit', remove);
  const usual = ['--user', developer.name, '--port', String(port), '--console-port', String(consolePort)];
  const first = protect(...usual);
  if (first.code !== 0) throw new Error(`countersign protect failed:\n${first.out}${first.err}`);
  return {
    layout,
    port,
    consolePort,
    url: `http://127.0.0.1:${consolePort}/`,
    said: first.out,
    node: join(layout.prefix, 'bin', 'node'),
    pid: () => Number.parseInt(readFileSync(layout.pidFile, 'utf8'), 10),
    protect: (...more) => protect(...usual, ...more),
    remove,
  };
}
