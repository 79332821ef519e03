import type { Command } from 'commander';
import { CountersignError } from '../contract/errors.ts';
import type { Cli } from './cli.ts';

/** The PIN comes from a terminal and nowhere else: no option, variable or pipe can carry it. */
export async function askPin(cli: Cli, question: string, signal: AbortSignal = cli.signal): Promise<string> {
  const pin = await cli.prompt.secret(question, signal);
  if (pin.length < 6)
    throw new CountersignError('PIN_TOO_SHORT', 'a PIN has at least 6 characters; nothing was decided');
  return pin;
}

/** Sets the first PIN, which takes the one-time code, or changes it, which takes the current one. */
export async function setPin(cli: Cli): Promise<void> {
  const control = cli.control();
  const { pinSet } = await control.call('status', {});
  const proof = pinSet
    ? { current: await askPin(cli, 'Current PIN: ') }
    : { code: (await cli.prompt.line('One-time code that the gateway printed: ', cli.signal)).trim() };
  const pin = await askPin(cli, 'New PIN (6 characters or more): ');
  if ((await askPin(cli, 'The same again: ')) !== pin) {
    throw new CountersignError('PIN_DIFFERS', 'the two are not the same; the PIN is unchanged');
  }
  await control.call('setPin', { pin, ...proof });
  cli.out('The PIN is set.');
}

export function registerPin(program: Command, cli: Cli): void {
  const pin = program.command('pin').description('the PIN that approvals are given with');
  pin
    .command('set')
    .description('set or change it, on a terminal')
    .action(() => setPin(cli));
}
