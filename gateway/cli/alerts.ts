import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { alertsOf } from '../alerts/replay.ts';
import { loadAlertRules, parseAlertRules } from '../alerts/rules-file.ts';
import type { Alert, AlertRuleView } from '../contract/alert.ts';
import { CountersignError } from '../contract/errors.ts';
import { type Cli, table } from './cli.ts';
import { askPin } from './pin.ts';
import type { SessionDeps } from './sessions.ts';
import { folderOf } from './sessions-find.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';
import { wholeNumber } from './whole-number.ts';

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CountersignError('USAGE', `${visibleLine(file)} cannot be read`, { cause });
  }
}

function tellRules(cli: Cli, rules: readonly AlertRuleView[]): void {
  const rows = rules.map(({ id, severity, enabled, source, actions, title, how }) => [
    id,
    severity,
    enabled ? 'on' : 'off',
    source,
    actions.join(', ') || '–',
    visibleLine(how === '' ? title : `${title} (${how})`),
  ]);
  for (const line of table(rows)) cli.out(line);
}

function alertLine({ at, severity, sentence, sessionId }: Alert): string {
  return `${at}  ${severity.padEnd(8)}  ${visibleLine(sentence)}  [${sessionId}]`;
}

async function list(cli: Cli, { json }: { json?: boolean }): Promise<void> {
  const { items, missed } = await cli.control().call('alertRules', {});
  if (json) cli.out(visibleJson(items, 2));
  else tellRules(cli, items);
  if (missed > 0) cli.note(`${missed} statements came too fast for the rules since the gateway started.`);
}

async function history(cli: Cli, { limit = 50, json }: { limit?: number; json?: boolean }): Promise<void> {
  const { items, total } = await cli.control().call('alerts', { limit });
  if (json) {
    cli.out(visibleJson(items, 2));
    return;
  }
  for (const alert of items) cli.out(alertLine(alert));
  cli.note(total === 0 ? 'There was no alert yet.' : `${items.length} of ${total} alerts, latest first.`);
}

function check(cli: Cli, file: string): void {
  const rules = parseAlertRules(visibleLine(file), read(file)).list();
  tellRules(cli, rules);
  cli.note(`These rules can be used: put the file at ${cli.home()}/alerts.json and start the gateway again.`);
}

/** What the rules would have said of the sessions that are recorded here. Exit code 1 when they say something. */
async function test(
  cli: Cli,
  deps: SessionDeps,
  file: string | undefined,
  options: { session?: string[]; json?: boolean },
): Promise<void> {
  const recordingsDir = deps.recordingsDir();
  const rules =
    file === undefined ? loadAlertRules(`${cli.home()}/alerts.json`) : parseAlertRules(visibleLine(file), read(file));
  const folders = options.session
    ? (await Promise.all(options.session.map((id) => folderOf(deps, id)))).sort()
    : deps.recordings.sessionFolders(recordingsDir);
  let count = 0;
  for await (const alert of alertsOf(rules, deps.recordings, folders, (sentence) => cli.note(visibleLine(sentence)))) {
    count += 1;
    cli.out(options.json ? visibleJson(alert) : alertLine(alert));
  }
  cli.note(`${count} alert${count === 1 ? '' : 's'}`);
  if (count > 0) cli.exitWith(1);
}

/** `countersign alerts …`: check and test work on files alone, the rest asks the gateway. */
export function registerAlerts(program: Command, cli: Cli, deps: SessionDeps): void {
  const alerts = program.command('alerts').description('rules that watch what agents do, and what they found');
  alerts
    .command('list')
    .description('the rules in force')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => list(cli, options));
  alerts
    .command('history')
    .description('what they found, latest first')
    .option('--limit <n>', 'at most so many (default 50)', (value) => wholeNumber(value, '--limit', 1, 500))
    .option('--json', 'as JSON')
    .action((options: { limit?: number; json?: boolean }) => history(cli, options));
  alerts
    .command('resume <session>')
    .description('let a session go on that an alert has paused (asks for your PIN)')
    .action(async (id: string) => {
      const pin = await askPin(cli, `Let session ${visibleLine(id)} go on? Your PIN: `);
      await cli.control().call('resumeSession', { id, pin });
      cli.out(`resumed: ${visibleLine(id)}`);
    });
  alerts
    .command('check <file>')
    .description('say what a file of rules does, or where it is wrong')
    .action((file: string) => check(cli, file));
  alerts
    .command('test [file]')
    .description('what rules would have found in recorded sessions (default: the rules in force)')
    .option('--session <id...>', 'in these sessions only')
    .option('--json', 'a line of JSON for each')
    .action((file: string | undefined, options: { session?: string[]; json?: boolean }) =>
      test(cli, deps, file, options),
    );
}
