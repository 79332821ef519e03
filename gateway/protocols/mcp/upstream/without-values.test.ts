import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withoutValues } from './without-values.ts';

const TOKEN = 'abc/def+0123456789';

it.each([
  `{"result":{"text":"Bearer ${TOKEN}"}}`,
  `{"result":{"text":"it is ${TOKEN}."}}`,
  `{"result":{"${TOKEN}":[["${TOKEN}"]]}}`,
  `{"result":{"text":"abc\\/def+0123456789"}}`,
  `{"result":{"text":"\\u0061bc/def+0123456789"}}`,
  `{"error":{"code":1,"message":"${TOKEN}","data":"${TOKEN}"}}`,
])('takes a value out of %s', (text) => {
  const shown = withoutValues(text, [`Bearer ${TOKEN}`]);
  expect(JSON.stringify(JSON.parse(shown))).not.toContain(TOKEN);
  expect(shown).toContain('[SECRET OF THE GATEWAY]');
});

it('leaves everything else as it was written', () => {
  for (const text of ['{"n":1.0,"big":12345678901234567890}', '{"a":"\\u0041 1"}', 'no JSON']) {
    expect(withoutValues(text, [TOKEN, '1', ''])).toBe(text);
  }
  expect(withoutValues(`{"n":1.0,"t":"${TOKEN}"}`, [TOKEN])).toBe('{"n":1.0,"t":"[SECRET OF THE GATEWAY]"}');
  expect(withoutValues('{"n":1234567890}', ['1234567890'])).toBe('{"n":1234567890}');
});

it('finds a value wherever it stands, and what is left is JSON', () => {
  const long = fc.string({ minLength: 8, unit: 'binary' }).filter((one) => !'[SECRET OF THE GATEWAY]'.includes(one));
  fc.assert(
    fc.property(fc.string(), long, fc.string(), (before, value, after) => {
      const shown = withoutValues(JSON.stringify({ result: { text: before + value + after } }), [value]);
      expect(JSON.parse(shown).result.text).not.toContain(value);
    }),
  );
});
