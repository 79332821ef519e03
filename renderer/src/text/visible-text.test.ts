import fc from 'fast-check';
import { expect, test } from 'vitest';
import { visibleString, visibleText } from './visible-text.ts';

test('plain text, accents and other scripts stay as they are', () => {
  for (const text of ['SELECT 1', 'Zoë naïve', 'שלום עולם', '東京', 'a 🙂 b']) {
    expect(visibleText(text)).toEqual([{ kind: 'plain', text }]);
  }
});

test('a bidirectional override is named', () => {
  expect(visibleText('a\u202eb')).toEqual([
    { kind: 'plain', text: 'a' },
    { kind: 'special', label: 'U+202E', title: 'U+202E right-to-left override' },
    { kind: 'plain', text: 'b' },
  ]);
});

test('escape, null, lone surrogates, tags, fillers and odd spaces are named', () => {
  for (const character of [
    '\u001b',
    '\0',
    '\ud800',
    '\u{e0041}',
    '\u3164',
    '\u00a0',
    '\u200b',
    '\ufeff',
    '\u0085',
    '\u2028',
  ]) {
    expect(visibleText(`x${character}y`).map((part) => part.kind)).toEqual(['plain', 'special', 'plain']);
  }
});

test('line feeds and tabs stay in blocks and are named in single lines', () => {
  expect(visibleText('a\n\tb\r\nc')).toEqual([{ kind: 'plain', text: 'a\n\tb\r\nc' }]);
  expect(visibleString('a\n\tb')).toBe('a⟨\\n⟩⟨\\t⟩b');
});

test('a carriage return that would overwrite its line is named even in blocks', () => {
  expect(visibleText('DROP TABLE x\rSELECT 1').map((part) => part.kind)).toEqual(['plain', 'special', 'plain']);
});

test('what is shown never holds a control or format character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const part of visibleText(text, 'one')) {
        if (part.kind === 'plain') expect(part.text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }
    }),
  );
});

test('nothing is lost: plain parts and specials cover the text in order', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const plain = visibleText(text)
        .map((part) => (part.kind === 'plain' ? part.text : ''))
        .join('');
      let at = 0;
      for (const character of plain) {
        at = text.indexOf(character, at);
        expect(at).not.toBe(-1);
        at += character.length;
      }
    }),
  );
});
