import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SafeOutput } from './safe-output.ts';

const ESC = '\u001b';
const safe = (text: string) => new SafeOutput().push(text);

test('what paints goes through as it is', () => {
  for (const text of [
    'plain ü 漢 \r\n\tx\b',
    `${ESC}[1;31mred${ESC}[0m`,
    `${ESC}[2J${ESC}[H${ESC}[10;20H${ESC}[K${ESC}[?25l${ESC}[?25h`,
    `${ESC}[?1049h${ESC}[1;24r${ESC}[?1049l`,
    `${ESC}7${ESC}8${ESC}M${ESC}(0lqk${ESC}(B${ESC}=${ESC}>`,
    `${ESC}[4h${ESC}[4l${ESC}[2 q${ESC}[38;2;1;2;3m${ESC}[4:3m`,
  ])
    expect(safe(text)).toBe(text);
});

test.each([
  ['a title', `${ESC}]0;you are root${'\u0007'}`],
  ['the clipboard', `${ESC}]52;c;cm0gLXJmIC8=${ESC}\\`],
  ['a link', `${ESC}]8;;http://evil/${ESC}\\`],
  ['a device control string', `${ESC}Pq#0~${ESC}\\`],
  ['where the cursor is', `${ESC}[6n`],
  ['what the terminal is', `${ESC}[c${ESC}[>c${ESC}[=c`],
  ['its settings', `${ESC}[?1$p${ESC}P$qm${ESC}\\`],
  ['operations on the window', `${ESC}[8;1;1t${ESC}[21t`],
  ['the mouse, and bracketed paste', `${ESC}[?1000h${ESC}[?1006h${ESC}[?2004h`],
  ['a mode hidden behind a harmless one', `${ESC}[?25;1000h`],
  ['a full reset', `${ESC}c`],
  ['8-bit controls', '\u009b6n\u009d0;x\u009c'.slice(0, 1)],
  ['the bell and other controls', '\u0007\u0005\u000e\u000f\u0000\u007f'],
  ['an order of text that deceives', '\u202e'],
  ['the keyboard’s protocol', `${ESC}[>1u${ESC}[=1u${ESC}[?u`],
])('%s is left out', (_what, text) => {
  expect(safe(`a${text}b`)).toBe('ab');
});

test('it does not matter how the text is cut', () => {
  const text = `x${ESC}[1;31mred${ESC}]0;title${ESC}\\y${ESC}[6n${ESC}(0z${ESC}[?25l`;
  const whole = safe(text);
  for (let at = 0; at <= text.length; at++) {
    const output = new SafeOutput();
    expect(output.push(text.slice(0, at)) + output.push(text.slice(at))).toBe(whole);
  }
});

test('nothing that a terminal answers to comes out of anything', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ESC,
      '[',
      ']',
      'P',
      '?',
      '>',
      ';',
      '6',
      'n',
      'c',
      't',
      '\\',
      '\u0007',
      '$',
      'p',
      '52',
      'h',
      '1000',
      'x',
      ' ',
    ),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const output = new SafeOutput();
      const out = pieces.map((text) => output.push(text)).join('');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(out).not.toMatch(/\u001b\[[^@-~]*[nct]|\u001b[\]P_^Xc]|\u001b\[\?[0-9;]*100\d[hl]|[\u0007\u0080-\u009f]/);
    }),
    { numRuns: 2000 },
  );
});
