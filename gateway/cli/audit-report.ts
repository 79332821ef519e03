import { existsSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import type { ReportCompleteness, ReportData } from '../audit/report/data.ts';
import { gatherReport, type ReportInputSession } from '../audit/report/gather.ts';
import { reportHtml } from '../audit/report/html.ts';
import type { ReportSource } from '../audit/report/workspace-source.ts';
import { CountersignError } from '../contract/errors.ts';
import { type AuditTrail, NO_TRAIL, openForAudit } from './audit-sessions.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { timeOption } from './sessions-find.ts';
import { plural } from './sessions-text.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';
import { version } from './version.ts';

interface ReportOptions {
  sessions: string[];
  since?: string;
  until?: string;
  device: string[];
  out: string;
  title: string;
  withText?: boolean;
}

async function* named(deps: SessionDeps, whats: readonly string[]): AsyncGenerator<ReportInputSession> {
  for (const what of whats) {
    const opened = await openForAudit(deps, what);
    try {
      yield { folder: opened.folder, device: null, verification: await deps.verify(opened.folder, {}) };
    } finally {
      opened.close();
    }
  }
}

async function report(
  cli: Cli,
  deps: SessionDeps,
  source: ReportSource,
  trail: AuditTrail,
  options: ReportOptions,
): Promise<void> {
  const { sessions, since, until, device, out, title, withText } = options;
  if (existsSync(out)) throw new CountersignError('USAGE', `${visibleLine(out)} is there already`);
  const form = /\.(html|pdf|json)$/.exec(out)?.[1];
  if (form === undefined)
    throw new CountersignError('USAGE', 'the name says what to make: report.html, report.pdf or report.json');
  const chosen = sessions.length > 0;
  const scope = {
    sentence: chosen
      ? `${plural(sessions.length, 'session')}, chosen by name.`
      : `Every session that was opened ${range(since, until)}${device.length > 0 ? ` on ${plural(device.length, 'device')}` : ''}.`,
    since: since ?? null,
    until: until ?? null,
    devices: device,
  };
  trail({ type: 'exported', what: scope.sentence, format: form, to: out });
  const data = await gatherReport({
    title,
    madeBy: userInfo().username,
    version: version(),
    now: deps.now(),
    scope,
    completeness: chosen ? CHOSEN : await source.completeness(scope),
    texts: withText ?? false,
    sessions: chosen ? named(deps, sessions) : source.sessions(scope),
    signal: cli.signal,
  });
  writeFileSync(out, await rendered(form, data), { flag: 'wx', mode: 0o600 });
  const high = data.findings.filter(({ severity }) => severity === 'high').length;
  cli.out(
    `${visibleLine(out)}: ${plural(data.sessions.length, 'session')}, ${plural(data.findings.length, 'finding')}${high > 0 ? `, ${high} of them high` : ''}`,
  );
  for (const { severity, title: what } of data.findings) cli.out(`  ${severity.padEnd(6)}  ${visibleLine(what)}`);
}

const CHOSEN: ReportCompleteness = {
  status: 'not-checked',
  sentence: 'The sessions were chosen one by one, so this report does not say whether there are others.',
  devices: [],
};

function range(since: string | undefined, until: string | undefined): string {
  const from = since === undefined ? 'until now' : `from ${since.slice(0, 16).replace('T', ' ')}`;
  return until === undefined
    ? from
    : `${since === undefined ? '' : `${from} `}until ${until.slice(0, 16).replace('T', ' ')} (UTC)`;
}

async function rendered(form: string, data: ReportData): Promise<string | Uint8Array> {
  if (form === 'html') return reportHtml(data);
  if (form === 'json') return `${visibleJson(data, 2)}\n`;
  // Only who wants a PDF waits for its library.
  const { reportPdf } = await import('../audit/report/pdf.ts');
  return reportPdf(data);
}

function titleOption(text: string): string {
  if (text.trim() === '' || text.length > 200) throw new InvalidArgumentError('a title of up to 200 characters');
  return text;
}

/** `audit report`, below `parent`. */
export function registerAuditReport(
  parent: Command,
  cli: Cli,
  deps: SessionDeps,
  source: ReportSource,
  trail: AuditTrail = NO_TRAIL,
): void {
  const time = timeOption(deps.now);
  parent
    .command('report')
    .description('a report for an external auditor: scope, method, completeness, findings, statistics')
    .requiredOption('--out <file>', 'report.html, report.pdf or report.json; a file that is there is not replaced')
    .option('--sessions <ids...>', 'only these (IDs, folders, bundles)', [])
    .option('--since <time>', 'opened at or after', time)
    .option('--until <time>', 'opened before', time)
    .option('--device <ulids...>', 'only of these devices', [])
    .option('--title <text>', 'what stands at its head', titleOption, 'What AI agents did with our databases')
    .option('--with-text', 'also the texts of statements of note, which hold values')
    .action((options: ReportOptions) => report(cli, deps, source, trail, options));
}
