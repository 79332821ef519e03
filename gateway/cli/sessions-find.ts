import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import type { SessionDeps } from './sessions.ts';
import { type GatewaySessions, recordedOf } from './sessions-gateway.ts';
import { visibleLine } from './terminal/visible.ts';

/** In place of the folder of a session that the gateway shows. */
export const ON_GATEWAY = '';

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
  if (!any) throw new CountersignError('NO_SESSIONS', noSessions(deps));
  return only(found, id);
}

/** The one session that an ID, or the beginning of one, found. */
function only(found: readonly string[], id: string): string {
  if (found.length === 1) return found[0]!;
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
  const where = deps.gateway() === null ? `in ${visibleLine(deps.recordingsDir())}` : 'at the gateway';
  return `there are no recorded sessions ${where} yet; a client that connects through the gateway makes one`;
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

/** As openSession; where recordings are not this user's to read, as the gateway tells it. */
export async function viewSession(
  deps: SessionDeps,
  id: string,
): Promise<{ folder: string; session: RecordedSession }> {
  const gateway = deps.gateway();
  if (gateway === null) return openSession(deps, id);
  return { folder: ON_GATEWAY, session: recordedOf(await gateway.session(await idOnGateway(deps, gateway, id))) };
}

const ULID_LENGTH = 26;
const LIST_PAGE = 500;
/** Sessions among which the beginning of an ID is looked for. */
const MOST_LISTED = 20_000;

async function idOnGateway(deps: SessionDeps, gateway: GatewaySessions, id: string): Promise<string> {
  const wanted = id.toUpperCase();
  if (wanted.length === ULID_LENGTH) return wanted;
  const found: string[] = [];
  for (let offset = 0; ; offset += LIST_PAGE) {
    const { items, total } = await gateway.list({ offset, limit: LIST_PAGE });
    if (total === 0) throw new CountersignError('NO_SESSIONS', noSessions(deps));
    if (id === 'last') return items[0]!.id;
    found.push(...items.map((session) => session.id).filter((one) => one.startsWith(wanted)));
    if (items.length === 0 || offset + items.length >= total) return only(found, id);
    if (offset + LIST_PAGE >= MOST_LISTED) {
      throw new CountersignError('SESSION_AMBIGUOUS', `there are ${total} sessions; give the whole ID`);
    }
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
