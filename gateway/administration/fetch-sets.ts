import { readFile } from 'node:fs/promises';
import type { StoreTarget } from '../sync/ports.ts';

const NOTE = /^administration\/\d{6}\.note(?:\.r[1-9]\d{0,3})?$/;
const MAX_NOTE = 1024 * 1024;
/** The newest ones; an organisation keeps all it ever signed. */
const MAX_SETS = 8;
const MAX_LISTED = 10_000;

/** The newest sets in the store. What they are worth is not said here. Rejects with what the store says. */
export async function fetchSets(target: StoreTarget, org: string, signal: AbortSignal): Promise<Uint8Array[]> {
  const names: string[] = [];
  let listed = 0;
  for await (const { name, size, deleted } of target.list(`${org}/administration/`, signal)) {
    listed += 1;
    if (deleted !== true && size <= MAX_NOTE && NOTE.test(name.slice(org.length + 1))) names.push(name);
    if (listed >= MAX_LISTED) break;
  }
  const notes: Uint8Array[] = [];
  for (const name of [...new Set(names)].sort().slice(-MAX_SETS)) {
    const source = await target.read(name, signal);
    if (source === null) continue;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of source) {
      size += chunk.length;
      if (size > MAX_NOTE) break;
      chunks.push(chunk);
    }
    if (size <= MAX_NOTE) notes.push(Buffer.concat(chunks));
  }
  return notes;
}

/** The set that an installer put there; null where there is none. */
export async function installedSet(file: string): Promise<Uint8Array | null> {
  try {
    const bytes = await readFile(file);
    return bytes.length <= MAX_NOTE ? bytes : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
