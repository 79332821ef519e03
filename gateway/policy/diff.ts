/** Lines beyond which a difference is shown as all old, all new. */
const MAX_LINES = 4000;
const CONTEXT = 3;

/** Unified difference of two texts by line, without file headers; '' when they are equal. */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return '';
  const [a, b] = [before.split('\n'), after.split('\n')];
  const lines = a.length > MAX_LINES || b.length > MAX_LINES ? replaced(a, b) : edits(a, b);
  return hunks(lines);
}

interface Line {
  mark: ' ' | '-' | '+';
  text: string;
}

const replaced = (a: readonly string[], b: readonly string[]): Line[] => [
  ...a.map((text): Line => ({ mark: '-', text })),
  ...b.map((text): Line => ({ mark: '+', text })),
];

/** Longest common subsequence, after the common ends are taken off. */
function edits(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const width = y.length + 1;
  const table = new Uint16Array((x.length + 1) * width);
  for (let i = x.length - 1; i >= 0; i -= 1)
    for (let j = y.length - 1; j >= 0; j -= 1)
      table[i * width + j] =
        x[i] === y[j]
          ? table[(i + 1) * width + j + 1]! + 1
          : Math.max(table[(i + 1) * width + j]!, table[i * width + j + 1]!);
  const out: Line[] = a.slice(0, start).map((text) => ({ mark: ' ', text }));
  let [i, j] = [0, 0];
  while (i < x.length || j < y.length) {
    if (i < x.length && j < y.length && x[i] === y[j]) {
      out.push({ mark: ' ', text: x[i]! });
      i += 1;
      j += 1;
    } else if (i < x.length && (j >= y.length || table[(i + 1) * width + j]! >= table[i * width + j + 1]!)) {
      out.push({ mark: '-', text: x[i]! });
      i += 1;
    } else {
      out.push({ mark: '+', text: y[j]! });
      j += 1;
    }
  }
  for (const text of a.slice(a.length - end)) out.push({ mark: ' ', text });
  return out;
}

function hunks(lines: readonly Line[]): string {
  const near = new Uint8Array(lines.length);
  lines.forEach((line, i) => {
    if (line.mark === ' ') return;
    near.fill(1, Math.max(0, i - CONTEXT), Math.min(lines.length, i + CONTEXT + 1));
  });
  const out: string[] = [];
  let [oldLine, newLine] = [1, 1];
  let i = 0;
  while (i < lines.length) {
    if (near[i] === 1) {
      let stop = i;
      while (stop < lines.length && near[stop] === 1) stop += 1;
      const hunk = lines.slice(i, stop);
      const olds = hunk.filter((line) => line.mark !== '+').length;
      const news = hunk.filter((line) => line.mark !== '-').length;
      out.push(`@@ -${oldLine},${olds} +${newLine},${news} @@`, ...hunk.map((line) => line.mark + line.text));
      oldLine += olds;
      newLine += news;
      i = stop;
    } else {
      oldLine += 1;
      newLine += 1;
      i += 1;
    }
  }
  return `${out.join('\n')}\n`;
}
