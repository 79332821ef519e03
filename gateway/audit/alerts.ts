import { join } from 'node:path';
import { alertsOf } from '../alerts/replay.ts';
import { type AlertRules, loadAlertRules } from '../alerts/rules-file.ts';
import type { Alert } from '../contract/alert.ts';
import type { RecordingSource } from '../store/walk.ts';
import type { Books } from './books.ts';
import type { Workspace } from './workspace.ts';

/** The auditor's own rules, `alerts.json` in the workspace; without it the shipped ones. Errors: ALERT_RULES_BROKEN, ALERT_RULE_BROKEN. */
export function auditRules(workspace: Pick<Workspace, 'folder'>): AlertRules {
  return loadAlertRules(join(workspace.folder, 'alerts.json'));
}

/**
 * What the rules find in imported sessions, device by device as each device would have found it: what
 * one did first or often says nothing of another.
 * @param chosen sessions by id; null: all.
 */
export async function* importedAlerts(
  workspace: Pick<Workspace, 'recordingsDir'>,
  books: Pick<Books, 'sessions'>,
  source: Pick<RecordingSource, 'exchanges' | 'readSession'>,
  rules: AlertRules,
  chosen: ReadonlySet<string> | null,
  onProblem: (sentence: string) => void,
): AsyncGenerator<Alert & { device: string }> {
  const devices = Map.groupBy(books.sessions(), ({ org, device }) => `${org}/${device}`);
  for (const sessions of devices.values()) {
    const { device } = sessions[0]!;
    const folders = sessions
      .filter(({ sid }) => chosen === null || chosen.has(sid))
      .map(({ folder }) => join(workspace.recordingsDir, folder));
    for await (const alert of alertsOf(rules, source, folders, onProblem)) yield { ...alert, device };
  }
}
