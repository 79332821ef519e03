import { spawnSync } from 'node:child_process';
import { CountersignError } from '../contract/errors.ts';

/** Runs a system program as root. Throws PROTECT_FAILED with its last words. */
export function run(program: string, ...args: string[]): void {
  const done = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] });
  if (done.status === 0) return;
  const said = `${done.stdout ?? ''}\n${done.stderr ?? ''}`.trim().split('\n').at(-1) ?? '';
  throw new CountersignError(
    'PROTECT_FAILED',
    `${program} ${args.join(' ')} failed: ${done.error?.message ?? (said || `exit code ${done.status}`)}`,
    { cause: done.error },
  );
}

export function isThere(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
}
