import type { Command } from 'commander';
import { type Cli, table } from './cli.ts';
import { askPin } from './pin.ts';
import { visibleLine } from './terminal/visible.ts';

/** `countersign sessions hold | unhold | holds`: what no rule, budget or person deletes. */
export function registerHolds(sessions: Command, cli: Cli): void {
  sessions
    .command('hold <what>')
    .description("keep a session's recording, connection:NAME or all from being deleted (legal hold)")
    .requiredOption('--why <reason>', "goes to the device's log")
    .action(async (what: string, { why }: { why: string }) => {
      await cli.control().call('setHold', { what, why });
      cli.out(`held: ${visibleLine(what)}`);
    });
  sessions
    .command('unhold <what>')
    .description('lift a legal hold (asks for your PIN)')
    .requiredOption('--why <reason>', "goes to the device's log")
    .action(async (what: string, { why }: { why: string }) => {
      const pin = await askPin(cli, 'Your PIN, since what was held can be deleted then: ');
      await cli.control().call('liftHold', { what, why, pin });
      cli.out(`not held any more: ${visibleLine(what)}`);
    });
  sessions
    .command('holds')
    .description('what is held, and why')
    .action(async () => {
      const { items } = await cli.control().call('holds', {});
      if (items.length === 0) cli.note('Nothing is held.');
      for (const line of table(
        items.map(({ what, at, by, why }) => [visibleLine(what), at, visibleLine(by), visibleLine(why)]),
      ))
        cli.out(line);
    });
}
