import type { Query } from '../store/query.ts';

/** Marks that go on with a word and are left out of it; others end it. */
const MARKS = '[\\u0300-\\u0304\\u0306-\\u030C\\u030F\\u0311\\u031B\\u0323-\\u0328\\u032D\\u032E\\u0330\\u0331]';
const WORDS = new RegExp(`[\\p{L}\\p{N}\\p{Co}](?:[\\p{L}\\p{N}\\p{Co}]|${MARKS})*`, 'gu');
const ASCII_WORDS = /[a-z0-9]+/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what it says.
const ASCII = /^[\x00-\x7f]*$/;

/** A lexeme has at most 2046 bytes; longer words are known by their beginning. */
const MAX_WORD = 500;
/** Positions behind are not told apart, and 255 of one word are enough (PostgreSQL's limits). */
const MAX_POSITION = 16_383;
const MAX_POSITIONS = 255;

/**
 * Words as SQLite's tokenizer (unicode61, remove_diacritics 2) has them, so that both indexes find the same:
 * runs of letters and digits, small, Latin letters without their marks. PostgreSQL's own parser would take
 * public.orders for a host and customer_id for one word. Letters that came after Unicode 6.1 may differ.
 */
export function wordsOf(text: string): string[] {
  const small = text.toLowerCase();
  if (ASCII.test(text)) return (small.match(ASCII_WORDS) ?? []).map(cut);
  return (text.match(WORDS) ?? []).map((word) => cut(Array.from(word, folded).join('')));
}

const cut = (word: string): string => (word.length <= MAX_WORD ? word : word.slice(0, MAX_WORD));

/** Letters that are another one when small, beside those that toLowerCase() knows. */
const ALSO: Readonly<Record<string, string>> = {
  µ: 'μ',
  ſ: 's',
  ς: 'σ',
  ϐ: 'β',
  ϑ: 'θ',
  ϕ: 'φ',
  ϖ: 'π',
  ϰ: 'κ',
  ϱ: 'ρ',
  ϵ: 'ε',
};

function folded(char: string): string {
  if (char >= '\u0300' && char <= '\u0331') return '';
  const known = ALSO[char];
  if (known !== undefined) return known;
  const small = char.toLowerCase();
  const base = small.normalize('NFD')[0]!;
  if (base >= 'a' && base <= 'z') return base;
  return String.fromCodePoint(small.codePointAt(0)!);
}

/** Facets lie among the words as lexemes that no word is. */
const facetLexeme = (token: string): string => `=${token}`;

/**
 * A tsvector in PostgreSQL's text form: words of each text with their places, phrases not reaching from one
 * text into the next, and facets without places.
 */
export function tsvectorOf(texts: readonly (string | null)[], tokens: string): string {
  const places = new Map<string, string>();
  const counts = new Map<string, number>();
  let at = 0;
  for (const text of texts) {
    if (text === null) continue;
    for (const word of wordsOf(text)) {
      at++;
      const before = places.get(word);
      if (before === undefined) places.set(word, String(Math.min(at, MAX_POSITION)));
      else if (at <= MAX_POSITION) {
        const count = (counts.get(word) ?? 1) + 1;
        counts.set(word, count);
        if (count <= MAX_POSITIONS) places.set(word, `${before},${at}`);
      }
    }
    at++;
  }
  let vector = '';
  for (const [word, where] of places) vector += `'${word}':${where} `;
  for (const token of tokens.split(' ')) vector += `'${facetLexeme(token)}' `;
  return vector;
}

/** A tsquery in PostgreSQL's text form; null where every statement is meant, undefined where nothing can match. */
export function tsqueryOf({ terms, tokens }: Pick<Query, 'terms' | 'tokens'>): string | null | undefined {
  const parts = tokens.map((any) => `(${any.map((token) => `'${facetLexeme(token)}'`).join(' | ')})`);
  for (const { text, prefix } of terms) {
    const words = wordsOf(text);
    if (words.length === 0) return undefined;
    parts.push(`(${words.map((word) => `'${word}'`).join(' <-> ')}${prefix ? ':*' : ''})`);
  }
  return parts.length === 0 ? null : parts.join(' & ');
}
