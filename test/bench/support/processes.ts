import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';

/** CPU time in microseconds since a process began, from the kernel's scheduler. */
export interface CpuTime {
  /** The main thread alone. */
  main: number;
  /** The recorder's thread; 0 where there is none. */
  recorder: number;
  /** Every thread that is still there. */
  all: number;
}

const NOTHING: CpuTime = { main: 0, recorder: 0, all: 0 };

/** Reads /proc/PID/task/N/schedstat (Documentation/scheduler/sched-stats); zeros where there is none. */
export function cpuTime(pid: number | null): CpuTime {
  if (pid === null) return NOTHING;
  const time = { ...NOTHING };
  let tasks: string[] = [];
  try {
    tasks = readdirSync(`/proc/${pid}/task`);
  } catch {
    return NOTHING;
  }
  for (const task of tasks) {
    try {
      const ns = Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
      time.all += ns / 1000;
      if (task === String(pid)) time.main += ns / 1000;
      if (readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').includes('recorder')) time.recorder += ns / 1000;
    } catch {
      // The thread has ended.
    }
  }
  return time;
}

/** Forgets the peak of resident memory, so that the next peakMemory() is of what ran since. */
export function resetPeakMemory(pid: number | null): void {
  if (pid === null) return;
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Not permitted here: the peak is then the process's whole life's.
  }
}

/** Peak of resident memory in MB (VmHWM); null where the system does not say. */
export function peakMemory(pid: number | null): number | null {
  if (pid === null) return null;
  try {
    const match = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) / 1024 : null;
  } catch {
    return null;
  }
}

/**
 * Starts a program in a session of its own (setsid): with autogroup scheduling, a proxy in the load
 * generator's session would starve the servers.
 */
export function startDetached(program: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(program, args, { stdio: 'ignore', ...options, detached: true });
}

export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  await Promise.race([ended, pause(10_000)]);
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until something listens on a port of this machine. */
export async function listening(port: number, what: string): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = createConnection({ host: '127.0.0.1', port });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (there) return;
    await pause(50);
  }
  throw new Error(`${what} did not start to listen`);
}

/** Waits until a process is idle (work that it put off does not fall into the next measurement), 10 s at most. */
export async function settled(pid: number | null): Promise<void> {
  if (pid === null) return;
  for (let i = 0; i < 40; i += 1) {
    const before = cpuTime(pid).all;
    await pause(250);
    if (cpuTime(pid).all - before < 10_000) return;
  }
}

export interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end without blocking this process. */
export function run(program: string, args: readonly string[], options: SpawnOptions = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout!.on('data', (text: Buffer) => (stdout += text));
    child.stderr!.on('data', (text: Buffer) => (stderr += text));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}
