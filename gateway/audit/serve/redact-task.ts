import * as fs from 'node:fs';
import { join } from 'node:path';
import { unpackWithEvidence } from '../bundle.ts';
import { redactSession } from '../redact/redact.ts';
import { openWorkspace } from '../workspace.ts';
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
    const { session, note } = await unpackWithEvidence(openWorkspace(folder), sid, work);
    const bundle = out ?? join(work, 'preview.tar');
    return { redaction: await redactSession(session, bundle, choice, { leaveSigned, signal }), note };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
