import type { Command } from 'commander';
import type { Approval, GrantScope } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import { approvalLine, approvalText } from './approval-text.ts';
import { type Cli, table } from './cli.ts';
import { askPin } from './pin.ts';

interface DecideOptions {
  session?: boolean;
  minutes?: string;
  message?: string;
}

function scopeOf(options: DecideOptions): GrantScope {
  if (options.session && options.minutes !== undefined) {
    throw new CountersignError('USAGE', 'give --session or --minutes, not both');
  }
  if (options.session) return { kind: 'session' };
  if (options.minutes === undefined) return { kind: 'once' };
  const minutes = Number(options.minutes);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 480) {
    throw new CountersignError('USAGE', '--minutes is a whole number from 1 to 480');
  }
  return { kind: 'minutes', minutes };
}

async function approve(cli: Cli, id: string, options: DecideOptions): Promise<void> {
  const scope = scopeOf(options);
  const control = cli.control();
  const approval = await control.call('approval', { id });
  for (const line of approvalText(approval, Date.now())) cli.note(line);
  if (approval.state !== 'waiting') {
    throw new CountersignError('APPROVAL_SETTLED', `this request is ${approval.state} already; nothing was decided`);
  }
  if (scope.kind !== 'once') {
    cli.note(
      `  Statements of this shape pass too: ${scope.kind === 'session' ? 'in this session' : `for ${scope.minutes} minutes`}`,
    );
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
  cli.out(`${decided.state}: ${decided.id}`);
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

async function list(cli: Cli, all: boolean): Promise<void> {
  const { items } = await cli.control().call('approvals', { state: all ? 'all' : 'waiting' });
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
  const approvals = program.command('approvals').description('requests that wait for a person');
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
      for (const line of approvalText(await cli.control().call('approval', { id }), Date.now())) cli.out(line);
    });
  approvals
    .command('approve <id>')
    .description('let it through; the PIN is typed on a terminal')
    .option('--session', 'and statements of its shape for the rest of its session')
    .option('--minutes <n>', 'and statements of its shape for n minutes')
    .action((id: string, options: DecideOptions) => approve(cli, id, options));
  approvals
    .command('deny <id>')
    .description('refuse it')
    .option('--message <sentence>', 'a sentence for the agent')
    .action((id: string, options: DecideOptions) => deny(cli, id, options));
}
