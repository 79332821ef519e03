import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { clientSocketPath, controlSocketPath } from './home.ts';
import { version } from './version.ts';

/** For the desktop app, which has to find the gateway that the commands find. */
export function registerWhere(program: Command, cli: Cli): void {
  program
    .command('where', { hidden: true })
    .description('as JSON: the gateway’s home, and the socket that commands reach it by')
    .action(() => {
      const home = cli.home();
      const socket = clientSocketPath(program.opts<{ home?: string }>().home, cli.env);
      // A gateway of another user is started by its machine, and not by whoever finds it down.
      const own = socket === controlSocketPath(home);
      cli.out(JSON.stringify({ version: version(), home, socket, own }));
    });
}
