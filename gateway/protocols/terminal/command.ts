import { createHash } from 'node:crypto';
import { relative } from 'node:path';
import type { Binding, Effects } from '../../contract/operation.ts';
import type { CommandEffects } from './classifier/index.ts';
import type { Hello } from './messages.ts';

/** A command as it was understood, with all that a decision on it is bound to. */
export interface UnderstoodCommand {
  effects: Effects;
  command: CommandEffects;
  /** Kinds of secrets found in its text. */
  secrets: readonly string[];
  /** The text with each secret replaced by its kind. */
  text: string;
  bindings: readonly Binding[];
}

/** A text without its secrets, and of which kinds they were. */
export interface CleanText {
  text: string;
  kinds: readonly string[];
}

const MAX_SHAPE = 1000;
const MAX_WORDS = 20;

export function understood(
  hello: Hello,
  command: CommandEffects,
  { text, kinds }: CleanText,
  files: ReadonlyMap<string, string | null>,
  keyed: (text: string) => string,
): UnderstoodCommand {
  const outside = [...command.writes, ...command.removes].some((path) => isOutside(path, hello.workspace));
  const { environment, connections } = hello;
  return {
    command,
    text,
    secrets: kinds,
    effects: {
      class: command.class,
      ops: [...new Set(command.programs.map(({ name }) => name))],
      flags: outside ? [...new Set([...command.flags, 'outside-workspace'])].sort() : command.flags,
      reads: [],
      writes: [],
      filtersOn: [],
      functions: [],
      words: [...command.words, ...command.unknown.map((why) => `Not understood: ${why}`)].slice(0, MAX_WORDS),
      fingerprint: createHash('sha256').update(text).digest('hex').slice(0, 16),
      shape: text.length > MAX_SHAPE ? `${text.slice(0, MAX_SHAPE - 1)}…` : text,
    },
    bindings: [
      { name: 'environment', value: environment },
      ...(connections.length > 0 ? [{ name: 'connections', value: connections.join(' ') }] : []),
      ...[...files].map(([path, sha256]) => ({ name: `file:${path}`, value: sha256 ?? 'absent' })),
      // What was replaced counts too, in a form that does not give it away.
      ...(kinds.length > 0 ? [{ name: 'text with its secrets, keyed', value: keyed(hello.text) }] : []),
    ],
  };
}

/** Paths that are not known to begin anywhere are outside. */
function isOutside(path: string, workspace: string): boolean {
  if (!path.startsWith('/')) return true;
  if (/^\/dev\/(?:null|stdout|stderr|tty)$/.test(path)) return false;
  const from = relative(workspace, path);
  return from === '..' || from.startsWith('../');
}
