import type { Effects } from './effects.ts';
import type { Word } from './words.ts';

/** What a program finds on its standard input. */
export interface Input {
  kind: 'none' | 'text' | 'pipe' | 'file';
  /** Where the text tells it. */
  text: string | null;
  /** It comes from another machine. */
  remote: boolean;
}

/** What a command prints, where its text tells it. */
export interface Output {
  text: string | null;
  remote: boolean;
}

export const SILENT: Output = { text: '', remote: false };
export const PRINTS: Output = { text: null, remote: false };

/** One program as it is run: its arguments, and what a row of the table may say of it. */
export interface Call {
  name: string;
  args: readonly Word[];
  input: Input;
  effects: Effects;
  read(word: Word, deep?: boolean): void;
  write(word: Word): void;
  remove(word: Word, deep?: boolean): void;
  /** @param word a host, user@host, host:port or address. */
  host(word: Word): void;
  /** A file of code that is run; a shell's is followed where its content is given. */
  script(word: Word, shell?: boolean, args?: readonly Word[]): void;
  /** Shell text run by this program. */
  run(text: Word, args?: readonly Word[]): Output;
  /** Another command run by this program. */
  invoke(words: readonly Word[], input?: Input): Output;
  cd(word: Word | null): void;
  assign(name: string, value: Word[] | null): void;
  alias(name: string, text: string): void;
  /** Absolute where the directory is known. */
  path(file: string): string;
}
