import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import type { Kept, KeptFile } from '../../../../contract/undo.ts';
import type { Wish } from '../wish.ts';
import { LIMITS } from './limits.ts';
import { lookAt } from './look.ts';
import { entryOf } from './paths.ts';

/** Reads what a command would remove or replace, right before it runs. Never rejects. */
export async function keepFor(
  wishes: readonly Wish[],
  signal: AbortSignal,
  milliseconds: number = LIMITS.milliseconds,
): Promise<Kept> {
  const { preview, losses, keep, git } = await lookAt(wishes, signal, () => {}, milliseconds);
  const files: KeptFile[] = [];
  let left: number = LIMITS.keptBytes;
  let missed = 0;
  for (const path of [...keep, ...git].slice(0, LIMITS.keptEntries)) {
    const copied = copyOf(path, left);
    const inGit = losses.files.get(path)?.git ?? null;
    if (copied !== null && (copied.content !== null || inGit !== null)) {
      files.push({ ...copied, git: copied.content === null ? inGit : null });
      left -= copied.kind === 'file' && copied.content !== null ? Math.floor(copied.content.length * 0.75) - 2 : 0;
    } else missed += 1;
  }
  for (const path of losses.made) {
    // What is there already is never taken away.
    if (files.length >= LIMITS.keptEntries || losses.files.has(path) || entryOf(path) !== null) continue;
    files.push({ path, kind: 'missing', mode: 0, sha256: null, content: null, git: null });
  }
  const told = preview.undo ?? { can: 'none' as const, sentence: 'Nobody could look at it' };
  const undo =
    missed === 0 ? told : { can: 'part' as const, sentence: `${missed} files could not be read to keep them` };
  return { files, pushes: losses.pushes.slice(0, 20), undo };
}

/** `content` null: it is longer than what is left. @returns null where it cannot be read. */
function copyOf(path: string, left: number): Omit<KeptFile, 'git'> | null {
  try {
    const stat = lstatSync(path);
    const mode = stat.mode & 0o7777;
    if (stat.isSymbolicLink()) return { path, kind: 'link', mode, sha256: null, content: readlinkSync(path) };
    if (!stat.isFile()) return null;
    if (stat.size > left) return { path, kind: 'file', mode, sha256: null, content: null };
    const bytes = readFileSync(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { path, kind: 'file', mode, sha256, content: bytes.toString('base64') };
  } catch {
    return null;
  }
}
