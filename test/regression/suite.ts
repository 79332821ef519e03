import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { asServer, SERVER_USER } from '../support/debian-postgres.ts';
import type { RegressionSources } from './sources.ts';

export interface SuiteRun {
  passed: string[];
  failed: string[];
  /** Differences of the failed tests from what PostgreSQL's authors expect. */
  diffs: string;
  /** Everything the runner said. */
  said: string;
  seconds: number;
  /** A test's output as it came. */
  result(test: string): string;
}

export interface SuiteOptions {
  /** Path of pg_regress or pg_isolation_regress. */
  runner: string;
  inputs: string;
  dlpath: string;
  /** Environment of a libpq client: where the server, or the gateway, is. */
  env: NodeJS.ProcessEnv;
  /** Lines of a schedule file. */
  schedule: string;
  /** After which it is stopped; default 10. */
  minutes?: number;
}

/** The schedule that PostgreSQL's own `make installcheck-parallel` runs. */
export function fullSchedule(sources: RegressionSources, kind: 'regress' | 'isolation'): string {
  const name = kind === 'regress' ? 'parallel_schedule' : 'isolation_schedule';
  return readFileSync(join(sources[kind], name), 'utf8');
}

/** Runs a suite of PostgreSQL against a server. What it creates (a database, roles, tablespaces) stays there. */
export function runSuite(options: SuiteOptions): Promise<SuiteRun> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-suite-'));
  chmodSync(folder, 0o755);
  const schedule = join(folder, 'schedule');
  writeFileSync(schedule, options.schedule);
  const output = join(folder, 'output');
  mkdirSync(output);
  // The suite's programs run as the server's user, and the server itself writes there.
  if (SERVER_USER !== null) execFileSync('chown', [SERVER_USER, output]);
  const { env } = options;
  const [program, args] = asServer(options.runner, [
    `--inputdir=${options.inputs}`,
    `--outputdir=${output}`,
    `--dlpath=${options.dlpath}`,
    `--bindir=${join(dirname(options.runner), '../../../../../bin')}`,
    `--schedule=${schedule}`,
    `--host=${env.PGHOST}`,
    `--port=${env.PGPORT}`,
    `--user=${env.PGUSER}`,
    '--max-concurrent-tests=20',
  ]);
  const started = Date.now();
  let said = '';
  return new Promise((done, fail) => {
    const child = spawn(program, args, { cwd: output, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const timer = setTimeout(
      () => {
        said += '\n(stopped: it took too long)\n';
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      },
      (options.minutes ?? 10) * 60_000,
    );
    const hear = (chunk: string) => {
      said += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.on('error', fail);
    child.on('close', () => {
      clearTimeout(timer);
      const diffs = join(output, 'regression.diffs');
      done({
        ...readOutcome(said),
        diffs: existsSync(diffs) ? readFileSync(diffs, 'latin1') : '',
        said,
        seconds: (Date.now() - started) / 1000,
        result: (test) => readFileSync(join(output, 'results', `${test}.out`), 'latin1'),
      });
    });
  });
}

/** `test name ... ok  12 ms`, indented in a parallel group. What the schedule ignores counts as neither. */
function readOutcome(said: string): { passed: string[]; failed: string[] } {
  const passed: string[] = [];
  const failed: string[] = [];
  for (const [, name, outcome] of said.matchAll(/^(?:test|\s+)\s*(\S+)\s+\.\.\. (ok|FAILED)/gm)) {
    (outcome === 'ok' ? passed : failed).push(name as string);
  }
  return { passed, failed };
}
