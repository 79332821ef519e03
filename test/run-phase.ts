import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Check {
  name: string;
  /** A program in node_modules/.bin. */
  program: string;
  args: readonly string[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');

/** The programs in .bin are started through `env node`, which has to be the Node that runs this. */
function start(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdio: 'pipe' | 'inherit',
): ChildProcess {
  const PATH = `${dirname(process.execPath)}:${bin}:${env.PATH ?? ''}`;
  return spawn(join(bin, program), args, { cwd: root, env: { ...env, PATH }, stdio: ['ignore', stdio, stdio] });
}

/** Runs one check; its output is shown only when it fails. */
export function runCheck(check: Check, env: NodeJS.ProcessEnv): Promise<boolean> {
  const started = Date.now();
  const output: string[] = [];
  return new Promise((done) => {
    const child = start(check.program, check.args, env, 'pipe');
    const keep = (chunk: unknown) => {
      if (output.length < 4000) output.push(String(chunk));
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    let ended = false;
    const end = (problem: string | null) => {
      if (ended) return;
      ended = true;
      const seconds = ((Date.now() - started) / 1000).toFixed(1);
      process.stdout.write(`  ${problem === null ? '✓' : '✗'} ${check.name} (${seconds} s)\n`);
      if (problem !== null) process.stdout.write(`${output.join('').trimEnd()}\n  ${problem}\n`);
      done(problem === null);
    };
    child.on('error', (error) => end(`${check.program} does not start: ${error.message}`));
    child.on('close', (code, signal) =>
      end(code === 0 ? null : `${check.name} failed (${signal ?? `exit code ${code}`})`),
    );
  });
}

/** Runs vitest with our reporter. Resolves to null, or a sentence when it did not end well. */
export function runVitest(
  tests: { projects: readonly string[]; minutes: number },
  rest: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | null> {
  const projects = tests.projects.flatMap((project) => ['--project', project]);
  return new Promise((done) => {
    const child = start('vitest', ['run', '--passWithNoTests', ...projects, ...rest], env, 'inherit');
    const timer = setTimeout(() => child.kill('SIGKILL'), tests.minutes * 60_000);
    child.on('error', (error) => done(`vitest does not start: ${error.message}`));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') done(`still running after ${tests.minutes} minutes, so it was stopped`);
      else done(code === 0 ? null : `vitest ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

function isOfRun(pid: string, folder: string): boolean {
  for (const link of ['cwd', 'exe']) {
    try {
      if (readlinkSync(`/proc/${pid}/${link}`).startsWith(folder)) return true;
    } catch {
      // Another user's process, or one that is gone.
    }
  }
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`COUNTERSIGN_TEST_RUN=${folder}\0`);
  } catch {
    return false;
  }
}

/**
 * Processes that a phase started and did not end, as `pid name`; they are ended here. They are known by
 * the run's own folder in their environment or as their working directory (PostgreSQL overwrites the former).
 * Linux only; elsewhere nothing is found.
 */
export function leftRunning(folder: string): string[] {
  if (process.platform !== 'linux') return [];
  const left: string[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid || !isOfRun(pid, folder)) continue;
    try {
      left.push(`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim().slice(0, 200)}`);
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself in between.
    }
  }
  return left;
}
