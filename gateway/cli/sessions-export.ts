import { once } from 'node:events';
import { createWriteStream, existsSync, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { type Command, Option } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { Statement } from '../contract/session.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import { walkSession } from '../store/walk.ts';
import { castTerminal } from './cast-terminal.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { csvLine } from './sessions-csv.ts';
import { countOption, openSession } from './sessions-find.ts';
import { scriptHead, scriptLines } from './sessions-script.ts';
import { sessionOfRecording } from './sessions-text.ts';
import { placed } from './sessions-walk.ts';
import { visibleJson, visibleLine, visibleLines } from './terminal/visible.ts';

interface ExportOptions {
  format: 'jsonl' | 'sql' | 'csv' | 'asciicast' | 'bundle';
  out?: string;
  statement?: number;
}

type Rows = (string | null)[][];

/** What is made of a session's walk, piece by piece: nothing holds a whole result. */
interface Writer {
  head?(session: RecordedSession): Promise<void>;
  wants(index: number): boolean;
  columns?(index: number, columns: Statement['columns']): Promise<void>;
  rows?(index: number, rows: Rows): Promise<void>;
  statement?(statement: Statement & { copyIn: number | null }): Promise<void>;
}

/**
 * JSON Lines: a session, then of each statement its `columns` and `rows` lines (as they came, so many
 * rows a line as were together), then its `statement` line.
 */
function jsonl(write: (line: string) => Promise<void>): Writer {
  const line = (value: unknown) => write(visibleJson(value));
  return {
    head: (session) => line({ type: 'session', ...sessionOfRecording(session) }),
    wants: () => true,
    columns: (index, columns) => line({ type: 'columns', statement: index, columns }),
    rows: (index, rows) => line({ type: 'rows', statement: index, rows }),
    statement: ({ copyIn: _copyIn, ...statement }) => line({ type: 'statement', ...statement }),
  };
}

function script(write: (line: string) => Promise<void>): Writer {
  const lines = async (all: readonly string[]) => {
    for (const line of all) await write(line);
  };
  return {
    wants: () => false,
    head: (session) => lines(scriptHead(session)),
    statement: (statement) => lines(scriptLines(statement)),
  };
}

/** The first line is names alone, which programs read: which columns are masked goes to the person. */
function csv(write: (line: string) => Promise<void>, only: number, note: (text: string) => void): Writer {
  return {
    wants: (index) => index === only,
    columns: async (_index, columns) => {
      const masked = columns.filter((column) => column.masked).map(({ name }) => visibleLine(name));
      if (masked.length > 0) note(`masked: ${masked.join(', ')}`);
      await write(csvLine(columns.map((column) => column.name)));
    },
    rows: async (_index, rows) => {
      for (const row of rows) await write(csvLine(row));
    },
  };
}

async function walkInto(
  cli: Cli,
  deps: SessionDeps,
  folder: string,
  session: RecordedSession,
  writer: Writer,
  only: number | null,
): Promise<number> {
  let index = 0;
  let rows: Rows = [];
  const flush = async () => {
    if (rows.length === 0) return;
    await writer.rows?.(index, rows);
    rows = [];
  };
  // Ordinals count within an exchange and statements end in their order: the next to end is `index`.
  let current = -1;
  let base = 0;
  await writer.head?.(session);
  const wanted = (exchange: number, ordinal: number) => {
    if (exchange !== current) {
      current = exchange;
      base = index;
    }
    return writer.wants(base + ordinal);
  };
  for await (const { exchange, told } of walkSession(deps.recordings, folder, { unfinished: true, rows: wanted })) {
    if (cli.signal.aborted) throw new CountersignError('STOPPED', 'stopped; what was written is not whole');
    if (exchange.exchange !== current) {
      current = exchange.exchange;
      base = index;
    }
    for (const one of told) {
      if (one.type === 'columns') await writer.columns?.(index, one.columns);
      else if (one.type === 'row') rows.push(one.values);
      else if (one.type === 'statement') {
        await flush();
        await writer.statement?.(placed(one.statement, session.id, index));
        index++;
      }
    }
    await flush();
    if (only !== null && index > only) break;
  }
  return index;
}

/** Where lines go: a new file, or standard output. `done` has to be called, also after a failure. */
export interface LineSink {
  write(line: string): Promise<void>;
  done(): Promise<void>;
}

/** Throws USAGE when the file is there. */
export function lineSink(cli: Cli, deps: SessionDeps, out: string | undefined): LineSink {
  if (out === undefined) {
    // A file or a pipe gets the data as it is; a terminal gets nothing that acts on it.
    const shown = (line: string) => (deps.terminal.columns === null ? line : visibleLines(line).join('\n'));
    return { write: async (line) => cli.out(shown(line)), done: async () => {} };
  }
  if (existsSync(out)) throw new CountersignError('USAGE', `${visibleLine(out)} is there already`);
  const stream = createWriteStream(out, { mode: 0o600, flags: 'wx' });
  return {
    write: (line) => drained(stream, `${line}\n`),
    done: async () => {
      stream.end();
      await finished(stream);
    },
  };
}

/** One session as lines. @param statement for csv: whose result. */
export async function writeSession(
  cli: Cli,
  deps: SessionDeps,
  { folder, session }: { folder: string; session: RecordedSession },
  { format, statement }: { format: 'jsonl' | 'sql' | 'csv'; statement?: number },
  write: LineSink['write'],
): Promise<void> {
  assertCsv(format, statement);
  const writer =
    format === 'jsonl'
      ? jsonl(write)
      : format === 'sql'
        ? script(write)
        : csv(write, statement!, (line) => cli.note(line));
  const count = await walkInto(cli, deps, folder, session, writer, format === 'csv' ? statement! : null);
  if (statement !== undefined && count <= statement) {
    throw new CountersignError('STATEMENT_UNKNOWN', `the session has ${count} statements, from 0`);
  }
}

/** Before a file is made that would stay empty. Throws USAGE. */
export function assertCsv(format: string, statement: number | undefined): void {
  if (format === 'csv' && statement === undefined) {
    throw new CountersignError('USAGE', 'say whose result: --statement N ("sessions show" numbers them)');
  }
}

async function exportSession(cli: Cli, deps: SessionDeps, id: string, options: ExportOptions): Promise<void> {
  const { format, out, ...rest } = options;
  const opened = await openSession(deps, id);
  if (format === 'bundle') {
    if (out === undefined) throw new CountersignError('USAGE', 'a bundle needs a file: --out FILE');
    if (existsSync(out)) throw new CountersignError('USAGE', `${visibleLine(out)} is there already`);
    await deps.exportBundle(opened.folder, out);
    cli.note(`${visibleLine(out)}: check it with: countersign sessions verify ${visibleLine(out)}`);
    return;
  }
  assertCsv(format, options.statement);
  if (format === 'asciicast') return exportCast(cli, deps, opened, out);
  const sink = lineSink(cli, deps, out);
  try {
    await writeSession(cli, deps, opened, { format, ...rest }, sink.write);
  } finally {
    await sink.done();
  }
}

async function exportCast(
  cli: Cli,
  deps: SessionDeps,
  opened: { folder: string; session: RecordedSession },
  out: string | undefined,
): Promise<void> {
  if (opened.session.info.connection.kind !== 'terminal') {
    throw new CountersignError(
      'USAGE',
      'this is no terminal; "audit export --format asciicast" makes one of its replay',
    );
  }
  const sink = lineSink(cli, deps, out);
  try {
    await castTerminal(cli, deps.recordings, opened, { version: 3, idle: Number.POSITIVE_INFINITY }, sink.write);
  } finally {
    await sink.done();
  }
}

async function drained(stream: WriteStream, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}

export function registerExport(sessions: Command, cli: Cli, deps: SessionDeps): void {
  sessions
    .command('export <id>')
    .description('one session as a file')
    .addOption(
      new Option('--format <format>', 'what to make')
        .choices(['jsonl', 'sql', 'csv', 'asciicast', 'bundle'])
        .default('jsonl'),
    )
    .option('--out <file>', 'where to; a file that is there is not replaced (default: standard output)')
    .option('--statement <index>', 'for csv: whose result', countOption())
    .action((id: string, options: ExportOptions) => exportSession(cli, deps, id, options));
}
