import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { runExec } from './exec/run.ts';
import type { GlobalOptions } from './program.ts';

/**
 * Usually gateway/index.ts runs these two before any of this is loaded; here they are listed, and run where
 * options of the program itself come first.
 */
export function registerExec(program: Command, cli: Cli): void {
  const describe = (name: 'exec' | 'shell', what: string) =>
    program
      .command(name)
      .argument('[words...]')
      .description(what)
      .helpOption(false)
      .allowUnknownOption()
      .passThroughOptions()
      .action(async (words: string[]) => {
        const { home } = program.opts<GlobalOptions>();
        cli.exitWith(await runExec([name, ...(home === undefined ? [] : ['--home', home]), ...words]));
      });
  program.enablePositionalOptions();
  describe('exec', 'run a command in a recorded terminal, once policy (or a person) says yes');
  describe('shell', 'a recorded shell');
}
