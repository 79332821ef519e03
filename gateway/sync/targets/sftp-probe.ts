import { isCountersignError } from '../../contract/errors.ts';
import type { ObjectBody, StoreCapabilities } from '../ports.ts';
import { bytesBody } from './body.ts';
import { refused } from './failures.ts';
import { MARKER_BYTES, probeName } from './names.ts';
import { isAnswer } from './sftp-connection.ts';
import type { SftpRequests } from './sftp-requests.ts';

interface ProbedServer {
  requests: SftpRequests;
  renames: boolean;
  create(name: string, body: ObjectBody): Promise<'created' | 'exists'>;
  /** Where an object lies on the server. */
  find(name: string): Promise<string | null>;
  readable(name: string): Promise<boolean>;
  listable(): Promise<boolean>;
}

/** Tries on a probe object everything by which an object could be changed or taken away with these credentials. */
export async function probeSftp(server: ProbedServer): Promise<StoreCapabilities> {
  const { requests } = server;
  const name = probeName();
  await server.create(name, bytesBody(MARKER_BYTES));
  const file = await server.find(name);
  if (file === null) throw refused('The server takes an object, and says then that it is not there.');
  const read = await works(() => server.readable(name));
  const list = await works(() => server.listable());
  const openAndClose = async (flags: 'r+' | 'w' | 'a') => {
    await requests.close(await requests.open(file, flags));
    return true;
  };
  const done = async (work: Promise<void>) => {
    await work;
    return true;
  };
  const changes: Array<[string, () => Promise<boolean>]> = [
    ['opened for writing', () => openAndClose('r+')],
    ['appended to', () => openAndClose('a')],
    ['made writable', () => done(requests.setMode(file, 0o640))],
    ['cut to nothing', () => done(requests.truncate(file))],
    ['written anew', () => openAndClose('w')],
  ];
  const other = `${file}x`;
  const removals: Array<[string, () => Promise<boolean>]> = [
    ['renamed', () => done(requests.rename(file, other).then(() => requests.rename(other, file)))],
    ['moved', () => done(requests.posixRename(file, other).then(() => requests.posixRename(other, file)))],
    ['deleted', () => done(requests.remove(file))],
  ];
  const changed = await whichWork(changes);
  const removed = await whichWork(removals);
  const could = [...changed, ...removed];
  return {
    read,
    list,
    // What can be taken away can be put there again with another content.
    refusesOverwrite: could.length === 0,
    refusesDelete: removed.length === 0,
    keepsVersions: false,
    sentences: [
      could.length === 0
        ? 'An object that is there could be neither written to, nor renamed, nor deleted.'
        : `An object that is there could be ${could.join(', ')}: what protects it are the server’s snapshots and the witness.`,
      server.renames
        ? 'Objects are written beside their name and renamed when they are whole.'
        : 'Nothing can be renamed, so objects are written under their name at once; one that is cut is written again under the next name.',
      read && list
        ? 'What is stored can be read back with these credentials.'
        : 'What is stored cannot be read back with these credentials.',
    ],
  };
}

async function whichWork(attempts: ReadonlyArray<[string, () => Promise<boolean>]>): Promise<string[]> {
  const worked: string[] = [];
  for (const [word, attempt] of attempts) if (await works(attempt)) worked.push(word);
  return worked;
}

/** A refusal of the server is an answer; a connection that went is none. */
async function works(attempt: () => Promise<boolean>): Promise<boolean> {
  try {
    return await attempt();
  } catch (error) {
    if (isAnswer(error) || (error instanceof Error && !isCountersignError(error) && error.name !== 'AbortError'))
      return false;
    throw error;
  }
}
