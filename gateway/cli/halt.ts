import type { Command } from 'commander';
import { MAX_HALT_MINUTES } from '../contract/halt.ts';
import type { Cli } from './cli.ts';
import { typedCommand } from './home.ts';
import { askPin } from './pin.ts';
import { oneLine } from './visible-text.ts';
import { wholeNumber } from './whole-number.ts';

const minutesOf = (value: string | undefined) =>
  value === undefined ? {} : { minutes: wholeNumber(value, '--minutes', 1, MAX_HALT_MINUTES) };

const told = (sentence: string) => `${oneLine(sentence, 400)}.`;

async function pause(cli: Cli, options: { minutes?: string }): Promise<void> {
  const { sentence } = await cli.control().call('pauseAll', minutesOf(options.minutes));
  cli.out(told(sentence));
  cli.note(`It goes on before with: ${typedCommand(cli, 'resume')}`);
}

async function panic(cli: Cli, options: { minutes?: string }): Promise<void> {
  const { sentence } = await cli.control().call('panic', minutesOf(options.minutes));
  cli.out(told(sentence));
  cli.note(`It goes on before with: ${typedCommand(cli, 'resume')}`);
}

async function resume(cli: Cli): Promise<void> {
  const { halt } = await cli.control().call('status', {});
  if (halt === null) return cli.note('Nothing is paused or cut.');
  cli.note(told(halt.sentence));
  await cli.control().call('resumeAll', { pin: await askPin(cli, 'Your PIN, to let it go on: ') });
  cli.out('It goes on.');
}

/** Stopping everything takes nothing; letting it go on takes the PIN. */
export function registerHalt(program: Command, cli: Cli): void {
  program
    .command('pause')
    .description('deny what needs a person for a while; what waits now is denied')
    .option('--minutes <n>', 'for how long (15)')
    .action((options: { minutes?: string }) => pause(cli, options));
  program
    .command('panic')
    .description('cut every connection now, and let none in for a while')
    .option('--minutes <n>', 'for how long (60)')
    .action((options: { minutes?: string }) => panic(cli, options));
  program
    .command('resume')
    .description('end a pause or a panic; takes the PIN')
    .action(() => resume(cli));
}
