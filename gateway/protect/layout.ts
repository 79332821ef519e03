import { join } from 'node:path';
import { CountersignError } from '../contract/errors.ts';

/** Where a protected gateway has what, all of it derived from its name. */
export interface ProtectedLayout {
  name: string;
  /** The OS user that the gateway runs under, with a group of the same name. */
  user: string;
  /** Whoever is in this group may open the control socket. */
  clientsGroup: string;
  /** Keys, vault, policy, recordings, PIN, tokens, log: 0700, the gateway's. */
  home: string;
  /** 0750, the gateway's, group `clientsGroup`. */
  runFolder: string;
  socket: string;
  /** In the home, so that only the gateway's user and root reach it: gives one-time codes. */
  rootSocket: string;
  /** The program, root's: neither the developer nor the gateway can change it. */
  prefix: string;
  launcher: string;
  unit: string;
  /** Where systemd does not run. Both are root's. */
  pidFile: string;
  log: string;
}

export const PROTECTED_NAME = 'countersign';

/** @param name of user, group, folders and unit. Throws USAGE. */
export function protectedLayout(name: string = PROTECTED_NAME): ProtectedLayout {
  if (!/^[a-z][a-z0-9-]{0,22}$/.test(name)) {
    throw new CountersignError('USAGE', 'a name is up to 23 small letters, digits and dashes, a letter first');
  }
  const home = join('/var/lib', name);
  const runFolder = join('/run', name);
  return {
    name,
    user: name,
    clientsGroup: `${name}-clients`,
    home,
    runFolder,
    socket: join(runFolder, 'control.sock'),
    rootSocket: join(home, 'root.sock'),
    prefix: join('/opt', name),
    launcher: join('/usr/local/bin', name),
    unit: join('/etc/systemd/system', `${name}.service`),
    pidFile: `${runFolder}.pid`,
    log: join('/var/log', `${name}.log`),
  };
}
