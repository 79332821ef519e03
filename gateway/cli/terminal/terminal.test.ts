import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listGrid, resultGrid } from './grid.ts';
import { styled, terminalShape } from './style.ts';
import { visibleJson, visibleLine, visibleLines } from './visible.ts';
import { displayWidth, pad, truncate } from './width.ts';

const plain = { columns: null, color: false };

describe('text from outside does nothing to the terminal', () => {
  test.each([
    ['colour', '\u001b[31mred', '<001B>[31mred'],
    ['title', '\u001b]0;owned\u0007', '<001B>]0;owned<0007>'],
    ['8-bit CSI', '\u009b2J', '<009B>2J'],
    ['overwrite', 'DROP\rSELECT', 'DROP⏎SELECT'],
    ['backspace', 'DROP\b\b', 'DROP<0008><0008>'],
    ['bidi override', 'abc\u202etxt', 'abc<202E>txt'],
    ['isolate', '\u2066a\u2069', '<2066>a<2069>'],
    ['zero width', 'a\u200bb', 'a<200B>b'],
    ['BOM', '\ufeffa', '<FEFF>a'],
    ['line separators', 'a\u2028b\u0085c\vd\fe', 'a⏎b⏎c⏎d⏎e'],
    ['tags', 'a\u{e0041}', 'a<E0041>'],
    ['NUL and DEL', '\0\u007f', '<0000><007F>'],
    ['lone surrogate', 'a\ud800', 'a\ufffd'],
  ])('%s', (_name, text, shown) => {
    expect(visibleLine(text)).toBe(shown);
  });

  test('marks cannot pile up over other lines', () => {
    expect([...visibleLine(`a${'\u0301'.repeat(500)}`)]).toHaveLength(5);
  });

  test('no text leaves a control character, in lines, tables and JSON', () => {
    const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visibleLine(text)).not.toMatch(hidden);
        for (const line of visibleLines(text)) expect(line).not.toMatch(hidden);
        const columns = [{ name: text, typeOid: 25, masked: false }];
        for (const line of resultGrid(columns, [[text]], { columns: 40, color: true }))
          expect(line).not.toMatch(hidden);
        expect(visibleJson({ text })).not.toMatch(hidden);
        expect(JSON.parse(visibleJson({ text }))).toEqual(JSON.parse(JSON.stringify({ text })));
      }),
    );
  });
});

test('width counts columns, not characters', () => {
  expect(displayWidth('abc')).toBe(3);
  expect(displayWidth('日本')).toBe(4);
  expect(displayWidth('e\u0301')).toBe(1);
  expect(displayWidth('👩‍🚀')).toBe(2);
  expect(pad('日', 4)).toBe('日  ');
  expect(truncate('日本語', 5)).toBe('日本…');
  expect(truncate('日本語', 6)).toBe('日本語');
  expect(truncate('abcdef', 4)).toBe('abc…');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, width) => {
      expect(displayWidth(truncate(visibleLine(text), width))).toBeLessThanOrEqual(width);
    }),
  );
});

test('a result stands in columns, numbers to the right, NULL told from text', () => {
  const columns = [
    { name: 'id', typeOid: 23, masked: false },
    { name: '名前', typeOid: 25, masked: true },
  ];
  expect(
    resultGrid(
      columns,
      [
        ['1', '日本'],
        ['100', null],
        ['2', 'NULL'],
      ],
      plain,
    ),
  ).toEqual([' id  | 名前 (masked)', '-----+---------------', '   1 | 日本', ' 100 | {null}', '   2 | NULL']);
});

test('a wide result is cut to the terminal, the widest columns first', () => {
  const columns = ['a', 'b'].map((name) => ({ name, typeOid: 25, masked: false }));
  const lines = resultGrid(columns, [['x'.repeat(100), 'short']], { columns: 30, color: false });
  for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(30);
  expect(lines[2]).toContain('xxx… | short');
  expect(listGrid([['a', 'y'.repeat(90)]], { columns: 20, color: false })[0]).toHaveLength(20);
});

test('colour only on a terminal that wants it', () => {
  const tty = { isTTY: true, columns: 100 };
  expect(terminalShape(tty, {})).toEqual({ columns: 100, color: true });
  expect(terminalShape(tty, { NO_COLOR: '1' })).toEqual({ columns: 100, color: false });
  expect(terminalShape(tty, { NO_COLOR: '' }).color).toBe(true);
  expect(terminalShape({}, {})).toEqual({ columns: null, color: false });
  expect(styled('x', 'red', plain)).toBe('x');
  expect(styled('x', 'red', { columns: 80, color: true })).toBe('\u001b[31mx\u001b[0m');
});
