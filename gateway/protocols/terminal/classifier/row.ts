import type { Call, Output } from './call.ts';
import { PRINTS } from './call.ts';
import type { CommandClass } from './effects.ts';
import { isOption, type OptionGrammar, type Parsed, parseOptions } from './options.ts';
import type { Word } from './words.ts';

/** An option or first operand by which a program does worse than usually. */
export interface Worse {
  /** Options, or words of a subcommand (`push`, `stash drop`), with alternatives apart by `|`. */
  when: string;
  class: CommandClass;
  says: string;
  flags?: string;
}

/** One program of the table: its argument grammar and what it does. */
export interface Row extends OptionGrammar {
  /** Its names, apart by blanks. */
  names: string;
  /** What it does whatever its arguments are. */
  class?: CommandClass;
  /** `{}` stands for the operands. */
  says?: string;
  flags?: string;
  /** What its operands are; nothing of the gateway's concern unless told. */
  operands?: 'reads' | 'writes' | 'removes' | 'hosts';
  /** So many operands come before them (grep's pattern). */
  skip?: number;
  /** Options whose values are files that it reads or writes. */
  reads?: string;
  writes?: string;
  /** Options that make it go into folders; `always` for those that do anyway. */
  deep?: string;
  worse?: readonly Worse[];
  /** No argument makes it do anything else, so unknown ones do no harm. */
  loose?: boolean;
  /** Subcommands (`a|b c`) that are understood; any other is unknown. */
  only?: string;
  /** What a grammar in a line cannot say. */
  does?: (call: Call, parsed: Parsed) => Output | undefined;
}

export const list = (words: readonly Word[]): string => {
  const shown = words.slice(0, 6).map((word) => word.source);
  return `${shown.join(', ')}${words.length > 6 ? ` and ${words.length - 6} more` : ''}`;
};

export function hasOption(parsed: Parsed, names: string): boolean {
  return parsed.options.some((option) => isOption(option, names));
}

/** Whether the operands begin with one of those subcommands. */
export function isSubcommand(parsed: Parsed, subcommands: string): boolean {
  return subcommands.split('|').some((sub) => sub.split(' ').every((word, i) => parsed.operands[i]?.text === word));
}

export function applyRow(row: Row, call: Call): Output {
  const parsed = parseOptions(call.args, row);
  const { effects } = call;
  const operands = parsed.operands.slice(row.skip ?? 0);
  if (row.flags !== undefined) effects.flag(...row.flags.split(' '));
  effects.worsen(
    row.class ?? 'read',
    row.says?.replace('{}', () => list(operands) || 'what it is given'),
  );
  if (row.loose !== true)
    for (const word of parsed.uncertain)
      if (word.text === null)
        effects.unknown(`what ${word.source} will be for ${call.name} is known only when it runs`, 'unresolved-path');
  const deep = row.deep === 'always' || (row.deep !== undefined && hasOption(parsed, row.deep));
  for (const word of operands) {
    if (row.operands === 'reads') call.read(word, deep);
    else if (row.operands === 'writes') call.write(word);
    else if (row.operands === 'removes') call.remove(word, deep);
    else if (row.operands === 'hosts') call.host(word);
  }
  for (const option of parsed.options) {
    if (option.value === null) continue;
    if (row.reads !== undefined && isOption(option, row.reads)) call.read(option.value, deep);
    if (row.writes !== undefined && isOption(option, row.writes)) call.write(option.value);
  }
  for (const { when, class: to, says, flags } of row.worse ?? []) {
    const found = when.startsWith('-') ? hasOption(parsed, when) : isSubcommand(parsed, when);
    if (!found) continue;
    effects.worsen(
      to,
      says.replace('{}', () => list(operands.slice(when.startsWith('-') ? 0 : 1)) || 'what it is given'),
    );
    if (flags !== undefined) effects.flag(...flags.split(' '));
    if (to === 'unknown') effects.unknown(says);
  }
  if (
    row.only !== undefined &&
    !isSubcommand(parsed, row.only) &&
    !(row.worse ?? []).some((one) => !one.when.startsWith('-') && isSubcommand(parsed, one.when))
  ) {
    const version = parsed.operands.length === 0 && hasOption(parsed, '--version --help -h -V');
    if (!version) effects.unknown(`${call.name} ${parsed.operands[0]?.source ?? 'without a subcommand'} is not known`);
  }
  return row.does?.(call, parsed) ?? PRINTS;
}
