import type { Command } from 'commander';
import { EmergencyReason, type EmergencyState, MAX_EMERGENCY_MINUTES } from '../contract/emergency.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Cli } from './cli.ts';
import { typedCommand } from './home.ts';
import { askPin } from './pin.ts';
import { visibleLine } from './terminal/visible.ts';
import { wholeNumber } from './whole-number.ts';

function tell(cli: Cli, { active, settings, refusal }: EmergencyState): void {
  if (active !== null) {
    cli.out(visibleLine(`Emergency access of ${active.by} until ${active.until}: ${active.reason}`));
    cli.note(`End it before with: ${typedCommand(cli, 'emergency end')}`);
  } else if (refusal === null) cli.out(`There is none; it may be begun, for at most ${settings.minutes} minutes.`);
  else cli.out(visibleLine(`There is none. ${refusal}`));
}

async function begin(cli: Cli, options: { reason: string; minutes?: string }): Promise<void> {
  const reason = EmergencyReason.safeParse(options.reason);
  if (!reason.success) throw new CountersignError('USAGE', `--reason takes ${reason.error.issues[0]!.message}`);
  const minutes =
    options.minutes === undefined
      ? {}
      : { minutes: wholeNumber(options.minutes, '--minutes', 1, MAX_EMERGENCY_MINUTES) };
  const control = cli.control();
  const { refusal } = await control.call('emergency', {});
  if (refusal !== null) throw new CountersignError('EMERGENCY_FORBIDDEN', refusal);
  cli.note('What policy asks a group for is yours to approve meanwhile. It is recorded whole, and others are told.');
  const pin = await askPin(cli, 'Your PIN: ');
  tell(cli, await control.call('beginEmergency', { reason: reason.data, ...minutes, pin }));
}

async function allow(cli: Cli, allowed: boolean, minutes = '30'): Promise<void> {
  const settings = { allowed, minutes: wholeNumber(minutes, '--minutes', 1, MAX_EMERGENCY_MINUTES) };
  const pin = await askPin(cli, 'Your PIN, since this decides what one person may do alone: ');
  tell(cli, await cli.control().call('putEmergency', { settings, pin }));
}

/** `countersign emergency`: break-glass, docs/emergency.md. */
export function registerEmergency(program: Command, cli: Cli): void {
  const emergency = program
    .command('emergency')
    .description('emergency access: approve alone, for a while, what policy asks a group for (docs/emergency.md)');
  emergency
    .command('begin')
    .description('begin it; takes the PIN, is recorded whole, and others are told')
    .requiredOption('--reason <text>', 'why, at least 10 characters')
    .option('--minutes <n>', `for how long, at most ${MAX_EMERGENCY_MINUTES}`)
    .action((options: { reason: string; minutes?: string }) => begin(cli, options));
  emergency
    .command('end')
    .description('end it now')
    .action(async () => tell(cli, await cli.control().call('endEmergency', {})));
  emergency
    .command('status')
    .description('whether there is any, and whether there may be')
    .action(async () => tell(cli, await cli.control().call('emergency', {})));
  emergency
    .command('allow')
    .description('let people of this machine take it; takes the PIN, and the role admin')
    .option('--minutes <n>', 'for how long at most', '30')
    .action(({ minutes }: { minutes: string }) => allow(cli, true, minutes));
  emergency
    .command('forbid')
    .description('let nobody take it; ends one that there is')
    .action(() => allow(cli, false));
}
