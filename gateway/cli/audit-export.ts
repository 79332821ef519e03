import { createHash } from 'node:crypto';
import { type Command, Option } from 'commander';
import { CastWriter, castHead } from '../audit/export/asciicast.ts';
import { siemEvents } from '../audit/export/siem-events.ts';
import { CountersignError } from '../contract/errors.ts';
import { toCef } from '../siem/mapping/cef.ts';
import type { SiemEvent } from '../siem/mapping/event.ts';
import { toOcsf } from '../siem/mapping/ocsf.ts';
import { type AuditTrail, NO_TRAIL, type OpenedSession, openForAudit } from './audit-sessions.ts';
import { castTerminal, castTitle } from './cast-terminal.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { assertCsv, type LineSink, lineSink, writeSession } from './sessions-export.ts';
import { countOption } from './sessions-find.ts';
import { paintReplay } from './sessions-replay.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';
import { version } from './version.ts';

const FORMATS = ['jsonl', 'sql', 'csv', 'ocsf', 'cef', 'asciicast', 'asciicast-v2', 'har'] as const;
/** Formats of which one file holds one session. */
const SINGLE: readonly string[] = ['csv', 'asciicast', 'asciicast-v2'];

interface AuditExportOptions {
  format: (typeof FORMATS)[number];
  out?: string;
  statement?: number;
  withText?: boolean;
  columns: number;
  idle: number;
}

async function exportSessions(
  cli: Cli,
  deps: SessionDeps,
  trail: AuditTrail,
  whats: readonly string[],
  options: AuditExportOptions,
): Promise<void> {
  const { format, out, statement } = options;
  if (format === 'har') {
    throw new CountersignError(
      'USAGE',
      'HAR holds HTTP requests, and all recorded sessions are PostgreSQL: take jsonl, ocsf or asciicast',
    );
  }
  if (SINGLE.includes(format) && whats.length > 1)
    throw new CountersignError('USAGE', `a file of format ${format} holds one session`);
  assertCsv(format, statement);
  const sink = lineSink(cli, deps, out);
  try {
    for (const what of whats) {
      const opened = await openForAudit(deps, what);
      try {
        trail({ type: 'exported', what: opened.session.id, format, to: out ?? 'standard output' });
        await exportOne(cli, deps, opened, options, sink.write);
      } finally {
        opened.close();
      }
    }
  } finally {
    await sink.done();
  }
  if (out !== undefined) cli.note(`${visibleLine(out)} written`);
}

/** One session in one format, line by line. @param cli asked for `note` and `signal` only. */
export async function exportOne(
  cli: Cli,
  deps: SessionDeps,
  opened: OpenedSession,
  options: Omit<AuditExportOptions, 'out'>,
  write: LineSink['write'],
): Promise<void> {
  const { format, statement } = options;
  switch (format) {
    case 'ocsf':
    case 'cef': {
      const lineOf = recordLine(format);
      for await (const event of siemEvents(opened.folder, { texts: options.withText ?? false, device: null })) {
        if (cli.signal.aborted) throw new CountersignError('STOPPED', 'stopped; what was written is not whole');
        await write(lineOf(event));
      }
      return;
    }
    case 'asciicast':
    case 'asciicast-v2':
      return cast(cli, deps, opened, options, write);
    case 'har':
      return;
    default:
      return writeSession(cli, deps, opened, { format, ...(statement === undefined ? {} : { statement }) }, write);
  }
}

function recordLine(format: 'ocsf' | 'cef'): (event: SiemEvent) => string {
  if (format === 'cef') return (event) => toCef(event, { version: version() });
  const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest());
  const options = { version: version(), sha256 };
  return (event) => visibleJson(toOcsf(event, options));
}

const ROWS = 40;

/** The replay as a terminal shows it; waiting moves the recording's clock and no other. */
async function cast(
  cli: Cli,
  deps: SessionDeps,
  opened: OpenedSession,
  { format, columns, idle }: Omit<AuditExportOptions, 'out'>,
  write: LineSink['write'],
): Promise<void> {
  const { info } = opened.session;
  const form = format === 'asciicast' ? 3 : 2;
  if (info.connection.kind === 'terminal')
    return castTerminal(cli, deps.recordings, opened, { version: form, idle }, write);
  const lines: string[] = [
    castHead(form, {
      columns,
      rows: ROWS,
      timestamp: Math.floor(Date.parse(info.openedAt) / 1000),
      title: castTitle(opened.session),
    }),
  ];
  const writer = new CastWriter(form, (line) => lines.push(line));
  const flush = async () => {
    for (const line of lines.splice(0)) await write(line);
  };
  const painted: SessionDeps = {
    ...deps,
    terminal: { columns, color: true },
    sleep: async (milliseconds) => {
      writer.pass(milliseconds);
      await flush();
    },
  };
  const screen = {
    signal: cli.signal,
    out: (line: string) => writer.line(line),
    note: (line: string) => writer.line(line),
  };
  await paintReplay(screen, painted, opened, { speed: 1, wait: true, idle, rows: ROWS });
  if (cli.signal.aborted) throw new CountersignError('STOPPED', 'stopped; what was written is not whole');
  writer.end();
  await flush();
}

/** `audit export`, below `parent`. */
export function registerAuditExport(parent: Command, cli: Cli, deps: SessionDeps, trail: AuditTrail = NO_TRAIL): void {
  parent
    .command('export <sessions...>')
    .description('sessions (IDs, folders, bundles) for other tools')
    .addOption(new Option('--format <format>', 'what to make').choices(FORMATS).default('jsonl'))
    .option('--out <file>', 'where to; a file that is there is not replaced (default: standard output)')
    .option('--statement <index>', 'for csv: whose result', countOption())
    .option('--with-text', 'for ocsf and cef: also statement and error texts, which hold values')
    .option('--columns <count>', 'for asciicast: the width of the terminal', countOption(20), 120)
    .option('--idle <seconds>', 'for asciicast: cut what is idle for longer', countOption(), 2)
    .action((whats: string[], options: AuditExportOptions) => exportSessions(cli, deps, trail, whats, options));
}
