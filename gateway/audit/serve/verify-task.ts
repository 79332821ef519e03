import type { AuditReport } from '../verify/report.ts';
import { verifyWorkspace } from '../verify/verify.ts';
import { openWorkspace } from '../workspace.ts';
import type { TaskContext } from './task-context.ts';
import type { Task } from './tasks.ts';

export async function verifyAll(
  { folder, only }: Extract<Task, { kind: 'verify' }>,
  { signal, progress }: TaskContext,
): Promise<AuditReport> {
  const workspace = openWorkspace(folder);
  const books = workspace.books('read');
  try {
    return await verifyWorkspace(workspace, books, {
      ...only,
      signal,
      progress: ({ device, sessions, of }) =>
        progress({ sentence: `Device ${device}: ${sessions} of ${of} sessions`, done: sessions, of }),
    });
  } finally {
    books.close();
  }
}
