import { createReadStream, statSync } from 'node:fs';
import type { Files, Started } from '../../protocols/terminal/messages.ts';

/** Longer ones, and what is no text, are known by their digest alone. */
const MAX_SCRIPT = 256 * 1024;
const MAX_SCRIPTS = 1024 * 1024;
/** A file that does not end (a device, a pipe) is none. */
const MAX_HASHED = 4 * 1024 * 1024 * 1024;

async function readOne(path: string, keep: number): Promise<{ sha256: string | null; content: string | null }> {
  const nothing = { sha256: null, content: null };
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > MAX_HASHED) return nothing;
    // Most commands name no script, and start without it.
    const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
    const kept: Buffer[] = [];
    let length = 0;
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      length += chunk.length;
      if (length <= keep) kept.push(chunk);
    }
    return { sha256: hash.digest('hex'), content: length <= keep ? asText(Buffer.concat(kept)) : null };
  } catch {
    return nothing;
  }
}

function asText(bytes: Buffer): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The files that a command names: digests, and the content of scripts. */
export async function readFiles(paths: readonly string[]): Promise<Files> {
  const files: Files['files'] = [];
  let left = MAX_SCRIPTS;
  for (const path of paths) {
    const { sha256, content } = await readOne(path, Math.min(MAX_SCRIPT, left));
    left -= content?.length ?? 0;
    files.push({ path, sha256, content });
  }
  return { files };
}

/** The same files once more, right before the command runs. */
export async function hashFiles(paths: readonly string[]): Promise<Started> {
  const files: Started['files'] = [];
  for (const path of paths) files.push({ path, sha256: (await readOne(path, 0)).sha256 });
  return { files };
}
