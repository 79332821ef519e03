import { writeFileSync } from 'node:fs';
import { version } from '../../cli/version.ts';
import { gatherReport } from '../report/gather.ts';
import { reportHtml } from '../report/html.ts';
import { workspaceReportSource } from '../report/workspace-source.ts';
import { openWorkspace } from '../workspace.ts';
import type { TaskContext } from './task-context.ts';
import type { Task, TaskResults } from './tasks.ts';
import { verifyAll } from './verify-task.ts';

/** Verifies everything first: what a report says, it says of what was checked when it was made. */
export async function makeReport(
  { folder, form, title, scope, texts, madeBy, out }: Extract<Task, { kind: 'report' }>,
  context: TaskContext,
): Promise<TaskResults['report']> {
  const { signal, progress } = context;
  const verify = () => verifyAll({ kind: 'verify', folder, only: {} }, context);
  const source = workspaceReportSource(() => openWorkspace(folder), verify);
  const completeness = await source.completeness(scope);
  progress({ sentence: 'Reading the sessions', done: 0, of: null });
  const data = await gatherReport({
    title,
    madeBy,
    version: version(),
    now: Date.now(),
    scope,
    completeness,
    texts,
    sessions: source.sessions(scope),
    signal,
  });
  const made = form === 'html' ? reportHtml(data) : await (await import('../report/pdf.ts')).reportPdf(data);
  writeFileSync(out, made, { flag: 'wx', mode: 0o600 });
  return {
    sessions: data.sessions.length,
    findings: data.findings.map(({ severity, title: what }) => ({ severity, title: what })),
  };
}
