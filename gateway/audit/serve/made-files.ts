import { createReadStream, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { MadeFile } from '../../contract/audit.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,150}$/;
const MAX_LISTED = 500;

export type MadeFiles = ReturnType<typeof madeFiles>;

/** Reports and bundles that were made here, in the workspace's folder `made` (0700). */
export function madeFiles(folder: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = (name: string) => join(folder, name);
  const about = (name: string): MadeFile => {
    const { size, mtimeMs } = statSync(path(name));
    return { name, bytes: size, at: new Date(mtimeMs).toISOString(), path: path(name) };
  };
  return {
    about,
    /** A path that is free: a number is added where one of the same name is there. */
    place(stem: string, extension: string): { name: string; path: string } {
      for (let n = 1; ; n += 1) {
        const name = `${stem}${n === 1 ? '' : `-${n}`}.${extension}`;
        if (!existsSync(path(name))) return { name, path: path(name) };
      }
    },
    /** What is not whole. */
    remove(name: string): void {
      if (NAME.test(name)) rmSync(path(name), { force: true });
    },
    /** Newest first. */
    list: (): MadeFile[] =>
      readdirSync(folder)
        .filter((name) => NAME.test(name))
        .map(about)
        .sort((a, b) => (a.at < b.at ? 1 : -1))
        .slice(0, MAX_LISTED),
    /** To be kept as a file, whatever it holds: nothing of it is shown as a page of the console. */
    open: async (name: string): Promise<Response | null> => {
      if (!NAME.test(name) || !existsSync(path(name))) return null;
      return new Response(Readable.toWeb(createReadStream(path(name))) as ReadableStream, {
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(statSync(path(name)).size),
          'content-disposition': `attachment; filename="${name}"`,
          'content-security-policy': "default-src 'none'; sandbox",
        },
      });
    },
  };
}
