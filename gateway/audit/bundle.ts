import * as fs from 'node:fs';
import { join } from 'node:path';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import { withSignatures } from '../evidence/format/checkpoint.ts';
import { sessionEvidence } from '../evidence/session-evidence.ts';
import { type BundleEvidence, exportBundle, unpackBundle } from '../recording/bundle.ts';
import { findSession } from '../recording/reader.ts';
import type { Books } from './books.ts';
import { verifyDeviceLog } from './verify/device-log.ts';
import { readLog } from './verify/log-reader.ts';
import { trustOf } from './verify/trust.ts';
import type { Workspace } from './workspace.ts';

/**
 * One imported session with what ties it to the organisation: it verifies elsewhere from the root alone.
 * Throws AUDIT_NO_EVIDENCE when no head of its device's log that counts covers it.
 */
export async function bundleSession(
  workspace: Workspace,
  books: Books,
  sid: string,
  outFile: string,
  now: number,
): Promise<void> {
  const session = books.session(sid);
  if (session === null) throw new CountersignError('SESSION_UNKNOWN', `session ${sid} was not imported`);
  const { org, device } = session;
  const trust = trustOf(workspace, books, new Date(now).toISOString());
  const log = await verifyDeviceLog(workspace, books, trust, device);
  const opened = log.story.sessions.get(sid)?.opened ?? Number.POSITIVE_INFINITY;
  // The newest that witnesses stand for, where there is one: what is behind it rests on the device alone.
  const covering = log.heads.filter(({ checkpoint }) => checkpoint.size > opened);
  const head = covering.findLast(({ witnessed }) => witnessed.by.length > 0 && witnessed.enough) ?? covering.at(-1);
  if (head === undefined) {
    throw new CountersignError(
      'AUDIT_NO_EVIDENCE',
      `no head of the log of device ${device} that counts covers session ${sid}; see countersign audit verify`,
    );
  }
  const entries: Uint8Array[] = [];
  readLog(
    workspace.kept(`${org}/${device}/log`),
    'entries',
    (bytes) => entries.push(bytes),
    () => {},
  );
  if (entries.length < head.checkpoint.size) {
    throw new CountersignError(
      'AUDIT_NO_EVIDENCE',
      `entries of the log of device ${device} are missing; see countersign audit verify`,
    );
  }
  const logFolder = workspace.kept(`${org}/${device}/log`);
  const evidence = await sessionEvidence(sid, {
    trust: notesIn(workspace.kept(`${org}/trust`)),
    identity: notesIn(workspace.kept(`${org}/${device}/identity`)),
    entries,
    head: { size: head.checkpoint.size, note: withSignatures(head.checkpoint, []) },
    stamps: fs
      .readdirSync(logFolder)
      .filter((name) => name.startsWith(`checkpoint.${head.checkpoint.size}.`) && name.endsWith('.tsr'))
      .map((name) => fs.readFileSync(join(logFolder, name))),
  });
  await exportBundle(join(workspace.recordingsDir, session.folder), outFile, evidence);
}

const notesIn = (folder: string): BundleEvidence[] =>
  fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.note'))
    .sort()
    .map((name) => ({ name, bytes: fs.readFileSync(join(folder, name)) }));

/**
 * An imported session in a folder of its own below `work`, with what ties it to its organisation, so that a copy of it
 * verifies from the root alone too; or, with a note, as it was imported where nothing does.
 */
export async function unpackWithEvidence(
  workspace: Workspace,
  sid: string,
  work: string,
): Promise<{ session: string; note: string | null }> {
  const books = workspace.books('read');
  try {
    const whole = join(work, 'whole.tar');
    await bundleSession(workspace, books, sid, whole, Date.now());
    return { session: await unpackBundle(whole, work), note: null };
  } catch (error) {
    if (!isCountersignError(error, 'AUDIT_NO_EVIDENCE')) throw error;
    const session = await findSession(workspace.recordingsDir, sid);
    if (session === null)
      throw new CountersignError('SESSION_UNKNOWN', `There is no recording of session ${sid} here.`);
    return { session, note: `Nothing goes along that says whose the session is: ${error.message}.` };
  } finally {
    books.close();
  }
}
