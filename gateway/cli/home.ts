import { chmodSync, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import { protectedLayout } from '../protect/layout.ts';

/**
 * Where the gateway keeps what is its own: the option, else $COUNTERSIGN_HOME, else that of the protected
 * gateway whose launcher this is, else the platform's data folder.
 */
export function homeFolder(option: string | undefined, env: NodeJS.ProcessEnv): string {
  const chosen = option ?? env.COUNTERSIGN_HOME;
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  if (env.COUNTERSIGN_NAME) return protectedLayout(env.COUNTERSIGN_NAME).home;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Countersign');
  if (process.platform === 'win32') {
    return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'Countersign');
  }
  return join(env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'countersign');
}

/** A command as it can be typed in another terminal, where $COUNTERSIGN_HOME may not be set. */
export function typedCommand(cli: { home(): string; env: NodeJS.ProcessEnv }, args: string): string {
  const home = cli.home();
  const usual = home === homeFolder(undefined, { ...cli.env, COUNTERSIGN_HOME: undefined });
  return `${cli.env.COUNTERSIGN_NAME ?? cli.env.COUNTERSIGN_COMMAND ?? 'npm run countersign --'} ${usual ? '' : `--home ${home} `}${args}`;
}

/** Unix sockets have short names (sun_path: 104 bytes on macOS, 108 on Linux, with the closing zero). */
const SOCKET_PATH_MAX = 103;

/** Where the gateway of a home listens for the command line: a unix socket in it, on Windows a named pipe. */
export function controlSocketPath(home: string): string {
  if (process.platform === 'win32') {
    // Loaded where it is needed: the commands of agents start with this file.
    const { createHash } = process.getBuiltinModule('node:crypto');
    const tag = createHash('sha256').update(home.toLowerCase()).digest('hex').slice(0, 32);
    return `\\\\.\\pipe\\countersign-${tag}`;
  }
  const path = join(home, 'control.sock');
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path;
  throw new CountersignError('HOME_TOO_LONG', `the path ${home} is too long for a socket in it; give a shorter --home`);
}

/**
 * Where the command line finds its gateway: in the home that was asked for, else at $COUNTERSIGN_SOCKET, else
 * the machine's protected gateway where this user may reach one, else in the usual home.
 */
export function clientSocketPath(homeOption: string | undefined, env: NodeJS.ProcessEnv): string {
  if (homeOption === undefined && env.COUNTERSIGN_SOCKET) return env.COUNTERSIGN_SOCKET;
  if (homeOption === undefined && !env.COUNTERSIGN_HOME && process.platform === 'linux') {
    const { socket } = protectedLayout(env.COUNTERSIGN_NAME);
    if (env.COUNTERSIGN_NAME || existsSync(socket)) return socket;
  }
  return controlSocketPath(homeFolder(homeOption, env));
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
