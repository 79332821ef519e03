import type { Call, Input, Output } from './call.ts';
import { PRINTS, SILENT } from './call.ts';
import type { Effects } from './effects.ts';
import { evaluate } from './evaluate.ts';
import { hostOf, type PathEffects, pathEffects } from './files.ts';
import type { ShellNode, ShellParser } from './parser.ts';
import { programOf } from './programs/index.ts';
import { applyRow } from './row.ts';
import {
  assignmentEffects,
  cloneState,
  type Defined,
  invalidated,
  mergeStates,
  type State,
  type Unit,
} from './state.ts';
import { literal, RUNS_AS_INDEX, runsAsIndex, type Word } from './words.ts';

/** A program as it is run, or (named by its operator) a redirection that writes. */
export interface Seen {
  name: string;
  words: readonly Word[];
  /** null: known only when it runs. */
  cwd: string | null;
}

export interface ShellTools {
  parser: ShellParser;
  seen(one: Seen): void;
  /** Content of a script by its absolute path; null where it is not given. */
  readScript(path: string): string | null;
}

const NOTHING: Input = { kind: 'none', text: null, remote: false };
const MAX_DEPTH = 24;
const MAX_STEPS = 4000;
const MAX_ROUNDS = 16;
const MAX_WORDS = 10_000;
const MAX_NESTED = 256 * 1024;
/** Where the system's programs are; one of the same name elsewhere is another program. */
const STANDARD = /^\/(usr\/(local\/)?)?s?bin\/[^/]+$|^\/opt\/homebrew\/bin\/[^/]+$/;

/** Follows a command through the shell's grammar, and tells the effects of what it runs. */
export class Shell {
  readonly #tools: ShellTools;
  readonly #effects: Effects;
  readonly #home: string;
  readonly #running = new Set<string>();
  #steps = 0;
  #evaluated = 0;
  #nested = 0;

  constructor(tools: ShellTools, effects: Effects, home: string) {
    this.#tools = tools;
    this.#effects = effects;
    this.#home = home;
  }

  run(text: string, state: State, depth: number, input: Input): Output {
    this.#nested += text.length;
    if (depth > MAX_DEPTH || this.#nested > MAX_NESTED) {
      this.#effects.unknown('it is nested too deeply or too long', 'too-deep');
      return PRINTS;
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]|(?![\n\t ])[\p{Zs}\p{Zl}\p{Zp}\p{Cf}\p{Co}\p{Cs}]/u.test(text))
      this.#effects.unknown('it holds characters that cannot be seen', 'hidden-characters');
    const joined = joinedLines(text);
    if (joined === null) {
      this.#effects.unknown('a word goes on over the end of a line', 'hidden-characters');
      return this.#parsed(text, state, depth, input);
    }
    return this.#parsed(joined, state, depth, input);
  }

  #parsed(text: string, state: State, depth: number, input: Input): Output {
    const parsed = this.#tools.parser.parse(text);
    if (!parsed.ok) {
      this.#effects.unknown(parsed.why, 'too-deep');
      return PRINTS;
    }
    if (parsed.errors) this.#effects.unknown('it is no complete shell syntax', 'unparsable');
    return this.#statement(parsed.root, { text, depth }, state, input);
  }

  #statement(node: ShellNode, unit: Unit, state: State, input: Input): Output {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) {
      this.#effects.unknown('it does more than is followed', 'too-large');
      return PRINTS;
    }
    switch (node.type) {
      case 'program':
      case 'compound_statement':
      case 'do_group':
      case 'else_clause':
      case 'elif_clause':
      case 'if_statement':
      case 'list':
        return this.#sequence(node, unit, state, input);
      case 'negated_command':
        for (const child of node.children) if (child.named) this.#statement(child, unit, state, input);
        return PRINTS;
      case 'subshell':
        return this.#each(node.children, unit, cloneState(state), input);
      case 'pipeline':
        return this.#pipeline(node, unit, state, input);
      case 'redirected_statement':
        return this.#redirected(node, unit, state, input);
      case 'command':
        return this.#command(node, unit, state, input);
      case 'for_statement':
        return this.#forEach(node, unit, state, input);
      case 'while_statement':
      case 'c_style_for_statement':
      case 'case_statement':
        return this.#loop(node, unit, state, input);
      case 'case_item': {
        const isBody = (child: ShellNode) => child.named && child.field !== 'value';
        for (const child of node.children) if (child.field === 'value') this.#words(child, unit, state);
        return this.#each(node.children.filter(isBody), unit, state, input);
      }
      case 'function_definition':
        return this.#define(node, unit, state);
      case 'variable_assignment':
      case 'variable_assignments':
      case 'declaration_command':
      case 'unset_command':
        return this.#assignments(node, unit, state);
      case 'test_command':
        // An index in a quoted operand is evaluated, and runs what it substitutes.
        if (/'[^']*(\$\(|`)/.test(unit.text.slice(node.start, node.end)))
          this.#effects.unknown('a comparison can run a command');
        this.#words(node, unit, state);
        return SILENT;
      case 'file_redirect':
      case 'heredoc_redirect':
      case 'herestring_redirect':
        this.#redirect(node, unit, state, input);
        return PRINTS;
      case 'comment':
      case 'heredoc_body':
        return SILENT;
      case 'ERROR':
        for (const child of node.children) if (child.named) this.#statement(child, unit, state, input);
        return PRINTS;
      default:
        // Expansions that stand alone, and what a conditional compares.
        this.#words(node, unit, state);
        return PRINTS;
    }
  }

  #each(children: readonly ShellNode[], unit: Unit, state: State, input: Input): Output {
    let text: string | null = '';
    let remote = false;
    for (const child of children) {
      if (!child.named) {
        if (unit.text.slice(child.start, child.end) === '&') this.#effects.flag('background');
        continue;
      }
      const output = this.#statement(child, unit, state, input);
      text = text === null || output.text === null ? null : text + output.text;
      remote ||= output.remote;
    }
    return { text, remote };
  }

  /** `&&`, `||` and conditions: what comes later may or may not run, so what it changes is unsure after. */
  #sequence(node: ShellNode, unit: Unit, state: State, input: Input): Output {
    const conditional = node.type === 'list' || /^(if|elif|else)/.test(node.type);
    if (!conditional) return this.#each(node.children, unit, state, input);
    const before = cloneState(state);
    const output = this.#each(node.children, unit, state, input);
    if (node.type === 'list' && node.children.some((child) => child.type === '&&')) {
      const [left] = node.children;
      if (left?.type === 'variable_assignment' || left?.type === 'declaration_command') return output;
    }
    mergeStates(state, before);
    return { text: null, remote: output.remote };
  }

  #pipeline(node: ShellNode, unit: Unit, state: State, input: Input): Output {
    let from = input;
    let output = PRINTS;
    for (const child of node.children) {
      if (!child.named) continue;
      output = this.#statement(child, unit, cloneState(state), from);
      from = { kind: output.text === null ? 'pipe' : 'text', text: output.text, remote: output.remote };
    }
    return output;
  }

  #redirected(node: ShellNode, unit: Unit, state: State, input: Input): Output {
    const redirects = node.children.filter((child) => child.field === 'redirect' || /_redirect$/.test(child.type));
    const fed = redirects.reduce((from, redirect) => this.#redirect(redirect, unit, state, from), input);
    const bodies = node.children.filter((child) => !redirects.includes(child));
    let output = SILENT;
    // The grammar hangs the rest of a line with a here-document below the redirection.
    const rest = redirects.flatMap((redirect) =>
      redirect.type === 'heredoc_redirect' ? redirect.children.filter((child) => isStatement(child)) : [],
    );
    for (const body of bodies) output = this.#statement(body, unit, state, fed);
    const piped = redirects.some((redirect) => redirect.children.some((child) => /^\|&?$/.test(child.type)));
    for (const statement of rest) {
      const next: Input = { kind: output.text === null ? 'pipe' : 'text', text: output.text, remote: output.remote };
      const isPiped = piped || statement.type === 'pipeline';
      output = this.#statement(statement, unit, state, isPiped ? next : input);
    }
    const toFile = redirects.some(
      (one) => one.type === 'file_redirect' && !/^\d*</.test(unit.text.slice(one.start, one.end)),
    );
    return toFile ? { text: null, remote: output.remote } : output;
  }

  #redirect(node: ShellNode, unit: Unit, state: State, input: Input): Input {
    if (node.type === 'herestring_redirect') {
      const words = node.children.filter((child) => child.named).flatMap((child) => this.#words(child, unit, state));
      const known = words.every((word) => word.text !== null);
      return { kind: 'text', text: known ? `${words.map((word) => word.text).join(' ')}\n` : null, remote: false };
    }
    if (node.type === 'heredoc_redirect') {
      const body = node.children.find((child) => child.type === 'heredoc_body');
      const start = node.children.find((child) => child.type === 'heredoc_start');
      if (body === undefined || start === undefined) return { kind: 'text', text: null, remote: false };
      const quoted = /['"\\]/.test(unit.text.slice(start.start, start.end));
      const expansions = body.children.filter((child) => child.type !== 'heredoc_content' && child.named);
      for (const child of expansions) this.#words(child, unit, state);
      const raw = unit.text.slice(body.start, body.end);
      // The grammar passes over backticks here, which run what is between them.
      if (!quoted && /(^|[^\\])(\\\\)*`/.test(raw)) this.#effects.unknown('a here-document runs a command');
      const fixed = quoted || (expansions.length === 0 && !/[`$\\]/.test(raw));
      for (const other of node.children) if (/_redirect$/.test(other.type)) this.#redirect(other, unit, state, input);
      return { kind: 'text', text: fixed ? raw : null, remote: false };
    }
    const operator = node.children.find((child) => !child.named)?.type ?? '';
    const targets = node.children.filter((child) => child.field === 'destination');
    let fed = input;
    for (const target of targets.flatMap((child) => this.#words(child, unit, state))) {
      if (/^[<>]&-?$/.test(operator)) {
        if (target.text !== null && /^\d*-?$/.test(target.text)) continue;
        // Not a number: the name of a file.
        if (target.text === null && operator.startsWith('<')) continue;
      }
      const paths = this.#paths(state);
      if (operator === '<') {
        paths.read(target, false);
        fed = { kind: 'file', text: null, remote: false };
      } else {
        this.#tools.seen({ name: operator, words: [target], cwd: state.cwd });
        paths.write(target);
      }
    }
    if (targets.length === 0 && !/-$/.test(operator)) this.#effects.unknown('a redirection is not understood');
    return fed;
  }

  #command(node: ShellNode, unit: Unit, state: State, input: Input): Output {
    let fed = input;
    const words: Word[] = [];
    const assigned: ShellNode[] = [];
    for (const child of node.children) {
      if (/_redirect$/.test(child.type)) fed = this.#redirect(child, unit, state, fed);
      else if (child.type === 'variable_assignment') assigned.push(child);
      else if (child.named) words.push(...this.#words(child, unit, state));
      else if (child.type !== '$') this.#effects.unknown(`${child.type} is not understood here`);
    }
    const own = words.length === 0 ? state : cloneState(state);
    for (const child of assigned) this.#assignments(child, unit, own);
    // Only the variables are the command's own: what it does to the directory and to functions stays.
    const output = this.invoke(words, words.length === 0 || assigned.length === 0 ? state : own, unit.depth, fed);
    if (assigned.length > 0) state.cwd = own.cwd;
    return output;
  }

  #define(node: ShellNode, unit: Unit, state: State): Output {
    const name = node.children.find((child) => child.field === 'name');
    const body = node.children.find((child) => child.field === 'body');
    if (name === undefined || body === undefined) this.#effects.unknown('a function is not understood', 'unparsable');
    else state.functions.set(unit.text.slice(name.start, name.end), { node: body, unit });
    // What a definition redirects is opened each time that it is used.
    for (const child of node.children) if (/_redirect$/.test(child.type)) this.#redirect(child, unit, state, NOTHING);
    return SILENT;
  }

  #assignments(node: ShellNode, unit: Unit, state: State): Output {
    const nested = node.type === 'variable_assignment' ? [node] : node.children.filter((child) => child.named);
    for (const child of nested) {
      if (child.type !== 'variable_assignment') {
        const text = unit.text.slice(child.start, child.end);
        if (runsAsIndex(text)) this.#indexed();
        if (node.type === 'unset_command') state.vars.set(text, null);
        else if (child.type !== 'variable_name') {
          for (const word of this.#words(child, unit, state)) {
            // declare "x=…", export $x: the name is in the word.
            if (word.text === null) this.#effects.unknown('which variable is set is known only when it runs');
            else if (!word.text.startsWith('-')) this.#assignText(word.text, state);
            else if (/^-[a-zA-Z]*n/.test(word.text)) this.#effects.unknown('a name stands for another variable');
          }
        }
        continue;
      }
      const name = child.children.find((one) => one.field === 'name');
      const values = child.children.filter((one) => one.field === 'value');
      const text = name === undefined ? '' : unit.text.slice(name.start, name.end);
      const words = values.flatMap((value) => this.#words(value, unit, state));
      if (words.some((word) => runsAsIndex(word.text))) this.#indexed();
      const plain = /^[A-Za-z_]\w*$/.test(text) && child.children.some((one) => one.type === '=');
      if (name !== undefined && !plain) this.#words(name, unit, state);
      const known = values.length === 0 ? [literal('')] : words;
      this.#assign(text.replace(/\[.*$/s, ''), plain ? known : null, state);
    }
    if (node.type === 'declaration_command') this.#shown(node, unit);
    return SILENT;
  }

  /** `export`, `declare -p`: what is told, unless it is functions. */
  #shown(node: ShellNode, unit: Unit): void {
    const [, ...rest] = unit.text.slice(node.start, node.end).trim().split(/\s+/);
    const options = rest.filter((word) => word.startsWith('-'));
    const prints = options.length === rest.length || options.some((word) => /^-\w*p/.test(word));
    if (prints && !options.some((word) => /^-\w*[fF]/.test(word)))
      this.#effects.worsen('secret-read', 'Shows variables, which can hold secrets');
  }

  #indexed(): void {
    this.#effects.unknown(RUNS_AS_INDEX);
  }

  #assignText(text: string, state: State): void {
    const [, name, value] = /^([A-Za-z_]\w*)\+?=(.*)$/s.exec(text) ?? [];
    if (name !== undefined) this.#assign(name, [literal(value ?? '')], state);
  }

  #assign(name: string, value: Word[] | null, state: State): void {
    assignmentEffects(name, this.#effects);
    state.vars.set(name, value);
  }

  #forEach(node: ShellNode, unit: Unit, state: State, input: Input): Output {
    const name = node.children.find((child) => child.field === 'variable');
    const body = node.children.find((child) => child.field === 'body');
    if (name === undefined || body === undefined) return this.#loop(node, unit, state, input);
    const values = node.children
      .filter((child) => child.field === 'value')
      .flatMap((child) => this.#words(child, unit, state));
    const variable = unit.text.slice(name.start, name.end);
    if (values.length === 0 || values.length > MAX_ROUNDS || unit.text.startsWith('select', node.start)) {
      this.#assign(variable, null, state);
      return this.#loop(node, unit, state, input);
    }
    const before = cloneState(state);
    for (const value of values) {
      this.#assign(variable, [value], state);
      this.#statement(body, unit, state, input);
      mergeStates(state, before);
    }
    return PRINTS;
  }

  /** A round may find what the one before left, so it is walked again with that unsure. */
  #loop(node: ShellNode, unit: Unit, state: State, input: Input): Output {
    for (let round = 0; round < 2; round += 1) {
      const before = cloneState(state);
      for (const child of node.children) {
        if (!child.named) continue;
        const branch = node.type === 'case_statement' ? cloneState(state) : state;
        this.#statement(child, unit, branch, input);
        if (branch !== state) mergeStates(state, branch);
      }
      mergeStates(state, before);
      if (!invalidated(before, state)) break;
    }
    return PRINTS;
  }

  #words(node: ShellNode, unit: Unit, state: State): Word[] {
    if (this.#evaluated > MAX_WORDS) {
      this.#effects.unknown('it has more words than are followed', 'too-large');
      return [];
    }
    const words = evaluate(node, unit, state, {
      home: this.#home,
      effects: this.#effects,
      substitute: (inner, piped) => {
        const output = this.#each(
          inner,
          unit,
          cloneState(state),
          piped ? { kind: 'pipe', text: null, remote: false } : NOTHING,
        );
        return output;
      },
      assign: (name) => this.#assign(name, null, state),
    });
    this.#evaluated += words.length;
    return words;
  }

  #paths(state: State): PathEffects {
    return pathEffects(this.#effects, { cwd: state.cwd, home: this.#home });
  }

  invoke(words: readonly Word[], state: State, depth: number, input: Input): Output {
    this.#steps += 1;
    const [first, ...args] = words;
    if (first === undefined) return SILENT;
    if (depth > MAX_DEPTH || this.#steps > MAX_STEPS) {
      this.#effects.unknown('it is nested too deeply', 'too-deep');
      return PRINTS;
    }
    if (first.text === null || first.glob || first.text === '') {
      this.#effects.unknown(`which program ${first.source || "''"} is, is known only when it runs`);
      for (const word of args) if (word.text?.startsWith('/')) this.#effects.list('reads', word.text);
      this.#effects.program(
        first.source,
        args.map((word) => word.text),
      );
      return PRINTS;
    }
    const aliased = state.aliases.get(first.text);
    if (aliased !== undefined) this.#aliased(first.text, aliased, state, depth, input);
    const defined = state.functions.get(first.text);
    if (defined !== undefined) return this.#function(first.text, defined, args, state, depth, input);
    return this.#program(first, args, state, depth, input);
  }

  /** Whether an alias applies depends on the shell, so both readings count. */
  #aliased(name: string, text: string, state: State, depth: number, input: Input): void {
    this.#effects.flag('nested');
    const without = cloneState(state);
    without.aliases.delete(name);
    this.run(text, without, depth + 1, input);
    this.#effects.worsen('execute', `Gives ${name} another meaning and uses it`);
  }

  #function(name: string, defined: Defined, args: Word[], state: State, depth: number, input: Input): Output {
    if (defined === null || this.#running.has(name)) {
      this.#effects.unknown(
        defined === null ? `what ${name} means is known only when it runs` : `${name} calls itself`,
        'too-deep',
      );
      return PRINTS;
    }
    this.#running.add(name);
    const outer = state.args;
    state.args = args;
    const output = this.#statement(defined.node, { text: defined.unit.text, depth: depth + 1 }, state, input);
    state.args = outer;
    this.#running.delete(name);
    return output;
  }

  #program(first: Word, args: Word[], state: State, depth: number, input: Input): Output {
    const written = first.text ?? '';
    const paths = this.#paths(state);
    let name = written;
    if (written.includes('/')) {
      const path = paths.resolve(written);
      if (STANDARD.test(path)) name = path.slice(path.lastIndexOf('/') + 1);
      else {
        this.#tools.seen({ name: written, words: args, cwd: state.cwd });
        this.#effects.program(
          written,
          args.map((word) => word.text),
        );
        this.#script(first, args, state, depth, input, false);
        return PRINTS;
      }
    }
    this.#tools.seen({ name, words: args, cwd: state.cwd });
    this.#effects.program(
      name,
      args.map((word) => word.text),
    );
    const row = programOf(name);
    if (row === undefined) {
      const lookalike = /[^\x20-\x7e]/.test(name);
      this.#effects.unknown(`${name} is not a program that is known`, ...(lookalike ? ['lookalike'] : []));
      for (const word of args) if (word.text?.includes('/') && !word.text.includes('://')) paths.mentioned(word);
      return PRINTS;
    }
    // Where -C takes git, it takes nothing that comes after it.
    const own = name === 'git' ? cloneState(state) : state;
    return applyRow(row, this.#call(name, args, own, depth, input));
  }

  #call(name: string, args: readonly Word[], state: State, depth: number, input: Input): Call {
    const effects = this.#effects;
    return {
      name,
      args,
      input,
      effects,
      read: (word, deep) => this.#paths(state).read(word, deep ?? false),
      write: (word) => this.#paths(state).write(word),
      remove: (word, deep) => this.#paths(state).remove(word, deep ?? false),
      host: (word) => {
        const host = hostOf(word);
        if (host === null) effects.unknown(`which host ${word.source} is, is known only when it runs`);
        else effects.list('hosts', host);
      },
      script: (word, shell, given) => this.#script(word, given ?? [], state, depth, input, shell ?? false),
      run: (text, given) => {
        effects.flag('nested');
        if (text.text === null) {
          effects.unknown(`what ${name} runs (${text.source}) is known only when it runs`);
          return PRINTS;
        }
        const inner = name === 'eval' || name === '.' || name === 'source' ? state : cloneState(state);
        if (given !== undefined) inner.args = [...given];
        return this.run(text.text, inner, depth + 1, input);
      },
      invoke: (words, from) => {
        effects.flag('nested');
        return this.invoke(words, state, depth + 1, from ?? input);
      },
      cd: (word) => {
        if (word === null || word.text === null || word.glob || word.text === '-') state.cwd = null;
        else {
          const known = word.text.startsWith('/') || state.cwd !== null;
          state.cwd = known ? this.#paths(state).resolve(word.text) : null;
        }
      },
      assign: (variable, value) => this.#assign(variable, value, state),
      alias: (alias, text) => state.aliases.set(alias, text),
      path: (file) => this.#paths(state).resolve(file),
    };
  }

  #script(word: Word, args: readonly Word[], state: State, depth: number, input: Input, shell: boolean): void {
    const effects = this.#effects;
    effects.flag('script');
    effects.worsen('execute', `Runs the file ${word.source}`);
    if (word.text === null || word.glob) {
      effects.unknown(`which file ${word.source} is, is known only when it runs`, 'unresolved-path');
      return;
    }
    const path = this.#paths(state).resolve(word.text);
    effects.list('scripts', path);
    const content = path.startsWith('/') ? this.#tools.readScript(path) : null;
    if (content === null) {
      effects.unknown(`what the file ${word.source} does is not known`);
      return;
    }
    const interpreter = /^#![ \t]*(?:\/usr\/bin\/env[ \t]+)?(\S+)/.exec(content)?.[1];
    const isShell = shell || interpreter === undefined || /\/?(ba|da|z|k)?sh$/.test(interpreter);
    if (!isShell) effects.unknown(`the file ${word.source} is not a shell script`);
    else if (this.#running.has(path)) effects.unknown(`${word.source} runs itself`, 'too-deep');
    else {
      this.#running.add(path);
      this.run(content, { ...cloneState(state), args: [...args] }, depth + 1, input);
      this.#running.delete(path);
    }
  }
}

/**
 * The grammar takes a word that goes on over an escaped line end for two. null: what is escaped there
 * depends on quotes that only a shell tells apart.
 */
function joinedLines(text: string): string | null {
  if (!/[^\s\\]\\\n|\\\\\n/.test(text)) return text;
  return /['#]|<<|\\\\/.test(text) ? null : text.replaceAll('\\\n', '');
}

function isStatement(node: ShellNode): boolean {
  return (
    node.named &&
    !/^(heredoc_|file_redirect|herestring_redirect|file_descriptor)/.test(node.type) &&
    node.field !== 'destination'
  );
}
