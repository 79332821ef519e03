import type { Command } from 'commander';
import { createControlClient } from '../control/client.ts';
import { protectedLayout } from '../protect/layout.ts';
import type { Cli } from './cli.ts';
import { askPin } from './pin.ts';

/**
 * A new one-time code. Whoever has one opens the console and clicks, so nobody gets one by merely reaching
 * the gateway: it takes the PIN, typed on a terminal, or (protected mode) being root.
 */
async function code(cli: Cli): Promise<void> {
  if (process.getuid?.() === 0) {
    const { rootSocket } = protectedLayout(cli.env.COUNTERSIGN_NAME);
    const root = await createControlClient({ socketPath: rootSocket })
      .call('newLoginCode', {})
      .catch(() => null);
    if (root !== null) return cli.out(root.code);
  }
  const { pinSet, protection } = await cli.control().call('status', {});
  if (!pinSet) {
    cli.note(
      protection === 'protected'
        ? 'No PIN is set yet, so the first code takes root: run this with sudo.'
        : 'No PIN is set yet, so codes are shown in the terminal in which the gateway runs: press Enter there.',
    );
    cli.exitWith(1);
    return;
  }
  const pin = await askPin(cli, 'Your PIN, for a code that opens the console: ');
  cli.out((await cli.control().call('newLoginCode', { pin })).code);
}

export function registerCode(program: Command, cli: Cli): void {
  program
    .command('code')
    .description('a new one-time code for the console; takes the PIN, or root in protected mode')
    .action(() => code(cli));
}
