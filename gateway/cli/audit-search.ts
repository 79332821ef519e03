import type { Command } from 'commander';
import { SavedSearches } from '../audit/saved-searches.ts';
import { openWorkspace, type Workspace } from '../audit/workspace.ts';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { StatementFilter } from '../contract/search.ts';
import type { Statement } from '../contract/session.ts';
import { filterText } from '../store/query.ts';
import { createStore } from '../store/store.ts';
import { connectTeamDb } from '../team-index/connect.ts';
import { ensureSchema } from '../team-index/schema.ts';
import { searchTeamIndex } from '../team-index/search.ts';
import { workspaceFolder } from './audit-workspace.ts';
import type { Cli } from './cli.ts';
import { filterOf, filterOptions, type SearchOptions, showFound } from './statement-search.ts';
import type { TerminalShape } from './terminal/style.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';

type AuditSearchOptions = SearchOptions & { save?: string; saved?: boolean; delete?: string; database?: string };
type Page = Pick<SearchOptions, 'offset' | 'limit'>;
type Found = { items: Statement[]; total: number };

const MAX_LOGGED = 2_000;

async function search(
  cli: Cli,
  audit: Command,
  terminal: TerminalShape,
  words: readonly string[],
  options: AuditSearchOptions,
): Promise<void> {
  const workspace = openWorkspace(workspaceFolder(cli, audit));
  const searches = new SavedSearches(workspace.folder);
  if (options.saved) {
    list(cli, searches, options.json ?? false);
    return;
  }
  if (options.delete !== undefined) {
    searches.delete(options.delete);
    cli.note(`The saved search ${visibleLine(options.delete)} is gone.`);
    return;
  }
  const filter = wantedFilter(cli, searches, words, options);
  if (options.save !== undefined) {
    searches.save(options.save, filter);
    cli.note(`Saved; again with: countersign audit search ${options.save}`);
  }
  const { offset, limit } = options;
  const { database } = options;
  const found =
    database === undefined
      ? await searchWorkspace(cli, workspace, filter, { offset, limit })
      : await searchDatabase(cli, database, filter, { offset, limit });
  // Nothing of it is shown before it is in the log.
  workspace.log.append({ type: 'searched', words: logged(filter, database), found: found.total });
  showFound(cli, terminal, found, options);
}

const logged = (filter: StatementFilter, database: string | undefined): string =>
  `${filterText(filter)}${database === undefined ? '' : ` (in ${database})`}`.slice(0, MAX_LOGGED);

function list(cli: Cli, searches: SavedSearches, json: boolean): void {
  const all = searches.list();
  if (json) {
    cli.out(visibleJson(Object.fromEntries(all), 2));
    return;
  }
  if (all.size === 0) cli.note('No search is saved yet; --save NAME keeps one.');
  for (const [name, filter] of all) cli.out(`${name}  ${visibleLine(filterText(filter))}`);
}

/** One word that names a saved search is that search; filters given beside it narrow it. */
function wantedFilter(
  cli: Cli,
  searches: SavedSearches,
  words: readonly string[],
  options: AuditSearchOptions,
): StatementFilter {
  const given = filterOf(words, options);
  const saved = words.length === 1 ? searches.list().get(words[0]!) : undefined;
  if (saved === undefined) return given;
  const { text: _name, ...narrower } = given;
  const filter = { ...saved, ...narrower };
  cli.note(`The saved search ${words[0]}: ${visibleLine(filterText(filter))} (for the word itself put it in quotes)`);
  return filter;
}

async function searchWorkspace(cli: Cli, workspace: Workspace, filter: StatementFilter, page: Page): Promise<Found> {
  const { indexFile, recordingsDir } = workspace;
  try {
    const store = createStore({ file: indexFile, recordingsDir, readOnly: true });
    try {
      const why = await store.incomplete();
      if (why !== null) cli.note(`Not everything is found: ${why}; make it anew with: countersign audit index`);
      return await store.search(filter, page);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!isCountersignError(error, 'STORE_MISSING') && !isCountersignError(error, 'STORE_OUTDATED')) throw error;
    throw new CountersignError(error.code, `${error.message}; make it with: countersign audit index`, { cause: error });
  }
}

async function searchDatabase(cli: Cli, url: string, filter: StatementFilter, page: Page): Promise<Found> {
  const askPassword = (question: string) => cli.prompt.secret(question, cli.signal);
  const db = await connectTeamDb(url, { env: cli.env, askPassword });
  try {
    await ensureSchema(db, { make: false });
    return await searchTeamIndex(db, filter, page);
  } finally {
    await db.end();
  }
}

/** `audit search`, below `audit`. */
export function registerAuditSearch(
  audit: Command,
  cli: Cli,
  { terminal, now }: { terminal: TerminalShape; now(): number },
): void {
  filterOptions(
    audit
      .command('search [words...]')
      .description('statements of all imported sessions, latest first; one word may be the name of a saved search'),
    now,
  )
    .option('--save <name>', 'keep this search under a name')
    .option('--saved', 'list the saved searches')
    .option('--delete <name>', 'delete a saved search')
    .option('--database <url>', "search the team's index, postgres://user@host/database")
    .action((words: string[], options: AuditSearchOptions) => search(cli, audit, terminal, words, options));
}
