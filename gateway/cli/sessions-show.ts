import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { Session, Statement } from '../contract/session.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { countOption, viewSession } from './sessions-find.ts';
import {
  maskedText,
  milliseconds,
  outcomeText,
  sessionHead,
  sessionOfRecording,
  verdictText,
} from './sessions-text.ts';
import { type ShownStatement, statementsOf } from './sessions-walk.ts';
import { resultGrid } from './terminal/grid.ts';
import { styled } from './terminal/style.ts';
import { visibleJson, visibleLine, visibleLines } from './terminal/visible.ts';
import { truncate } from './terminal/width.ts';

interface ShowOptions {
  limit: number;
  offset: number;
  rows: number;
  statement?: number;
  json?: boolean;
}

/** What an open session's recording does not say by itself yet. */
export class Tally {
  statements = 0;
  asked = 0;
  denied = 0;
  errors = 0;
  rows = 0;

  add({ verdict, error, rows }: Statement): void {
    this.statements++;
    if (verdict.startsWith('asked')) this.asked++;
    if (verdict === 'denied' || verdict === 'asked-denied' || verdict === 'asked-expired') this.denied++;
    if (error) this.errors++;
    this.rows += rows;
  }
}

export function statementLines(statement: ShownStatement, deps: SessionDeps): string[] {
  const { terminal } = deps;
  const cut = (line: string) => (terminal.columns === null ? line : truncate(line, terminal.columns));
  const time = statement.startedAt.slice(11, 23);
  const lines = [
    `${styled(`#${statement.index}`, 'bold', terminal)}  ${time}  ${visibleLine(statement.op)}  ${verdictText(statement, terminal)}  ${outcomeText(statement, terminal)}  ${milliseconds(statement.durationMs)}`,
    ...visibleLines(statement.text).map((line) => cut(`    ${line}`)),
  ];
  if (statement.parameters.length > 0) {
    const shown = statement.parameters.map(
      (value, i) => `$${i + 1} = ${value === null ? '{null}' : visibleLine(value)}`,
    );
    lines.push(cut(`    ${shown.join(', ')}`));
  }
  const masked = maskedText(statement.masked);
  if (masked !== '') lines.push(`    masked: ${masked}`);
  for (const { severity, message } of statement.notices)
    lines.push(cut(`    ${visibleLine(severity)}: ${visibleLine(message)}`));
  return lines;
}

export function resultLines(statement: ShownStatement, deps: SessionDeps): string[] {
  const { columns, shownRows, rows, copyIn } = statement;
  if (columns.length === 0 || copyIn !== null) return [];
  const lines = resultGrid(columns, shownRows, deps.terminal);
  lines.push(
    shownRows.length < rows ? `(${shownRows.length} of ${rows} rows)` : `(${rows} row${rows === 1 ? '' : 's'})`,
  );
  return lines;
}

async function show(cli: Cli, deps: SessionDeps, id: string, options: ShowOptions): Promise<void> {
  const { folder, session: recorded } = await viewSession(deps, id);
  const { offset, limit, statement: only } = options;
  const rows = only === undefined ? options.rows : Math.max(options.rows, 1000);
  const page: ShownStatement[] = [];
  const tally = new Tally();
  const wanted = (index: number) => (only === undefined ? index >= offset && index < offset + limit : index === only);
  for await (const statement of statementsOf(deps, folder, recorded.id, rows, wanted)) {
    tally.add(statement);
    if (wanted(statement.index)) page.push(statement);
  }
  if (only !== undefined && page.length === 0) {
    throw new CountersignError('STATEMENT_UNKNOWN', `the session has ${tally.statements} statements, from 0`);
  }
  const session: Session = { ...sessionOfRecording(recorded), ...tally };
  if (options.json) {
    const items = page.map(({ notices: _notices, shownRows, copyIn: _copyIn, ...statement }) =>
      rows > 0 ? { ...statement, result: shownRows } : statement,
    );
    cli.out(visibleJson({ session, statements: items, total: tally.statements }, 2));
    return;
  }
  for (const line of sessionHead(session, deps.terminal)) cli.out(line);
  for (const statement of page) {
    cli.out('');
    for (const line of statementLines(statement, deps)) cli.out(line);
    if (rows > 0) for (const line of resultLines(statement, deps)) cli.out(`    ${line}`);
  }
  const behind = offset + page.length;
  if (only === undefined && behind < tally.statements)
    cli.note(`${behind} of ${tally.statements} statements; more with --offset ${behind}`);
}

export function registerShow(sessions: Command, cli: Cli, deps: SessionDeps): void {
  sessions
    .command('show <id>')
    .description('one session: its statements with verdicts, rows and timings')
    .option('--limit <count>', 'at most so many statements', countOption(1), 100)
    .option('--offset <count>', 'leave out so many', countOption(), 0)
    .option('--rows <count>', 'also so many rows of each result', countOption(), 0)
    .option('--statement <index>', 'only this one, with its result', countOption())
    .option('--json', 'as JSON')
    .action((id: string, options: ShowOptions) => show(cli, deps, id, options));
}
