import { randomBytes } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, opendir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ObjectBody, StoreCapabilities, StoreTarget } from '../ports.ts';
import { bytesBody, exactly, isSame } from './body.ts';
import type { FolderConfig } from './config.ts';
import { interrupted, refused, unreachable } from './failures.ts';
import { codeOf, ignore, inWords, NO_LINKS, REFUSALS, told } from './file-errors.ts';
import { assertObjectName, assertPrefix, MARKER, MARKER_BYTES, probeName } from './names.ts';
import { patience } from './patience.ts';
import { listTree, placesOf, type Tree } from './tree.ts';

/** How long one call into the share may take. */
const PATIENCE_MS = 30_000;
const READ_BYTES = 256 * 1024;
/** The end of the names of files that are being written. */
const PART = '.part';
const STALE_MS = 24 * 60 * 60 * 1000;
const MAX_ENTRIES = 200_000;
/** Folders known to be there, so that they are not looked for at each object. */
const MAX_KNOWN = 1000;
/** The share's own rules decide what the group may; others never. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;
/** Windows has no such flag, and lstat answers before. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/**
 * A folder, most often the mount of an NFS or SMB share. An object is written under a name of its own beside the
 * final one and then linked to it, which never replaces anything; a share without links gets the final name at once.
 */
export function openFolderTarget(config: FolderConfig, patienceMs = PATIENCE_MS): StoreTarget {
  const root = config.path;
  const description = `folder ${root}`;
  const { wait, close } = patience(description, patienceMs);
  const known = new Set<string>();
  let capabilities: StoreCapabilities | null = null;
  const path = (relative: string) => join(root, ...relative.split('/'));

  /** Without the marker this is the mount point of a share that is not mounted, and would fill this machine's own disk. */
  async function assertMounted(signal: AbortSignal): Promise<void> {
    const found = await wait(() => lstat(join(root, MARKER)), signal).catch(ignore('ENOENT', 'ENOTDIR'));
    if (found?.isFile()) return;
    throw unreachable(`${root} has no ${MARKER}: the share is not mounted, or the folder was never set up as a store.`);
  }

  /** Makes what is missing and follows no symbolic link below the root. */
  async function makeFolder(folder: string, signal: AbortSignal): Promise<void> {
    if (folder === root || known.has(folder)) return;
    await makeFolder(dirname(folder), signal);
    const made = await wait(() => mkdir(folder, { mode: FOLDER_MODE }), signal).then(() => true, ignore('EEXIST'));
    if (made === true) await syncFolder(dirname(folder), signal);
    else if (!(await wait(() => lstat(folder), signal)).isDirectory()) {
      throw refused(`${folder} is not a folder; remove what is there.`);
    }
    if (known.size >= MAX_KNOWN) known.clear();
    known.add(folder);
  }

  /** A new name is on disk only after this. Windows has no such thing, and some shares refuse it. */
  async function syncFolder(folder: string, signal: AbortSignal): Promise<void> {
    if (process.platform === 'win32') return;
    const handle = await wait(() => open(folder, 'r'), signal);
    try {
      await wait(() => handle.sync(), signal).catch(ignore('EINVAL', 'ENOTSUP', 'EPERM'));
    } finally {
      await close(handle);
    }
  }

  /** Takes away what a killed gateway left beside its objects. */
  async function sweep(folder: string, signal: AbortSignal): Promise<void> {
    for (const { name } of await entriesOf(folder, signal)) {
      if (!name.startsWith('.') || !name.endsWith(PART)) continue;
      const found = await wait(() => lstat(join(folder, name)), signal).catch(ignore('ENOENT'));
      if (found !== undefined && Date.now() - found.mtimeMs > STALE_MS) await removeOwn(join(folder, name), signal);
    }
  }

  /** Writes a file that was not there and brings it to the disk; the torso is taken away where that fails. */
  async function writeNew(file: string, name: string, body: ObjectBody, signal: AbortSignal): Promise<void> {
    const handle = await wait(() => open(file, 'wx', FILE_MODE), signal);
    try {
      try {
        await writeAll(handle, exactly(name, body), signal);
        await wait(() => handle.sync(), signal);
      } finally {
        await close(handle);
      }
    } catch (error) {
      await removeOwn(file, signal.aborted ? AbortSignal.timeout(patienceMs) : signal);
      throw error;
    }
  }

  /** Reads the next bytes while those before are written. */
  async function writeAll(handle: FileHandle, chunks: AsyncGenerator<Uint8Array>, signal: AbortSignal): Promise<void> {
    let written = Promise.resolve();
    try {
      for await (const chunk of chunks) {
        await written;
        written = writeWhole(handle, chunk, signal);
        written.catch(() => {});
      }
    } finally {
      await written;
    }
  }

  async function writeWhole(handle: FileHandle, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      at += (await wait(() => handle.write(chunk, at), signal)).bytesWritten;
    }
  }

  /** A file that stays shows at the next attempt, so nothing is lost when this fails. */
  const removeOwn = (file: string, signal: AbortSignal) => wait(() => unlink(file), signal).catch(() => {});

  /** @returns false where something is under this name. */
  async function put(name: string, body: ObjectBody, signal: AbortSignal): Promise<boolean> {
    const file = path(name);
    const folder = dirname(file);
    if (!known.has(folder)) {
      await makeFolder(folder, signal);
      await sweep(folder, signal);
    }
    if ((await wait(() => lstat(file), signal).catch(ignore('ENOENT'))) !== undefined) return false;
    const part = join(folder, `.${basename(file)}.${randomBytes(6).toString('hex')}${PART}`);
    await writeNew(part, name, body, signal);
    const linked = await wait(() => link(part, file), signal).then(
      () => 'linked',
      (error) => (error.code === 'EEXIST' ? 'exists' : NO_LINKS.has(error.code) ? 'no links' : Promise.reject(error)),
    );
    await removeOwn(part, signal);
    if (linked === 'no links') return await putWithoutLinks(file, name, body, signal);
    await syncFolder(folder, signal);
    return linked === 'linked';
  }

  async function putWithoutLinks(file: string, name: string, body: ObjectBody, signal: AbortSignal): Promise<boolean> {
    try {
      await writeNew(file, name, body, signal);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    }
    await syncFolder(dirname(file), signal);
    return true;
  }

  async function* bytesOf(handle: FileHandle, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const { bytesRead, buffer } = await wait(() => handle.read(Buffer.allocUnsafe(READ_BYTES)), signal);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } catch (error) {
      throw told(error, description);
    } finally {
      await close(handle);
    }
  }

  /** Whether a folder is there, and lies there itself all the way up to the root. */
  async function isReal(folder: string, signal: AbortSignal): Promise<boolean> {
    if (folder === root || known.has(folder)) return true;
    if (!(await isReal(dirname(folder), signal))) return false;
    return (await wait(() => lstat(folder), signal).catch(ignore('ENOENT', 'ENOTDIR')))?.isDirectory() === true;
  }

  async function openObject(relative: string, signal: AbortSignal): Promise<FileHandle | null> {
    const file = path(relative);
    if (!(await isReal(dirname(file), signal))) return null;
    const found = await wait(() => lstat(file), signal).catch(ignore('ENOENT', 'ENOTDIR'));
    if (!found?.isFile()) return null;
    return (await wait(() => open(file, constants.O_RDONLY | NO_FOLLOW), signal).catch(ignore('ENOENT'))) ?? null;
  }

  async function entriesOf(folder: string, signal: AbortSignal): Promise<Dirent[]> {
    const entries: Dirent[] = [];
    const listing = await wait(() => opendir(folder, { bufferSize: 1024 }), signal).catch(ignore('ENOENT', 'ENOTDIR'));
    if (listing === undefined) return entries;
    try {
      for (let entry = await wait(() => listing.read(), signal); entry !== null; ) {
        if (entries.length === MAX_ENTRIES) throw refused(`${folder} has more than ${MAX_ENTRIES} entries.`);
        entries.push(entry);
        entry = await wait(() => listing.read(), signal);
      }
    } finally {
      await close(listing);
    }
    return entries;
  }

  const tree = (signal: AbortSignal): Tree => ({
    async entries(folder) {
      const entries = await entriesOf(path(folder), signal);
      return entries.map((entry) => ({
        name: entry.name,
        kind: entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : 'other',
        size: null,
      }));
    },
    size: (relative) =>
      wait(() => lstat(path(relative)), signal).then(
        (found) => (found.isFile() ? found.size : null),
        (error) => ignore('ENOENT')(error) ?? null,
      ),
  });

  async function read(name: string, signal: AbortSignal): Promise<AsyncGenerator<Uint8Array> | null> {
    for (const relative of placesOf(name)) {
      const handle = await openObject(relative, signal);
      if (handle !== null) return bytesOf(handle, signal);
    }
    return null;
  }

  async function create(name: string, body: ObjectBody, signal: AbortSignal): Promise<'created' | 'exists'> {
    if (await put(name, body, signal)) return 'created';
    const there = await read(name, signal);
    if (there !== null && (await isSame(there, body))) return 'exists';
    throw interrupted(`${name} is in ${description} with another content.`);
  }

  async function tried(work: () => Promise<unknown>): Promise<'done' | 'refused'> {
    try {
      await work();
      return 'done';
    } catch (error) {
      if (REFUSALS.has(codeOf(error))) return 'refused';
      throw error;
    }
  }

  return {
    description,
    get capabilities() {
      return capabilities;
    },
    probe: (signal) =>
      inWords(description, async () => {
        await assertMounted(signal);
        const name = probeName();
        const file = path(name);
        await create(name, bytesBody(MARKER_BYTES), signal);
        const overwritten = await tried(async () => {
          const handle = await wait(() => open(file, 'r+'), signal);
          await close(handle);
        });
        const deleted = await tried(() => wait(() => unlink(file), signal));
        capabilities = {
          read: true,
          list: true,
          refusesOverwrite: overwritten === 'refused',
          refusesDelete: deleted === 'refused',
          keepsVersions: false,
          sentences: [
            overwritten === 'refused' && deleted === 'refused'
              ? 'An object that is there could be neither opened for writing nor deleted.'
              : `An object that is there could be ${overwritten === 'done' ? 'opened for writing' : 'deleted'}: what protects it are the server’s snapshots and the witness.`,
          ],
        };
        return capabilities;
      }),
    setUp: (signal) =>
      inWords(description, async () => {
        const found = await wait(() => lstat(root), signal).catch(ignore('ENOENT'));
        if (!found?.isDirectory()) throw unreachable(`${root} is not there; mount the share first.`);
        await create(MARKER, bytesBody(MARKER_BYTES), signal);
      }),
    async create(name, body, signal) {
      assertObjectName(name);
      return await inWords(description, async () => {
        await assertMounted(signal);
        return await create(name, body, signal).catch((error) => {
          // Folders that were known went with the mount, and the one that is back has none of them.
          if (codeOf(error) !== 'ENOENT') throw error;
          known.clear();
          return create(name, body, signal);
        });
      });
    },
    async read(name, signal) {
      assertObjectName(name);
      return await inWords(description, async () => {
        await assertMounted(signal);
        return await read(name, signal);
      });
    },
    async remove(name, signal) {
      assertObjectName(name);
      await inWords(description, async () => {
        await assertMounted(signal);
        for (const relative of placesOf(name)) {
          const file = path(relative);
          if (!(await isReal(dirname(file), signal))) continue;
          await wait(() => unlink(file), signal).catch(ignore('ENOENT', 'ENOTDIR'));
        }
      });
    },
    async *list(prefix, signal, after) {
      assertPrefix(prefix);
      try {
        await assertMounted(signal);
        yield* listTree(tree(signal), prefix, after);
      } catch (error) {
        throw told(error, description);
      }
    },
    async close() {},
  };
}
