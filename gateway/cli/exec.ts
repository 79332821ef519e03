import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { runExec } from './exec/run.ts';

const NAMES = ['exec', 'shell'] as const;

/** Here they are listed only: what stands behind them is the command's own, so commander never reads it. */
export function registerExec(program: Command): void {
  program
    .command('exec')
    .argument('[words...]')
    .description('run a command in a recorded terminal, once policy (or a person) says yes');
  program.command('shell').argument('[words...]').description('a recorded shell');
}

/**
 * Runs `exec` and `shell` where options of the program itself come first; usually gateway/index.ts does so before
 * any of this is loaded. @returns whether it was one of them.
 */
export async function ranExec(args: readonly string[], cli: Cli): Promise<boolean> {
  const global: string[] = [];
  let at = 0;
  for (; at < args.length; at += 1) {
    const word = args[at]!;
    if (word === '--home') {
      global.push(word, args[at + 1] ?? '');
      at += 1;
    } else if (word.startsWith('--home=')) global.push(word);
    else if (word !== '--debug') break;
  }
  const name = NAMES.find((one) => one === args[at]);
  if (name === undefined) return false;
  cli.exitWith(await runExec([name, ...global, ...args.slice(at + 1)]));
  return true;
}
