/** One argument as the program will get it, as far as the text tells. */
export interface Word {
  /** null: known only at run time. */
  text: string | null;
  /** Holds unquoted `*`, `?` or `[`: stands for the files that match. */
  glob: boolean;
  /** The literal text that comes first, where `text` is null. */
  prefix: string;
  /** May become several words or none. */
  splits: boolean;
  /** What the person wrote, at most 120 characters. */
  source: string;
}

export const literal = (text: string): Word => ({
  text,
  glob: false,
  prefix: text,
  splits: false,
  source: shown(text),
});
export const unknownWord = (source: string, prefix: string = '', splits: boolean = true): Word => ({
  text: null,
  glob: false,
  prefix,
  splits,
  source: shown(source),
});

const shown = (text: string) => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

/** A part of a word: quoted text is taken as it is. */
export interface Piece {
  text: string | null;
  quoted: boolean;
  /** It comes from a variable, so blanks in it end a word. */
  value: boolean;
}

const MAX_WORDS = 128;
/** Longer or with more braces, and a word is not followed: variables can double it again and again. */
const MAX_WORD = 32 * 1024;
const MAX_BRACED = 1024;
const MAX_BRACES = 16;
/** Marks, inside `joinPieces`, what was quoted; texts with private-use characters are refused before. */
const QUOTED_BASE = 0xf0000;

const hide = (text: string) =>
  Array.from(text, (c) =>
    '\\*?[]{},~ \t\n.'.includes(c) ? String.fromCodePoint(QUOTED_BASE + c.charCodeAt(0)) : c,
  ).join('');
const reveal = (text: string) =>
  text.replace(/[\u{f0000}-\u{f00ff}]/gu, (c) => String.fromCodePoint((c.codePointAt(0) ?? 0) - QUOTED_BASE));
const HOLE = '\u{f1000}';

/** Brace expansion, tilde, word splitting, in the shell's order; globs stay patterns. */
export function joinPieces(pieces: readonly Piece[], source: string, home: string): Word[] {
  const splits = pieces.some((piece) => piece.text === null && !piece.quoted);
  const flat = pieces
    .map((piece) => {
      if (piece.text === null) return HOLE;
      if (piece.quoted) return hide(piece.text);
      // What a variable holds is split and globbed, but its braces and tildes are text.
      return piece.value ? piece.text.replace(/[{},~\\]/g, hide) : piece.text;
    })
    .join('');
  if (flat.length > MAX_WORD) return [unknownWord(source)];
  const quotedEmpty = pieces.some((piece) => piece.quoted && piece.text === '');
  const braced = expandBraces(flat);
  if (braced === null) return [unknownWord(source)];
  const fields = braced.flatMap((one) =>
    pieces.some((piece) => piece.value) ? one.split(/[ \t\n]+/).filter(Boolean) : [one],
  );
  if (fields.length === 0 && quotedEmpty) return [literal('')];
  return fields.map((field) => finished(field, source, home, splits));
}

function finished(field: string, source: string, home: string, splits: boolean): Word {
  let text = field;
  if (text === '~' || text.startsWith('~/')) text = home + text.slice(1);
  else if (/^~[A-Za-z0-9_+-]/.test(text)) text = HOLE + text;
  const hole = text.indexOf(HOLE);
  if (hole >= 0) return unknownWord(source, reveal(text.slice(0, hole)), splits);
  return { text: reveal(text), glob: /[*?[]/.test(text), prefix: '', splits: false, source: shown(source) };
}

/** null: too many. */
function expandBraces(text: string): string[] | null {
  const braces = text.split('{').length - 1;
  if (braces === 0) return [text];
  if (braces > MAX_BRACES || text.length > MAX_BRACED) return null;
  let pending = [text];
  const done: string[] = [];
  for (let turns = 0; pending.length > 0; turns += 1) {
    if (turns > MAX_WORDS * 2 || pending.length + done.length > MAX_WORDS) return null;
    const [one = '', ...rest] = pending;
    const found = firstBrace(one);
    if (found === null) {
      done.push(one);
      pending = rest;
    } else {
      if (found.choices.length > MAX_WORDS) return null;
      pending = [...found.choices.map((choice) => one.slice(0, found.start) + choice + one.slice(found.end)), ...rest];
    }
  }
  return done;
}

function firstBrace(text: string): { start: number; end: number; choices: string[] } | null {
  for (let start = text.indexOf('{'); start >= 0; start = text.indexOf('{', start + 1)) {
    let depth = 0;
    let from = start + 1;
    const choices: string[] = [];
    for (let i = start; i < text.length; i += 1) {
      if (text[i] === '{') depth += 1;
      else if (text[i] === ',' && depth === 1) {
        choices.push(text.slice(from, i));
        from = i + 1;
      } else if (text[i] === '}' && --depth === 0) {
        const inner = text.slice(start + 1, i);
        const range = rangeOf(inner);
        if (choices.length > 0) return { start, end: i + 1, choices: [...choices, text.slice(from, i)] };
        if (range !== null) return { start, end: i + 1, choices: range };
        break;
      }
    }
  }
  return null;
}

function rangeOf(inner: string): string[] | null {
  const numbers = /^(-?\d{1,6})\.\.(-?\d{1,6})$/.exec(inner);
  const letters = /^([A-Za-z])\.\.([A-Za-z])$/.exec(inner);
  const [from, to] = numbers
    ? [Number(numbers[1]), Number(numbers[2])]
    : letters
      ? [letters[1]!.charCodeAt(0), letters[2]!.charCodeAt(0)]
      : [0, -1];
  if (!numbers && !letters) return null;
  const step = from <= to ? 1 : -1;
  const count = Math.min(Math.abs(to - from) + 1, MAX_WORDS + 1);
  return Array.from({ length: count }, (_, i) => {
    const value = from + i * step;
    return numbers ? String(value) : String.fromCharCode(value);
  });
}

const ANSI: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  E: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The inside of `$'…'`. */
export function ansiC(inner: string): string {
  return inner.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c([\s\S])|([\s\S]))/g,
    (_, x, u, U, octal, control, other) => {
      const hex = x ?? u ?? U;
      if (hex !== undefined) return String.fromCodePoint(Math.min(Number.parseInt(hex, 16), 0x10ffff));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      if (control !== undefined) return String.fromCharCode(control.charCodeAt(0) & 0x1f);
      return ANSI[other] ?? other;
    },
  );
}

export const RUNS_AS_INDEX = 'an index of an array runs a command where arithmetic uses it';

/** Arithmetic evaluates an index again, also one in a variable's value. */
export const runsAsIndex = (text: string | null): boolean => text !== null && /\[[^\]]*(\$\(|`)/.test(text);
