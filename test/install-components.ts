import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Component } from './components.ts';

const APT = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
const CREATE_CLUSTER = '/etc/postgresql-common/createcluster.d';

function apt(args: readonly string[], seconds: number): string | null {
  const run = spawnSync('apt-get', args, {
    env: { ...process.env, ...APT },
    encoding: 'utf8',
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (run.status === 0) return null;
  const last = `${run.stdout ?? ''}\n${run.stderr ?? ''}`.trim().split('\n').at(-1) ?? '';
  return run.error === undefined ? last : `${run.error.message} ${last}`;
}

/** Why nothing can be installed here, or null. */
function obstacle(): string | null {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/apt-get')) return 'this is not Debian or Ubuntu';
  if (process.getuid?.() !== 0) return 'this is not root';
  return null;
}

/**
 * Installs packages of the missing components; failure is reported and never fatal, since the
 * components are looked for again afterwards. `a|b` in a package name: b where a is not to be had.
 */
export function installMissing(missing: readonly Component[], say: (line: string) => void): void {
  const wanted = missing.filter((component) => component.packages.length > 0);
  if (wanted.length === 0) return;
  const names = wanted.map((component) => component.name).join(', ');
  const reason = obstacle();
  if (reason !== null) {
    say(`not installing ${names}: ${reason}`);
    return;
  }
  say(`installing ${names} with apt-get`);
  const failed = apt(['update', '-q'], 180);
  if (failed !== null) say(`apt-get update: ${failed}`);
  // PostgreSQL's package starts a server of its own unless told not to, and tests leave nothing running.
  if (!existsSync(CREATE_CLUSTER) && !existsSync('/etc/postgresql-common')) {
    mkdirSync(CREATE_CLUSTER, { recursive: true });
    writeFileSync(`${CREATE_CLUSTER}/countersign.conf`, 'create_main_cluster = false\n');
  }
  for (const choice of new Set(wanted.flatMap((component) => component.packages))) {
    let problem: string | null = null;
    for (const name of choice.split('|')) {
      problem = apt(['install', '-y', '-q', '--no-install-recommends', name], 420);
      if (problem === null) break;
    }
    if (problem !== null) say(`${choice} did not install: ${problem}`);
  }
}
