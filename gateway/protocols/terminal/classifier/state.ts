import type { Effects } from './effects.ts';
import type { ShellNode } from './parser.ts';
import type { Word } from './words.ts';

/** A text that was parsed, and how deep in others it is. */
export interface Unit {
  text: string;
  depth: number;
}

/** null: known only when it runs. */
export type Defined = { node: ShellNode; unit: Unit } | null;

/** What the shell knows at a point of the command. null: known only when it runs. */
export interface State {
  cwd: string | null;
  vars: Map<string, Word[] | null>;
  functions: Map<string, Defined>;
  aliases: Map<string, string>;
  /** $1, $2 …; null outside functions and given scripts. */
  args: Word[] | null;
}

export function cloneState(state: State): State {
  return {
    ...state,
    vars: new Map(state.vars),
    functions: new Map(state.functions),
    aliases: new Map(state.aliases),
  };
}

const sameWords = (a: Word[] | null | undefined, b: Word[] | null | undefined) =>
  a === b ||
  (a !== null &&
    b !== null &&
    a !== undefined &&
    b !== undefined &&
    a.length === b.length &&
    a.every((word, i) => word.text !== null && word.text === b[i]?.text && word.glob === b[i]?.glob));

/** Leaves in `state` only what both agree on. */
export function mergeStates(state: State, other: State): void {
  if (state.cwd !== other.cwd) state.cwd = null;
  for (const name of new Set([...state.vars.keys(), ...other.vars.keys()]))
    if (!sameWords(state.vars.get(name), other.vars.get(name))) state.vars.set(name, null);
  for (const name of new Set([...state.functions.keys(), ...other.functions.keys()]))
    if (state.functions.get(name) !== other.functions.get(name)) state.functions.set(name, null);
  for (const [name, text] of other.aliases) if (!state.aliases.has(name)) state.aliases.set(name, text);
}

/** Whether `after` knows less than `before`. */
export function invalidated(before: State, after: State): boolean {
  if (before.cwd !== after.cwd || before.functions.size !== after.functions.size) return true;
  for (const [name, value] of after.vars) if (value === null && before.vars.get(name) !== null) return true;
  return false;
}

/** Variables by which a program or the shell finds or loads other code. */
const LOOKUP =
  /^(PATH|LD_\w+|DYLD_\w+|BASH_ENV|ENV|IFS|SHELLOPTS|BASHOPTS|PS[0-4]|PROMPT_COMMAND|ZDOTDIR|FPATH|CDPATH|GLOBIGNORE|HOME|SHELL|GIT_(?!AUTHOR|COMMITTER|TERMINAL_PROMPT|OPTIONAL_LOCKS)\w+|\w*PAGER|\w*EDITOR|VISUAL|BROWSER|LESS\w*|MORE|MANOPT|XDG_(CONFIG|DATA)_(HOME|DIRS)|RIPGREP_CONFIG_PATH|BAT_\w+|FZF_\w+|DELTA_\w+|OPENSSL_(CONF|ENGINES|MODULES)|SSLKEYLOGFILE|GCONV_PATH|LOCPATH|NLSPATH|TERMINFO(_DIRS)?|TERMCAP|INPUTRC|MAKEFILES|GNUMAKEFLAGS|CURL_HOME|WGETRC|TF_CLI_\w+|AWS_(CONFIG_FILE|CA_BUNDLE|ENDPOINT_URL\w*)|CARGO_\w+|RUSTFLAGS|GO(ENV|ROOT|TOOLDIR|PROXY)|BASH_(FUNC_\S+|LOADABLES_PATH|XTRACEFD)|EXECIGNORE|FIGNORE|HISTCHARS|MAIL(PATH)?|NODE_OPTIONS|NODE_PATH|PYTHON(STARTUP|PATH|HOME|INSPECT|BREAKPOINT|WARNINGS|USERBASE)|PERL5?(OPT|LIB|DB)|PERL5DB|RUBY(OPT|LIB)|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|RUSTC(_WRAPPER)?|CC|CXX|MAKEFLAGS|GOFLAGS|NPM_CONFIG_\w+|PIP_\w+|SSH_ASKPASS|SUDO_ASKPASS|KUBECONFIG|KUBE_EDITOR|DOCKER_HOST|TAR_OPTIONS|RSYNC_RSH|HISTFILE|HISTCONTROL|HISTSIZE|PSQLRC|PSQL_\w+|VIMINIT|EXINIT|AWK(LIB)?PATH|PWD|OLDPWD)$/;
const GUARDING = /^(CURSOR|COUNTERSIGN|CLAUDE|CODEX|GEMINI)_/;

export function assignmentEffects(name: string, effects: Effects): void {
  if (LOOKUP.test(name.toUpperCase()) && (name === name.toUpperCase() || /^(npm_config|histchars$)/i.test(name))) {
    effects.worsen('execute', `Sets ${name}, by which programs find what they run or load`);
    effects.unknown(`${name} decides what the programs after it do`, 'lookup');
  }
  if (GUARDING.test(name)) {
    effects.worsen('privilege', `Sets ${name}, which what watches over the agent reads`);
    effects.flag('guard');
  }
  if (/^(https?|all|no|ftp)_proxy$/i.test(name)) effects.worsen('network', `Sends requests another way (${name})`);
}
