import type { Command } from 'commander';
import { auditRules, importedAlerts } from '../audit/alerts.ts';
import { openWorkspace, type Workspace } from '../audit/workspace.ts';
import type { Alert } from '../contract/alert.ts';
import * as recordings from '../recording/reader.ts';
import { workspaceFolder } from './audit-workspace.ts';
import type { Cli } from './cli.ts';
import { plural } from './sessions-text.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';

interface AlertsOptions {
  device?: string[];
  session?: string[];
  json?: boolean;
}

/** Exit code 1 when the rules find something. */
async function alerts(cli: Cli, audit: Command, options: AlertsOptions): Promise<void> {
  const workspace = openWorkspace(workspaceFolder(cli, audit));
  const books = workspace.books('read');
  let count = 0;
  try {
    const wanted = books
      .sessions()
      .filter(({ device }) => options.device === undefined || options.device.includes(device))
      .filter(({ sid }) => options.session === undefined || options.session.includes(sid));
    const chosen = new Set(wanted.map(({ sid }) => sid));
    workspace.log.append({ type: 'searched', words: 'alerts', found: chosen.size });
    const tell = (sentence: string) => cli.note(visibleLine(sentence));
    for await (const alert of importedAlerts(workspace, books, recordings, auditRules(workspace), chosen, tell)) {
      if (cli.signal.aborted) break;
      count += 1;
      cli.out(options.json ? visibleJson(alert) : alertLine(alert));
    }
    cli.note(`${plural(count, 'alert')} in ${plural(chosen.size, 'session')}`);
  } finally {
    books.close();
  }
  if (count > 0 || cli.signal.aborted) cli.exitWith(1);
}

const alertLine = ({ at, severity, sentence, sessionId, device }: Alert & { device: string }): string =>
  `${at}  ${severity.padEnd(8)}  ${visibleLine(sentence)}  [${device} ${sessionId}]`;

/** After an import: what the rules say of the sessions that it brought or completed. */
export async function tellImportedAlerts(cli: Cli, workspace: Workspace, touched: ReadonlySet<string>): Promise<void> {
  const rules = auditRules(workspace);
  const books = workspace.books('read');
  const found = new Map<string, number>();
  try {
    const tell = (sentence: string) => cli.note(visibleLine(sentence));
    for await (const { severity } of importedAlerts(workspace, books, recordings, rules, touched, tell)) {
      if (cli.signal.aborted) return;
      found.set(severity, (found.get(severity) ?? 0) + 1);
    }
  } finally {
    books.close();
  }
  if (found.size === 0) return;
  const parts = [...found].map(([severity, count]) => `${count} ${severity}`);
  cli.out(`Alerts in what was imported: ${parts.join(', ')}. See them with: countersign audit alerts`);
}

export function registerAuditAlerts(audit: Command, cli: Cli): void {
  audit
    .command('alerts')
    .description('what the alert rules find in imported sessions; exit code 1 when they find something')
    .option('--device <ulids...>', 'of these devices only')
    .option('--session <ids...>', 'in these sessions only')
    .option('--json', 'a line of JSON for each')
    .action((options: AlertsOptions) => alerts(cli, audit, options));
}
