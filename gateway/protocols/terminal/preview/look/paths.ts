import { type Dirent, lstatSync, realpathSync, type Stats } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { PathWord } from '../wish.ts';
import { LIMITS } from './limits.ts';

/** What is at a path; links are not followed. */
export interface Entry {
  path: string;
  kind: 'file' | 'folder' | 'link' | 'other';
  bytes: number;
}

/** How much may still be looked at; shared by all parts of a look. */
export interface Budget {
  entries: number;
  until: number;
  signal: AbortSignal;
}

export const isSpent = (budget: Budget): boolean =>
  budget.entries <= 0 || performance.now() > budget.until || budget.signal.aborted;

export function statOf(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

export function entryOf(path: string): Entry | null {
  const stat = statOf(path);
  if (stat === null) return null;
  const kind = stat.isDirectory() ? 'folder' : stat.isFile() ? 'file' : stat.isSymbolicLink() ? 'link' : 'other';
  return { path, kind, bytes: stat.isFile() ? stat.size : 0 };
}

/** All that is below a folder, the folder first, depth first; ends early when the budget is spent. */
export async function* walk(top: Entry, budget: Budget, depth = 0): AsyncGenerator<Entry & { depth: number }> {
  budget.entries -= 1;
  yield { ...top, depth };
  if (top.kind !== 'folder') return;
  for (const name of await namesIn(top.path, budget)) {
    if (isSpent(budget)) return;
    const entry = entryOf(join(top.path, name));
    if (entry !== null) yield* walk(entry, budget, depth + 1);
  }
}

async function namesIn(folder: string, budget: Budget): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const one of (await opendir(folder)) as AsyncIterable<Dirent>) {
      names.push(one.name);
      if (names.length >= budget.entries) break;
    }
  } catch {
    // It may not be read; what is removed from it cannot be told either.
  }
  return names.sort();
}

/** The paths that words stand for: patterns are replaced by what matches, as bash does it without options. */
export async function expand(words: readonly PathWord[], cwd: string, budget: Budget): Promise<string[]> {
  const out: string[] = [];
  for (const { text, glob } of words) {
    if (!glob) out.push(placeOf(resolve(cwd, text)));
    else out.push(...(await matches(text, cwd, budget)).map(placeOf));
    if (out.length >= LIMITS.entries) break;
  }
  return [...new Set(out)];
}

/** Where it really is: links are followed on the way, and not at its end. */
function placeOf(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

async function matches(pattern: string, cwd: string, budget: Budget): Promise<string[]> {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  let found = [pattern.startsWith('/') ? '/' : cwd];
  for (const part of parts) {
    const next: string[] = [];
    for (const folder of found) {
      if (isSpent(budget)) break;
      if (part === '..' || !/[*?[]/.test(part)) {
        const path = resolve(folder, part);
        if (statOf(path) !== null) next.push(path);
        continue;
      }
      const test = patternOf(part);
      for (const name of await namesIn(folder, budget)) {
        budget.entries -= 1;
        if (test.test(name) && (part.startsWith('.') || !name.startsWith('.'))) next.push(join(folder, name));
      }
    }
    found = next;
  }
  return found;
}

/** One name's pattern of the shell (POSIX 2.14) as a regular expression: linear, since no two stars touch. */
export function patternOf(pattern: string, flags = ''): RegExp {
  let out = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? '';
    if (char === '*') out += out.endsWith('[^/]*') ? '' : '[^/]*';
    else if (char === '?') out += '[^/]';
    else if (char === '[') {
      const end = pattern.indexOf(']', at + (/^\[[!^]?\]/.test(pattern.slice(at)) ? 3 : 2));
      if (end < 0) out += '\\[';
      else {
        const inside = pattern
          .slice(at + 1, end)
          .replace(/^[!^]/, '')
          .replace(/[\\\]^]/g, '\\$&')
          .replace(/\[/g, '\\[');
        out += `[${/^[!^]/.test(pattern.slice(at + 1)) ? '^' : ''}${inside}]`;
        at = end;
      }
    } else out += char.replace(/[.+^${}()|\\\]]/g, '\\$&');
  }
  try {
    return new RegExp(`^${out}$`, `s${flags}`);
  } catch {
    // A range that ends before it begins matches nothing.
    return /^(?!)/;
  }
}
