import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { unpackWithEvidence } from '../audit/bundle.ts';
import { type ReportSource, workspaceReportSource } from '../audit/report/workspace-source.ts';
import { verifyWorkspace } from '../audit/verify/verify.ts';
import { createWorkspace, openWorkspace } from '../audit/workspace.ts';
import { CountersignError } from '../contract/errors.ts';
import { registerAuditAlerts } from './audit-alerts.ts';
import { registerAuditBundle } from './audit-bundle.ts';
import { registerAuditExport } from './audit-export.ts';
import { registerAuditImport } from './audit-import.ts';
import { registerAuditIndex } from './audit-index.ts';
import { registerAuditRedact } from './audit-redact.ts';
import { registerAuditReplay } from './audit-replay.ts';
import { registerAuditReport } from './audit-report.ts';
import { registerAuditSearch } from './audit-search.ts';
import { registerAuditServe } from './audit-serve.ts';
import { registerAuditVerify } from './audit-verify.ts';
import { auditSessionDeps, auditTrail, workspaceFolder } from './audit-workspace.ts';
import type { Cli } from './cli.ts';
import { registerList } from './sessions-list.ts';
import { registerShow } from './sessions-show.ts';
import { plural } from './sessions-text.ts';
import { visibleLine } from './terminal/visible.ts';
import { newPassphrase } from './trust-passphrase.ts';

interface InitOptions {
  root: string;
  name: string;
  passphraseFile?: string;
}

/** The key itself, or a file that holds it: the auditor got either from who made the root, never from the store. */
function rootKey(given: string): string {
  if (!existsSync(given)) return given.trim();
  if (statSync(given).size > 4096) throw new CountersignError('USAGE', `${visibleLine(given)} is too long for a key`);
  return readFileSync(given, 'utf8').trim();
}

async function init(cli: Cli, audit: Command, { root, name, passphraseFile }: InitOptions): Promise<void> {
  const folder = workspaceFolder(cli, audit);
  const passphrase = await newPassphrase(cli, `the auditor ${name}`, passphraseFile);
  const { settings } = await createWorkspace(folder, { root: rootKey(root), name, passphrase });
  cli.out(`The workspace ${visibleLine(folder)} is for ${settings.org}. The trust note has to name this auditor:`);
  cli.out(`  recipient  ${settings.recipient}`);
  cli.out(`  key        ${settings.vkey}`);
  cli.note('Compare the root with who made it, over the telephone for instance: everything is verified from it.');
  cli.note(`  ${settings.root}`);
}

function status(cli: Cli, audit: Command): void {
  const workspace = openWorkspace(workspaceFolder(cli, audit));
  const { org, name, root } = workspace.settings;
  cli.out(`${visibleLine(workspace.folder)}: auditor ${visibleLine(name)} of ${org}`);
  cli.out(`root ${visibleLine(root)}`);
  const books = workspace.books('read');
  try {
    const imports = books.imports();
    for (const { source, ended } of imports)
      cli.out(`last import of ${visibleLine(source)}: ${new Date(ended).toISOString()}`);
    cli.out(`${plural(books.sessions().length, 'session')}`);
    for (const state of ['unread', 'torso', 'changed', 'refused'] as const) {
      const count = books.byState(state).length;
      if (count > 0) cli.out(`${plural(count, 'object')} ${state}`);
    }
  } finally {
    books.close();
  }
  const heads = workspace.heads();
  for (const [device, { size, seen }] of Object.entries(heads))
    cli.out(`device ${device}: ${plural(size, 'log entry').replace('entrys', 'entries')}, seen ${seen}`);
  if (Object.keys(heads).length === 0) cli.out('Nothing was verified yet: countersign audit verify');
}

function reportSource(cli: Cli, audit: Command): ReportSource {
  const open = () => openWorkspace(workspaceFolder(cli, audit));
  return workspaceReportSource(open, async () => {
    const workspace = open();
    const books = workspace.books('read');
    try {
      return await verifyWorkspace(workspace, books, { signal: cli.signal });
    } finally {
      books.close();
    }
  });
}

/** `countersign audit …`. */
export function registerAudit(program: Command, cli: Cli): void {
  const audit = program
    .command('audit')
    .description("what the team's store holds, on the auditor's machine: import, verify, look at")
    .option('--workspace <folder>', "the auditor's own folder ($COUNTERSIGN_AUDIT)");
  audit
    .command('init')
    .description("make a workspace, from the organisation's root key")
    .requiredOption('--root <key>', 'the root’s key (countersign/org/…), or a file with it')
    .requiredOption('--name <name>', 'of the auditor, as the trust note is to name them')
    .option('--passphrase-file <file>', 'the passphrase, for scripts (mode 0600)')
    .action((options: InitOptions) => init(cli, audit, options));
  registerAuditImport(audit, cli);
  registerAuditVerify(audit, cli);
  registerAuditServe(audit, cli);
  audit
    .command('status')
    .description('what was imported and what is known of it')
    .action(() => status(cli, audit));
  const deps = auditSessionDeps(cli, audit);
  registerAuditIndex(audit, cli);
  registerAuditSearch(audit, cli, deps);
  registerAuditAlerts(audit, cli);
  registerList(audit.command('sessions').description('imported sessions: list, search'), cli, deps);
  registerShow(audit, cli, deps);
  const trail = auditTrail(cli, audit);
  registerAuditReplay(audit, cli, deps, trail);
  registerAuditBundle(audit, cli, deps);
  registerAuditExport(audit, cli, deps, trail);
  registerAuditRedact(audit, cli, deps, trail, (sid, work) =>
    unpackWithEvidence(openWorkspace(workspaceFolder(cli, audit)), sid, work),
  );
  registerAuditReport(audit, cli, deps, reportSource(cli, audit), trail);
}
