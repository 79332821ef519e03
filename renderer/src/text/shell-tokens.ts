/**
 * Splits a shell command into tokens for colouring only (POSIX shell, chapter 2.3): no decision rests on
 * it. Total: the tokens' texts joined are the input. Linear in the length of the text.
 */
export type ShellTokenKind = 'program' | 'keyword' | 'option' | 'word' | 'string' | 'variable' | 'operator' | 'comment';
export interface ShellToken {
  kind: ShellTokenKind | 'space';
  text: string;
}

const KEYWORDS = new Set(
  'if then else elif fi for in do done while until case esac select function time { } ! [[ ]]'.split(' '),
);
/** After these a program comes, as at the start. */
const PREFIXES = new Set('sudo env nohup nice time exec command xargs doas'.split(' '));

const SPACE = /(?:[ \t\r\n\f\v]|\\\n)+/y;
const COMMENT = /#[^\n]*/y;
const OPERATOR = /&&|\|\||;;|\|&|>>|<<-?|<<<|<>|>&|<&|>\||[|&;<>()]/y;
const SINGLE = /\$?'[^']*'?/y;
const DOUBLE = /\$?"(?:[^"\\]|\\[\s\S])*"?/y;
const VARIABLE = /\$(?:\{[^}\n]*\}?|[A-Za-z_]\w*|[0-9@*#?$!-])/y;
const ASSIGNMENT = /[A-Za-z_]\w*\+?=/y;
const WORD = /(?:\\[\s\S]|[^\s'"$|&;<>()\\])+/y;

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

export function shellTokens(text: string): ShellToken[] {
  const tokens: ShellToken[] = [];
  let at = 0;
  /** A program's name may come next. */
  let first = true;
  let boundary = true;
  /** Within the value of an assignment, after which the program still comes. */
  let value = false;
  const push = (kind: ShellToken['kind'], length: number) => {
    tokens.push({ kind, text: text.slice(at, at + length) });
    at += length;
    boundary = kind === 'space' || kind === 'operator';
    if (boundary) value = false;
  };
  while (at < text.length) {
    const space = matchAt(SPACE, text, at);
    if (space !== null) {
      if (space.replaceAll('\\\n', '').includes('\n')) first = true;
      push('space', space.length);
      continue;
    }
    const comment = boundary ? matchAt(COMMENT, text, at) : null;
    if (comment !== null) {
      push('comment', comment.length);
      continue;
    }
    const operator = matchAt(OPERATOR, text, at);
    if (operator !== null) {
      first = !/^[<>]/.test(operator) && operator !== ')';
      push('operator', operator.length);
      continue;
    }
    const quoted = matchAt(SINGLE, text, at) ?? matchAt(DOUBLE, text, at);
    if (quoted !== null) {
      push('string', quoted.length);
      first &&= value;
      continue;
    }
    const variable = matchAt(VARIABLE, text, at);
    if (variable !== null) {
      push('variable', variable.length);
      first &&= value;
      continue;
    }
    const assignment = first && boundary ? matchAt(ASSIGNMENT, text, at) : null;
    if (assignment !== null) {
      push('variable', assignment.length);
      value = true;
      continue;
    }
    // `$` and `\` at the end match nothing else.
    const word = matchAt(WORD, text, at) ?? text.slice(at, at + 1);
    if (boundary && first && KEYWORDS.has(word)) push('keyword', word.length);
    else if (boundary && word.startsWith('-')) push('option', word.length);
    else {
      const program = boundary && first;
      first = program ? PREFIXES.has(word) : first && value;
      push(program ? 'program' : 'word', word.length);
    }
  }
  return tokens;
}
