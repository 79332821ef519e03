import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from './postgres.ts';

export interface TestSshd {
  host: string;
  port: number;
  user: string;
  /** The store on the server's disk, as the tests see it. */
  folder: string;
  /** The same as the client sees it. */
  path: string;
  /** `SHA256:…` of the server's key, and the line of its public key file. */
  hostKey: string;
  hostKeyLine: string;
  /** A private key that may log in, and the same encrypted with PASSPHRASE. */
  keyFile: string;
  encryptedKeyFile: string;
  /** One that may not. */
  otherKeyFile: string;
  start(): Promise<void>;
  /** Ends the server and the sessions that it serves, at once. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export const PASSPHRASE = 'the passphrase of a "key"';
const DENIED = 'remove,rmdir,rename,posix-rename,setstat,fsetstat,lsetstat,symlink,hardlink';
const BLIND = 'read,opendir,readdir,stat,lstat,fstat,statvfs@openssh.com';

export interface SshdOptions {
  /** plain: everything the user may. drop-box: create-only in effect. blind-drop-box: nothing can be read or listed either. */
  kind: 'plain' | 'drop-box' | 'blind-drop-box';
  /** Who logs in; the drop boxes need root to run and somebody else to log in. */
  user?: { name: string; uid: number; gid: number };
  lines?: readonly string[];
}

/** Debian's OpenSSH server on a loopback port, with keys and a store of its own. @param sshd path of the program. */
export async function startSshd(sshd: string, options: SshdOptions): Promise<TestSshd> {
  const root = process.getuid?.() === 0;
  const boxed = options.kind !== 'plain';
  // A chroot has to lie below folders that only root can write to, which the temporary folder is not.
  const base = mkdtempSync(join(root ? '/run' : tmpdir(), 'cs-sshd-'));
  const removeBase = () => rmSync(base, { recursive: true, force: true });
  process.once('exit', removeBase);
  chmodSync(base, 0o755);
  const user = options.user?.name ?? userInfo().username;
  const folder = join(base, 'jail', 'store');
  mkdirSync(folder, { recursive: true });
  if (options.user) chownSync(folder, options.user.uid, options.user.gid);
  const file = (name: string) => join(base, name);
  const keygen = (name: string, passphrase = '') =>
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'test', '-f', file(name)]);
  keygen('host');
  keygen('client');
  keygen('other');
  writeFileSync(file('encrypted'), readFileSync(file('client')), { mode: 0o600 });
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', PASSPHRASE, '-f', file('encrypted')]);
  writeFileSync(file('authorized'), readFileSync(file('client.pub')));
  const port = await freePort();
  const denied = options.kind === 'blind-drop-box' ? `${DENIED},${BLIND}` : DENIED;
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${file('host')}`,
    `AuthorizedKeysFile ${file('authorized')}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
    ...(boxed ? [`ChrootDirectory ${file('jail')}`, `ForceCommand internal-sftp -u 0222 -P ${denied}`] : []),
    ...(options.lines ?? []),
  ];
  writeFileSync(file('sshd_config'), `${lines.join('\n')}\n`);
  if (root && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
  let server: ChildProcess | null = null;
  const kill = async () => {
    const ending = server;
    if (ending?.pid === undefined) return;
    server = null;
    const ended = new Promise((done) => ending.once('close', done));
    for (const pid of [ending.pid, ...descendants(ending.pid)]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await ended;
  };
  const start = async () => {
    server = spawn(sshd, ['-D', '-e', '-f', file('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    await listening(server, port);
  };
  await start();
  const line = readFileSync(file('host.pub'), 'utf8').trim();
  const key = Buffer.from(line.split(' ')[1] ?? '', 'base64');
  return {
    host: '127.0.0.1',
    port,
    user,
    folder,
    path: boxed ? '/store' : folder,
    hostKey: `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`,
    hostKeyLine: line,
    keyFile: file('client'),
    encryptedKeyFile: file('encrypted'),
    otherKeyFile: file('other'),
    start,
    kill,
    async stop() {
      await kill();
      process.off('exit', removeBase);
      removeBase();
    },
  };
}

/** sshd's sessions are processes of their own session, so a signal to its group does not reach them. */
function descendants(pid: number): number[] {
  const children = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && parentOf(entry) === pid);
  return children.flatMap((child) => [Number(child), ...descendants(Number(child))]);
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

async function listening(server: ChildProcess, port: number): Promise<void> {
  let said = '';
  server.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 65_536) said += text;
  });
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (server.exitCode !== null) throw new Error(`sshd did not start:\n${said}`);
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => socket.destroy());
      socket.once('error', () => {});
      socket.once('close', (failed) => done(!failed));
    });
    if (open) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`sshd does not listen:\n${said}`);
}
