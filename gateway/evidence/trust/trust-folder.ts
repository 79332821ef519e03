import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import { equal, toBase64, toHex, utf8 } from '../../recording/format/bytes.ts';
import { type TrustNote, TrustNote as TrustNoteSchema } from '../format/documents.ts';
import { signDocument } from '../format/signed-document.ts';
import { MAX_NOTE_BYTES } from '../format/signed-note.ts';
import { formatVkey, type Signer, type Vkey } from '../format/vkey.ts';
import { breaksOf, faultsOf } from './entries.ts';
import { type Checks, type Trust, verifyTrust } from './verify-trust.ts';

/**
 * Where an admin keeps the organisation's trust: `root.vkey`, `notes/000001.note` and on, and, unless they are kept
 * elsewhere, the roots' private keys as `root-<key hash>.key`.
 */
const ROOT = 'root.vkey';
const NOTES = 'notes';
const NOTE_FILE = /^[0-9]{6}\.note$/;

export const noteName = (n: number): string => `${String(n).padStart(6, '0')}.note`;
export const rootKeyFile = (folder: string, root: Vkey): string => join(folder, `root-${toHex(root.hash)}.key`);

/** Throws TRUST_FILE for what is there and cannot be read; null when there is nothing. */
export function readBounded(file: string): Uint8Array | null {
  try {
    if (fs.statSync(file).size > MAX_NOTE_BYTES)
      throw new CountersignError('TRUST_FILE', `${file} is longer than 1 MiB`);
    return fs.readFileSync(file);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (cause instanceof CountersignError) throw cause;
    if (code === 'ENOENT') return null;
    throw new CountersignError('TRUST_FILE', `${file} cannot be read (${code})`, { cause });
  }
}

/** Files of trust notes below a folder: of a trust folder, of a store's copy (`<org>/trust`), or the folder itself. */
export function readNotes(folder: string): Uint8Array[] {
  const notes = [join(folder, NOTES), folder].find((path) => namesIn(path).length > 0);
  return notes === undefined ? [] : namesIn(notes).flatMap((name) => readBounded(join(notes, name)) ?? []);
}

function namesIn(folder: string): string[] {
  try {
    return fs
      .readdirSync(folder)
      .filter((name) => NOTE_FILE.test(name))
      .sort();
  } catch {
    return [];
  }
}

/** The trust of a folder by its own `root.vkey`: for who made it, or took that file from who did. Throws TRUST_FOLDER. */
export function openTrust(p: Checks, folder: string, now: string): Trust & { note: TrustNote } {
  const root = readBounded(join(folder, ROOT));
  if (root === null) {
    throw new CountersignError(
      'TRUST_FOLDER',
      `${folder} holds no trust of an organisation (countersign trust init makes one)`,
    );
  }
  const trust = verifyTrust(p, Buffer.from(root).toString('utf8'), readNotes(folder), now);
  if (trust.note === null) {
    throw new CountersignError(
      'TRUST_FOLDER',
      `the trust notes in ${folder} cannot be relied on: ${trust.problems[0]?.sentence ?? 'there are none'}`,
    );
  }
  return { ...trust, note: trust.note };
}

/** The state that follows, before anything in it is changed. @param days how long the note is good for. */
export function nextNote(trust: Trust & { note: TrustNote }, days: number): TrustNote {
  const last = trust.history.at(-1)!;
  return {
    ...structuredClone(trust.note),
    n: trust.note.n + 1,
    prev: last.hash,
    // Never before the note that it follows, even where that was made by a clock ahead of this one.
    issuedAt: trust.now > trust.note.issuedAt ? trust.now : trust.note.issuedAt,
    validUntil: addDays(trust.now, days),
  };
}

/** The first note: nobody but the root. */
export const emptyNote = (org: string, root: Vkey, now: string, days: number): TrustNote => ({
  v: 1,
  org,
  n: 1,
  prev: '',
  issuedAt: now,
  validUntil: addDays(now, days),
  root: formatVkey(root),
  authorities: [],
  witnesses: [],
  quorum: 0,
  tsas: [],
  auditors: [],
  issuers: [],
  passkeys: [],
  devices: [],
  policies: [],
  sync: { prompts: 'sync', thoughts: 'sync', files: 'sync' },
});

/** RFC 3339, within what four digits of a year can say. */
export const addDays = (time: string, days: number): string =>
  new Date(Date.parse(time) + days * 86_400_000).toISOString();

/** Throws TRUST_CHANGE with a sentence when no note may be so. */
export function assertNext(p: Checks, before: TrustNote | null, after: TrustNote): void {
  const { error } = TrustNoteSchema.safeParse(after);
  const issue = error?.issues[0];
  if (issue !== undefined) {
    throw new CountersignError('TRUST_CHANGE', `nothing was signed: ${issue.path.join('.')}: ${issue.message}`);
  }
  const [fault] = [...faultsOf(p.sha256, after), ...(before === null ? [] : breaksOf(before, after))];
  if (fault !== undefined) throw new CountersignError('TRUST_CHANGE', `nothing was signed: ${fault}`);
}

/** Signs a note and puts it beside the others, never over one. @returns the file. */
export function addNote(folder: string, note: TrustNote, root: Signer): string {
  const file = join(folder, NOTES, noteName(note.n));
  createOnly(file, signDocument('trust', note, [root]));
  return file;
}

export function writeRoot(folder: string, root: Vkey): void {
  createOnly(join(folder, ROOT), utf8(`${formatVkey(root)}\n`));
}

/**
 * Writes a file that nobody has to hide, whole or not at all.
 *
 * @returns 'exists' when the same is there already. Throws TRUST_EXISTS when something else is.
 */
export function createOnly(file: string, bytes: Uint8Array): 'created' | 'exists' {
  fs.mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    fs.writeFileSync(temporary, bytes, { flag: 'wx', flush: true, mode: 0o644 });
    putInPlace(temporary, file);
    return 'created';
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code !== 'EEXIST') throw new CountersignError('TRUST_WRITE', `${file} cannot be written (${code})`, { cause });
    const there = readBounded(file);
    if (there !== null && equal(there, bytes)) return 'exists';
    throw new CountersignError(
      'TRUST_EXISTS',
      `${file} is there already with other content, and is never written over`,
    );
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** Throws EEXIST when there is one. Some network file systems have no hard links; there a copy may be cut short. */
function putInPlace(temporary: string, file: string): void {
  try {
    fs.linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    fs.copyFileSync(temporary, file, fs.constants.COPYFILE_EXCL);
  }
}

/** Copies the notes into a folder of the store's layout. @returns how many were new there. */
export function publishNotes(p: Checks, folder: string, trust: Trust & { note: TrustNote }, target: string): number {
  const verified = new Map(trust.history.map(({ note, hash }) => [hash, note]));
  let created = 0;
  for (const bytes of readNotes(folder)) {
    const note = verified.get(toBase64(p.sha256(bytes)));
    if (note === undefined) continue;
    if (createOnly(join(target, note.org, 'trust', noteName(note.n)), bytes) === 'created') created += 1;
  }
  return created;
}
