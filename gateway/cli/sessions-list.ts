import type { Command } from 'commander';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import { SessionFilter } from '../contract/routes/sessions.ts';
import type { StatementFilter } from '../contract/search.ts';
import type { Session } from '../contract/session.ts';
import { mergeLiveSessions } from '../store/merge-live.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { countOption, noSessions, timeOption } from './sessions-find.ts';
import { plural, sessionOfRecording, when } from './sessions-text.ts';
import { filterOf, filterOptions, type SearchOptions, showFound } from './statement-search.ts';
import { listGrid } from './terminal/grid.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';
import { truncate } from './terminal/width.ts';

interface ListOptions {
  connection?: string;
  state?: string;
  verdict?: string;
  text?: string;
  since?: string;
  until?: string;
  limit: number;
  offset: number;
  json?: boolean;
}

function sessionFilterOf({ connection, ...rest }: ListOptions): SessionFilter {
  const parsed = SessionFilter.safeParse({ ...rest, connectionId: connection });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CountersignError('USAGE', `--${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`);
}

/** From the index; where there is none that can be used, from the folders (all but full text). */
async function find(deps: SessionDeps, cli: Cli, filter: SessionFilter): Promise<{ items: Session[]; total: number }> {
  const gateway = deps.gateway();
  if (gateway !== null) return gateway.list(filter);
  try {
    const store = deps.openStore('read');
    try {
      return await store.sessions(filter);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!isCountersignError(error) || filter.text !== undefined) throw withAdvice(error);
    if (error.code !== 'STORE_MISSING') cli.note(`${error.message}; the list comes from the recordings themselves.`);
    return fromFolders(deps, cli, filter);
  }
}

function withAdvice(error: unknown): unknown {
  if (!isCountersignError(error, 'STORE_MISSING')) return error;
  return new CountersignError(
    'STORE_MISSING',
    'there is no index to search yet; make it with: countersign sessions reindex',
  );
}

async function fromFolders(deps: SessionDeps, cli: Cli, filter: SessionFilter) {
  const sessions: Session[] = [];
  for await (const folder of deps.recordings.sessionFolders(deps.recordingsDir())) {
    try {
      sessions.push(sessionOfRecording(await deps.recordings.readSession(folder)));
    } catch {
      cli.note(`the recording in ${visibleLine(folder)} cannot be read and is left out`);
    }
  }
  const everything = { ...filter, offset: 0, limit: Number.MAX_SAFE_INTEGER };
  const { items, total } = mergeLiveSessions({ items: [], total: 0 }, sessions, everything);
  return { items: items.slice(filter.offset, filter.offset + filter.limit), total };
}

async function list(cli: Cli, deps: SessionDeps, options: ListOptions): Promise<void> {
  const filter = sessionFilterOf(options);
  const { items, total } = await find(deps, cli, filter);
  if (options.json) {
    cli.out(visibleJson({ items, total }, 2));
    return;
  }
  if (total === 0) {
    const narrowed = [options.connection, options.state, options.verdict, options.text, options.since, options.until];
    cli.note(narrowed.some((one) => one !== undefined) ? 'No session fits.' : `${noSessions(deps)}.`);
    return;
  }
  const rows = items.map((session) => [
    visibleLine(session.id),
    when(session.openedAt),
    session.state,
    session.protocol === 'postgres'
      ? `${visibleLine(session.connectionId)}/${truncate(visibleLine(session.database), 24)}`
      : `${visibleLine(session.connectionId)} in ${truncate(visibleLine(session.database), 40)}`,
    truncate(`${visibleLine(session.agent.name)} for ${visibleLine(session.identity.display)}`, 32),
    plural(session.statements, 'statement'),
    [
      session.asked > 0 ? `${session.asked} asked` : '',
      session.denied > 0 ? `${session.denied} denied` : '',
      session.errors > 0 ? plural(session.errors, 'error') : '',
    ]
      .filter((part) => part !== '')
      .join(', '),
  ]);
  for (const line of listGrid(rows, deps.terminal)) cli.out(line.trimEnd());
  const behind = filter.offset + items.length;
  if (behind < total) cli.note(`${behind} of ${total}; more with --offset ${behind}`);
}

async function findStatements(deps: SessionDeps, filter: StatementFilter, page: { offset: number; limit: number }) {
  const gateway = deps.gateway();
  if (gateway !== null) return gateway.search(filter, page);
  try {
    const store = deps.openStore('read');
    try {
      return await store.search(filter, page);
    } finally {
      await store.close();
    }
  } catch (error) {
    throw withAdvice(error);
  }
}

async function search(cli: Cli, deps: SessionDeps, words: readonly string[], options: SearchOptions): Promise<void> {
  const { offset, limit } = options;
  showFound(cli, deps.terminal, await findStatements(deps, filterOf(words, options), { offset, limit }), options);
}

export function registerList(sessions: Command, cli: Cli, deps: SessionDeps): void {
  const time = timeOption(deps.now);
  sessions
    .command('list', { isDefault: true })
    .description('sessions, latest first')
    .option('--connection <id>', 'only of this connection')
    .option('--state <state>', 'open, closed or incomplete')
    .option('--verdict <verdict>', 'with a statement that was asked, denied or ended in an error')
    .option('--text <words>', 'with a statement that holds these words')
    .option('--since <time>', 'opened at this time or later', time)
    .option('--until <time>', 'opened before this time', time)
    .option('--limit <count>', 'at most so many (up to 500)', countOption(1), 50)
    .option('--offset <count>', 'leave out so many', countOption(), 0)
    .option('--json', 'as JSON')
    .action((options: ListOptions) => list(cli, deps, options));
  filterOptions(
    sessions.command('search [words...]').description('statements of all sessions that hold these words, latest first'),
    deps.now,
  ).action((words: string[], options: SearchOptions) => search(cli, deps, words, options));
}
