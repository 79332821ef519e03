/**
 * Splits a query string at its top-level semicolons, the way the server's grammar separates statements:
 * quotes, dollar quotes, comments, parentheses (CREATE RULE … DO (a; b)) and BEGIN ATOMIC bodies hide
 * them. Parts without a token are left out, as the server runs nothing for them.
 * Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 *
 * It is for showing which statement a result belongs to, never for deciding anything: with
 * standard_conforming_strings off it may split at another place than the server does.
 *
 * @returns parts without surrounding white space, at most `limit` of them (the last then holds the rest).
 */
export function splitStatements(text: string, limit = 10_000): string[] {
  const parts: string[] = [];
  const length = text.length;
  let start = 0;
  let hasToken = false;
  let depth = 0;
  /** Nesting of BEGIN ATOMIC … END and of CASE … END within it. */
  let atomic = 0;
  let lastWord = '';
  let at = 0;
  const cut = (end: number) => {
    if (hasToken) parts.push(text.slice(start, end).trim());
    hasToken = false;
  };
  while (at < length) {
    const c = text[at]!;
    if (c === '-' && text[at + 1] === '-') {
      at = indexOrEnd(text, '\n', at);
      continue;
    }
    if (c === '/' && text[at + 1] === '*') {
      at = blockCommentEnd(text, at);
      continue;
    }
    if (isSpace(c)) {
      at++;
      continue;
    }
    if (c === ';' && depth === 0 && atomic === 0) {
      if (parts.length >= limit - 1) break;
      cut(at);
      at++;
      start = at;
      lastWord = '';
      continue;
    }
    hasToken = true;
    if (c === "'") {
      const escaped = lastWord === 'e' && /e/i.test(text[at - 1] ?? '');
      at = stringEnd(text, at, "'", escaped);
    } else if (c === '"') at = stringEnd(text, at, '"', false);
    else if (c === '$') at = dollarEnd(text, at);
    else if (c === '(') {
      depth++;
      at++;
    } else if (c === ')') {
      depth = Math.max(0, depth - 1);
      at++;
    } else if (isWordStart(c)) {
      const end = wordEnd(text, at);
      const word = end - at <= 8 ? text.slice(at, end).toLowerCase() : '';
      if (word === 'atomic' && lastWord === 'begin') atomic++;
      else if (atomic > 0 && word === 'case') atomic++;
      else if (atomic > 0 && word === 'end') atomic--;
      lastWord = word;
      at = end;
      continue;
    } else at++;
    lastWord = '';
  }
  cut(length);
  return parts;
}

const isSpace = (c: string) => c === ' ' || c === '\n' || c === '\t' || c === '\r' || c === '\f' || c === '\v';
const isWordStart = (c: string) => /[A-Za-z_\u0080-\uffff]/.test(c);

function wordEnd(text: string, start: number): number {
  const word = /[A-Za-z0-9_$\u0080-\uffff]*/y;
  word.lastIndex = start;
  word.exec(text);
  return word.lastIndex;
}

function indexOrEnd(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found === -1 ? text.length : found + what.length;
}

function blockCommentEnd(text: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let match = marks.exec(text); match; match = marks.exec(text)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return text.length;
}

/** A doubled quote reads as the end of one string and the start of the next, which comes to the same. */
function stringEnd(text: string, start: number, quote: string, escapes: boolean): number {
  if (!escapes) return indexOrEnd(text, quote, start + 1);
  let at = start + 1;
  while (at < text.length) {
    if (text[at] === '\\') at += 2;
    else if (text[at] === quote && text[at + 1] === quote) at += 2;
    else if (text[at] === quote) return at + 1;
    else at++;
  }
  return text.length;
}

function dollarEnd(text: string, start: number): number {
  const opening = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
  opening.lastIndex = start;
  const match = opening.exec(text);
  return match ? indexOrEnd(text, match[0], opening.lastIndex) : start + 1;
}
