import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';

/** Whoever has a code opens the console and clicks, so the gateway gives one for the PIN only. */
async function code(cli: Cli): Promise<void> {
  const control = cli.control();
  const { pinSet } = await control.call('status', {});
  if (!pinSet) {
    cli.note('No PIN is set yet, so codes are shown in the terminal in which the gateway runs: press Enter there.');
    cli.exitWith(1);
    return;
  }
  const pin = await askPin(cli, 'Your PIN, for a code that opens the console: ');
  cli.out((await control.call('newLoginCode', { pin })).code);
}

export function registerCode(program: Command, cli: Cli): void {
  program
    .command('code')
    .description('a new one-time code for the console')
    .action(() => code(cli));
}
