/** From harmless to worst; a command takes the worst of what it does. */
export const COMMAND_CLASSES = [
  'read',
  'write',
  /** Speaks to another machine, or listens for one. */
  'network',
  'secret-read',
  'destructive',
  /** Changes who may do what, or what watches over the agent. */
  'privilege',
  /** Runs code that is not in the command's text: scripts, packages, start files. */
  'execute',
  'unknown',
] as const;
export type CommandClass = (typeof COMMAND_CLASSES)[number];

/** What a command would do, as far as its text tells. */
export interface CommandEffects {
  class: CommandClass;
  /**
   * Facts that a policy asks about: each class but read that any part of the command has, and
   * background, container, downloads, elevated, force-push, guard, hidden-characters, history, host-key,
   * installs, kills, listener, lookalike, lookup, nested, other-user, piped-to-shell, remote-code, schedule,
   * script, start-file, system-file, too-deep, too-large, unparsable, unresolved-path, upload, wide
   */
  flags: string[];
  /** Each program with its arguments, in the order of the text; an argument known only at run time is null. */
  programs: { name: string; arguments: (string | null)[] }[];
  /** Absolute paths or patterns; relative to an unknown directory where they start with none. */
  reads: string[];
  writes: string[];
  removes: string[];
  hosts: string[];
  /** Files whose content is part of what the command does: scripts, Makefiles, programs named by a path. */
  scripts: string[];
  /** In words for the person, worst first. */
  words: string[];
  /** Why parts of it are not understood. */
  unknown: string[];
}

const MAX_LISTED = 1000;
const MAX_SENTENCE = 300;

export class Effects {
  #class = 0;
  #flags = new Set<string>();
  #programs: CommandEffects['programs'] = [];
  #sentences = new Map<string, number>();
  readonly #lists = {
    reads: new Set<string>(),
    writes: new Set<string>(),
    removes: new Set<string>(),
    hosts: new Set<string>(),
    scripts: new Set<string>(),
    unknown: new Set<string>(),
  };

  worsen(to: CommandClass, sentence?: string): void {
    const rank = COMMAND_CLASSES.indexOf(to);
    if (rank > this.#class) this.#class = rank;
    if (rank > 0) this.#flags.add(to);
    if (sentence === undefined) return;
    const cut = sentence.length > MAX_SENTENCE ? `${sentence.slice(0, MAX_SENTENCE)}…` : sentence;
    if (this.#sentences.size < MAX_LISTED) this.#sentences.set(cut, Math.max(rank, this.#sentences.get(cut) ?? 0));
  }

  flag(...flags: readonly string[]): void {
    for (const flag of flags) this.#flags.add(flag);
  }

  /** @param why continues "Not understood: ". */
  unknown(why: string, ...flags: readonly string[]): void {
    this.worsen('unknown');
    this.flag(...flags);
    this.list('unknown', why.slice(0, MAX_SENTENCE));
  }

  /** A list that is full means that something is left out, so the whole is not understood. */
  list(kind: 'reads' | 'writes' | 'removes' | 'hosts' | 'scripts' | 'unknown', value: string): void {
    const list = this.#lists[kind];
    if (list.size < MAX_LISTED) list.add(value);
    else this.worsen('unknown');
  }

  program(name: string, args: (string | null)[]): void {
    if (this.#programs.length < MAX_LISTED) this.#programs.push({ name, arguments: args });
    else this.unknown('it runs more programs than are listed', 'too-large');
  }

  result(): CommandEffects {
    const { reads, writes, removes, hosts, scripts, unknown } = this.#lists;
    return {
      class: COMMAND_CLASSES[this.#class] ?? 'unknown',
      flags: [...this.#flags].sort(),
      programs: this.#programs,
      reads: [...reads],
      writes: [...writes],
      removes: [...removes],
      hosts: [...hosts],
      scripts: [...scripts],
      words: [...this.#sentences].sort((a, b) => b[1] - a[1]).map(([sentence]) => sentence),
      unknown: [...unknown],
    };
  }
}
