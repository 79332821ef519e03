import * as fs from 'node:fs';
import { join } from 'node:path';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import { unpackBundle } from '../../recording/bundle.ts';
import { findSession } from '../../recording/reader.ts';
import { bundleSession } from '../bundle.ts';
import { redactSession } from '../redact/redact.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';
import type { TaskContext } from './task-context.ts';
import type { Task, TaskResults } from './tasks.ts';

/** Without `out` the same bundle is made, for what it would say, and thrown away. */
export async function redactOne(
  { folder, sid, choice, leaveSigned, out }: Extract<Task, { kind: 'redact' }>,
  { signal, progress }: TaskContext,
): Promise<TaskResults['redact']> {
  progress({ sentence: 'Verifying the session and looking for what was chosen', done: 0, of: null });
  const work = fs.mkdtempSync(join(folder, 'redacting-'));
  try {
    const { session, note } = await withEvidence(openWorkspace(folder), sid, work);
    const bundle = out ?? join(work, 'preview.tar');
    return { redaction: await redactSession(session, bundle, choice, { leaveSigned, signal }), note };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** The session with what ties it to its organisation, so that the copy verifies from the root alone too. */
async function withEvidence(
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
