import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTerms } from '../store/query.ts';
import { tsqueryOf, tsvectorOf, wordsOf } from './words.ts';

function tokenizer(): (text: string) => string[] {
  const db = new Database(':memory:');
  db.exec(`
    CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'unicode61 remove_diacritics 2');
    CREATE VIRTUAL TABLE v USING fts5vocab (t, 'instance');
  `);
  const add = db.prepare('INSERT INTO t VALUES (?)');
  const words = db.prepare('SELECT term FROM v ORDER BY offset').pluck();
  return (text) => {
    db.exec('DELETE FROM t');
    add.run(text);
    return words.all() as string[];
  };
}

const CHARS = [
  ...'abcXYZ019_.-"\'\\:*()\n\t =%$',
  ...'éÉüñÅßſøŁşİıσΣςµжЙё日本語カ한',
  ...'\u0301\u0305\u0327\u0310\u0331😀\u00a0\u200b\ue000½Ⅷ٣',
];

test('words are those of the other index', () => {
  const theirs = tokenizer();
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...CHARS), { maxLength: 40 }), (chars) => {
      const text = chars.join('');
      expect(wordsOf(text)).toEqual(theirs(text));
    }),
    { numRuns: 2_000 },
  );
  expect(wordsOf('SELECT id FROM public.order_items WHERE x=1.5e3')).toEqual(
    theirs('SELECT id FROM public.order_items WHERE x=1.5e3'),
  );
});

test('a vector has words with places, and facets that no word reaches', () => {
  expect(tsvectorOf(['b a b', null, "it's"], 's1 v0')).toBe("'b':1,3 'a':2 'it':5 's':6 '=s1' '=v0' ");
  const query = (text: string, tokens: string[][] = []) => tsqueryOf({ terms: parseTerms(text), tokens });
  expect(query('')).toBe(null);
  expect(query('public.orders sel*', [['f1', 'f2']])).toBe("('=f1' | '=f2') & ('public' <-> 'orders') & ('sel':*)");
  expect(query("' & =f1 \\")).toBe("('f1')");
});

test('long texts stay within what PostgreSQL takes', () => {
  const long = 'x'.repeat(5000);
  expect(wordsOf(long)).toEqual(['x'.repeat(500)]);
  const vector = tsvectorOf([Array.from({ length: 40_000 }, (_, i) => `w${i % 3}`).join(' ')], 's1');
  for (const places of vector.matchAll(/:([\d,]+)/g)) expect(places[1]!.split(',').length).toBeLessThanOrEqual(255);
});
