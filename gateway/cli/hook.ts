import { writeSync } from 'node:fs';
import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import type { GlobalOptions } from './program.ts';

/**
 * Installed hooks run bin/countersign.mjs, which does this without loading any of the rest; here it is for
 * whoever runs the program another way.
 */
export function registerHook(program: Command, cli: Cli): void {
  program
    .command('hook')
    .argument('<agent>')
    .argument('[options...]')
    .description('what an agent runs at each of its events; not for people')
    .helpOption(false)
    .allowUnknownOption()
    .action(async (agent: string, options: string[]) => {
      const { runHook } = await import('../bin/hook.mjs');
      const { home } = program.opts<GlobalOptions>();
      const { stdout, stderr, code } = await runHook([
        agent,
        ...(home === undefined ? [] : ['--home', home]),
        ...options,
      ]);
      if (stderr !== '') writeSync(2, stderr);
      writeSync(1, stdout);
      cli.exitWith(code);
    });
}
