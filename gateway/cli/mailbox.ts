import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { MailboxView } from '../contract/mailbox.ts';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';
import { chosenTarget, type TargetOptions, withTargetOptions } from './sync-setup.ts';
import { visibleLine } from './terminal/visible.ts';

function viewLines({ target, state, lastError, approver, outgoing, incoming, notices }: MailboxView): string[] {
  const lines = [
    target === null ? 'No mailbox is set up: countersign mailbox setup' : `Mailbox: ${visibleLine(target)}, ${state}`,
  ];
  if (lastError !== null) lines.push(`  ${lastError.at}: ${visibleLine(lastError.sentence)}`);
  lines.push(
    `Waiting: ${outgoing} of this machine for somebody elsewhere, ${incoming} of others for the approver here`,
  );
  if (approver === null) lines.push('No approver’s key here: countersign mailbox key --name NAME');
  else if (approver.person === null)
    lines.push(`The approver’s key ${approver.name} is not in the trust note, so it counts for nothing`);
  else lines.push(visibleLine(`Approver here: ${approver.person}, of ${approver.groups.join(', ')}`));
  for (const { at, from, title, sentence } of notices)
    lines.push(visibleLine(`${at} ${title} (${from.name}, ${from.account}): ${sentence}`));
  return lines;
}

export async function showMailbox(cli: Cli): Promise<void> {
  for (const line of viewLines(await cli.control().call('mailbox', {}))) cli.out(line);
}

async function setUp(cli: Cli, options: TargetOptions): Promise<void> {
  const { target, secrets } = await chosenTarget(cli, options, 'store/mailbox-');
  if (target === undefined) throw new CountersignError('USAGE', 'say where: --folder, --sftp, --s3, --file or --off');
  const pin = await askPin(cli, 'Your PIN, since this changes who can be asked: ');
  await cli.control().call('setUpMailbox', { setup: { target, secrets }, pin });
  await showMailbox(cli);
}

async function key(cli: Cli, name: string | undefined): Promise<void> {
  const { approver } = await cli.control().call('mailbox', {});
  if (name === undefined && approver === null)
    throw new CountersignError('USAGE', 'there is no approver’s key here yet; --name makes one');
  const pin =
    name === undefined ? '' : await askPin(cli, 'Your PIN, since whoever has this key approves in your name: ');
  const card = name === undefined ? approver! : await cli.control().call('makeApproverKey', { name, pin });
  const { vkey, recipient } = card;
  cli.out(JSON.stringify({ name: card.name, vkey, recipient }, null, 2));
  cli.note('To let it count: countersign trust approver add PERSON FILE --group GROUP, with this in FILE.');
}

/** `countersign mailbox …`: approval by somebody on another machine (docs/approvers.md). */
export function registerMailbox(program: Command, cli: Cli): void {
  const mailbox = program.command('mailbox').description('where requests go that somebody on another machine approves');
  mailbox
    .command('status')
    .description('whether it works, and who approves here')
    .action(() => showMailbox(cli));
  withTargetOptions(
    mailbox
      .command('setup')
      .description('say which store; a place of its own that can be read, written and emptied, apart from evidence'),
  )
    .option('--off', 'no mailbox any more')
    .action((options: TargetOptions) => setUp(cli, options));
  mailbox
    .command('key')
    .description('print the key with which you approve other people’s requests, for the trust note')
    .option('--name <name>', 'make one, or another one')
    .action(({ name }: { name?: string }) => key(cli, name));
}
