import { oneLine } from '../cli/visible-text.ts';

const WIDEST_CELL = 28;

/** Rows as a table of text; every value is from outside, so nothing in it reaches the terminal raw. */
export function resultTable(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): string[] {
  const cells = [columns, ...rows.map((row) => row.map((value) => value ?? 'NULL'))].map((row) =>
    row.map((value) => oneLine(value, WIDEST_CELL)),
  );
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(' | ')
      .trimEnd(),
  );
  return [lines[0] ?? '', widths.map((width) => '-'.repeat(width)).join('-+-'), ...lines.slice(1)];
}
