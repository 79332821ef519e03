import { chmodSync, chownSync, lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { CountersignError } from '../contract/errors.ts';

/** sun_path of unix(7), with its closing zero; macOS has 104. */
const MAX_PATH = process.platform === 'darwin' ? 103 : 107;

/**
 * Listens on a unix socket that only its owner (with `group`: also the members of that group, which the
 * gateway's user must be in) can open. The folder's mode is what keeps others out, since it is set before
 * the socket exists. Who a caller is among those is not known: Node has no SO_PEERCRED. A socket that
 * nobody answers on is a dead gateway's and is replaced. Throws CONTROL_IN_USE, CONTROL_SOCKET.
 */
export async function listenOnSocket(server: Server, path: string, group?: number): Promise<void> {
  if (process.platform !== 'win32') await prepare(path, group);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  if (process.platform === 'win32') return;
  chmodSync(path, group === undefined ? 0o600 : 0o660);
  if (group !== undefined) {
    chownSync(path, -1, group);
    chownSync(dirname(path), -1, group);
  }
}

async function prepare(path: string, group: number | undefined): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH) {
    throw new CountersignError('CONTROL_SOCKET', `The path of the control socket is too long for this system: ${path}`);
  }
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: group === undefined ? 0o700 : 0o750 });
  const { uid, mode } = statSync(folder);
  const own = process.getuid?.();
  if ((own !== undefined && uid !== own) || (mode & (group === undefined ? 0o077 : 0o027)) !== 0) {
    // Not repaired: it may be a folder that others need, such as /tmp.
    throw new CountersignError(
      'CONTROL_SOCKET',
      `${folder} must belong to the gateway's user and be closed to others (chmod ${group === undefined ? '700' : '750'}) to hold the control socket.`,
    );
  }
  const existing = lstatSync(path, { throwIfNoEntry: false });
  if (!existing) return;
  if (!existing.isSocket()) throw new CountersignError('CONTROL_SOCKET', `${path} is in the way and is not a socket.`);
  if (await answers(path)) {
    throw new CountersignError('CONTROL_IN_USE', `A Countersign gateway already runs on ${path}.`);
  }
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => done(true));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code === 'EACCES'));
    socket.setTimeout(1000, () => done(true));
  });
}
