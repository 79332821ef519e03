import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CountersignError } from '../contract/errors.ts';

/** Where the gateway keeps what is its own: the option, else $COUNTERSIGN_HOME, else the platform's data folder. */
export function homeFolder(option: string | undefined, env: NodeJS.ProcessEnv): string {
  const chosen = option ?? env.COUNTERSIGN_HOME;
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Countersign');
  if (process.platform === 'win32') {
    return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'Countersign');
  }
  return join(env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'countersign');
}

/** Makes the folder when it is not there. It holds keys: only its owner may enter. */
export function prepareHome(home: string): void {
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CountersignError('HOME_NOT_MADE', `the folder ${home} cannot be made; give another with --home`, {
      cause,
    });
  }
  if (process.platform === 'win32') return;
  const { uid, mode } = lstatSync(home);
  if (uid !== process.getuid?.()) {
    throw new CountersignError('HOME_NOT_OURS', `the folder ${home} belongs to another user; give another with --home`);
  }
  if ((mode & 0o077) !== 0) chmodSync(home, 0o700);
}
