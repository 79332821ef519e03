import { shown } from './words.ts';

/** What Windows-1252, the encoding of PDF's standard fonts, has beyond Latin-1. */
const EXTRA = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';
const IN_FONTS = new Set([
  ...EXTRA,
  ...Array.from({ length: 0xff - 0xa0 + 1 }, (_, i) => String.fromCharCode(0xa0 + i)),
]);
/** Ours, which have a like among the fonts' own. */
const LIKE: Readonly<Record<string, string>> = { '→': '›', '⏎': '¶', '\u202f': '\u00a0' };

const has = (char: string): boolean => (char >= ' ' && char <= '~') || IN_FONTS.has(char);

/** True when nothing of a text has to stand as its code point. */
export const isInFonts = (text: string): boolean =>
  [...text].every((char) => has(char) || char in LIKE || char === '\n');

/** Texts as the standard fonts can show them: what they lack is its code point in angle brackets. */
export class PdfText {
  /** On one line; nothing is lost without a mark. */
  line(text: string): string {
    return Array.from(shown(text), (char) => {
      if (has(char)) return char;
      return LIKE[char] ?? `<${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`;
    }).join('');
  }

  /** Line by line. */
  lines(text: string): string {
    return text
      .split('\n')
      .map((line) => this.line(line))
      .join('\n');
  }
}
