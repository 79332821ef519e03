import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { bundleSession } from '../audit/bundle.ts';
import { openWorkspace } from '../audit/workspace.ts';
import { CountersignError } from '../contract/errors.ts';
import { workspaceFolder } from './audit-workspace.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { folderOf } from './sessions-find.ts';
import { visibleLine } from './terminal/visible.ts';

async function bundle(cli: Cli, audit: Command, deps: SessionDeps, id: string, out: string): Promise<void> {
  const workspace = openWorkspace(workspaceFolder(cli, audit));
  if (existsSync(out)) throw new CountersignError('USAGE', `${visibleLine(out)} is there already`);
  const sid = basename(await folderOf(deps, id));
  const books = workspace.books('read');
  try {
    workspace.log.append({ type: 'exported', what: sid, format: 'bundle', to: out.slice(0, 2000) });
    await bundleSession(workspace, books, sid, out, Date.now());
  } finally {
    books.close();
  }
  cli.out(`${visibleLine(out)} verifies from the root alone: countersign audit import, or verify.sh FOLDER ROOT`);
}

export function registerAuditBundle(audit: Command, cli: Cli, deps: SessionDeps): void {
  audit
    .command('bundle <id>')
    .description('one imported session as a file, with the evidence of whose it is')
    .requiredOption('--out <file>', 'where to; a file that is there is not replaced')
    .action((id: string, { out }: { out: string }) => bundle(cli, audit, deps, id, out));
}
