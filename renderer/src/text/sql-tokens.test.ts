import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sqlTokens } from './sql-tokens.ts';

const kinds = (text: string) =>
  sqlTokens(text)
    .filter((token) => token.kind !== 'space')
    .map((token) => `${token.kind}:${token.text}`);

test('keywords, names, strings, numbers and parameters', () => {
  expect(kinds(`UPDATE "Or""ders" SET total = $1, note = 'it''s' WHERE id = 1.5e3`)).toEqual([
    'keyword:UPDATE',
    'name:"Or""ders"',
    'keyword:SET',
    'name:total',
    'punctuation:=',
    'parameter:$1',
    'punctuation:,',
    'name:note',
    'punctuation:=',
    "string:'it''s'",
    'keyword:WHERE',
    'name:id',
    'punctuation:=',
    'number:1.5e3',
  ]);
});

test('escape strings, dollar quotes and nested comments end where PostgreSQL ends them', () => {
  expect(kinds(`E'a\\'b' c`)).toEqual([`string:E'a\\'b'`, 'name:c']);
  expect(kinds(`'a\\' b`)).toEqual([`string:'a\\'`, 'name:b']);
  expect(kinds('$x$ drop $$ $x$ y')).toEqual(['string:$x$ drop $$ $x$', 'name:y']);
  expect(kinds('/* a /* b */ c */ d -- e')).toEqual(['comment:/* a /* b */ c */', 'name:d', 'comment:-- e']);
});

test('the tokens joined are the text, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(
        sqlTokens(text)
          .map((token) => token.text)
          .join(''),
      ).toBe(text);
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[-'"$/*\\eE xu&1a;\n]*$/), (text) => {
      expect(
        sqlTokens(text)
          .map((token) => token.text)
          .join(''),
      ).toBe(text);
    }),
  );
});
