import { renameSync, writeFileSync } from 'node:fs';
import * as recordings from '../../recording/reader.ts';
import { auditRules, importedAlerts } from '../alerts.ts';
import { plural } from '../verify/report.ts';
import { openWorkspace } from '../workspace.ts';
import { type FoundAlert, foundAlertsFile } from './found-alerts.ts';
import type { TaskContext } from './task-context.ts';
import type { Task, TaskResults } from './tasks.ts';

/** Kept and shown; the rules found more where it says so. */
const MAX_ALERTS = 10_000;
const MAX_PROBLEMS = 20;

/** What the alert rules find in everything that was imported; kept in the workspace until it is looked for again. */
export async function findAlerts(
  { folder }: Extract<Task, { kind: 'alerts' }>,
  { signal, progress }: TaskContext,
): Promise<TaskResults['alerts']> {
  const workspace = openWorkspace(folder);
  const books = workspace.books('read');
  const problems: string[] = [];
  const alerts: FoundAlert[] = [];
  let found = 0;
  try {
    const tell = (sentence: string) => {
      if (problems.length < MAX_PROBLEMS) problems.push(sentence);
    };
    for await (const alert of importedAlerts(workspace, books, recordings, auditRules(workspace), null, tell)) {
      if (signal.aborted) break;
      found += 1;
      if (alerts.length < MAX_ALERTS) alerts.push(alert);
      progress({ sentence: `Looking with the rules: ${plural(found, 'alert')}`, done: found, of: null });
    }
  } finally {
    books.close();
  }
  if (!signal.aborted) {
    const file = foundAlertsFile(folder);
    const kept = { at: new Date().toISOString(), more: found > alerts.length, alerts };
    writeFileSync(`${file}.new`, JSON.stringify(kept), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return { found, problems };
}
