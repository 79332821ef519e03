import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import { accountOf, groupOf } from './accounts.ts';
import type { ProtectedLayout } from './layout.ts';
import { copyProgram, isCopied } from './program-copy.ts';
import { run } from './run.ts';
import {
  answering,
  type Ports,
  runningPid,
  runsOn,
  startInBackground,
  stopInBackground,
  systemdRuns,
  unitText,
} from './service-process.ts';

export interface Step {
  /** What it does, as a sentence's beginning: "make the group …". */
  what: string;
  isDone(): boolean;
  do(): void | Promise<void>;
}

const isMember = (group: string, account: string) => groupOf(group)?.members.includes(account) ?? false;

function ownedBy(path: string, uid: number | undefined, mode: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === uid && (found.mode & 0o777) === mode;
}

const launcherText = ({ name, prefix }: ProtectedLayout) =>
  `#!/bin/sh\nCOUNTERSIGN_NAME=${name} exec ${prefix}/bin/node ${prefix}/gateway/index.ts "$@"\n`;

const reads = (path: string, text: string) => existsSync(path) && readFileSync(path, 'utf8') === text;

/** Everything that sets protected mode up, in order; each one is left out where it is done already. */
export function protectSteps(layout: ProtectedLayout, developers: readonly string[], ports: Ports): Step[] {
  const { user, clientsGroup, home, prefix, launcher, unit } = layout;
  let changed = false;
  const member = (account: string): Step => ({
    what: `put ${account} in the group ${clientsGroup}`,
    isDone: () => isMember(clientsGroup, account),
    do: () => {
      run('usermod', '-aG', clientsGroup, account);
      // The gateway reads at its start whom it is for.
      changed = true;
    },
  });
  return [
    {
      what: `make the group ${clientsGroup}, whose members may talk to the gateway`,
      isDone: () => groupOf(clientsGroup) !== null,
      do: () => run('groupadd', '--system', clientsGroup),
    },
    {
      what: `make the user ${user}, which nobody can log in as`,
      isDone: () => accountOf(user) !== null,
      do: () => {
        const shell = ['/usr/sbin/nologin', '/sbin/nologin'].find((path) => existsSync(path)) ?? '/bin/false';
        run('useradd', '--system', '--user-group', '--no-create-home', '--home-dir', home, '--shell', shell, user);
      },
    },
    member(user),
    ...developers.map(member),
    {
      what: `make the folder ${home}, which only ${user} can enter`,
      isDone: () => ownedBy(home, accountOf(user)?.uid, 0o700),
      do: () => {
        const found = lstatSync(home, { throwIfNoEntry: false });
        if (found && found.uid !== 0 && found.uid !== accountOf(user)?.uid) {
          throw new CountersignError('PROTECT_FAILED', `${home} is there and belongs to somebody else; move it away`);
        }
        run('install', '-d', '-m', '0700', '-o', user, '-g', user, home);
      },
    },
    {
      what: `copy the program to ${prefix}, where only root can change it`,
      isDone: () => isCopied(prefix),
      do: () => {
        copyProgram(prefix);
        changed = true;
      },
    },
    {
      what: `make the command ${launcher}`,
      isDone: () => reads(launcher, launcherText(layout)),
      do: () => {
        if (existsSync(launcher) && !readFileSync(launcher, 'utf8').includes('COUNTERSIGN_NAME=')) {
          throw new CountersignError('PROTECT_FAILED', `${launcher} is another program's; move it away`);
        }
        writeFileSync(launcher, launcherText(layout), { mode: 0o755 });
        run('chmod', '0755', launcher);
      },
    },
    ...(systemdRuns()
      ? [
          {
            what: `install the service ${unit}`,
            isDone: () => reads(unit, unitText(layout, ports)),
            do: () => {
              writeFileSync(unit, unitText(layout, ports), { mode: 0o644 });
              run('systemctl', 'daemon-reload');
              changed = true;
            },
          },
        ]
      : []),
    {
      what: systemdRuns()
        ? 'start the service, now and at every boot'
        : `start the gateway as ${user} in the background (systemd does not run here, so nothing starts it at boot)`,
      isDone: () => !changed && !systemdRuns() && runsOn(layout, ports),
      do: async () => {
        if (systemdRuns()) {
          run('systemctl', 'enable', `${layout.name}.service`);
          run('systemctl', changed ? 'restart' : 'start', `${layout.name}.service`);
        } else {
          await stopInBackground(layout);
          startInBackground(layout, ports);
        }
        await answering(layout);
      },
    },
  ];
}

/** Takes protected mode away. `purge`: also what the gateway recorded, and its keys. */
export function undoSteps(layout: ProtectedLayout, purge: boolean): Step[] {
  const { name, user, clientsGroup, home, prefix, launcher, unit, runFolder, log } = layout;
  const remove = (path: string, what: string): Step => ({
    what: `remove ${what} ${path}`,
    isDone: () => !lstatSync(path, { throwIfNoEntry: false }),
    do: () => rmSync(path, { recursive: true, force: true }),
  });
  return [
    {
      what: 'stop the gateway',
      isDone: () => runningPid(layout) === null && !existsSync(unit),
      do: async () => {
        if (systemdRuns() && existsSync(unit)) run('systemctl', 'disable', '--now', `${name}.service`);
        await stopInBackground(layout);
      },
    },
    {
      what: `remove the service ${unit}`,
      isDone: () => !existsSync(unit),
      do: () => {
        rmSync(unit);
        if (systemdRuns()) run('systemctl', 'daemon-reload');
      },
    },
    remove(launcher, 'the command'),
    remove(runFolder, 'the folder of the socket'),
    remove(prefix, 'the program'),
    remove(log, 'the log'),
    {
      what: `remove the group ${clientsGroup}`,
      isDone: () => groupOf(clientsGroup) === null,
      do: () => run('groupdel', clientsGroup),
    },
    ...(purge
      ? [
          remove(home, 'recordings, keys and passwords in'),
          {
            what: `remove the user ${user}`,
            isDone: () => accountOf(user) === null,
            do: () => run('userdel', user),
          },
        ]
      : []),
  ];
}

/** What makes a developer as mighty as root, as sentences; the gateway cannot be protected against root. */
export function waysAround(developers: readonly string[], groupsOf: (account: string) => string[]): string[] {
  const mighty = ['root', 'docker', 'lxd', 'libvirt', 'disk', 'kvm', 'shadow'];
  const found: string[] = [];
  for (const name of developers) {
    const groups = groupsOf(name).filter((group) => mighty.includes(group));
    if (groups.length > 0)
      found.push(`${name} is in the group ${groups.join(' and ')}, which is as good as being root`);
  }
  return found;
}

/** Folders of developers in which a gateway of unprotected mode has left something. */
export function earlierHomes(developers: readonly string[]): string[] {
  return developers
    .map((name) => join(accountOf(name)?.home ?? '/nonexistent', '.local/share/countersign'))
    .filter((path) => existsSync(path));
}
