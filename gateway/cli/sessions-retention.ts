import { mkdirSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import type { Store } from '../store/store.ts';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';
import type { SessionDeps } from './sessions.ts';
import { ageOf, folderOf } from './sessions-find.ts';
import { plural, when } from './sessions-text.ts';
import { visibleLine } from './terminal/visible.ts';

interface Found {
  folder: string;
  session: RecordedSession;
}

/** The index forgets first: what is not found any more is never a result without its recording. */
async function forget(deps: SessionDeps, store: Store | null, { folder, session }: Found): Promise<void> {
  await store?.removeSession(session.id);
  // Out of the way in one step, so that a stop in the middle leaves no half of a recording under its name.
  const bin = join(deps.recordingsDir(), 'removed');
  mkdirSync(bin, { recursive: true, mode: 0o700 });
  await rename(folder, join(bin, basename(folder)));
  rmSync(bin, { recursive: true, force: true });
}

function writableStore(deps: SessionDeps): Store | null {
  try {
    return deps.openStore('write');
  } catch (error) {
    if (isCountersignError(error, 'STORE_MISSING')) return null;
    throw error;
  }
}

async function removeAll(
  cli: Cli,
  deps: SessionDeps,
  found: readonly Found[],
  options: { dryRun?: boolean; yes?: boolean },
): Promise<void> {
  for (const { session } of found) {
    const { connection, identity } = session.info;
    cli.out(
      `${options.dryRun ? 'would remove' : 'remove'}  ${visibleLine(session.id)}  ${when(session.info.openedAt)}  ${visibleLine(connection.id)}  ${visibleLine(identity.display)}`,
    );
  }
  if (options.dryRun) {
    cli.note(`${plural(found.length, 'session')} would be removed; nothing was.`);
    return;
  }
  if (!options.yes) {
    throw new CountersignError(
      'USAGE',
      `${plural(found.length, 'recording')} would be gone for good: say --yes, or look first with --dry-run`,
    );
  }
  const remover = deps.remover();
  if (remover !== null) {
    await removeByGateway(cli, remover, found);
    return;
  }
  const store = writableStore(deps);
  let removed = 0;
  try {
    for (const one of found) {
      if (cli.signal.aborted) break;
      await forget(deps, store, one);
      removed++;
    }
  } finally {
    await store?.close();
  }
  cli.note(`${plural(removed, 'session')} removed.`);
}

/** Where the device keeps a log, a recording that is gone without a word there would be missed. */
async function removeByGateway(
  cli: Cli,
  remover: NonNullable<ReturnType<SessionDeps['remover']>>,
  found: readonly Found[],
): Promise<void> {
  const pin = await askPin(cli, 'Your PIN, since what is recorded is gone for good then: ');
  let removed = 0;
  for (const { session } of found) {
    if (cli.signal.aborted) break;
    try {
      await remover(session.id, 'removed by a person', pin);
      removed++;
    } catch (error) {
      if (!isCountersignError(error, 'SESSION_HELD')) throw error;
      cli.note(visibleLine(error.message));
      cli.exitWith(1);
    }
  }
  cli.note(`${plural(removed, 'session')} removed.`);
}

async function remove(
  cli: Cli,
  deps: SessionDeps,
  id: string,
  options: { dryRun?: boolean; yes?: boolean },
): Promise<void> {
  const folder = await folderOf(deps, id);
  const session = await deps.recordings.readSession(folder);
  if (session.state === 'open') throw new CountersignError('SESSION_OPEN', 'this session is open; end it first');
  await removeAll(cli, deps, [{ folder, session }], options);
}

/** Sessions that ended before the age; open ones, and those that cannot be read, stay. */
async function prune(
  cli: Cli,
  deps: SessionDeps,
  options: { olderThan: number; dryRun?: boolean; yes?: boolean },
): Promise<void> {
  const before = deps.now() - options.olderThan;
  const found: Found[] = [];
  for await (const folder of deps.recordings.sessionFolders(deps.recordingsDir())) {
    try {
      const session = await deps.recordings.readSession(folder);
      const ended = session.close ? session.close.at / 1000 : Date.parse(session.info.openedAt);
      if (session.state !== 'open' && ended < before) found.push({ folder, session });
    } catch {
      cli.note(`the recording in ${visibleLine(folder)} cannot be read; it stays`);
    }
  }
  if (found.length === 0) {
    cli.note('No session is that old.');
    return;
  }
  await removeAll(cli, deps, found, options);
}

async function reindex(cli: Cli, deps: SessionDeps, options: { fresh?: boolean }): Promise<void> {
  const store = deps.openStore('write');
  try {
    let last = 0;
    const outcome = await store.rebuild({
      fresh: options.fresh ?? false,
      signal: cli.signal,
      progress: ({ sessions, of, statements }) => {
        if (deps.now() - last < 1000) return;
        last = deps.now();
        cli.note(`${sessions} of ${plural(of, 'session')}, ${plural(statements, 'statement')}`);
      },
    });
    for (const problem of outcome.problems) cli.note(visibleLine(problem));
    const done = `${outcome.sessions} of ${plural(outcome.of, 'session')}, ${plural(outcome.statements, 'statement')} added`;
    if (outcome.stopped) cli.note(`Stopped: ${done}. Run it again to go on.`);
    else cli.out(`The index is up to date: ${done}.`);
    if (outcome.problems.length > 0 || outcome.stopped) cli.exitWith(1);
  } finally {
    await store.close();
  }
}

function ageOption(text: string): number {
  const age = ageOf(text);
  if (age === null) throw new InvalidArgumentError('an age such as 90d, 12h or 4w');
  return age;
}

export function registerRetention(sessions: Command, cli: Cli, deps: SessionDeps): void {
  sessions
    .command('remove <id>')
    .description('delete one recording and forget it')
    .option('--dry-run', 'only say what would go')
    .option('--yes', 'do it')
    .action((id: string, options: { dryRun?: boolean; yes?: boolean }) => remove(cli, deps, id, options));
  sessions
    .command('prune')
    .description('delete recordings that ended long ago')
    .requiredOption('--older-than <age>', 'such as 90d', ageOption)
    .option('--dry-run', 'only say what would go')
    .option('--yes', 'do it')
    .action((options: { olderThan: number; dryRun?: boolean; yes?: boolean }) => prune(cli, deps, options));
  sessions
    .command('reindex')
    .description('bring the index up to the recordings; can be stopped and run again')
    .option('--fresh', 'empty it first')
    .action((options: { fresh?: boolean }) => reindex(cli, deps, options));
}
