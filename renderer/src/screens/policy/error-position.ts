/** Finds "line 12, column 3" or "12:3" in an error's text; lines and columns from 1. */
export function errorPosition(text: string): { line: number; column: number } | null {
  const match =
    /\bline (\d{1,7})(?:,? column (\d{1,7}))?/i.exec(text) ?? /(?:^|[\s(:])(\d{1,7}):(\d{1,7})\b/.exec(text);
  if (match === null) return null;
  const line = Number(match[1]);
  return line < 1 ? null : { line, column: Math.max(1, Number(match[2] ?? 1)) };
}
