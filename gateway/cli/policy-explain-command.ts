import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { createCommandClassifier } from '../protocols/terminal/classifier/index.ts';
import type { Cli } from './cli.ts';
import { visibleJson, visibleLine } from './terminal/visible.ts';

export interface ExplainOptions {
  cwd?: string;
  json?: boolean;
}

const MAX_SHOWN = 20;

/** `countersign policy explain-command`: what the classifier makes of a command. Reads no file and runs nothing. */
export async function explainCommand(cli: Cli, text: string, options: ExplainOptions): Promise<void> {
  const classifier = await createCommandClassifier();
  const effects = classifier.classifyCommand(text, { cwd: resolve(options.cwd ?? '.'), home: homedir() });
  if (options.json) {
    cli.out(visibleJson(effects, 2));
    return;
  }
  cli.out(`Class: ${effects.class}`);
  const tell = (title: string, lines: readonly string[]) => {
    if (lines.length === 0) return;
    cli.out(`${title}:`);
    for (const line of lines.slice(0, MAX_SHOWN)) cli.out(`  ${visibleLine(line)}`);
    if (lines.length > MAX_SHOWN) cli.out(`  and ${lines.length - MAX_SHOWN} more`);
  };
  tell('What it does', effects.words);
  tell('Not understood', effects.unknown);
  tell(
    'Runs',
    effects.programs.map(({ name, arguments: args }) => [name, ...args.map((arg) => arg ?? '?')].join(' ')),
  );
  tell('Reads', effects.reads);
  tell('Writes', effects.writes);
  tell('Removes', effects.removes);
  tell('Hosts', effects.hosts);
  tell('Scripts that belong to it', effects.scripts);
  if (effects.flags.length > 0) cli.out(`Flags: ${effects.flags.join(', ')}`);
}
