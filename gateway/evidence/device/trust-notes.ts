import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { parseDocument } from '../format/signed-document.ts';
import { type Trust, verifyTrust } from '../trust/verify-trust.ts';
import { deviceFolder } from './device-file.ts';
import { writeFileDurably } from './log-folder.ts';

/** More than any organisation makes; a store that lists more is not read to its end. */
const MAX_NOTES = 10_000;
const MAX_NOTE_BYTES = 1024 * 1024;

const folderOf = (home: string) => join(deviceFolder(home), 'trust');
const nameOf = (n: number) => `${String(n).padStart(6, '0')}.note`;

/** Notes of a folder, by the names that they have in a store. */
export async function readNotes(folder: string): Promise<Uint8Array[]> {
  if (!existsSync(folder)) return [];
  const names = (await readdir(folder)).filter((name) => /^\d{6}\.note$/.test(name)).sort();
  return Promise.all(names.slice(0, MAX_NOTES).map((name) => readNote(join(folder, name))));
}

async function readNote(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path);
  if (bytes.length > MAX_NOTE_BYTES) throw new CountersignError('TRUST_NOTE_REFUSED', `${path} is larger than 1 MiB`);
  return bytes;
}

export const readTrust = async (home: string, root: string, now: string): Promise<Trust> =>
  verifyTrust(p, root, await readNotes(folderOf(home)), now);

/**
 * Adds notes to those that the device has; what does not continue them as the root wrote it is refused, and then
 * none is taken. A note that has ended still counts: what is revoked in it stays revoked.
 * Throws TRUST_NOTE_REFUSED.
 */
export async function addNotes(
  home: string,
  root: string,
  notes: readonly Uint8Array[],
  now: string,
): Promise<{ trust: Trust; added: boolean }> {
  const known = await readNotes(folderOf(home));
  const before = verifyTrust(p, root, known, now);
  const trust = verifyTrust(p, root, [...known, ...notes], now);
  const problem = trust.problems.find(({ kind }) => kind !== 'expired' && kind !== 'missing');
  if (trust.note === null || problem !== undefined) {
    throw new CountersignError(
      'TRUST_NOTE_REFUSED',
      `the trust notes are not taken up: ${problem?.sentence ?? 'none is signed by the root'}`,
    );
  }
  if (trust.note.n < (before.note?.n ?? 0)) {
    throw new CountersignError('TRUST_NOTE_REFUSED', 'the trust notes are older than those that the device has');
  }
  const have = new Set(before.history.map(({ hash }) => hash));
  const counted = new Set(trust.history.map(({ hash }) => hash));
  let added = false;
  await mkdir(folderOf(home), { recursive: true, mode: 0o700 });
  for (const bytes of notes) {
    const hash = Buffer.from(p.sha256(bytes)).toString('base64');
    if (have.has(hash) || !counted.has(hash)) continue;
    await writeFileDurably(folderOf(home), nameOf(parseDocument('trust', bytes).value.n), bytes);
    added = true;
  }
  return { trust, added };
}
