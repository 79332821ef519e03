import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { ColumnChoice } from '../audit/redact/columns.ts';
import { type RedactionReport, redactSession } from '../audit/redact/redact.ts';
import { Entity } from '../contract/connection.ts';
import { CountersignError } from '../contract/errors.ts';
import { type AuditTrail, NO_TRAIL, type OpenedSession, openForAudit } from './audit-sessions.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { countOption } from './sessions-find.ts';
import { bytes, plural } from './sessions-text.ts';
import { styled } from './terminal/style.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';

interface RedactCommandOptions {
  out: string;
  value: string[];
  valueFile?: string;
  column: ColumnChoice[];
  entity: Entity[];
  statement: number[];
  result: number[];
  parameters: number[];
  leaveSigned?: boolean;
  why: string;
  json?: boolean;
}

/** Unpacks a session of the workspace below `work`. */
export type ImportedSession = (sid: string, work: string) => Promise<{ session: string; note: string | null }>;

const MAX_VALUE_FILE = 1024 * 1024;
const MAX_VALUES = 1000;

const list =
  <T>(parse: (text: string) => T) =>
  (text: string, before: T[] = []): T[] => [...before, parse(text)];

/** `table.column`, `schema.table.column` (of which the schema is not looked at), or a result's column name. */
function columnOption(text: string): ColumnChoice {
  const parts = text.split('.');
  const column = parts.pop() ?? '';
  const table = parts.pop() ?? null;
  if (column === '' || table === '' || parts.length > 1)
    throw new InvalidArgumentError('a name such as email or customers.email');
  return { table, column };
}

/** PERSON and CUSTOM have no detector: they are column tags. */
const DETECTED = Entity.options.filter((entity) => entity !== 'PERSON' && entity !== 'CUSTOM');

function entityOption(text: string): Entity {
  const wanted = text.toUpperCase();
  const found = DETECTED.filter(
    (entity) => entity === wanted || entity.startsWith(`${wanted}_`) || entity.endsWith(`_${wanted}`),
  );
  const [entity] = found;
  if (entity === undefined || found.length > 1) throw new InvalidArgumentError(`one of ${DETECTED.join(', ')}`);
  return entity;
}

function valuesOf({ value, valueFile }: RedactCommandOptions): string[] {
  if (valueFile === undefined) return value;
  if (!existsSync(valueFile) || statSync(valueFile).size > MAX_VALUE_FILE)
    throw new CountersignError(
      'USAGE',
      `there is no file ${visibleLine(valueFile)}, or it is larger than ${bytes(MAX_VALUE_FILE)}`,
    );
  const lines = readFileSync(valueFile, 'utf8').split(/\r?\n/);
  const all = [...value, ...lines.filter((line) => line !== '')];
  if (all.length > MAX_VALUES) throw new CountersignError('USAGE', `at most ${MAX_VALUES} values at once`);
  return all;
}

async function redact(
  cli: Cli,
  deps: SessionDeps,
  trail: AuditTrail,
  imported: ImportedSession | null,
  what: string,
  options: RedactCommandOptions,
): Promise<void> {
  const { out, column, entity, statement, result, parameters, leaveSigned, json } = options;
  const values = valuesOf(options);
  if (existsSync(out)) throw new CountersignError('USAGE', `${visibleLine(out)} is there already`);
  const opened = await openForAudit(deps, what);
  try {
    const request = { values, columns: column, entities: entity, statements: statement, results: result, parameters };
    trail({
      type: 'redacted',
      sid: opened.session.id,
      what: wordsOf(options, values.length),
      why: options.why.slice(0, 2000),
    });
    const limits = { signal: cli.signal, ...(leaveSigned === undefined ? {} : { leaveSigned }) };
    const report = await inCopy(cli, existsSync(what) ? null : imported, opened, (folder) =>
      redactSession(folder, out, request, limits),
    );
    if (json) cli.out(visibleJson(report, 2));
    else tell(cli, deps, report, out, { byColumn: column.length > 0, byPlace: result.length + parameters.length > 0 });
  } finally {
    opened.close();
  }
}

/** With the proof of whose it is, where the session was imported: its folder alone has none. */
async function inCopy<T>(
  cli: Cli,
  imported: ImportedSession | null,
  { folder, session: { id } }: OpenedSession,
  run: (folder: string) => Promise<T>,
): Promise<T> {
  if (imported === null) return run(folder);
  const work = mkdtempSync(join(tmpdir(), 'countersign-redact-'));
  try {
    const { session, note } = await imported(id, work);
    if (note !== null) cli.note(visibleLine(note));
    return await run(session);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What was chosen, for the auditor's log: never a value. */
function wordsOf({ column, entity, statement, result, parameters }: RedactCommandOptions, values: number): string {
  const places = (name: string, all: readonly unknown[]) => (all.length === 0 ? [] : [`${name} ${all.join(', ')}`]);
  return [
    ...(values === 0 ? [] : [plural(values, 'value')]),
    ...places(
      'columns',
      column.map(({ table, column: name }) => (table === null ? name : `${table}.${name}`)),
    ),
    ...places('entities', entity),
    ...places('statements', statement),
    ...places('results', result),
    ...places('parameters', parameters),
  ]
    .join('; ')
    .slice(0, 2000);
}

const ROLES = {
  up: 'of requests',
  down: 'of results',
  text: 'of statement texts',
  detail: 'of event details',
} as const;

function tell(
  cli: Cli,
  deps: SessionDeps,
  report: RedactionReport,
  out: string,
  chosen: { byColumn: boolean; byPlace: boolean },
): void {
  const { terminal } = deps;
  const total = Object.values(report.units).reduce((sum, count) => sum + count, 0);
  cli.out(
    `${styled('Redacted', 'bold', terminal)} session ${visibleLine(report.sessionId)}: ${plural(total, 'unit')} taken out, each leaves its hash`,
  );
  for (const [role, words] of Object.entries(ROLES) as [keyof typeof ROLES, string][]) {
    if (report.units[role] > 0)
      cli.out(`  ${plural(report.units[role], 'unit').padEnd(10)} ${words} (${bytes(report.bytes[role])})`);
  }
  for (const [entity, count] of Object.entries(report.found))
    cli.out(`  ${plural(count, 'finding').padEnd(10)} of ${entity}`);
  if (report.before > 0) cli.out(`  ${plural(report.before, 'unit').padEnd(10)} had been taken out before`);
  if (report.affected > 0) {
    cli.out('');
    cli.out(
      'What goes are whole units, each what was read at once of a request or a result: what stood beside it is gone too.',
    );
    const more = report.affected > report.statements.length ? ', …' : '';
    cli.out(
      `Of ${report.affected === 1 ? 'this statement' : `these ${report.affected} statements`} something is gone; request or result can no longer be shown:`,
    );
    cli.out(`  ${ranges(report.statements.map(({ index }) => index))}${more}`);
  }
  const notes = [
    ...(report.notUnderstood > 0
      ? [`${plural(report.notUnderstood, 'statement')} could not be understood and went as well, to be safe.`]
      : []),
    ...(chosen.byColumn ? ['A column is found by its name in SQL and results; a view of it has another name.'] : []),
    ...(chosen.byPlace
      ? ['The same values elsewhere in the session are still there; --value takes them out everywhere.']
      : []),
    ...(report.digests > 0
      ? [
          `${plural(report.digests, 'signed digest')} of these requests ${report.digests === 1 ? 'stays' : 'stay'}: who knows all of a request but a short value can confirm a guess of it.`,
        ]
      : []),
  ];
  if (notes.length > 0) cli.out('');
  for (const note of notes) cli.out(note);
  if (report.signed.length > 0) {
    cli.out('');
    cli.out(styled('Left, because it is signed:', 'yellow', terminal));
    for (const where of report.signed.slice(0, 20)) cli.out(`  ${visibleLine(where)}`);
    if (report.signed.length > 20) cli.out(`  and ${report.signed.length - 20} more places`);
  }
  cli.note(`${visibleLine(out)}: check it with: countersign sessions verify ${visibleLine(out)}`);
}

/** "0, 3 to 7, 9" */
function ranges(indexes: readonly number[]): string {
  const out: [number, number][] = [];
  for (const index of indexes) {
    const last = out.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else out.push([index, index]);
  }
  return out.map(([first, last]) => (first === last ? `#${first}` : `#${first} to #${last}`)).join(', ');
}

/** `audit redact`, below `parent`. */
export function registerAuditRedact(
  parent: Command,
  cli: Cli,
  deps: SessionDeps,
  trail: AuditTrail = NO_TRAIL,
  imported: ImportedSession | null = null,
): void {
  parent
    .command('redact <session>')
    .description('a bundle of a session (an ID, a folder, a bundle) without what is chosen, which still verifies')
    .requiredOption('--out <bundle>', 'where to; a file that is there is not replaced')
    .option(
      '--value <text>',
      'everywhere it stands, in any form (can be repeated; other users see arguments: see --value-file)',
      list(String),
      [],
    )
    .option('--value-file <file>', 'values, one a line')
    .option(
      '--column <name>',
      'customers.email, or the name of a result column (can be repeated)',
      list(columnOption),
      [],
    )
    .option('--entity <type>', 'what a detector finds, such as EMAIL (can be repeated)', list(entityOption), [])
    .option(
      '--statement <index>',
      'a statement with its text, parameters and result (can be repeated)',
      list(countOption()),
      [],
    )
    .option('--result <index>', 'the result of a statement (can be repeated)', list(countOption()), [])
    .option(
      '--parameters <index>',
      'the request of a statement, with its parameters (can be repeated)',
      list(countOption()),
      [],
    )
    .option('--leave-signed', 'also when it stands in signed parts, which are listed and stay')
    .option('--why <text>', "for the auditor's log", '')
    .option('--json', 'as JSON')
    .action((what: string, options: RedactCommandOptions) => redact(cli, deps, trail, imported, what, options));
}
