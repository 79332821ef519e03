import type { TerminalShape } from './style.ts';
import { visibleLine } from './visible.ts';
import { displayWidth, pad, truncate } from './width.ts';

/** How wide one column of a result may get where the terminal's width does not say so. */
const MAX_COLUMN = 200;
const MIN_COLUMN = 6;

/** Numeric types stand to the right, as in psql. */
const NUMERIC = new Set([20, 21, 23, 26, 700, 701, 790, 1700]);

/**
 * A result as psql prints it. NULL is told from the text "NULL" by its braces. Every value is made
 * visible here, so callers pass it as it came.
 */
export function resultGrid(
  columns: readonly { name: string; typeOid: number; masked: boolean }[],
  rows: readonly (readonly (string | null)[])[],
  terminal: TerminalShape,
): string[] {
  const heads = columns.map((column) => visibleLine(column.name) + (column.masked ? ' (masked)' : ''));
  const cells = rows.map((row) => columns.map((_, i) => visibleLine(row[i] === undefined ? '' : (row[i] ?? '{null}'))));
  const widths = shared(
    heads.map((head, i) => Math.max(displayWidth(head), 1, ...cells.map((row) => displayWidth(row[i] ?? '')))),
    terminal.columns,
  );
  const line = (row: readonly string[], side: (column: number) => 'left' | 'right') =>
    row
      .map((cell, i) => ` ${pad(truncate(cell, widths[i]!), widths[i]!, side(i))} `)
      .join('|')
      .trimEnd();
  return [
    line(heads, () => 'left'),
    widths.map((width) => '-'.repeat(width + 2)).join('+'),
    ...cells.map((row) => line(row, (i) => (NUMERIC.has(columns[i]!.typeOid) ? 'right' : 'left'))),
  ];
}

/** Takes from the widest columns until the line fits; below MIN_COLUMN each the line is left too long. */
function shared(wanted: readonly number[], total: number | null): number[] {
  const widths = wanted.map((width) => Math.min(width, MAX_COLUMN));
  if (total === null) return widths;
  let over = widths.reduce((sum, width) => sum + width + 3, -1) - total;
  while (over > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const next = Math.max(...widths.filter((width) => width < widths[widest]!), MIN_COLUMN);
    if (widths[widest]! <= MIN_COLUMN) break;
    const taken = Math.min(over, Math.max(1, widths[widest]! - next));
    widths[widest]! -= taken;
    over -= taken;
  }
  return widths;
}

/** Padded columns of our own lists; the last one is cut to what the terminal has left. Cells are visible already. */
export function listGrid(rows: readonly (readonly string[])[], terminal: TerminalShape): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, displayWidth(cell));
  }
  return rows.map((row) => {
    const line = row.map((cell, i) => (i === row.length - 1 ? cell : pad(cell, widths[i]!))).join('  ');
    return terminal.columns === null ? line : truncate(line, terminal.columns);
  });
}
