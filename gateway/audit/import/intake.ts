import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import { decryptPart } from '../../sync/age.ts';
import { readPart } from '../../sync/part.ts';
import type { BookedObject, Books, ObjectState } from '../books.ts';
import { baseName, type ObjectKind, type PartName, parseObjectName } from '../object-names.ts';
import type { Workspace } from '../workspace.ts';
import { isOtherwiseSpelt, placeRanges, putFile } from './session-files.ts';
import { notWhole } from './whole.ts';

/** An object as a source gave it, opened as far as the auditor's keys allow. */
export interface Fetched {
  name: string;
  version: string;
  bytes: Uint8Array;
  /** Of a part: its plaintext, or why there is none. Of all others null, unless they are refused unread. */
  opened: { part: ReturnType<typeof readPart> } | { state: 'unread' | 'torso' | 'refused'; why: string } | null;
}

interface Outcome {
  state: ObjectState;
  detail: string;
}

/** Decrypts and checks a part; may run beside others. @param identities none: what is encrypted stays unread. */
export async function openObject(
  name: string,
  bytes: Uint8Array,
  identities: readonly string[],
): Promise<Fetched['opened']> {
  const kind = parseObjectName(name);
  if (kind?.kind !== 'part') return null;
  try {
    if (kind.encrypted && identities.length === 0) {
      return { state: 'unread', why: 'It is encrypted, and no key of an auditor was given.' };
    }
    const plain = kind.encrypted ? await decryptPart(bytes, identities) : bytes;
    const part = readPart(plain);
    if (part.sid !== kind.sid || part.n !== kind.n) {
      return { state: 'torso', why: `It says of itself that it is part ${part.n} of session ${part.sid}.` };
    }
    return { part };
  } catch (error) {
    if (isCountersignError(error, 'SYNC_NOT_FOR_US')) return { state: 'unread', why: 'It is encrypted to others.' };
    if (isCountersignError(error, 'SYNC_BAD_PART')) return { state: 'torso', why: `${sentence(error.message)}.` };
    throw error;
  }
}

/** Versions come the oldest first. */
const SEVERAL: Outcome = {
  state: 'changed',
  detail: 'The store holds more than one version of it: somebody wrote it again or deleted it.',
};

/** A version that does, or will once it can be read; another one of its name is a finding. */
const COUNTS: ReadonlySet<ObjectState> = new Set(['kept', 'applied', 'unread']);

/** What was whole is not torn on its way. */
const REPLACED: Outcome = {
  state: 'changed',
  detail: 'It holds other bytes than what was imported under this name before, and they are no whole object.',
};

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '');

/** Puts objects of one source into the workspace and books them. Nothing that came is lost, whatever it is. */
export class Intake {
  readonly #workspace: Workspace;
  readonly #books: Books;
  readonly #source: string;
  readonly #importId: number;
  readonly #now: () => number;
  /** Sessions that got something. */
  readonly touched = new Set<string>();
  /** Of this run: what did not go the usual way. */
  readonly unusual: Record<'unread' | 'torso' | 'changed' | 'refused', number> = {
    unread: 0,
    torso: 0,
    changed: 0,
    refused: 0,
  };

  constructor(workspace: Workspace, books: Books, source: string, importId: number, now: () => number) {
    this.#workspace = workspace;
    this.#books = books;
    this.#source = source;
    this.#importId = importId;
    this.#now = now;
  }

  /** @returns whether there was anything to do: the very object may have been here before. */
  take(fetched: Fetched): boolean {
    const { name, version, bytes } = fetched;
    const sha256 = hash('sha256', bytes, 'buffer');
    const all = this.#books.objects(this.#source, name);
    const known = all.find((one) => one.version === version);
    const same = known !== undefined && Buffer.from(known.sha256).equals(sha256);
    if (same && known.state !== 'unread') {
      this.#books.seenAgain(this.#source, name, version, this.#importId);
      return false;
    }
    const several = known === undefined && all.some((one) => !one.version.includes('~') && COUNTS.has(one.state));
    const had = !same && (known?.state === 'kept' || known?.state === 'applied');
    const placed = several ? SEVERAL : this.#place(fetched, sha256);
    const { state, detail } = had && (placed.state === 'torso' || placed.state === 'unread') ? REPLACED : placed;
    if (several) putFile(this.#workspace.changed(name, sha256), bytes);
    if (state !== 'kept' && state !== 'applied') this.unusual[state] += 1;
    // What came first under a name stays in the books as it was; the other content is booked beside it.
    const beside = known !== undefined && !same;
    this.#books.put({
      source: this.#source,
      name,
      version: beside ? `${version}~${sha256.toString('hex').slice(0, 12)}` : version,
      size: bytes.length,
      sha256,
      state,
      detail,
      firstSeen: this.#now(),
      lastImport: this.#importId,
    });
    if (beside) this.#books.seenAgain(this.#source, name, version, this.#importId);
    return true;
  }

  /** What came before and was not taken, now that it is its turn. */
  again(object: BookedObject, fetched: Fetched): void {
    this.#books.put({ ...object, ...this.#place(fetched, Buffer.from(object.sha256)) });
  }

  #place(fetched: Fetched, sha256: Buffer): Outcome {
    const { name, bytes, opened } = fetched;
    const kind = parseObjectName(name);
    if (kind === null || kind.org !== this.#workspace.settings.org) {
      throw new CountersignError('AUDIT_NOT_OURS', `${name} is no object of ${this.#workspace.settings.org}`);
    }
    if (opened !== null && 'state' in opened && opened.state === 'refused')
      return { state: 'refused', detail: opened.why };
    const outcome = kind.kind === 'part' ? this.#placePart(kind, fetched, opened) : this.#keep(kind, name, bytes);
    if (outcome.state === 'changed') putFile(this.#workspace.changed(name, sha256), bytes);
    if (outcome.state === 'unread' || outcome.state === 'torso') putFile(this.#workspace.unread(name), bytes);
    else if (kind.kind === 'part') fs.rmSync(this.#workspace.unread(name), { force: true });
    return outcome;
  }

  #keep(kind: ObjectKind, name: string, bytes: Uint8Array): Outcome {
    const why = notWhole(kind, bytes);
    if (why !== null) return { state: 'torso', detail: `It is not whole: ${why}.` };
    const path = this.#workspace.kept(baseName(name));
    if (!fs.existsSync(path)) putFile(path, bytes);
    else if (!fs.readFileSync(path).equals(bytes)) {
      return { state: 'changed', detail: 'It holds other bytes than what was imported under this name before.' };
    }
    return { state: 'kept', detail: '' };
  }

  #placePart(kind: PartName, { name }: Fetched, opened: Fetched['opened']): Outcome {
    const { sid, org, device, day } = kind;
    const claim = { sid, org, device, folder: `sessions/${day}/${sid}` };
    const readable = opened !== null && 'part' in opened;
    if (this.#books.session(sid) === null && isOtherwiseSpelt(join(this.#workspace.recordingsDir, claim.folder))) {
      return { state: 'refused', detail: 'A session whose name differs in nothing but upper and lower case is here.' };
    }
    // Nobody takes a session's name with what nobody can read.
    if (readable && this.#books.parts(sid).length === 0) this.#books.moveSession(claim);
    else this.#books.putSession(claim);
    const session = this.#books.session(sid)!;
    this.touched.add(sid);
    if (session.device !== device || session.folder !== claim.folder) {
      if (opened !== null && 'state' in opened) return { state: opened.state, detail: opened.why };
      return {
        state: 'changed',
        detail: `Session ${sid} came from device ${session.device}, in ${session.folder}, before.`,
      };
    }
    if (opened === null || 'state' in opened) return { state: opened?.state ?? 'torso', detail: opened?.why ?? '' };
    const { part } = opened;
    const before = this.#books.parts(sid).find(({ n }) => n === part.n);
    if (before !== undefined && Buffer.from(before.sha256).toString('base64') !== part.hash) {
      return { state: 'changed', detail: `It is another part ${part.n} than ${before.name}.` };
    }
    const folder = join(this.#workspace.recordingsDir, session.folder);
    const conflict = placeRanges(this.#books, sid, folder, part.ranges);
    if (conflict !== null) {
      return {
        state: 'changed',
        detail: `It says otherwise at byte ${conflict.offset} of ${conflict.name} than another part.`,
      };
    }
    this.#books.putPart(
      sid,
      { n: part.n, sha256: Buffer.from(part.hash, 'base64'), prev: part.prev, last: part.last, name },
      part.ranges.map((range) => [range.name, range.offset, range.bytes.length, hash('sha256', range.bytes, 'base64')]),
    );
    return { state: 'applied', detail: '' };
  }
}
