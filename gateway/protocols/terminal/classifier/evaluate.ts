import type { Output } from './call.ts';
import type { Effects } from './effects.ts';
import type { ShellNode } from './parser.ts';
import type { State, Unit } from './state.ts';
import { ansiC, joinPieces, type Piece, unknownWord, type Word } from './words.ts';

export interface EvaluateTools {
  home: string;
  effects: Effects;
  /** Walks what a substitution runs. @param piped it reads what is written to it. */
  substitute(statements: readonly ShellNode[], piped: boolean): Output;
  /** `${x:=…}` and arithmetic set variables to what is not followed. */
  assign(name: string): void;
}

const SECRET_NAME = /token|secret|passw|pwd_|api_?key|access_?key|private_?key|credential/i;
const MAX_ARRAY = 1024;

const UNKNOWN: Piece = { text: null, quoted: true, value: false };
const UNKNOWN_SPLIT: Piece = { text: null, quoted: false, value: true };

/** The words that a node of the tree stands for. */
export function evaluate(node: ShellNode, unit: Unit, state: State, tools: EvaluateTools): Word[] {
  const source = unit.text.slice(node.start, node.end);
  switch (node.type) {
    case 'command_name':
    case 'redirect':
      return node.children.length === 0
        ? joinPieces(bare(source), source, tools.home)
        : node.children.flatMap((child) => evaluate(child, unit, state, tools));
    case 'array': {
      const words: Word[] = [];
      for (const child of node.children) if (child.named) words.push(...evaluate(child, unit, state, tools));
      return words.length > MAX_ARRAY ? [unknownWord(source)] : words;
    }
    case 'process_substitution': {
      tools.substitute(node.children, source.startsWith('>'));
      return [{ ...unknownWord(source, '/dev/fd/', false) }];
    }
    case 'simple_expansion':
    case 'string': {
      const all = wholeArguments(node, unit, state);
      if (all !== null) return all;
      break;
    }
  }
  return joinPieces(pieces(node, unit, state, tools, false), source, tools.home);
}

/** `$@` and `"$@"` are as many words as there are arguments. */
function wholeArguments(node: ShellNode, unit: Unit, state: State): Word[] | null {
  const source = unit.text.slice(node.start, node.end);
  return /^"?\$[@*]"?$/.test(source) ? (state.args ?? null) : null;
}

function pieces(node: ShellNode, unit: Unit, state: State, tools: EvaluateTools, quoted: boolean): Piece[] {
  const source = unit.text.slice(node.start, node.end);
  switch (node.type) {
    case 'word':
    case 'number':
    case 'variable_name':
    case 'special_variable_name':
    case 'brace_expression':
    case 'file_descriptor':
    case 'test_operator':
      if (node.children.some((child) => child.named && /expansion|substitution/.test(child.type)))
        return fallback(node, unit, state, tools);
      return bare(source);
    case 'raw_string':
      return [{ text: source.slice(1, -1), quoted: true, value: false }];
    case 'ansi_c_string':
      return [{ text: ansiC(source.slice(2, -1)), quoted: true, value: false }];
    case 'translated_string':
      return node.children.filter((child) => child.named).flatMap((child) => pieces(child, unit, state, tools, quoted));
    case 'string':
      return inString(node, unit, state, tools);
    case 'concatenation':
      return concatenated(node, unit, state, tools, quoted);
    case 'simple_expansion':
      return variable(source.slice(1), state, tools, quoted);
    case 'expansion': {
      const name = /^\$\{(\w+|[@*#?$!-])\}$/.exec(source)?.[1];
      if (name !== undefined) return variable(name, state, tools, quoted);
      const [, indirect, used = '', names] = /^\$\{#?(!?)(\w+)([*@]\})?/.exec(source) ?? [];
      if (indirect !== '!' && SECRET_NAME.test(used) && !source.startsWith('${#') && !state.vars.has(used))
        secret(used, tools);
      else if (indirect === '!' && names === undefined && !/^\$\{!\w+\[[*@]\]\}$/.test(source))
        secret(state.vars.get(used)?.[0]?.text ?? null, tools);
      const set = /^\$\{(\w+):?=/.exec(source)?.[1];
      if (set !== undefined) tools.assign(set);
      if (/^\$\{[^}]*@P\}/.test(source)) tools.effects.unknown('a variable is run as a prompt');
      // The grammar passes over backticks in some of these, which run what is between them.
      if (source.includes('`')) tools.effects.unknown('a variable’s default runs a command');
      for (const child of node.children) if (child.named) pieces(child, unit, state, tools, true);
      return [quoted ? UNKNOWN : UNKNOWN_SPLIT];
    }
    case 'command_substitution': {
      const { text } = tools.substitute(node.children, false);
      if (text !== null) return [{ text: text.replace(/\n+$/, ''), quoted, value: true }];
      return [quoted ? UNKNOWN : UNKNOWN_SPLIT];
    }
    case 'process_substitution':
      tools.substitute(node.children, source.startsWith('>'));
      return [UNKNOWN];
    case 'arithmetic_expansion':
      for (const name of source.matchAll(/\b([A-Za-z_]\w*)\s*(?:\+\+|--|[-+*/%&|^]?=(?!=))/g))
        tools.assign(name[1] ?? '');
      if (/\[/.test(source)) tools.effects.unknown('an index in arithmetic can run a command');
      return fallback(node, unit, state, tools);
    case 'extglob_pattern':
      tools.effects.unknown('an extended pattern is not followed');
      return fallback(node, unit, state, tools);
    default:
      return fallback(node, unit, state, tools);
  }
}

/** Its substitutions run; its value is not followed. */
function fallback(node: ShellNode, unit: Unit, state: State, tools: EvaluateTools): Piece[] {
  for (const child of node.children) if (child.named) pieces(child, unit, state, tools, true);
  return [UNKNOWN_SPLIT];
}

/** Unquoted text: a backslash quotes the next character, and one at a line's end is nothing. */
function bare(source: string): Piece[] {
  const out: Piece[] = [];
  for (const [part] of source.matchAll(/\\[\s\S]?|[^\\]+/g)) {
    if (!part.startsWith('\\')) out.push({ text: part, quoted: false, value: false });
    else if (part !== '\\\n') out.push({ text: part.slice(1), quoted: true, value: false });
  }
  // A tilde counts only where the word's first character is not quoted.
  return out;
}

function inString(node: ShellNode, unit: Unit, state: State, tools: EvaluateTools): Piece[] {
  const out: Piece[] = [{ text: '', quoted: true, value: false }];
  const quote = (from: number, to: number) => {
    const text = unit.text.slice(from, to).replace(/\\([$`"\\\n])/g, (_, c) => (c === '\n' ? '' : c));
    if (text !== '') out.push({ text, quoted: true, value: false });
  };
  // From the opening to the closing quote, whatever the grammar makes of the blanks between.
  let at = node.start + (unit.text[node.start] === '$' ? 2 : 1);
  for (const child of node.children) {
    if (!child.named || child.type === 'string_content') continue;
    quote(at, child.start);
    out.push(...pieces(child, unit, state, tools, true));
    at = child.end;
  }
  quote(at, node.end - 1);
  return out;
}

function concatenated(node: ShellNode, unit: Unit, state: State, tools: EvaluateTools, quoted: boolean): Piece[] {
  const out: Piece[] = [];
  let at = node.start;
  for (const child of node.children) {
    if (child.start > at) {
      const gap = unit.text.slice(at, child.start);
      if (gap.replaceAll('\\\n', '') !== '') out.push(UNKNOWN_SPLIT);
    }
    at = child.end;
    const text = unit.text.slice(child.start, child.end);
    if (child.named) out.push(...pieces(child, unit, state, tools, quoted));
    else if (text !== '$' || !/^["']/.test(unit.text.slice(child.end))) out.push(...bare(text));
  }
  return out;
}

/** @param name null: known only when it runs. */
function secret(name: string | null, tools: EvaluateTools): void {
  if (name === null) tools.effects.worsen('secret-read', 'Uses a variable whose name is known only when it runs');
  else if (SECRET_NAME.test(name)) tools.effects.worsen('secret-read', `Uses $${name}, which seems to hold a secret`);
}

function variable(name: string, state: State, tools: EvaluateTools, quoted: boolean): Piece[] {
  const unknown = [quoted ? UNKNOWN : UNKNOWN_SPLIT];
  const words = variableWords(name, state, tools);
  if (words === null && SECRET_NAME.test(name))
    tools.effects.worsen('secret-read', `Uses $${name}, which seems to hold a secret`);
  if (words === null || words.some((word) => word.text === null)) return unknown;
  if (words.length !== 1) return words.length === 0 || quoted ? unknown : [joined(words)];
  const [word] = words;
  return [{ text: word?.text ?? '', quoted: quoted && word?.glob !== true, value: true }];
}

function joined(words: readonly Word[]): Piece {
  return { text: words.map((word) => word.text).join(' '), quoted: false, value: true };
}

function variableWords(name: string, state: State, tools: EvaluateTools): Word[] | null {
  if (/^[1-9]$/.test(name)) {
    const word = state.args?.[Number(name) - 1];
    return word === undefined ? null : [word];
  }
  if (state.vars.has(name)) {
    const words = state.vars.get(name) ?? null;
    // $x of an array is its first member.
    return words === null || words.length <= 1 ? words : words.slice(0, 1);
  }
  const known = name === 'HOME' ? tools.home : name === 'PWD' ? state.cwd : null;
  return known === null ? null : [{ text: known, glob: false, prefix: '', splits: false, source: `$${name}` }];
}
