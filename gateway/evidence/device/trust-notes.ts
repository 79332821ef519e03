import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { parseDocument } from '../format/signed-document.ts';
import { noteName, readNotes } from '../trust/trust-folder.ts';
import { type Trust, verifyTrust } from '../trust/verify-trust.ts';
import { deviceFolder } from './device-file.ts';
import { writeFileDurably } from './log-folder.ts';

const folderOf = (home: string) => join(deviceFolder(home), 'trust');

export const readTrust = (home: string, root: string, now: string): Trust =>
  verifyTrust(p, root, readNotes(folderOf(home)), now);

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
  const known = readNotes(folderOf(home));
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
    await writeFileDurably(folderOf(home), noteName(parseDocument('trust', bytes).value.n), bytes);
    added = true;
  }
  return { trust, added };
}
