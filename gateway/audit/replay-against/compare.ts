import type { Statement } from '../../contract/session.ts';

/** A result as it was recorded or as it is now; rows as text. */
export interface Outcome {
  columns: readonly string[];
  rows: readonly (readonly (string | null)[])[];
  /** Of all rows, also those that are not held. */
  count: number;
  tag: string | null;
  sqlstate: string | null;
}

export interface Difference {
  what: 'error' | 'tag' | 'columns' | 'row-count' | 'value' | 'row';
  sentence: string;
}

export interface Comparison {
  differences: Difference[];
  /** Differences that are not told one by one. */
  more: number;
  /** Same rows, in another order. */
  reordered: boolean;
  /** Values that could not be compared because they were masked when they were recorded. */
  masked: number;
}

const MAX_TOLD = 10;
const LONGEST = 80;
const TIMESTAMPTZ = 1184;

/** @param recorded its columns' `masked` says whose values were not the database's own. */
export function compare(recorded: Outcome & { fields: Statement['columns'] }, now: Outcome): Comparison {
  const told: Difference[] = [];
  let total = 0;
  const tell = (what: Difference['what'], sentence: string) => {
    total += 1;
    if (told.length < MAX_TOLD) told.push({ what, sentence });
  };
  const result: Comparison = { differences: told, more: 0, reordered: false, masked: 0 };
  if (recorded.sqlstate !== now.sqlstate) {
    tell('error', `${outcome(recorded.sqlstate)} then, ${outcome(now.sqlstate)} now`);
    return result;
  }
  if (recorded.tag !== now.tag && withoutCount(recorded.tag) !== withoutCount(now.tag))
    tell('tag', `${recorded.tag ?? 'no tag'} then, ${now.tag ?? 'no tag'} now`);
  else if (recorded.tag !== now.tag && recorded.count === now.count)
    tell('tag', `${recorded.tag ?? 'no tag'} then, ${now.tag ?? 'no tag'} now`);
  if (recorded.count !== now.count) tell('row-count', `${recorded.count} rows then, ${now.count} now`);
  if (recorded.columns.join('\0') !== now.columns.join('\0') && recorded.columns.length > 0) {
    tell('columns', `columns ${recorded.columns.join(', ')} then, ${now.columns.join(', ') || 'none'} now`);
    return finish(result, total);
  }
  rows(recorded, now, result, tell);
  return finish(result, total);
}

function finish(result: Comparison, total: number): Comparison {
  result.more = total - result.differences.length;
  return result;
}

function rows(
  recorded: Outcome & { fields: Statement['columns'] },
  now: Outcome,
  result: Comparison,
  tell: (what: Difference['what'], sentence: string) => void,
): void {
  const { fields } = recorded;
  const masked = fields.map((field) => field.masked);
  const both = Math.min(recorded.rows.length, now.rows.length);
  const same = (i: number, j: number, column: number) =>
    masked[column] === true ||
    equal(recorded.rows[i]![column] ?? null, now.rows[j]![column] ?? null, fields[column]?.typeOid);
  const width = fields.length;
  for (let i = 0; i < both; i += 1) result.masked += masked.filter(Boolean).length;
  if (
    recorded.count === now.count &&
    recorded.rows.length === recorded.count &&
    now.rows.length === now.count &&
    !sameRows(both, width, same)
  ) {
    const key = (row: readonly (string | null)[]) =>
      JSON.stringify(row.map((value, column) => (masked[column] === true ? '' : value)));
    const wanted = recorded.rows.map(key).sort();
    if (
      now.rows
        .map(key)
        .sort()
        .every((one, i) => one === wanted[i])
    ) {
      result.reordered = true;
      return;
    }
  }
  for (let i = 0; i < both; i += 1) {
    for (let column = 0; column < width; column += 1) {
      if (same(i, i, column)) continue;
      tell(
        'value',
        `row ${i + 1}, ${fields[column]?.name}: ${value(recorded.rows[i]![column])} then, ${value(now.rows[i]![column])} now`,
      );
    }
  }
}

function sameRows(count: number, width: number, same: (i: number, j: number, column: number) => boolean): boolean {
  for (let i = 0; i < count; i += 1)
    for (let column = 0; column < width; column += 1) if (!same(i, i, column)) return false;
  return true;
}

/** A moment is the same in whatever zone its session printed it. */
function equal(then: string | null, now: string | null, typeOid: number | undefined): boolean {
  if (then === now) return true;
  if (then === null || now === null || typeOid !== TIMESTAMPTZ) return false;
  const [a, b] = [Date.parse(isoOf(then)), Date.parse(isoOf(now))];
  return !Number.isNaN(a) && a === b && fraction(then) === fraction(now);
}

const isoOf = (text: string): string => text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00');
const fraction = (text: string): string => /\.(\d+)/.exec(text)?.[1] ?? '';

const outcome = (sqlstate: string | null): string => (sqlstate === null ? 'it worked' : `error ${sqlstate}`);
const withoutCount = (tag: string | null): string | null => tag?.replace(/( \d+)+$/, '') ?? null;

function value(text: string | null | undefined): string {
  if (text === null || text === undefined) return 'NULL';
  return `“${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}”`;
}
