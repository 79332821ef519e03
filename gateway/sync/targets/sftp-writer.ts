import { randomBytes } from 'node:crypto';
import type { ObjectBody } from '../ports.ts';
import { exactly, isSame } from './body.ts';
import { full, interrupted, refused, unreachable, words } from './failures.ts';
import { isAnswer } from './sftp-connection.ts';
import { ifDenied, isDenied, isFailure, isMissing, type SftpRequests, sizeOf } from './sftp-requests.ts';
import { placesOf } from './tree.ts';

/** Folders of which is known how their objects are placed. */
const MAX_KNOWN = 1000;
const FILE_MODE = { mode: 0o640 };
/** How long is taken to clear up behind an upload that was stopped. */
const CLEAR_UP_MS = 2_000;
/** What a killed gateway left behind: a name beside an object's, of an upload that nobody goes on with. */
const LEFT_BEHIND = /^\.(.+)\.[0-9a-f]{12}\.part$/;
const STALE_SECONDS = 24 * 60 * 60;
/** Entries of a folder that are looked through. */
const MAX_SWEPT = 20_000;

export interface SftpWriter {
  /** As StoreTarget.create; answers of the server are thrown as they are. */
  create(requests: SftpRequests, name: string, body: ObjectBody): Promise<'created' | 'exists'>;
  /** Whether the server lets files be renamed. */
  mayRename(requests: SftpRequests): Promise<boolean>;
}

/**
 * @param place host and port, for people.
 * @param root the store's folder on the server.
 * @param connected requests on a connection that may be a new one.
 */
export function sftpWriter(
  place: string,
  root: string,
  connected: (signal: AbortSignal) => Promise<SftpRequests>,
): SftpWriter {
  /** Null: not tried yet. */
  let renames: boolean | null = null;
  /** For each folder, how many of its names go into the files'. */
  const flatness = new Map<string, number>();
  const path = (relative: string) => `${root}/${relative}`;

  /** Asks for what cannot succeed: a server that forbids renaming says so, another that there is no such file. */
  async function mayRename(requests: SftpRequests): Promise<boolean> {
    const nothing = path(`.${randomBytes(8).toString('hex')}.part`);
    if (renames !== null) return renames;
    const may = await requests.rename(nothing, `${nothing}.x`).then(
      () => true,
      (error) => (isAnswer(error) ? !isDenied(error) : Promise.reject(error)),
    );
    renames = may;
    return may;
  }

  async function makeFolders(requests: SftpRequests, folders: readonly string[]): Promise<void> {
    for (let depth = 1; depth <= folders.length; depth += 1) {
      await requests.mkdir(path(folders.slice(0, depth).join('/'))).catch((error) => {
        // One that is there is a failure like any other; what matters shows when a file is opened in it.
        if (!isAnswer(error)) throw error;
      });
    }
  }

  /** Opens a new file for `name` in the deepest folder that takes one. @returns null where it is there. */
  async function openNew(
    requests: SftpRequests,
    name: string,
    fileName: (path: string) => string,
  ): Promise<{ handle: Buffer; file: string; place: string } | { handle: null; place: string }> {
    const places = placesOf(name);
    const folders = name.split('/').slice(0, -1);
    const folder = folders.join('/');
    const known = flatness.get(folder) ?? null;
    let made = known !== null;
    for (let flat = known ?? 0; flat < places.length; ) {
      const relative = places[flat] as string;
      const file = path(fileName(relative));
      try {
        const handle = await requests.open(file, 'wx', FILE_MODE);
        if (known === null) remember(folder, flat);
        return { handle, file, place: relative };
      } catch (error) {
        if (isFailure(error)) return await failedToOpen(requests, relative, error);
        if (!isMissing(error) && !isDenied(error)) throw error;
        if (isMissing(error) && !made) await makeFolders(requests, folders);
        else if (flat === places.length - 1) {
          flatness.delete(folder);
          throw error;
        } else flat += 1;
        made = true;
      }
    }
    throw unreachable(`${place} has no place for ${name}.`);
  }

  function remember(folder: string, flat: number): void {
    if (flatness.size >= MAX_KNOWN) flatness.clear();
    flatness.set(folder, flat);
  }

  /** Version 3 has one answer for "it exists" and "no room for a new one". */
  async function failedToOpen(requests: SftpRequests, relative: string, error: unknown) {
    const size = await sizeOf(requests, path(relative)).catch((problem) => {
      if (isDenied(problem)) return 'unknown';
      throw problem;
    });
    if (typeof size === 'number') return { handle: null, place: relative };
    if (await requests.isFull(root)) throw full(`There is no room left on ${place}.`, error);
    if (size === 'unknown') return { handle: null, place: relative };
    throw error;
  }

  /** What is under a name, compared with what should be. */
  async function compare(requests: SftpRequests, name: string, relative: string, body: ObjectBody): Promise<'exists'> {
    let same: boolean;
    try {
      const handle = await requests.open(path(relative), 'r');
      try {
        same = await isSame(requests.readAll(handle), body);
      } finally {
        await requests.close(handle).catch(() => {});
      }
    } catch (error) {
      if (!isDenied(error)) throw error;
      same = (await sizeOf(requests, path(relative)).catch(ifDenied(null))) === body.size;
    }
    if (same) return 'exists';
    throw interrupted(`${name} is on ${place} with another content.`);
  }

  async function fill(requests: SftpRequests, handle: Buffer, name: string, body: ObjectBody): Promise<void> {
    try {
      await requests.fill(handle, exactly(name, body));
    } catch (error) {
      if (!isAnswer(error)) throw error;
      if (isDenied(error)) throw refused(`${place} lets nothing be written: ${words(error.message)}.`, error);
      throw full(`${place} cannot write any more (${words(error.message)}): its disk or a quota is full.`, error);
    }
  }

  /** Takes away a file of our own, with a little time of its own where the caller has none. @returns false where it stays. */
  async function clearUp(file: string): Promise<boolean> {
    const requests = await connected(AbortSignal.timeout(CLEAR_UP_MS)).catch(() => null);
    return (
      (await requests?.remove(file).then(
        () => true,
        () => false,
      )) ?? false
    );
  }

  /**
   * Takes away what a killed gateway left in the folder of a new file: files of the same device that are a day older
   * than it, both by the server's clock. What is refused stays, and is no object.
   */
  async function sweep(requests: SftpRequests, name: string, opened: { handle: Buffer; file: string }): Promise<void> {
    const folder = opened.file.slice(0, opened.file.lastIndexOf('/'));
    const below = folder.slice(root.length + 1);
    const own = `${name.split('/').slice(0, 2).join('/')}/`;
    const { mtime } = await requests.fstat(opened.handle);
    for (const { filename, attrs } of await requests.entries(folder, MAX_SWEPT)) {
      const [, last = ''] = LEFT_BEHIND.exec(filename) ?? [];
      const object = `${below === '' ? '' : `${below}/`}${last.replaceAll(',', '/')}`;
      if (last === '' || !object.startsWith(own) || !attrs.isFile() || attrs.mtime > mtime - STALE_SECONDS) continue;
      await requests.remove(`${folder}/${filename}`);
    }
  }

  async function createByRenaming(requests: SftpRequests, name: string, body: ObjectBody) {
    const suffix = `.${randomBytes(6).toString('hex')}.part`;
    // Asked for together, since the file beside is wanted nearly always.
    const [relative = name] = placesOf(name);
    const size = sizeOf(requests, path(relative)).catch(ifDenied(null));
    size.catch(() => {});
    const isFirst = !flatness.has(name.split('/').slice(0, -1).join('/'));
    const opened = await openNew(requests, name, (relative) =>
      relative.replace(/[^/]*$/, (last) => `.${last}${suffix}`),
    );
    if (isFirst && opened.handle !== null) {
      await sweep(requests, name, opened).catch((error) => (isAnswer(error) ? null : Promise.reject(error)));
    }
    if ((await size) !== null) {
      if (opened.handle !== null) {
        await requests.close(opened.handle);
        await clearUp(opened.file);
      }
      return await compare(requests, name, relative, body);
    }
    if (opened.handle === null) return await compare(requests, name, opened.place, body);
    try {
      await fill(requests, opened.handle, name, body);
      await requests.rename(opened.file, path(opened.place));
      return 'created';
    } catch (error) {
      await clearUp(opened.file);
      if (isDenied(error)) {
        renames = false;
        return await createAtOnce(requests, name, body);
      }
      if (isFailure(error) && (await sizeOf(requests, path(opened.place))) !== null) {
        return await compare(requests, name, opened.place, body);
      }
      throw error;
    }
  }

  async function createAtOnce(requests: SftpRequests, name: string, body: ObjectBody) {
    const opened = await openNew(requests, name, (relative) => relative);
    if (opened.handle === null) return await compare(requests, name, opened.place, body);
    try {
      await fill(requests, opened.handle, name, body);
      return 'created';
    } catch (error) {
      if ((await clearUp(opened.file)) || !isUnreachable(error)) throw error;
      throw interrupted(
        `The upload of ${name} to ${place} was cut, and what is there of it cannot be taken away.`,
        error,
      );
    }
  }

  return {
    mayRename,
    create: async (requests, name, body) =>
      (await mayRename(requests)) ? createByRenaming(requests, name, body) : createAtOnce(requests, name, body),
  };
}

export const isUnreachable = (error: unknown) => (error as { code?: unknown } | null)?.code === 'SYNC_UNREACHABLE';
