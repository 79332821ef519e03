import type { Command } from 'commander';
import type { Books } from '../audit/books.ts';
import { type BundleOutcome, importBundle } from '../audit/import/bundles.ts';
import { sourceOf } from '../audit/import/sources.ts';
import { type ImportOutcome, importStore } from '../audit/import/store.ts';
import { lockWorkspace, openWorkspace, type Workspace } from '../audit/workspace.ts';
import { tellImportedAlerts } from './audit-alerts.ts';
import { indexImported } from './audit-index.ts';
import { workspaceFolder } from './audit-workspace.ts';
import type { Cli } from './cli.ts';
import { plural } from './sessions-text.ts';
import { visibleLine } from './terminal/visible.ts';
import { askPassphrase } from './trust-passphrase.ts';

interface ImportOptions {
  passphraseFile?: string;
  keys: boolean;
  recheck?: boolean;
  index: boolean;
}

const PROGRESS_MS = 1000;

/** Exit codes: 0 everything was taken over, 1 stopped or something could not be, 2 nothing could be done. */
async function runImport(cli: Cli, audit: Command, whats: readonly string[], options: ImportOptions): Promise<void> {
  const workspace = openWorkspace(workspaceFolder(cli, audit));
  const secrets = { read: (id: string) => cli.prompt.secret(`Secret ${id} of the store: `, cli.signal) };
  const sources = whats.map((what) => ({ what, source: sourceOf(what, secrets) }));
  const keys = options.keys
    ? await workspace.unlock(await askPassphrase(cli, `the auditor ${workspace.settings.name}`, options.passphraseFile))
    : null;
  const unlock = lockWorkspace(workspace.folder);
  const books = workspace.books('write');
  const touched = new Set<string>();
  try {
    for (const { what, source } of sources) {
      const identities = keys === null ? [] : [keys.identity];
      if (source.kind === 'bundles') await importBundles(cli, workspace, books, source.files, touched);
      else {
        const store = source.open();
        try {
          const progress = ticker(cli);
          const outcome = await importStore(workspace, books, store, {
            identities,
            signal: cli.signal,
            progress,
            ...(options.recheck === undefined ? {} : { recheck: options.recheck }),
          });
          tell(cli, what, outcome);
          for (const sid of outcome.touched) touched.add(sid);
          workspace.log.append({
            type: 'imported',
            source: store.description,
            objects: outcome.fresh,
            bytes: outcome.bytes,
          });
        } finally {
          await store.close();
        }
      }
      if (cli.signal.aborted) break;
    }
    if (keys !== null) workspace.log.sign(keys.signer);
  } finally {
    books.close();
    unlock();
  }
  if (options.index && touched.size > 0) await indexImported(cli, workspace, touched);
  if (touched.size > 0) await tellImportedAlerts(cli, workspace, touched);
  if (cli.signal.aborted) cli.exitWith(1);
}

function ticker(cli: Cli): (progress: { seen: number; fresh: number; bytes: number; sessions: number }) => void {
  let last = Date.now();
  return ({ seen, fresh, bytes, sessions }) => {
    if (Date.now() - last < PROGRESS_MS) return;
    last = Date.now();
    cli.note(`${seen} objects seen, ${fresh} new (${megabytes(bytes)}), ${plural(sessions, 'session')}`);
  };
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function tell(cli: Cli, what: string, outcome: ImportOutcome): void {
  const { seen, fresh, bytes, unusual, foreign, notGiven, deleted, stopped, touched } = outcome;
  const line = `${visibleLine(what)}: ${plural(seen, 'object')}, ${fresh} new (${megabytes(bytes)}), ${plural(touched.size, 'session')}`;
  if (stopped) cli.note(`Stopped: ${line}. Run it again to go on.`);
  else cli.out(`${line}.`);
  const notes: [number, string][] = [
    [unusual.unread, 'cannot be read with the keys given; kept as they are'],
    [unusual.torso, 'are not whole; kept as they are'],
    [unusual.changed, 'say otherwise than what was imported before; kept beside it'],
    [unusual.refused, 'are no objects that this program writes; left out'],
  ];
  for (const [count, sentence] of notes) if (count > 0) cli.note(`${plural(count, 'object')}: ${sentence}.`);
  if (foreign.length > 0)
    cli.note(
      `Left out, since no object has such a name: ${foreign.slice(0, 3).map(visibleLine).join(', ')}${foreign.length > 3 ? ', …' : ''}`,
    );
  if (deleted.length > 0)
    cli.note(
      `Somebody deleted ${plural(deleted.length, 'object')} in the store, which kept what was there: ${deleted.slice(0, 3).map(visibleLine).join(', ')}${deleted.length > 3 ? ', …' : ''}`,
    );
  for (const { name, why } of notGiven.slice(0, 3)) {
    cli.note(`The store lists ${visibleLine(name)} and does not give it: ${visibleLine(why)}`);
  }
  if (notGiven.length > 3) cli.note('There are more of these; the next import asks for them again.');
}

async function importBundles(
  cli: Cli,
  workspace: Workspace,
  books: Books,
  files: readonly string[],
  touched: Set<string>,
): Promise<void> {
  let fresh = 0;
  for (const file of files) {
    if (cli.signal.aborted) return;
    const outcome: BundleOutcome = await importBundle(workspace, books, file, Date.now);
    if (outcome.sid !== null) touched.add(outcome.sid);
    if (outcome.state === 'applied') fresh += 1;
    else if (outcome.state !== 'known') {
      cli.note(`${visibleLine(file)}: ${visibleLine(outcome.detail)}`);
      cli.exitWith(1);
    }
  }
  workspace.log.append({ type: 'imported', source: `bundles: ${files.length}`, objects: fresh, bytes: 0 });
  cli.out(`${plural(files.length, 'bundle')}, ${fresh} new.`);
}

export function registerAuditImport(audit: Command, cli: Cli): void {
  audit
    .command('import <what...>')
    .description(
      'take over bundles (.tar), folders of them, a store’s folder, or a store by its configuration (.json); only what is new',
    )
    .option('--passphrase-file <file>', "the passphrase of the auditor's keys, for scripts (mode 0600)")
    .option('--no-keys', 'open no keys: what is encrypted is kept and opened by a later import, the log is not signed')
    .option('--recheck', 'read again what is here already: shows what was replaced by something as long')
    .option('--no-index', 'leave the index as it is')
    .action((whats: string[], options: ImportOptions) => runImport(cli, audit, whats, options));
}
