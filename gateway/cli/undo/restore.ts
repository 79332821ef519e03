import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import type { KeptFile, LeftFile, PushedRef } from '../../contract/undo.ts';

/** What is at a path now, as it was looked at when the action had ended. */
function stateOf(path: string): LeftFile {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return { state: 'missing', sha256: null };
    if (stat.isDirectory()) return { state: 'folder', sha256: null };
    if (!stat.isFile()) return { state: 'other', sha256: null };
    return { state: 'file', sha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
  } catch {
    return { state: 'unreadable', sha256: null };
  }
}

/** Why putting a file back would take more than the action away; null: it would not. */
export function changedSince(path: string, left: LeftFile | null): string | null {
  const now = stateOf(path);
  if (left === null) return now.state === 'missing' ? null : `${path}: how it was left is not known`;
  if (now.state === left.state && now.sha256 === left.sha256) return null;
  return `${path} has changed since (${left.state} → ${now.state}${now.state === left.state ? ', other content' : ''})`;
}

/** Puts one file back as it was. Throws CountersignError, UNDO_… */
export function restoreFile(file: KeptFile): void {
  const { path, kind, mode } = file;
  mkdirSync(dirname(path), { recursive: true });
  if (realpathSync(dirname(path)) !== dirname(path))
    throw new CountersignError('UNDO_LINK', `${dirname(path)} is a link by now, so nothing was put there`);
  if (kind === 'missing') {
    rmSync(path, { force: true });
    return;
  }
  const beside = join(dirname(path), `.countersign-undo-${randomBytes(6).toString('hex')}`);
  if (kind === 'link') symlinkSync(file.content ?? '', beside);
  else writeFileSync(beside, contentOf(file), { mode, flag: 'wx' });
  try {
    // Whatever is there, a link too, is replaced and not followed.
    renameSync(beside, path);
  } catch (cause) {
    rmSync(beside, { force: true });
    throw new CountersignError('UNDO_FAILED', `${path} could not be put back`, { cause });
  }
}

function contentOf({ content, git, sha256, path }: KeptFile): Buffer {
  if (content !== null) return Buffer.from(content, 'base64');
  if (git === null) throw new CountersignError('UNDO_NOT_KEPT', `the content of ${path} was not kept`);
  const name = relative(git.top, path);
  const bytes = execFileSync('git', ['-C', git.top, 'cat-file', 'blob', `${git.commit}:${name}`], {
    maxBuffer: 1024 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (sha256 !== null && createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new CountersignError('UNDO_OTHER', `Git has another content of ${path}`);
  return bytes;
}

/** Puts a reference back, and only while it is still at what was pushed. Throws UNDO_PUSH. */
export function restoreRef({ cwd, remote, ref, before, after }: PushedRef): void {
  const lease = `--force-with-lease=${ref}:${after ?? ''}`;
  try {
    execFileSync('git', ['-C', cwd, 'push', '--no-verify', lease, '--', remote, `${before ?? ''}:${ref}`], {
      stdio: ['inherit', 'ignore', 'pipe'],
      timeout: 120_000,
    });
  } catch (cause) {
    throw new CountersignError(
      'UNDO_PUSH',
      `${ref} on ${remote} was not put back: it is not at what was pushed, or cannot be reached`,
      { cause },
    );
  }
}
