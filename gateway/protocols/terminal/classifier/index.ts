import { type CommandEffects, Effects } from './effects.ts';
import { createShellParser } from './parser.ts';
import { type Seen, Shell } from './shell.ts';

export type { CommandEffects } from './effects.ts';
export type { Seen } from './shell.ts';

export interface CommandContext {
  /** Absolute; null where it is not known, then relative paths stay relative. */
  cwd: string | null;
  home: string;
  /** The content of a script that the command names, by its absolute path; null where it is not given. */
  readScript?(path: string): string | null;
  /** Told of each program and each redirection that writes, in the order of the text; of loops more than once. */
  seen?(one: Seen): void;
}

export interface CommandClassifier {
  /** Never throws; what cannot be understood is class unknown. */
  classifyCommand(text: string, context: CommandContext): CommandEffects;
}

/** Longer commands are not read at all. In UTF-16 units. */
const MAX_COMMAND = 64 * 1024;

/** Loads the shell's grammar; throws where its package cannot be loaded. */
export async function createCommandClassifier(): Promise<CommandClassifier> {
  const parser = await createShellParser();
  return {
    classifyCommand(text, { cwd, home, readScript, seen }) {
      const effects = new Effects();
      if (text.length > MAX_COMMAND) {
        effects.unknown(`it is too long to be understood (${text.length} characters)`, 'too-large');
        return effects.result();
      }
      const tools = {
        parser,
        readScript: (path: string) => readScript?.(path) ?? null,
        seen: (one: Seen) => seen?.(one),
      };
      const shell = new Shell(tools, effects, home);
      const state = { cwd, vars: new Map(), functions: new Map(), aliases: new Map(), args: null };
      try {
        shell.run(text, state, 0, { kind: 'none', text: null, remote: false });
      } catch {
        effects.unknown('it could not be followed', 'too-deep');
      }
      return effects.result();
    },
  };
}
