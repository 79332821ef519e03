import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { oneLine } from './visible-text.ts';

const MARKS = { certain: '✗', unsure: '?', possible: '!' } as const;

/** `countersign sentinel`: ways around the gateway that were seen. */
export function registerSentinel(program: Command, cli: Cli): void {
  program
    .command('sentinel')
    .description('ways around the gateway that were seen: direct connections, credentials, MCP servers')
    .action(async () => {
      const { findings, watching, scans, milliseconds } = await cli.control().call('sentinel', {});
      for (const { how, sentence, lastAt, count } of findings)
        cli.out(`${MARKS[how]} ${oneLine(sentence, 400)}${how === 'possible' ? '' : ` (${count}, last ${lastAt})`}`);
      if (findings.length === 0) cli.out('No way around the gateway was seen.');
      for (const sentence of watching) cli.note(`${oneLine(sentence, 300)}.`);
      cli.note(`${scans} scans; the last one took ${milliseconds} ms.`);
      if (findings.some(({ how }) => how === 'certain')) cli.exitWith(1);
    });
}
