import type { FileEntryWithStats } from 'ssh2';
import type { StoreCapabilities, StoreTarget } from '../ports.ts';
import { bytesBody, isSame } from './body.ts';
import type { SftpConfig } from './config.ts';
import { refused, unreachable, words, writeOnly } from './failures.ts';
import { assertObjectName, assertPrefix, MARKER, MARKER_BYTES } from './names.ts';
import type { Secrets } from './secrets.ts';
import { connectSftp, isAnswer, type SftpConnection } from './sftp-connection.ts';
import { probeSftp } from './sftp-probe.ts';
import {
  ifDenied,
  ifMissing,
  isDenied,
  isFailure,
  isMissing,
  requestsOf,
  type SftpRequests,
  sizeOf,
} from './sftp-requests.ts';
import { isUnreachable, sftpWriter } from './sftp-writer.ts';
import { listTree, placesOf, type TreeEntry } from './tree.ts';

const MAX_ENTRIES = 200_000;

/**
 * A folder on an SFTP server, over one connection that is made when it is needed. Where the server lets files be
 * renamed, an object is written beside its name and renamed, which never replaces anything; in a drop box it is
 * written under its name at once, and folders that cannot be made become part of the file's name (tree.ts).
 */
export function openSftpTarget(config: SftpConfig, secrets: Secrets): StoreTarget {
  const place = `${config.host}:${config.port}`;
  const description = `sftp ${config.user}@${place} ${config.path}`;
  const closing = new AbortController();
  let connection: Promise<SftpConnection> | null = null;
  let capabilities: StoreCapabilities | null = null;
  const path = (relative: string) => (relative === '' ? config.path : `${config.path}/${relative}`);

  async function connected(signal: AbortSignal): Promise<SftpRequests> {
    signal.throwIfAborted();
    if (closing.signal.aborted) throw unreachable(`${description} was closed.`);
    const last = connection;
    // Others may have made a new one while this one was looked at.
    if ((await isLost(last)) && connection === last) connection = null;
    connection ??= connectSftp(config, secrets, closing.signal);
    return requestsOf(await orAborted(connection, signal), signal);
  }

  const isLost = async (one: Promise<SftpConnection> | null) =>
    one !== null && (await one.catch(() => null))?.lost !== false;
  const { create, mayRename } = sftpWriter(place, config.path, connected);

  async function read(requests: SftpRequests, name: string): Promise<AsyncIterable<Uint8Array> | null> {
    for (const relative of placesOf(name)) {
      const handle = await requests.open(path(relative), 'r').catch(ifMissing(null));
      if (handle === null) continue;
      if ((await requests.fstat(handle).catch(ifDenied(null)))?.isDirectory()) {
        await requests.close(handle);
        continue;
      }
      const bytes = requests.readAll(handle);
      try {
        // A drop box lets files be opened, and says only now that it lets nobody read.
        const first = await bytes.next();
        return rest(requests, handle, first, bytes);
      } catch (error) {
        await requests.close(handle).catch(() => {});
        throw error;
      }
    }
    return null;
  }

  async function* rest(
    requests: SftpRequests,
    handle: Buffer,
    first: IteratorResult<Uint8Array>,
    bytes: AsyncGenerator<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    try {
      if (first.done) return;
      yield first.value;
      yield* bytes;
    } catch (error) {
      throw told(error, place);
    } finally {
      await requests.close(handle).catch(() => {});
    }
  }

  async function entries(requests: SftpRequests, folder: string): Promise<TreeEntry[]> {
    const found = await requests.entries(path(folder), MAX_ENTRIES).catch((error) => {
      if (folder !== '' && (isMissing(error) || isFailure(error))) return [];
      throw error;
    });
    if (found.length > MAX_ENTRIES) throw refused(`${folder} on ${place} has more than ${MAX_ENTRIES} entries.`);
    return found.filter(({ filename }) => filename !== '.' && filename !== '..').map(entryOf);
  }

  const asked = async <T>(signal: AbortSignal, work: (requests: SftpRequests) => Promise<T>, reading = false) => {
    try {
      const reused = connection !== null;
      return await work(await connected(signal)).catch(async (error) => {
        // One that was idle may have gone without a word; the machine has slept, or the server was restarted.
        if (!reused || !isUnreachable(error) || !(await isLost(connection))) throw error;
        return await work(await connected(signal));
      });
    } catch (error) {
      throw reading && isDenied(error) ? nobodyReads(place, error) : told(error, place);
    }
  };

  return {
    description,
    get capabilities() {
      return capabilities;
    },
    probe: (signal) =>
      asked(signal, async (requests) => {
        capabilities = await probeSftp({
          requests,
          renames: await mayRename(requests),
          create: (name, body) => create(requests, name, body),
          async find(name) {
            for (const relative of placesOf(name)) {
              if ((await sizeOf(requests, path(relative)).catch(ifDenied(0))) !== null) return path(relative);
            }
            return null;
          },
          readable: async (name) => await isSame((await read(requests, name)) ?? none(), bytesBody(MARKER_BYTES)),
          listable: async () => (await entries(requests, '')).length > 0,
        });
        return capabilities;
      }),
    setUp: (signal) =>
      asked(signal, async (requests) => {
        await create(requests, MARKER, bytesBody(MARKER_BYTES));
      }),
    async create(name, body, signal) {
      assertObjectName(name);
      return await asked(signal, (requests) => create(requests, name, body));
    },
    async read(name, signal) {
      assertObjectName(name);
      return await asked(signal, (requests) => read(requests, name), true);
    },
    async remove(name, signal) {
      assertObjectName(name);
      await asked(signal, async (requests) => {
        for (const relative of placesOf(name)) await requests.remove(path(relative)).catch(ifMissing(undefined));
      });
    },
    async *list(prefix, signal, after) {
      assertPrefix(prefix);
      try {
        const requests = await connected(signal);
        const size = (relative: string) => sizeOf(requests, path(relative));
        yield* listTree({ entries: (folder) => entries(requests, folder), size }, prefix, after);
      } catch (error) {
        throw isDenied(error) ? nobodyReads(place, error) : told(error, place);
      }
    },
    async close() {
      closing.abort(unreachable(`${description} was closed.`));
      (await connection?.catch(() => null))?.end();
    },
  };
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** What others wait for too goes on when one of them gives up. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

function entryOf({ filename, attrs }: FileEntryWithStats): TreeEntry {
  // Servers may leave the type out; what is neither is not looked into.
  const kind = attrs.isDirectory() ? 'folder' : attrs.isFile() ? 'file' : 'other';
  return { name: filename, kind, size: attrs.size ?? null };
}

const nobodyReads = (place: string, cause: unknown) =>
  writeOnly(`${place} lets this account write and nobody read with it.`, cause);

function told(error: unknown, place: string): unknown {
  if (!isAnswer(error)) return error;
  if (isDenied(error)) return refused(`${place} does not permit it: ${words(error.message)}.`, error);
  if (isMissing(error)) return unreachable(`The folder of the store is not there on ${place}.`, error);
  return unreachable(`${place} failed: ${words(error.message)}.`, error);
}
