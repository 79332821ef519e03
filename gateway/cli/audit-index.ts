import type { Command } from 'commander';
import type { Books } from '../audit/books.ts';
import { openWorkspace, type Workspace } from '../audit/workspace.ts';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import { createStore, type Store } from '../store/store.ts';
import { connectTeamDb, type TeamDb } from '../team-index/connect.ts';
import { type FillSetup, fillTeamIndex } from '../team-index/fill.ts';
import { type Forgotten, forgetBefore, liftHold, listHolds, setHold } from '../team-index/retention.ts';
import { ensureSchema } from '../team-index/schema.ts';
import { workspaceFolder } from './audit-workspace.ts';
import type { Cli } from './cli.ts';
import { timeOption } from './sessions-find.ts';
import { plural } from './sessions-text.ts';
import { visibleLine } from './terminal/visible.ts';

interface IndexOptions {
  database?: string;
  fresh?: boolean;
  forgetBefore?: string;
  hold?: string;
  lift?: string;
  holds?: boolean;
  why?: string;
  dryRun?: boolean;
}

const PROGRESS_MS = 1_000;

async function runIndex(cli: Cli, audit: Command, options: IndexOptions): Promise<void> {
  const workspace = openWorkspace(workspaceFolder(cli, audit));
  const { database, ...rest } = options;
  if (database === undefined) {
    if (Object.keys(rest).some((key) => key !== 'fresh')) {
      throw new CountersignError('USAGE', "only a team's index has holds and forgets by itself: give --database");
    }
    await rebuild(cli, workspace, options.fresh ?? false);
    return;
  }
  workspace.books('read').close();
  let typed: string | undefined;
  const askPassword = async (question: string) => {
    typed = await cli.prompt.secret(question, cli.signal);
    return typed;
  };
  const db = await connectTeamDb(database, { env: cli.env, askPassword });
  let kept: boolean;
  try {
    await ensureSchema(db, { make: true });
    kept = await keep(cli, workspace, db, database, rest);
  } finally {
    await db.end();
  }
  if (kept) return;
  const { PGPASSWORD = typed, PGPASSFILE, HOME } = cli.env;
  await fill(cli, workspace, { url: database, env: { PGPASSWORD, PGPASSFILE, HOME } });
}

const devicesOf = (books: Books): Map<string, string> =>
  new Map(books.sessions().map(({ sid, device }) => [sid, device]));

async function rebuild(cli: Cli, workspace: Workspace, fresh: boolean): Promise<void> {
  const books = workspace.books('read');
  const store = createStore({ file: workspace.indexFile, recordingsDir: workspace.recordingsDir });
  try {
    await rebuildStore(cli, store, devicesOf(books), fresh);
  } finally {
    await store.close();
    books.close();
  }
}

async function rebuildStore(cli: Cli, store: Store, devices: Map<string, string>, fresh: boolean): Promise<void> {
  const tick = ticker();
  const outcome = await store.rebuild({
    fresh,
    devices,
    signal: cli.signal,
    progress: ({ sessions, of, statements }) =>
      tick(() => cli.note(`${sessions} of ${plural(of, 'session')}, ${plural(statements, 'statement')}`)),
  });
  for (const problem of outcome.problems) cli.note(`Not in the index: ${visibleLine(problem)}`);
  if (outcome.stopped) cli.note('Stopped; run it again to go on.');
  else cli.out(`${plural(outcome.sessions, 'session')}, ${plural(outcome.statements, 'new statement')}.`);
  if (outcome.stopped || outcome.problems.length > 0) cli.exitWith(1);
}

/**
 * Puts imported sessions into the workspace's index. Parts may have filled what was missing between others, so
 * they are indexed from their start. What cannot be indexed can still be verified and viewed.
 */
export async function indexImported(
  cli: Cli,
  { indexFile, recordingsDir, books: open }: Workspace,
  sids: ReadonlySet<string>,
): Promise<void> {
  const books = open('read');
  const store = createStore({ file: indexFile, recordingsDir });
  try {
    const devices = devicesOf(books);
    const why = await store.incomplete();
    if (why !== null) {
      cli.note(`All sessions are indexed again, since ${why}.`);
      await rebuildStore(cli, store, devices, false);
    }
    for (const sid of sids) {
      if (cli.signal.aborted) return;
      try {
        await store.removeSession(sid);
        await store.indexSession(sid, devices.get(sid) ?? null);
      } catch (error) {
        if (!isCountersignError(error)) throw error;
        cli.note(`session ${visibleLine(sid)} is not in the index: ${visibleLine(error.message)}`);
      }
    }
  } finally {
    await store.close();
    books.close();
  }
}

async function fill(cli: Cli, { folder, log }: Workspace, setup: Omit<FillSetup, 'workspace'>): Promise<void> {
  const tick = ticker();
  const { seen, written, statements, problems, stopped } = await fillTeamIndex(
    { ...setup, workspace: folder },
    {
      signal: cli.signal,
      progress: (at) =>
        tick(() =>
          cli.note(`${plural(at.seen, 'session')} seen, ${at.written} written, ${plural(at.statements, 'statement')}`),
        ),
    },
  );
  const what = `${plural(seen, 'session')}, ${written} new or changed, ${plural(statements, 'statement')}`;
  log.append({ type: 'exported', what, format: 'index', to: setup.url.slice(0, 2000) });
  for (const problem of problems) cli.note(`Not in the index: ${visibleLine(problem)}`);
  if (stopped) cli.note(`Stopped: ${what}. Run it again to go on.`);
  else cli.out(`${what}.`);
  if (stopped || problems.length > 0) cli.exitWith(1);
}

/** Holds and retention. @returns whether any of it was asked for. */
async function keep(
  cli: Cli,
  { settings, log }: Workspace,
  db: TeamDb,
  url: string,
  options: IndexOptions,
): Promise<boolean> {
  const { hold, lift, holds, forgetBefore: before, dryRun = false } = options;
  if (hold === undefined && lift === undefined && !holds && before === undefined) return false;
  const why = options.why ?? '';
  if ((hold !== undefined || lift !== undefined || before !== undefined) && why.trim() === '' && !dryRun) {
    throw new CountersignError('USAGE', 'say why: --why TEXT; it is kept with it');
  }
  const noted = (what: string) => log.append({ type: 'retention', what: `${what} (${url})`.slice(0, 2000), why });
  if (hold !== undefined) {
    await setHold(db, { what: hold, why, by: settings.name });
    noted(`hold ${hold}`);
    cli.out(`${visibleLine(hold)} is held: nothing of it is forgotten until the hold is lifted.`);
  }
  if (lift !== undefined) {
    noted(`lift ${lift}`);
    await liftHold(db, lift);
    cli.out(`The hold on ${visibleLine(lift)} is lifted.`);
  }
  if (before !== undefined) {
    if (!dryRun) noted(`forget what ended before ${before}`);
    tellForgotten(cli, await forgetBefore(db, new Date(before), { why, dryRun }), dryRun);
  }
  if (holds) {
    const all = await listHolds(db);
    if (all.length === 0) cli.note('Nothing is held.');
    for (const one of all) {
      cli.out(`${visibleLine(one.what)}  ${one.at.toISOString()}  ${visibleLine(one.by)}: ${visibleLine(one.why)}`);
    }
  }
  return true;
}

function tellForgotten(cli: Cli, { sessions, statements, held, months }: Forgotten, dryRun: boolean): void {
  const whole = months.length === 0 ? '' : `; ${plural(months.length, 'month')} as a whole`;
  cli.out(
    `${plural(sessions, 'session')} with ${plural(statements, 'statement')} ${dryRun ? 'would be' : 'were'} forgotten${whole}.`,
  );
  if (held > 0) cli.out(`${plural(held, 'session')} that old ${held === 1 ? 'is' : 'are'} held.`);
}

function ticker(): (tell: () => void) => void {
  let last = Date.now();
  return (tell) => {
    if (Date.now() - last < PROGRESS_MS) return;
    last = Date.now();
    tell();
  };
}

/** `audit index`, below `audit`. */
export function registerAuditIndex(audit: Command, cli: Cli): void {
  audit
    .command('index')
    .description("bring the workspace's index up to what was imported, or a team's index in PostgreSQL")
    .option(
      '--database <url>',
      'postgres://user@host/database; the password from $PGPASSWORD, $PGPASSFILE or asked for',
    )
    .option('--fresh', "empty the workspace's index first")
    .option(
      '--forget-before <time>',
      'of the database: forget sessions that ended before; held ones stay',
      timeOption(Date.now),
    )
    .option('--dry-run', 'only say what would be forgotten')
    .option('--hold <what>', 'of the database: keep a session, connection:ID or all, whatever rule')
    .option('--lift <what>', 'lift a hold')
    .option('--holds', 'list the holds')
    .option('--why <text>', 'the reason, kept with a hold and with what is forgotten')
    .action((options: IndexOptions) => runIndex(cli, audit, options));
}
