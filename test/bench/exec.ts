import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleGateway } from '../../build/bundle.ts';
import { component } from '../components.ts';
import { ALLOW_ALL, startTestService } from '../support/service.ts';

/**
 * What a recorded terminal costs: at its start, and in throughput, against the same program on a bare one and under
 * script(1), which records a terminal too and nothing else. All take turns, so that they meet the same machine; on
 * a busy one their processor time tells more than the clock.
 */

const STARTS = 20;
const RUNS = 4;
const MEBIBYTES = 32;

/** Runs a program on pipes or on a terminal, reads all of it, and says bytes, seconds and seconds of the processor. */
const PLAYER = `
import json, os, pty, resource, sys, time
terminal, argv = sys.argv[1] == 'terminal', sys.argv[2:]
began = time.perf_counter()
if terminal:
    pid, fd = pty.fork()
else:
    fd, theirs = os.pipe()
    pid = os.fork()
if pid == 0:
    if not terminal:
        os.dup2(os.open('/dev/null', os.O_RDONLY), 0)
        os.dup2(theirs, 1)
    os.execvp(argv[0], argv)
if not terminal:
    os.close(theirs)
length = 0
while True:
    try:
        read = os.read(fd, 65536)
    except OSError:
        break
    if not read:
        break
    length += len(read)
_, status, used = os.wait4(pid, 0)
print(json.dumps([length, time.perf_counter() - began, used.ru_utime + used.ru_stime, os.waitstatus_to_exitcode(status)]))
`;

const python = component('psycopg');
const gateway = await startTestService({ connections: [], policy: ALLOW_ALL });
const work = mkdtempSync(join(tmpdir(), 'bench-exec-'));
const artifacts = fileURLToPath(new URL('../.artifacts/', import.meta.url));
mkdirSync(artifacts, { recursive: true });
/** As it is installed: below the checkout, whose packages it takes. */
const installed = mkdtempSync(join(artifacts, 'installed-'));

interface Run {
  bytes: number;
  seconds: number;
  /** Of the program, and of what it started. */
  cpu: number;
  /** Of the gateway meanwhile, with its threads. */
  gatewayCpu: number;
}

const cpuOf = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;

function play(where: 'pipes' | 'terminal', argv: readonly string[]): Promise<Run> {
  const before = process.cpuUsage();
  const env = { ...process.env, COUNTERSIGN_SOCKET: gateway.service.control.socketPath };
  const child = spawn(python.path, ['-c', PLAYER, where, ...argv], {
    env,
    cwd: work,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.on('close', () => {
      const [bytes = 0, seconds = 0, cpu = 0, code] = JSON.parse(said || '[]') as number[];
      if (code !== 0) return reject(new Error(`${argv.join(' ')} ended with ${code}`));
      resolve({ bytes, seconds, cpu, gatewayCpu: cpuOf(process.cpuUsage(before)) });
    });
  });
}

/** Each of them once, then each of them again, and so on. */
async function inTurns<Name extends string>(
  times: number,
  where: 'pipes' | 'terminal',
  what: Record<Name, readonly string[]>,
): Promise<Record<Name, Run[]>> {
  const names = Object.keys(what) as Name[];
  const runs = Object.fromEntries(names.map((name) => [name, [] as Run[]])) as Record<Name, Run[]>;
  for (let i = 0; i < times; i++) for (const name of names) runs[name].push(await play(where, what[name]));
  return runs;
}

const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const ms = (seconds: number) => `${(seconds * 1000).toFixed(1)} ms`;

function tell(name: string, runs: readonly Run[], over: readonly Run[]): void {
  const of = (key: 'seconds' | 'cpu', pick: (values: number[]) => number, from = runs) =>
    pick(from.map((run) => run[key]));
  const least = (values: number[]) => Math.min(...values);
  const added = (key: 'seconds' | 'cpu', pick: (values: number[]) => number) =>
    ms(of(key, pick) - of(key, pick, [...over]));
  console.log(
    `  ${name.padEnd(22)} ${ms(of('seconds', middle))} (+${added('seconds', middle)}), fastest ${ms(of('seconds', least))} (+${added('seconds', least)}), processor ${ms(of('cpu', middle))} (+${added('cpu', middle)})`,
  );
}

try {
  await bundleGateway(installed);
  const fast = (argv: readonly string[]) => [
    process.execPath,
    join(installed, 'gateway/bin/countersign.mjs'),
    'exec',
    '--',
    ...argv,
  ];
  mkdirSync(join(work, '.git'));
  const line = `${'0123456789abcdef'.repeat(4)}\n`;
  writeFileSync(join(work, 'text'), line.repeat(Math.ceil((MEBIBYTES * 1024 * 1024) / line.length)));
  // What was compiled is kept from here on.
  await play('pipes', fast(['true']));

  for (const where of ['pipes', 'terminal'] as const) {
    const starts = await inTurns(STARTS, where, {
      node: [process.execPath, '-e', '0'],
      true: ['true'],
      script: ['script', '-qec', 'true', '/dev/null'],
      exec: fast(['true']),
    });
    console.log(`start on ${where}, median of ${STARTS} (against an empty Node):`);
    tell('an empty Node', starts.node, starts.node);
    tell('true', starts.true, starts.node);
    tell('script -c true', starts.script, starts.node);
    tell('exec -- true', starts.exec, starts.node);
  }

  const through = await inTurns(RUNS, 'terminal', {
    bare: ['cat', 'text'],
    script: ['script', '-qec', 'cat text', join(work, 'typescript')],
    exec: fast(['cat', 'text']),
  });
  console.log(`throughput of cat on a terminal, ${MEBIBYTES} MiB, median of ${RUNS} (fastest):`);
  const rate = (runs: readonly Run[], pick: (values: number[]) => number) =>
    pick(runs.map(({ bytes, seconds }) => bytes / 1e6 / seconds));
  const most = (values: number[]) => Math.max(...values);
  for (const [name, runs] of Object.entries(through)) {
    const kept = (pick: (values: number[]) => number) =>
      `${((rate(runs, pick) / rate(through.bare, pick)) * 100).toFixed(0)} %`;
    console.log(
      `  ${name.padEnd(8)} ${rate(runs, middle).toFixed(1)} (${rate(runs, most).toFixed(1)}) MB/s, keeps ${kept(middle)} (${kept(most)}); processor ${ms(middle(runs.map(({ cpu }) => cpu)))}, of the gateway ${ms(middle(runs.map(({ gatewayCpu }) => gatewayCpu)))}`,
    );
  }
} finally {
  await gateway.stop();
  rmSync(work, { recursive: true, force: true });
  rmSync(installed, { recursive: true, force: true });
}
