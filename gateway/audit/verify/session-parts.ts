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
  const odd = oddParts(books, sid);
  const problems: string[] = [];
  for (let i = 0, n = 0; i < own.length; i += 1, n += 1) {
    const part = own[i]!;
    if (part.n > n && !bundled) problems.push(missing(n, part.n - 1));
    const before = own[i - 1];
    if (
      before !== undefined &&
      before.n === part.n - 1 &&
      Buffer.from(before.sha256).toString('base64') !== part.prev
    ) {
      problems.push(`part ${part.n} follows another part ${before.n} than the one that is here`);
    }
    if (part.last && i < own.length - 1) problems.push(`part ${part.n} says that it is the last, and there are more`);
    n = part.n;
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

const missing = (from: number, to: number): string =>
  from === to ? `part ${from} is missing` : `parts ${from} to ${to} are missing`;

function oddParts(books: Books, sid: string) {
  return books.byState('unread', 'torso', 'changed', 'refused').flatMap((object) => {
    const kind = parseObjectName(object.name);
    return kind?.kind === 'part' && kind.sid === sid
      ? [
          {
            n: kind.n,
            state: object.state,
            name: object.name.slice(object.name.lastIndexOf('/') + 1),
            detail: object.detail,
          },
        ]
      : [];
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
