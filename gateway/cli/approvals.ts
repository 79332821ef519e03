import type { Command } from 'commander';
import {
  type Approval,
  type GrantScope,
  isStanding,
  MAX_DESK_MINUTES,
  MAX_GRANT_MINUTES,
} from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import { grantSentence } from '../contract/grant-sentence.ts';
import { approvalLine, approvalText } from './approval-text.ts';
import { type Cli, table } from './cli.ts';
import { hasLimits, type LimitOptions, limitsOf, valueLines } from './grant-limits.ts';
import { showMailbox } from './mailbox.ts';
import { askPin } from './pin.ts';
import { visibleText } from './visible-text.ts';

interface DecideOptions extends LimitOptions {
  conversation?: boolean;
  session?: boolean;
  minutes?: string;
  days?: string;
  exact?: boolean;
  message?: string;
}

/** With limits it is for values that are said one by one; in the conversation with --conversation, an hour by default. */
function limitedScope(options: DecideOptions, approval: Approval): GrantScope {
  const { session, conversation, minutes, days, exact } = options;
  if (days !== undefined || exact)
    throw new CountersignError('USAGE', 'limits go with --session, --conversation or --minutes');
  const reaching = { reach: 'pattern' as const, ...limitsOf(approval, options) };
  const time = { minutes: whole('--minutes', minutes ?? '60', MAX_DESK_MINUTES), ...reaching };
  if (session) return { kind: 'session', ...reaching };
  return conversation ? { kind: 'conversation', ...time } : { kind: 'minutes', ...time };
}

function scopeOf(options: DecideOptions): GrantScope {
  const { session, minutes, days } = options;
  const reach = options.exact ? 'exact' : 'shape';
  if ([session, minutes, days].filter((given) => given !== undefined).length > 1) {
    throw new CountersignError('USAGE', 'give --session, --minutes or --days, not several');
  }
  if (session) return { kind: 'session', reach };
  if (minutes !== undefined) return { kind: 'minutes', minutes: whole('--minutes', minutes, MAX_DESK_MINUTES), reach };
  if (days !== undefined) {
    return { kind: 'minutes', minutes: whole('--days', days, MAX_GRANT_MINUTES / DAY) * DAY, reach };
  }
  if (options.exact) throw new CountersignError('USAGE', '--exact says what --session, --minutes or --days are for');
  return { kind: 'once' };
}

const DAY = 24 * 60;

function whole(option: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new CountersignError('USAGE', `${option} is a whole number from 1 to ${most}`);
}

function scopeText(scope: Exclude<GrantScope, { kind: 'once' }>, { operation }: Approval): string {
  if (scope.reach === 'pattern') {
    const minutes = scope.kind === 'session' ? MAX_DESK_MINUTES : scope.minutes;
    const until = new Date(Date.now() + minutes * 60_000).toLocaleString('sv-SE').slice(0, 16);
    return `Passes too: ${visibleText(grantSentence(operation, scope, until))}`;
  }
  const what = scope.reach === 'exact' ? 'Exactly the same again passes too' : 'Statements of this shape pass too';
  if (scope.kind === 'session') return `${what}: in this session`;
  return isStanding(scope)
    ? `${what}: for ${scope.minutes / DAY} days, also while you are away`
    : `${what}: for ${scope.minutes} minutes`;
}

async function approve(cli: Cli, id: string, options: DecideOptions): Promise<void> {
  const limited = hasLimits(options) || options.conversation === true;
  const plain = limited ? null : scopeOf(options);
  const control = cli.control();
  const approval = await control.call('approval', { id });
  const scope = plain ?? limitedScope(options, approval);
  for (const line of approvalText(approval, Date.now())) cli.note(line);
  if (approval.state !== 'waiting') {
    throw new CountersignError('APPROVAL_SETTLED', `this request is ${approval.state} already; nothing was decided`);
  }
  if (scope.kind !== 'once') {
    cli.note(`  ${scopeText(scope, approval)}`);
  }
  // The socket proves nothing about who is at the keyboard, so here every approval takes the PIN.
  const pin = await askPin(cli, 'Approve with your PIN: ');
  const decided = await control.call('decide', {
    id,
    digest: approval.operation.digest,
    decision: 'approve',
    pin,
    scope,
  });
  cli.out(`${decided.state === 'waiting' ? 'counted, and others have to approve too' : decided.state}: ${decided.id}`);
}

async function deny(cli: Cli, id: string, options: DecideOptions): Promise<void> {
  const control = cli.control();
  const approval = await control.call('approval', { id });
  const decided = await control.call('decide', {
    id,
    digest: approval.operation.digest,
    decision: 'deny',
    message: options.message,
  });
  cli.out(`${decided.state}: ${decided.id}`);
}

async function list(cli: Cli, all: boolean, mailbox = false): Promise<void> {
  const found = (await cli.control().call('approvals', { state: all ? 'all' : 'waiting' })).items;
  const items = mailbox ? found.filter(({ from }) => from !== undefined) : found;
  if (items.length === 0) cli.note(all ? 'No request has asked for a person yet.' : 'Nothing waits for a person.');
  for (const line of table(items.map((approval) => approvalLine(approval, Date.now())))) cli.out(line);
}

async function watch(cli: Cli): Promise<void> {
  const control = cli.control();
  cli.note('Watching for requests; ^C ends this and decides nothing.');
  const show = (approval: Approval) => cli.out(approvalLine(approval, Date.now()).join('  '));
  for (const approval of (await control.call('approvals', {})).items) show(approval);
  await control.events((event) => {
    if (event.type === 'approval') show(event.approval);
  }, cli.signal);
}

export function registerApprovals(program: Command, cli: Cli): void {
  const approvals = program
    .command('approvals')
    .description('requests that wait for a person')
    .option('--mailbox', 'those of other machines that wait for the approver here, and how the mailbox is')
    .action(async ({ mailbox }: { mailbox?: boolean }) => {
      if (mailbox) await showMailbox(cli);
      await list(cli, false, mailbox);
    });
  approvals
    .command('list')
    .description('what waits now')
    .option('--all', 'settled ones too')
    .action((options: { all?: boolean }) => list(cli, options.all ?? false));
  approvals
    .command('watch')
    .description('print requests as they come')
    .action(() => watch(cli));
  approvals
    .command('show <id>')
    .description('everything there is to decide on')
    .action(async (id: string) => {
      const approval = await cli.control().call('approval', { id });
      for (const line of [...approvalText(approval, Date.now()), ...valueLines(approval)]) cli.out(line);
    });
  approvals
    .command('approve <id>')
    .description('let it through; the PIN is typed on a terminal')
    .option('--session', 'and statements of its shape for the rest of its session')
    .option('--minutes <n>', 'and statements of its shape for n minutes, 480 at most')
    .option('--days <n>', 'and statements of its shape for n days, 30 at most')
    .option('--conversation', 'in every session of the agent’s conversation, for --minutes (default 60); with limits')
    .option('--vary <n=rule...>', 'value n may be another: any, ..20 (up to) or beginning*; `show` numbers them')
    .option('--rows-each <n>', 'at most n rows by one statement')
    .option('--rows <n>', 'at most n rows in all')
    .option('--uses <n>', 'at most n times in all')
    .option('--exact', 'with one of these: the same text and values again, not its shape')
    .action((id: string, options: DecideOptions) => approve(cli, id, options));
  approvals
    .command('deny <id>')
    .description('refuse it')
    .option('--message <sentence>', 'a sentence for the agent')
    .action((id: string, options: DecideOptions) => deny(cli, id, options));
}
