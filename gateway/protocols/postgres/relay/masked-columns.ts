import type { Run } from './pending.ts';

/** Results and columns that are named for one message: at most 2 KiB of a recorded line. */
const MAX_NAMED = 256;

/** The message's present result has a masked value in each of `columns`, which ascend. */
export function addMaskedColumns(run: Run, columns: readonly number[]): void {
  if (columns.length === 0) return;
  run.maskedColumns ??= [];
  const named = run.maskedColumns;
  const last = named.at(-1);
  if (last?.[1] === null) return;
  let all = columns;
  if (last?.[0] === run.result) {
    // A rule can give one statement several results; they are told as one.
    all = [...new Set([...last[1], ...columns])].sort((a, b) => a - b);
    named.pop();
  }
  const count = named.reduce((sum, [, those]) => sum + 1 + (those?.length ?? 0), 1 + all.length);
  named.push([run.result, count <= MAX_NAMED ? all : null]);
}
