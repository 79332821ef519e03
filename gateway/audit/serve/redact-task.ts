import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Redaction } from '../../contract/audit.ts';
import { CountersignError } from '../../contract/errors.ts';
import { findSession } from '../../recording/reader.ts';
import { redactSession } from '../redact/redact.ts';
import { openWorkspace } from '../workspace.ts';
import type { TaskContext } from './task-context.ts';
import type { Task } from './tasks.ts';

/** Without `out` the same bundle is made, for what it would say, and thrown away. */
export async function redactOne(
  { folder, sid, choice, leaveSigned, out }: Extract<Task, { kind: 'redact' }>,
  { signal, progress }: TaskContext,
): Promise<Redaction> {
  progress({ sentence: 'Verifying the session and looking for what was chosen', done: 0, of: null });
  const session = await findSession(openWorkspace(folder).recordingsDir, sid);
  if (session === null) throw new CountersignError('SESSION_UNKNOWN', `There is no recording of session ${sid} here.`);
  if (out !== null) return redactSession(session, out, choice, { leaveSigned, signal });
  const parent = fs.mkdtempSync(join(folder, 'preview-'));
  try {
    return await redactSession(session, join(parent, 'preview.tar'), choice, { leaveSigned, signal });
  } finally {
    fs.rmSync(parent, { recursive: true, force: true });
  }
}
