import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CountersignError } from '../contract/errors.ts';
import { accountOf, groupOf } from './accounts.ts';
import type { ProtectedLayout } from './layout.ts';
import { openAbove, openBelow } from './untouchable.ts';

export interface Isolation {
  /** Names of the accounts that may open the control socket. */
  developers: string[];
  clientsGroup: number;
}

const PROGRAM = fileURLToPath(new URL('../..', import.meta.url));
const NO_LOGIN = /\/(nologin|false)$/;

/**
 * That the gateway may call itself protected: it runs as a user of its own without privileges, that user is
 * nobody's account and not one of the developers, its home is closed, and neither it nor they can change
 * its program. Throws PROTECTION_NOT_REAL with what is wrong; then the gateway must not start.
 */
export function assertProtected(layout: ProtectedLayout): Isolation {
  if (process.platform !== 'linux') refuse('there is no protected mode on this system yet');
  const uid = process.getuid!();
  const own = accountOf(String(uid));
  if (uid === 0 || process.geteuid!() !== uid || own?.name !== layout.user) {
    refuse(`it has to run as the user ${layout.user} and runs as ${own?.name ?? uid}`);
  }
  if (!NO_LOGIN.test(own.shell)) refuse(`the user ${layout.user} can log in (its shell is ${own.shell})`);
  const clients = groupOf(layout.clientsGroup);
  if (clients === null) refuse(`there is no group ${layout.clientsGroup}`);
  const developers = clients.members.filter((name) => name !== layout.user);
  if (developers.length === 0) refuse(`nobody but the gateway is in the group ${layout.clientsGroup}`);
  for (const name of developers) {
    if (accountOf(name)?.uid === uid) refuse(`${name} is the same user under another name`);
  }
  const strange = process.getgroups!().find((gid) => gid !== own.gid && gid !== clients.gid);
  if (strange !== undefined) refuse(`it runs with the group ${strange} too, which may open more than is its own`);
  // CapEff of proc_pid_status(5): a capability could undo what the user is for.
  if (!/^CapEff:\s*0+$/m.test(readFileSync('/proc/self/status', 'utf8'))) refuse('it runs with capabilities of root');
  assertHome(layout.home, uid);
  for (const path of [PROGRAM, process.execPath]) {
    const open = openAbove(path);
    if (open !== null) refuse(`others than root can change ${open}, and so its program`);
  }
  const open = openBelow(PROGRAM);
  if (open !== null) refuse(`others than root can change ${open}, and so its program`);
  return { developers, clientsGroup: clients.gid };
}

function assertHome(home: string, uid: number): void {
  const found = lstatSync(home, { throwIfNoEntry: false });
  if (!found?.isDirectory() || found.uid !== uid || (found.mode & 0o777) !== 0o700) {
    refuse(`${home} has to be a folder of mode 0700 that belongs to the gateway's user`);
  }
  const open = openAbove(dirname(home));
  if (open !== null) refuse(`others than root can change ${open}, and so put another folder in the place of ${home}`);
  // A home that was a developer's before can hold files that they still own, or have open.
  for (const name of ['', 'policy', 'vault']) {
    const folder = join(home, name);
    if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    const planted = readdirSync(folder).find((entry) => ![uid, 0].includes(lstatSync(join(folder, entry)).uid));
    if (planted !== undefined) refuse(`${join(folder, planted)} belongs to somebody else`);
  }
}

function refuse(why: string): never {
  throw new CountersignError(
    'PROTECTION_NOT_REAL',
    `this is not protected mode: ${why}; run "countersign protect" as root, or start without --protected`,
  );
}
