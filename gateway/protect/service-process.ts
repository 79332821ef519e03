import { spawn } from 'node:child_process';
import { closeSync, existsSync, lstatSync, openSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CountersignError } from '../contract/errors.ts';
import { createControlClient } from '../control/client.ts';
import type { ProtectedLayout } from './layout.ts';
import { run } from './run.ts';

export interface Ports {
  port: number;
  consolePort: number;
}

const PATIENCE_MS = 30_000;

export const systemdRuns = (): boolean => existsSync('/run/systemd/system');

/** The text of the unit, from the template beside the program. */
export function unitText(layout: ProtectedLayout, { port, consolePort }: Ports): string {
  const values: Record<string, string> = {
    NAME: layout.name,
    PREFIX: layout.prefix,
    PORT: String(port),
    CONSOLE_PORT: String(consolePort),
  };
  const template = readFileSync(new URL('../../deploy/countersign.service', import.meta.url), 'utf8');
  return template.replaceAll(/@([A-Z_]+)@/g, (all, key: string) => values[key] ?? all);
}

/** The gateway that the pid file names, or null: a pid alone proves nothing, so its program is looked at. */
export function runningPid({ pidFile, prefix }: ProtectedLayout): number | null {
  try {
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    const program = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
    return [join(prefix, 'bin', 'node'), join(`${prefix}.old`, 'bin', 'node')].includes(program) ? pid : null;
  } catch {
    return null;
  }
}

/** Whether the gateway runs, where it was asked to. */
export function runsOn(layout: ProtectedLayout, { port, consolePort }: Ports): boolean {
  const pid = runningPid(layout);
  if (pid === null) return false;
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0--port\0${port}\0--console-port\0${consolePort}\0`);
}

/** Starts the gateway under its own user, without systemd: in the background, with a pid file. */
export function startInBackground(layout: ProtectedLayout, { port, consolePort }: Ports): void {
  run('install', '-d', '-m', '0750', '-o', layout.user, '-g', layout.clientsGroup, layout.runFolder);
  const log = openSync(layout.log, 'a', 0o600);
  try {
    const drop = ['--reuid', layout.user, '--regid', layout.user, '--init-groups', '--no-new-privs'];
    const caps = ['--bounding-set=-all', '--inh-caps=-all', '--reset-env'];
    const program = [
      join(layout.prefix, 'bin', 'node'),
      '--disable-sigusr1',
      join(layout.prefix, 'gateway', 'index.ts'),
    ];
    const start = ['start', '--protected', layout.name, '--no-demo', '--no-open'];
    const ports = ['--port', String(port), '--console-port', String(consolePort)];
    const child = spawn('setpriv', [...drop, ...caps, ...program, ...start, ...ports], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => {});
    child.unref();
    writeFileSync(layout.pidFile, `${child.pid}\n`, { mode: 0o644 });
  } finally {
    closeSync(log);
  }
}

/** Ends the gateway of the pid file; it seals its recordings first. */
export async function stopInBackground(layout: ProtectedLayout): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const pid = runningPid(layout);
    if (pid === null) break;
    process.kill(pid, signal);
    const deadline = Date.now() + PATIENCE_MS;
    while (runningPid(layout) !== null && Date.now() < deadline) await sleep(50);
  }
  rmSync(layout.pidFile, { force: true });
}

/** Resolves when the gateway answers and says that it is protected. Throws PROTECT_FAILED with its last words. */
export async function answering(layout: ProtectedLayout): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  let last = 'it does not answer';
  do {
    try {
      const { protection } = await createControlClient({ socketPath: layout.socket }).call('status', {});
      if (protection === 'protected') return;
      last = 'what answers is not protected';
    } catch (error) {
      last = (error as Error).message;
    }
    if (!systemdRuns() && runningPid(layout) === null && Date.now() > deadline - PATIENCE_MS + 2_000) break;
    await sleep(100);
  } while (Date.now() < deadline);
  const log = lstatSync(layout.log, { throwIfNoEntry: false })?.isFile() ? readFileSync(layout.log, 'utf8') : '';
  const said = systemdRuns()
    ? `see journalctl -u ${layout.name}.service (${last})`
    : log.trimEnd().split('\n').at(-1) || last;
  throw new CountersignError('PROTECT_FAILED', `the gateway does not start: ${said}`);
}
