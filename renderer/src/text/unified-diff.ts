/** A line of a unified difference (diff -u, git diff), for colouring by line. */
export interface DiffLine {
  kind: 'head' | 'hunk' | 'added' | 'removed' | 'context';
  text: string;
}

const HUNK = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/;

/** Is this text a unified difference? Only then its signs mean anything. */
export function isUnifiedDiff(text: string): boolean {
  return /^(?:diff --git .*|--- .*\n\+\+\+ .*|@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@.*)$/m.test(text.slice(0, 20_000));
}

/**
 * Lines with what each is. Within a hunk its own counts say what is content, so that a removed line
 * `-- x` is not taken for a head.
 */
export function diffLines(text: string): DiffLine[] {
  let removed = 0;
  let added = 0;
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line): DiffLine => {
      const hunk = HUNK.exec(line);
      if (hunk !== null && removed <= 0 && added <= 0) {
        removed = Number(hunk[1] ?? 1);
        added = Number(hunk[2] ?? 1);
        return { kind: 'hunk', text: line };
      }
      if (removed <= 0 && added <= 0) return { kind: 'head', text: line };
      if (line.startsWith('-')) {
        removed--;
        return { kind: 'removed', text: line };
      }
      if (line.startsWith('+')) {
        added--;
        return { kind: 'added', text: line };
      }
      if (!line.startsWith('\\')) {
        removed--;
        added--;
      }
      return { kind: 'context', text: line };
    });
}

/** The file that is changed, as the difference names it; null where it names none. */
export function diffPath(lines: readonly DiffLine[]): string | null {
  const heads = lines.filter((line) => line.kind === 'head').map((line) => line.text);
  const named = (sign: string) =>
    heads
      .find((text) => text.startsWith(sign) && !text.startsWith(`${sign}/dev/null`))
      ?.slice(sign.length)
      .replace(/\t.*$/, '')
      .replace(/^[ab]\//, '');
  return named('+++ ') ?? named('--- ') ?? null;
}

export function diffCounts(lines: readonly DiffLine[]): { added: number; removed: number } {
  const of = (kind: DiffLine['kind']) => lines.filter((line) => line.kind === kind).length;
  return { added: of('added'), removed: of('removed') };
}
