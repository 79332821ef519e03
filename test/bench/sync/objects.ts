import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectBody } from '../../../gateway/sync/ports.ts';

export interface Load {
  name: string;
  /** The folder that has the files and nothing else. */
  folder: string;
  files: string[];
  bodies: ObjectBody[];
  bytes: number;
}

/** Files that no tool can compress, as sealed objects are. */
export function makeLoad(base: string, name: string, count: number, size: number): Load {
  const folder = join(base, name);
  mkdirSync(folder);
  const files = Array.from({ length: count }, (_, n) => `part-${String(n).padStart(6, '0')}.tar`);
  const bodies = files.map((file) => {
    const bytes = randomBytes(size);
    const path = join(folder, file);
    writeFileSync(path, bytes);
    const open = () => createReadStream(path, { highWaterMark: 256 * 1024 });
    return { size, sha256: createHash('sha256').update(bytes).digest(), open };
  });
  return { name, folder, files, bodies, bytes: count * size };
}
