import { unifiedDiff } from '../../policy/diff.ts';
import type { FileChange } from './events.ts';

/** Beyond so many pairs of lines a difference is not looked for, since a person waits for it. */
const MAX_PAIRS = 1_000_000;
/** Characters of a difference that are shown and approved as text; the content's digest covers all of it. */
const MAX_SHOWN = 48 * 1024;

/** The content after a change; null where it cannot be told. @param before null: no text, or none there. */
export function contentAfter(change: FileChange, before: string | null): string | null {
  if (change.kind === 'content') return change.text;
  if (change.kind === 'unknown') return null;
  let text = before ?? '';
  for (const edit of change.edits) {
    if (edit.before === '') {
      // An empty text to replace makes a file, where there is none.
      if (text !== '') return null;
      text = edit.after;
      continue;
    }
    if (!text.includes(edit.before)) return null;
    text = edit.all ? text.replaceAll(edit.before, () => edit.after) : text.replace(edit.before, () => edit.after);
  }
  return text;
}

/** Unified difference with file headers, cut where it is very long. */
export function shownChange(path: string, before: string | null, after: string): string {
  const head = `--- ${before === null ? '/dev/null' : path}\n+++ ${path}\n`;
  return head + cut(differenceOf(before ?? '', after));
}

/** For replacements in a content that is not known. */
export function shownEdits(path: string, change: Exclude<FileChange, { kind: 'content' }>): string {
  if (change.kind === 'unknown') return cut(`${path}\n${change.text}`);
  const marked = (mark: string, text: string) => (text === '' ? [] : text.split('\n').map((line) => mark + line));
  const hunks = change.edits.flatMap((edit) => ['@@', ...marked('-', edit.before), ...marked('+', edit.after)]);
  return cut(`--- ${path}\n+++ ${path}\n${hunks.join('\n')}\n`);
}

/** How many lines are new and gone, for a sentence. */
export function countLines(diff: string): { added: number; removed: number } {
  let [added, removed] = [0, 0];
  for (const line of diff.split('\n').slice(2)) {
    if (line.startsWith('+')) added += 1;
    else if (line.startsWith('-')) removed += 1;
  }
  return { added, removed };
}

function differenceOf(before: string, after: string): string {
  if (before === '' || after === '') return whole(before, after, 0);
  const [a, b] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [old, fresh] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (old.length * fresh.length <= MAX_PAIRS && a.length <= 4000 && b.length <= 4000) return unifiedDiff(before, after);
  return whole(old.join('\n'), fresh.join('\n'), start);
}

/** All of the old, all of the new. */
function whole(old: string, fresh: string, from: number): string {
  const lines = (text: string) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
  const [a, b] = [lines(old), lines(fresh)];
  const at = (count: number) => (count === 0 ? from : from + 1);
  const hunk = [
    `@@ -${at(a.length)},${a.length} +${at(b.length)},${b.length} @@`,
    ...a.map((line) => `-${line}`),
    ...b.map((line) => `+${line}`),
  ];
  return `${hunk.join('\n')}\n`;
}

function cut(text: string): string {
  if (text.length <= MAX_SHOWN) return text;
  const left = text.length - MAX_SHOWN;
  return `${text.slice(0, MAX_SHOWN)}\n… ${left} more characters are in the recording\n`;
}
