/**
 * Splits SQL into tokens for colouring only (PostgreSQL lexical structure, chapter 4.1): no decision rests
 * on it. Total: the tokens' texts joined are the input. Linear in the length of the text.
 */
export type SqlTokenKind = 'keyword' | 'name' | 'string' | 'number' | 'comment' | 'parameter' | 'punctuation' | 'space';
export interface SqlToken {
  kind: SqlTokenKind;
  text: string;
}

const KEYWORDS = new Set(
  `add all alter analyze and any array as asc begin between both by call cascade case cast check close cluster collate
column commit concurrently constraint copy create cross current cursor database deallocate declare default deferrable
delete desc distinct do drop else end except exclude execute exists explain extension false fetch filter first following
for foreign format from full function grant group grouping having if ilike immutable in index inherit inner insert
intersect into is isolation join key language last lateral leading left like limit listen local lock materialized merge
move natural new next no not nothing notify null nulls of offset on only or order outer over owner partition policy
preceding prepare primary privileges procedure program recursive references refresh reindex release rename replace
reset restrict returning returns revoke right role rollback row rows savepoint schema select sequence session set show
similar some start stdin stdout strict table tables temp temporary then to trailing transaction trigger true truncate
type unbounded union unique unlogged update user using vacuum values view volatile when where window with without work`
    .split(/\s+/)
    .filter((word) => word !== ''),
);

const SPACE = /[ \t\r\n\f\v]+/y;
const LINE_COMMENT = /--[^\n]*/y;
const NUMBER = /(?:0[xob][0-9a-f_]+|\d[\d_]*(?:\.[\d_]*)?(?:e[+-]?\d+)?|\.\d[\d_]*(?:e[+-]?\d+)?)/iy;
const PARAMETER = /\$\d+/y;
const DOLLAR_TAG = /\$(?:[a-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/iy;
const WORD = /[a-z_\u0080-\uffff][\w$\u0080-\uffff]*/iy;
const OPERATOR = /[-+*/<>=~!@#%^&|`?:.,;()[\]{}]/y;
const STRING_PREFIX = /(?:[ebxn]|u&)?'/iy;
const QUOTED_NAME = /(?:u&)?"/iy;

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

function endOfQuoted(text: string, from: number, quote: string, backslashes: boolean): number {
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (backslashes && character === '\\') at++;
    else if (character === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return text.length;
}

/** Block comments nest in PostgreSQL. */
function endOfBlockComment(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '/' && text[at + 1] === '*') {
      depth++;
      at++;
    } else if (text[at] === '*' && text[at + 1] === '/') {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

function next(text: string, at: number): SqlToken {
  const token = (kind: SqlTokenKind, end: number): SqlToken => ({ kind, text: text.slice(at, end) });
  const space = matchAt(SPACE, text, at);
  if (space !== null) return token('space', at + space.length);
  const line = matchAt(LINE_COMMENT, text, at);
  if (line !== null) return token('comment', at + line.length);
  if (text.startsWith('/*', at)) return token('comment', endOfBlockComment(text, at));
  const string = matchAt(STRING_PREFIX, text, at);
  if (string !== null) {
    return token('string', endOfQuoted(text, at + string.length, "'", /^e/i.test(string)));
  }
  const quoted = matchAt(QUOTED_NAME, text, at);
  if (quoted !== null) return token('name', endOfQuoted(text, at + quoted.length, '"', false));
  const parameter = matchAt(PARAMETER, text, at);
  if (parameter !== null) return token('parameter', at + parameter.length);
  const tag = matchAt(DOLLAR_TAG, text, at);
  if (tag !== null) {
    const close = text.indexOf(tag, at + tag.length);
    return token('string', close === -1 ? text.length : close + tag.length);
  }
  const number = matchAt(NUMBER, text, at);
  if (number !== null) return token('number', at + number.length);
  const word = matchAt(WORD, text, at);
  if (word !== null) return token(KEYWORDS.has(word.toLowerCase()) ? 'keyword' : 'name', at + word.length);
  const operator = matchAt(OPERATOR, text, at);
  return token('punctuation', at + (operator?.length ?? (text.codePointAt(at)! > 0xffff ? 2 : 1)));
}

export function sqlTokens(text: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  for (let at = 0; at < text.length; ) {
    const token = next(text, at);
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}
