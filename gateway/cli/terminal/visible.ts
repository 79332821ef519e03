import { visibleText } from '../visible-text.ts';

/** Marks that pile up on one character could cover the lines around it. */
const PILED = /(\p{M}{4})\p{M}+/gu;

/**
 * Text from outside on one line: what is hidden, moves the cursor or changes the order of text is shown
 * as its code point (`<1B>`), line ends as `⏎`. No byte of it acts on the terminal.
 */
export function visibleLine(text: string): string {
  return visibleLines(text).join('⏎');
}

/** The same, line by line, so that statements keep their shape; tabs become spaces. */
export function visibleLines(text: string): string[] {
  return visibleText(text.replaceAll(/\r\n?|\u2028|\u2029|\u0085|\v|\f/g, '\n'))
    .replaceAll('\t', '    ')
    .replaceAll(PILED, '$1')
    .split('\n');
}

/**
 * JSON on one line in which everything hidden is escaped: the same value to a program, and harmless on
 * a terminal. JSON.stringify leaves C1 controls and bidirectional overrides as they are.
 */
export function visibleJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(/(?!\n)[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu, (found) =>
    Array.from({ length: found.length }, (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
