/**
 * Text from outside is hostile: characters that cannot be seen, or that change how their neighbours are
 * seen, are replaced by a name before anything is shown (Unicode categories Cc, Cf, Cs, Co, Zl, Zp, Zs
 * but the plain space, variation selectors, fillers that look like nothing; UTS 36, UAX 9).
 */
export type TextPart = { kind: 'plain'; text: string } | { kind: 'special'; label: string; title: string };

const SPECIAL =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: single code points are what is meant here.
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u{a0}\u{1680}\u{2000}-\u{200a}\u{202f}\u{205f}\u{3000}\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}-\u{180f}\u{2800}\u{3164}\u{ffa0}\u{fe00}-\u{fe0f}\u{e0100}-\u{e01ef}]/gu;

const NAMES: Readonly<Record<number, string>> = {
  0: 'null',
  7: 'bell',
  8: 'backspace',
  9: 'tab',
  10: 'line feed',
  13: 'carriage return',
  27: 'escape',
  127: 'delete',
  160: 'no-break space',
  173: 'soft hyphen',
  1564: 'Arabic letter mark',
  8203: 'zero-width space',
  8204: 'zero-width non-joiner',
  8205: 'zero-width joiner',
  8206: 'left-to-right mark',
  8207: 'right-to-left mark',
  8234: 'left-to-right embedding',
  8235: 'right-to-left embedding',
  8236: 'pop directional formatting',
  8237: 'left-to-right override',
  8238: 'right-to-left override',
  8294: 'left-to-right isolate',
  8295: 'right-to-left isolate',
  8296: 'first strong isolate',
  8297: 'pop directional isolate',
  65279: 'byte order mark',
};

const CONTROL_PICTURES: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 27: 'ESC' };

function special(character: string): TextPart {
  const point = character.codePointAt(0) ?? 0;
  const code = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
  const name = NAMES[point];
  return {
    kind: 'special',
    label: CONTROL_PICTURES[point] ?? code,
    title: name === undefined ? code : `${code} ${name}`,
  };
}

/**
 * Splits text into what may be shown as it is and what is shown by name.
 * @param lines `block` keeps line feeds, tabs and CR before LF as they are; `one` names them too.
 */
export function visibleText(text: string, lines: 'block' | 'one' = 'block'): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(SPECIAL)) {
    const character = match[0];
    if (lines === 'block') {
      if (character === '\n' || character === '\t') continue;
      if (character === '\r' && text[match.index + 1] === '\n') continue;
    }
    if (match.index > from) parts.push({ kind: 'plain', text: text.slice(from, match.index) });
    parts.push(special(character));
    from = match.index + character.length;
  }
  if (from < text.length) parts.push({ kind: 'plain', text: text.slice(from) });
  return parts;
}

/** The same as one string, for titles and labels: `abc⟨U+202E⟩def`. */
export function visibleString(text: string): string {
  return visibleText(text, 'one')
    .map((part) => (part.kind === 'plain' ? part.text : `⟨${part.label}⟩`))
    .join('');
}
