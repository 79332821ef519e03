/**
 * Control characters, and characters that change the order in which text is shown or are not shown at all:
 * text from outside could otherwise repaint the terminal, or look like something else than it is.
 */
const HIDDEN = /(?![\t\n])[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu;

/** Keeps line feeds and tabs; everything hidden becomes its code point, as `<202E>`. */
export function visibleText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(HIDDEN, (found) => `<${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`);
}

/** On one line and at most `width` characters, for tables. */
export function oneLine(text: string, width: number): string {
  const line = visibleText(text).replaceAll(/\s+/g, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}
