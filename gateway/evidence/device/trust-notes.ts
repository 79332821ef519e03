import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CountersignError } from '../../contract/errors.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { parseDocument } from '../format/signed-document.ts';
import { noteName, readNotes } from '../trust/trust-folder.ts';
import { type Trust, type TrustProblem, verifyTrust } from '../trust/verify-trust.ts';
import { deviceFolder } from './device-file.ts';
import { writeFileDurably } from './log-folder.ts';

const folderOf = (home: string) => join(deviceFolder(home), 'trust');

export const readTrust = (home: string, root: string, now: string): Trust =>
  verifyTrust(p, root, readNotes(folderOf(home)), now);

/** What anybody can put beside the root's notes: it counts for nothing, and keeps none of those from counting. */
const JUNK: ReadonlySet<TrustProblem['kind']> = new Set(['unreadable', 'signature']);
/** Nothing that stands against taking up what is there. */
const HARMLESS: ReadonlySet<TrustProblem['kind']> = new Set(['expired', 'missing']);

/**
 * Adds notes to those that the device has. What the root did not sign is left out; what it did sign and does not
 * continue the others is refused, and then none is taken. A note that has ended still counts: what is revoked in it
 * stays revoked. Throws TRUST_NOTE_REFUSED, also where none of what was given counts.
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
  const counted = new Set(trust.history.map(({ hash }) => hash));
  const hashes = notes.map((bytes) => Buffer.from(p.sha256(bytes)).toString('base64'));
  const onlyJunk = !hashes.some((hash) => counted.has(hash));
  const problem = trust.problems.find(({ kind }) => !HARMLESS.has(kind) && (onlyJunk || !JUNK.has(kind)));
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
  let added = false;
  await mkdir(folderOf(home), { recursive: true, mode: 0o700 });
  for (const [at, bytes] of notes.entries()) {
    const hash = hashes[at]!;
    if (have.has(hash) || !counted.has(hash)) continue;
    await writeFileDurably(folderOf(home), noteName(parseDocument('trust', bytes).value.n), bytes);
    added = true;
  }
  return { trust, added };
}
