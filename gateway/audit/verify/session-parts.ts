import * as fs from 'node:fs';
import { join } from 'node:path';
import type { BookedSession, Books } from '../books.ts';
import { BUNDLE_PART } from '../import/bundles.ts';
import { parseObjectName } from '../object-names.ts';
import type { Workspace } from '../workspace.ts';
import { type AuditCheck, checkOf, plural } from './report.ts';

export interface PartsFound {
  checks: AuditCheck[];
  /** Everything is here that the session's parts say there is. */
  complete: boolean;
  /** Parts that are here and encrypted to others. */
  unread: number;
}

/** Whether the objects of a session are all here, follow each other, and were not replaced. */
export function checkParts(workspace: Workspace, books: Books, session: BookedSession): PartsFound {
  const { sid } = session;
  const parts = books.parts(sid);
  const bundled = parts.some(({ n }) => n === BUNDLE_PART);
  const own = parts.filter(({ n }) => n !== BUNDLE_PART);
  const odd = oddParts(books, session);
  const problems: string[] = [];
  const here = new Set([...own, ...odd.filter(({ state }) => state === 'unread')].map(({ n }) => n));
  if (!bundled) problems.push(...missing(here));
  for (const [i, part] of own.entries()) {
    const before = own[i - 1];
    if (
      before !== undefined &&
      before.n === part.n - 1 &&
      Buffer.from(before.sha256).toString('base64') !== part.prev
    ) {
      problems.push(`part ${part.n} follows another part ${before.n} than the one that is here`);
    }
    if (part.last && i < own.length - 1) problems.push(`part ${part.n} says that it is the last, and there are more`);
  }
  for (const { n, state, name, detail } of odd.filter(({ state }) => state !== 'unread')) {
    if (state === 'torso' && own.some((part) => part.n === n)) continue;
    problems.push(`${name} ${state === 'changed' ? 'was replaced' : 'is not whole'}: ${detail}`);
  }
  problems.push(...holes(workspace, books, session));
  const unread = odd.filter(({ n, state }) => state === 'unread' && !own.some((part) => part.n === n)).length;
  const last = bundled || own.at(-1)?.last === true;
  const what = bundled
    ? 'The session came as a bundle.'
    : `${plural(own.length, 'part')} of the session follow each other.`;
  const check = checkOf('parts', problems, what);
  if (unread > 0 && check.status === 'ok') {
    const sentence = `${plural(unread, 'part')} of the session cannot be read: ${odd.find(({ state }) => state === 'unread')!.detail}`;
    return { checks: [{ name: 'parts', status: 'not-checked', sentence }], complete: false, unread };
  }
  return { checks: [check], complete: last && problems.length === 0, unread };
}

/** Numbers that are left out before the highest that is here. */
function missing(here: ReadonlySet<number>): string[] {
  const problems: string[] = [];
  let next = 0;
  for (const n of [...here].sort((a, b) => a - b)) {
    if (n === next + 1) problems.push(`part ${next} is missing`);
    else if (n > next) problems.push(`parts ${next} to ${n - 1} are missing`);
    next = n + 1;
  }
  return problems;
}

function oddParts(books: Books, { org, device, folder }: BookedSession) {
  const below = `${org}/${device}/${folder}/`;
  return books.byState(['unread', 'torso', 'changed', 'refused'], below).flatMap(({ name, state, detail }) => {
    const kind = parseObjectName(name);
    return kind?.kind === 'part' ? [{ n: kind.n, state, name: name.slice(below.length), detail }] : [];
  });
}

/** Ranges between what came: zeros stand there, and the readers pass over them. */
function holes(workspace: Workspace, books: Books, session: BookedSession): string[] {
  const problems: string[] = [];
  const folder = join(workspace.recordingsDir, session.folder);
  const ends = new Map<string, number>();
  for (const { file, start, length } of books.ranges(session.sid)) {
    const end = ends.get(file) ?? 0;
    if (start > end) problems.push(`bytes ${end} to ${start - 1} of ${file} are missing`);
    ends.set(file, Math.max(end, start + length));
  }
  for (const [file, end] of ends) {
    const path = join(folder, file);
    const size = fs.existsSync(path) ? fs.statSync(path).size : 0;
    if (size !== end)
      problems.push(`${file} has ${size} bytes in this workspace, and ${end} were imported: it was changed here`);
  }
  return problems;
}
