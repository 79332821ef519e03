import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CountersignError } from '../contract/errors.ts';

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A pid alone proves nothing, since it may have been given to another program: the server works in its data folder. */
function servesCluster(pid: number, cluster: string): boolean {
  if (process.platform === 'linux') {
    try {
      return realpathSync(readlinkSync(`/proc/${pid}/cwd`)) === realpathSync(cluster);
    } catch {
      return false;
    }
  }
  const run =
    process.platform === 'win32'
      ? spawnSync('tasklist', ['/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH'], { encoding: 'utf8' })
      : spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' });
  const line = run.stdout ?? '';
  return process.platform === 'win32' ? line.includes('postgres.exe') : line.includes(cluster);
}

/** Polls until the process is gone. @returns whether it went within the time. */
export async function gone(pid: number, milliseconds: number): Promise<boolean> {
  for (let waited = 0; waited < milliseconds; waited += 25) {
    if (!alive(pid)) return true;
    await sleep(25);
  }
  return !alive(pid);
}

/**
 * Ends a server that an earlier gateway left behind (it was killed), and removes its lock file when its
 * pid belongs to somebody else by now. Two gateways of one home are excluded by the home's own lock.
 */
export async function endStaleServer(cluster: string): Promise<void> {
  const lock = join(cluster, 'postmaster.pid');
  let pid: number;
  try {
    pid = Number.parseInt(readFileSync(lock, 'utf8'), 10);
  } catch {
    return;
  }
  if (Number.isInteger(pid) && pid > 1 && alive(pid) && servesCluster(pid, cluster)) {
    // SIGINT: fast shutdown; SIGQUIT: at once, with recovery at the next start.
    for (const [signal, patience] of [
      ['SIGINT', 8_000],
      ['SIGQUIT', 3_000],
    ] as const) {
      process.kill(pid, signal);
      if (await gone(pid, patience)) return rmSync(lock, { force: true });
    }
    throw new CountersignError(
      'DEMO_STALE_SERVER',
      `an embedded PostgreSQL of an earlier run (pid ${pid}) does not stop; end it, then start again`,
    );
  }
  rmSync(lock, { force: true });
}
