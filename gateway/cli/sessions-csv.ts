/** Spreadsheets take cells that begin so for formulas (OWASP, "CSV Injection"); also behind white space. */
const FORMULA = /^[\s]*[=+\-@\t\r\n|%]/;
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/**
 * One line of CSV (RFC 4180). NULL is an empty field, an empty text is "". A value that a spreadsheet
 * would run as a formula gets an apostrophe in front; numbers stay as they are.
 */
export function csvLine(values: readonly (string | null)[]): string {
  return values.map(csvField).join(',');
}

function csvField(value: string | null): string {
  if (value === null) return '';
  const harmless = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : value;
  const text = harmless.replaceAll('\0', '\ufffd').toWellFormed();
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
