import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellTokens } from './shell-tokens.ts';

const kinds = (text: string) =>
  shellTokens(text)
    .filter((token) => token.kind !== 'space')
    .map((token) => `${token.kind}:${token.text}`);

test('programs, options, strings and operators', () => {
  expect(kinds(`cd /srv && rm -rf "$DIR" | tee 'a b' # gone`)).toEqual([
    'program:cd',
    'word:/srv',
    'operator:&&',
    'program:rm',
    'option:-rf',
    'string:"$DIR"',
    'operator:|',
    'program:tee',
    "string:'a b'",
    'comment:# gone',
  ]);
});

test('the program behind sudo and behind assignments is still the program', () => {
  expect(kinds('PGHOST=db sudo psql -c x > out')).toEqual([
    'variable:PGHOST=',
    'word:db',
    'program:sudo',
    'program:psql',
    'option:-c',
    'word:x',
    'operator:>',
    'word:out',
  ]);
  expect(kinds('a#b \\\n c')).toEqual(['program:a#b', 'word:c']);
});

test('the tokens joined are the text, whatever it is', () => {
  const whole = (text: string) => {
    expect(
      shellTokens(text)
        .map((token) => token.text)
        .join(''),
    ).toBe(text);
  };
  fc.assert(fc.property(fc.string({ unit: 'binary' }), whole));
  fc.assert(fc.property(fc.stringMatching(/^[-'"$\\ {}=#&|;<>()a\n]*$/), whole));
});
