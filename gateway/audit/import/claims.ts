import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { BookedObject, BookedSession, Books } from '../books.ts';
import { type PartName, parseObjectName } from '../object-names.ts';
import { type VerifiedLog, verifyDeviceLog } from '../verify/device-log.ts';
import { verifyTrustNotes } from '../verify/trust.ts';
import type { Workspace } from '../workspace.ts';
import { BUNDLE_PART } from './bundles.ts';
import { type Fetched, type Intake, openObject } from './intake.ts';
import { putFile } from './session-files.ts';

interface Settling {
  workspace: Workspace;
  books: Books;
  intake: Intake;
  identities: readonly string[];
  now: number;
  /** What the source has under a name now; null where it does not give it. */
  fetch(name: string, version: string): Promise<Uint8Array | null>;
}

interface Claim extends BookedSession {
  /** What came of it and was not taken. */
  parts: { object: BookedObject; fetched: Fetched }[];
}

/** 2: the log of its device names the session, and with this beginning; 1: names it; 0: does not, or counts for nothing. */
type Standing = 0 | 1 | 2;

/**
 * Sessions that several devices or folders claim with parts that can be read: whose they are is said by the logs that
 * hold, then by their names, and never by which came first. Nothing is lost: what gives way lies in `displaced`.
 */
export async function settleClaims(settling: Settling): Promise<void> {
  const { books, workspace } = settling;
  const rivals = rivalsIn(books, workspace.settings.org);
  if (rivals.size === 0) return;
  const at = new Date(settling.now).toISOString();
  const { trust } = verifyTrustNotes(workspace, books, at);
  const logs = new Map<string, VerifiedLog>();
  const logOf = async (device: string) => {
    const log = logs.get(device) ?? (await verifyDeviceLog(workspace, books, trust, device));
    logs.set(device, log);
    return log;
  };
  for (const [sid, objects] of rivals) {
    const holder = books.session(sid);
    if (holder === null || books.parts(sid).some(({ n }) => n === BUNDLE_PART)) continue;
    const claims = await claimsOf(settling, holder, objects);
    const standings = await Promise.all(
      claims.map(async (claim) => standingOf(await logOf(claim.device), sid, openOf(workspace, holder, claim))),
    );
    const best = [...claims.keys()].sort(
      (a, b) => standings[b]! - standings[a]! || (keyOf(claims[a]!) < keyOf(claims[b]!) ? -1 : 1),
    )[0]!;
    const winner = claims[best]!;
    const decided = standings.filter((one) => one === standings[best]).length === 1;
    const why = `Session ${sid} is that of device ${winner.device}, in ${winner.folder}: ${
      decided ? 'its log names it so' : 'no log decides between them, and this name sorts first'
    }.`;
    if (keyOf(winner) !== keyOf(holder)) await displace(settling, holder, winner);
    if (books.parts(sid).length === 0) place(settling, winner);
    for (const object of objectsOf(books, workspace.settings.org, sid)) {
      if (object.state === 'changed' && !object.name.startsWith(prefixOf(winner)))
        books.put({ ...object, detail: why });
    }
  }
}

const keyOf = ({ device, folder }: BookedSession) => `${device}/${folder}`;
const prefixOf = ({ org, device, folder }: BookedSession) => `${org}/${device}/${folder}/`;

function partOf({ name }: BookedObject): PartName | null {
  const kind = parseObjectName(name);
  return kind?.kind === 'part' ? kind : null;
}

/** Parts that were not taken since their session is another's, by session; and those of a session that was left without any. */
function rivalsIn(books: Books, org: string): Map<string, BookedObject[]> {
  const rivals = new Map<string, BookedObject[]>();
  for (const object of books.byState('changed', `${org}/`)) {
    const part = partOf(object);
    const holder = part === null ? null : books.session(part.sid);
    if (part === null || holder === null) continue;
    if (object.name.startsWith(prefixOf(holder)) && books.parts(part.sid).length > 0) continue;
    rivals.set(part.sid, [...(rivals.get(part.sid) ?? []), object]);
  }
  return rivals;
}

const objectsOf = (books: Books, org: string, sid: string): BookedObject[] =>
  books.byState(['changed', 'applied'], `${org}/`).filter((object) => partOf(object)?.sid === sid);

/** The holder first, whose parts are in their place unless a kill came between. */
async function claimsOf(settling: Settling, holder: BookedSession, objects: readonly BookedObject[]): Promise<Claim[]> {
  const claims = new Map<string, Claim>([[keyOf(holder), { ...holder, parts: [] }]]);
  for (const object of objects) {
    const part = partOf(object)!;
    const session = { sid: part.sid, org: part.org, device: part.device, folder: `sessions/${part.day}/${part.sid}` };
    const fetched = await reopen(settling, object);
    if (fetched === null) continue;
    const claim = claims.get(keyOf(session)) ?? { ...session, parts: [] };
    claim.parts.push({ object, fetched });
    claims.set(keyOf(session), claim);
  }
  return [...claims.values()];
}

/** null for what cannot be read: it takes no session from anybody. */
async function reopen({ workspace, identities }: Settling, object: BookedObject): Promise<Fetched | null> {
  const path = workspace.changed(object.name, object.sha256);
  if (!fs.existsSync(path)) return null;
  const bytes = fs.readFileSync(path);
  const opened = await openObject(object.name, bytes, identities);
  return opened !== null && 'part' in opened ? { name: object.name, version: object.version, bytes, opened } : null;
}

/** The first line of the session as the claim has it, as the device's log names it; null where it has none. */
function openOf(workspace: Workspace, holder: BookedSession, claim: Claim): string | null {
  let bytes: Uint8Array | null = null;
  for (const { fetched } of claim.parts) {
    const ranges = fetched.opened !== null && 'part' in fetched.opened ? fetched.opened.part.ranges : [];
    bytes ??= ranges.find(({ name, offset }) => name === 'open.json' && offset === 0)?.bytes ?? null;
  }
  const kept = join(workspace.recordingsDir, holder.folder, 'open.json');
  if (keyOf(claim) === keyOf(holder) && fs.existsSync(kept)) bytes = fs.readFileSync(kept);
  return bytes === null ? null : hash('sha256', bytes.subarray(0, -1), 'base64');
}

/** Of the log only what is under a head that counts: anybody can write entries into a store. */
function standingOf({ story, covered }: VerifiedLog, sid: string, open: string | null): Standing {
  const named = story.sessions.get(sid);
  if (named === undefined || named.opened >= covered) return 0;
  return named.open === open ? 2 : 1;
}

/** The session is the winner's from here on, and what the holder had of it waits as the winner's did. */
async function displace({ books, workspace, fetch }: Settling, holder: BookedSession, winner: Claim): Promise<void> {
  for (const object of books.byState('applied', prefixOf(holder))) {
    const bytes = await fetch(object.name, object.version);
    if (bytes !== null && hash('sha256', bytes, 'buffer').equals(object.sha256)) {
      putFile(workspace.changed(object.name, object.sha256), bytes);
    }
    books.put({ ...object, state: 'changed' });
  }
  const { sid, org, device, folder } = winner;
  books.forgetParts(sid);
  books.moveSession({ sid, org, device, folder });
  // What is on disk follows the books: a kill in between is mended by the next import, which finds no parts.
  books.commit();
  setAside(workspace, holder);
}

function setAside(workspace: Workspace, session: BookedSession): void {
  const from = join(workspace.recordingsDir, session.folder);
  if (!fs.existsSync(from)) return;
  const to = join(workspace.folder, 'displaced', session.device, session.folder);
  fs.rmSync(to, { recursive: true, force: true });
  fs.mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
  fs.renameSync(from, to);
}

function place({ workspace, intake }: Settling, winner: Claim): void {
  setAside(workspace, winner);
  const numberOf = ({ object }: Claim['parts'][number]) => partOf(object)?.n ?? 0;
  for (const { object, fetched } of winner.parts.toSorted((a, b) => numberOf(a) - numberOf(b))) {
    intake.again(object, fetched);
  }
}
