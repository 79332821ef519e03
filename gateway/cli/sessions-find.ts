import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import type { SessionDeps } from './sessions.ts';
import { visibleLine } from './terminal/visible.ts';

/** Folder of the session that `id` names: whole, a beginning that only one has, or "last". */
export async function folderOf(deps: SessionDeps, id: string): Promise<string> {
  const wanted = id.toUpperCase();
  const found: string[] = [];
  let any = false;
  for await (const folder of deps.recordings.sessionFolders(deps.recordingsDir())) {
    any = true;
    const name = basename(folder).toUpperCase();
    if (id === 'last') found[0] = folder;
    else if (name === wanted) return folder;
    else if (name.startsWith(wanted)) found.push(folder);
  }
  if (found.length === 1) return found[0]!;
  if (!any) throw new CountersignError('NO_SESSIONS', noSessions(deps));
  const shown = visibleLine(id);
  if (found.length === 0) {
    throw new CountersignError(
      'SESSION_UNKNOWN',
      `no session begins with ${shown}; "countersign sessions list" shows those there are`,
    );
  }
  const some = found.slice(0, 5).map((folder) => visibleLine(basename(folder)));
  throw new CountersignError(
    'SESSION_AMBIGUOUS',
    `${found.length} sessions begin with ${shown} (${some.join(', ')}${found.length > 5 ? ', …' : ''}); give more of it`,
  );
}

export function noSessions(deps: SessionDeps): string {
  return `there are no recorded sessions in ${visibleLine(deps.recordingsDir())} yet; a client that connects through the gateway makes one`;
}

/** The session's header; a recording that cannot be read is named with what to do. */
export async function openSession(
  deps: SessionDeps,
  id: string,
): Promise<{ folder: string; session: RecordedSession }> {
  const folder = await folderOf(deps, id);
  try {
    return { folder, session: await deps.recordings.readSession(folder) };
  } catch (cause) {
    throw new CountersignError(
      'RECORDING_UNREADABLE',
      `the recording in ${visibleLine(folder)} cannot be read; "countersign sessions verify" says what is broken`,
      { cause },
    );
  }
}

/** An ISO 8601 time, or an age ("90d", "2h", "30m") before now. @returns ISO 8601 in UTC. */
export function timeOption(now: () => number): (text: string) => string {
  return (text) => {
    const age = ageOf(text);
    const time = age === null ? Date.parse(text) : now() - age;
    if (Number.isNaN(time))
      throw new InvalidArgumentError('a time such as 2026-01-31T08:00Z, or an age such as 2h or 7d');
    return new Date(time).toISOString();
  };
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds, or null where it is no age. */
export function ageOf(text: string): number | null {
  const match = /^(\d{1,6})([mhdw])$/.exec(text);
  return match ? Number(match[1]) * UNITS[match[2]!]! : null;
}

/** @param least smallest value that is taken. */
export function countOption(least = 0): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(count >= least)) throw new InvalidArgumentError(`a whole number from ${least}`);
    return count;
  };
}
