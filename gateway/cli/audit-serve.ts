import type { Command } from 'commander';
import { startAuditServer } from '../audit/serve/server.ts';
import { openWorkspace } from '../audit/workspace.ts';
import { CountersignError } from '../contract/errors.ts';
import { workspaceFolder } from './audit-workspace.ts';
import { openBrowser } from './browser.ts';
import type { Cli } from './cli.ts';
import { CONSOLE_FOLDER, ensureConsole } from './console-build.ts';
import { visibleLine } from './terminal/visible.ts';
import { askPassphrase } from './trust-passphrase.ts';
import { version } from './version.ts';
import { wholeNumber } from './whole-number.ts';

interface ServeOptions {
  port: string;
  open: boolean;
  keys: boolean;
  passphraseFile?: string;
}

async function serve(cli: Cli, audit: Command, options: ServeOptions): Promise<void> {
  const port = wholeNumber(options.port, '--port', 0, 65_535);
  const workspace = openWorkspace(workspaceFolder(cli, audit));
  const keys = options.keys
    ? await workspace.unlock(await askPassphrase(cli, `the auditor ${workspace.settings.name}`, options.passphraseFile))
    : null;
  const problem = await ensureConsole(cli.note);
  if (problem !== null) throw new CountersignError('CONSOLE_MISSING', problem);
  const server = await startAuditServer({
    workspace,
    keys,
    version: version(),
    consoleDir: CONSOLE_FOLDER,
    port,
    onCodeUsed: () => cli.note('The one-time code was used; Enter shows a new one.'),
    unexpected: (error) => cli.note(`countersign: ${error instanceof Error ? (error.stack ?? error.message) : error}`),
  });
  try {
    cli.out(`The workspace ${visibleLine(workspace.folder)} of ${workspace.settings.org} can be looked at.`);
    cli.out(`  Console          ${server.url}`);
    cli.out(`  One-time code    ${server.newLoginCode()}`);
    if (keys === null) cli.note('No keys were opened: what is encrypted stays unread, and the log is not signed.');
    cli.out('^C stops it, Enter shows a new code.');
    if (options.open) openBrowser(server.url, cli.env);
    const again = () => cli.out(`  One-time code    ${server.newLoginCode()}`);
    if (process.stdin.isTTY) process.stdin.on('data', again).unref();
    await new Promise<void>((done) => {
      if (cli.signal.aborted) done();
      cli.signal.addEventListener('abort', () => done(), { once: true });
    });
    process.stdin.off('data', again);
  } finally {
    await server.close();
  }
  cli.note('Stopped.');
}

export function registerAuditServe(audit: Command, cli: Cli): void {
  audit
    .command('serve')
    .description('look at the workspace in a browser: devices, imports, search, replay, redaction, reports; until ^C')
    .option('--port <n>', 'on 127.0.0.1 (0: any that is free)', '7718')
    .option('--no-open', 'without opening the browser')
    .option('--no-keys', 'open no keys: what is encrypted stays unread, the log is not signed')
    .option('--passphrase-file <file>', "the passphrase of the auditor's keys, for scripts (mode 0600)")
    .action((options: ServeOptions) => serve(cli, audit, options));
}
