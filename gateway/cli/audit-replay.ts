import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type ReplayedStatement, replayAgainst } from '../audit/replay-against/replay.ts';
import { isRecorded, parseTarget, passwordFromFile, type ReplayTarget } from '../audit/replay-against/target.ts';
import { createConnections } from '../config/connections.ts';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import { UpstreamRefusal } from '../protocols/postgres/handshake/upstream-error.ts';
import { connectSimpleClient, type SimpleClient } from '../protocols/postgres/wire/simple-client.ts';
import { createVault } from '../vault/vault.ts';
import { type AuditTrail, NO_TRAIL, openForAudit } from './audit-sessions.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { countOption } from './sessions-find.ts';
import { paintReplay, type ReplayOptions, registerReplay } from './sessions-replay.ts';
import { plural } from './sessions-text.ts';
import { type Style, styled } from './terminal/style.ts';
import { visibleJson, visibleLine, visibleLines } from './terminal/visible.ts';
import { truncate } from './terminal/width.ts';

interface AgainstOptions extends ReplayOptions {
  against?: string;
  write?: boolean;
  commit?: boolean;
  force?: boolean;
  timeout: number;
  json?: boolean;
}

const CONNECT_MS = 15_000;

interface Found {
  target: ReplayTarget;
  /** null: none is known; asked for when the server wants one. */
  secret: string | null;
}

async function findTarget(cli: Cli, against: string): Promise<Found> {
  const file = join(cli.home(), 'connections.json');
  const connection = existsSync(file) ? createConnections({ file }).get(against) : null;
  if (connection !== null) {
    const vault = createVault({ dir: join(cli.home(), 'vault'), protection: 'unprotected' });
    return { target: { connection, database: connection.database }, secret: await vault.read(against) };
  }
  const target = parseTarget(against);
  return { target, secret: passwordFromFile(cli.env.PGPASSFILE ?? join(homedir(), '.pgpass'), target) };
}

const WRONG_PASSWORD = '28P01';

async function connect(cli: Cli, { target, secret }: Found): Promise<SimpleClient> {
  const { connection, database } = target;
  const parameters = new Map([['application_name', 'countersign replay']]);
  const attempt = (password: string | null) =>
    connectSimpleClient({
      connection,
      database,
      parameters,
      protocolMinor: 0,
      secret: password,
      signal: cli.signal,
      timeoutMs: CONNECT_MS,
    });
  try {
    return await attempt(secret);
  } catch (error) {
    const wanted =
      isCountersignError(error, 'PG_UPSTREAM_NO_PASSWORD') ||
      (error instanceof UpstreamRefusal && error.sqlstate === WRONG_PASSWORD && secret === null);
    if (!wanted) throw error;
    return attempt(
      await cli.prompt.secret(
        `Password of ${visibleLine(connection.user)} on ${visibleLine(connection.host)}: `,
        cli.signal,
      ),
    );
  }
}

async function asItWent(cli: Cli, deps: SessionDeps, what: string, options: ReplayOptions): Promise<void> {
  const opened = await openForAudit(deps, what);
  try {
    await paintReplay(cli, deps, opened, options);
  } finally {
    opened.close();
  }
}

async function against(
  cli: Cli,
  deps: SessionDeps,
  trail: AuditTrail,
  what: string,
  name: string,
  options: AgainstOptions,
): Promise<void> {
  const { write = false, commit = false, force = false, timeout, json } = options;
  const opened = await openForAudit(deps, what);
  try {
    const found = await findTarget(cli, name);
    if (isRecorded(found.target, opened.session.info) && !force) {
      throw new CountersignError(
        'REPLAY_RECORDED',
        'this is the database that was recorded; replay against a copy of it, or say --force',
      );
    }
    const { connection, database } = found.target;
    trail({
      type: 'opened',
      sid: opened.session.id,
      how: `replayed against ${connection.host}:${connection.port}/${database}${commit ? ', and kept' : ''}`,
    });
    const client = await connect(cli, found);
    const counts: Record<ReplayedStatement['status'], number> = { same: 0, reordered: 0, different: 0, 'not-run': 0 };
    let masked = 0;
    try {
      const run = { writes: write || commit, commit, timeoutMs: timeout * 1000, signal: cli.signal };
      for await (const one of replayAgainst(opened.folder, client, run)) {
        counts[one.status] += 1;
        masked += one.comparison?.masked ?? 0;
        if (json) cli.out(visibleJson(one));
        else tell(cli, deps, one);
      }
    } finally {
      client.close();
    }
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const end = commit ? 'What it changed was kept.' : 'Rolled back: nothing was changed.';
    const summary = `${plural(total, 'statement')}: ${counts.same} same, ${counts.reordered} in another order, ${counts.different} different, ${counts['not-run']} not run. ${end}`;
    if (json) cli.note(summary);
    else {
      cli.out('');
      cli.out(summary);
      if (masked > 0)
        cli.out(`${plural(masked, 'value')} could not be compared: they were masked when they were recorded.`);
    }
    if (counts.different > 0) cli.exitWith(1);
  } finally {
    opened.close();
  }
}

const MARKS: Readonly<Record<ReplayedStatement['status'], readonly [word: string, style: Style]>> = {
  same: ['same     ', 'green'],
  reordered: ['order    ', 'yellow'],
  different: ['DIFFERENT', 'red'],
  'not-run': ['not run  ', 'dim'],
};

function tell(cli: Cli, { terminal }: SessionDeps, { index, text, status, why, comparison }: ReplayedStatement): void {
  const [word, style] = MARKS[status];
  const head = `${styled(word, style, terminal)}  ${`#${index}`.padEnd(5)} `;
  const room = Math.max(20, (terminal.columns ?? 120) - 17);
  const first = visibleLines(text.trim()).join(' ');
  cli.out(`${head}${truncate(first.replaceAll(/\s+/g, ' '), room)}`);
  if (why !== null) cli.out(`                 ${visibleLine(why)}`);
  if (status === 'reordered') cli.out('                 the same rows in another order');
  for (const { sentence } of comparison?.differences ?? [])
    cli.out(`                 ${truncate(visibleLine(sentence), Math.max(40, room * 2))}`);
  if ((comparison?.more ?? 0) > 0) cli.out(`                 and ${plural(comparison!.more, 'more difference')}`);
}

/** `audit replay`, below `parent`: as it went, or `--against` another database. */
export function registerAuditReplay(parent: Command, cli: Cli, deps: SessionDeps, trail: AuditTrail = NO_TRAIL): void {
  registerReplay(parent, cli, deps)
    .description(
      'one session (an ID, a folder, a bundle) as it went, or run again --against another database to see where results differ',
    )
    .option(
      '--against <connection>',
      'a connection of this gateway, or postgres://user@host:5432/database (a scratch copy)',
    )
    .option('--write', 'with --against: also what changes data, rolled back at the end')
    .option('--commit', 'with --against: as --write, and keep what it changed')
    .option('--force', 'with --against: also the database that was recorded')
    .option('--timeout <seconds>', 'with --against: for one statement', countOption(1), 60)
    .option('--json', 'with --against: as JSON Lines')
    .action((what: string, options: AgainstOptions) =>
      options.against === undefined
        ? asItWent(cli, deps, what, options)
        : against(cli, deps, trail, what, options.against, options),
    );
}
