import type { PreviewPart, UndoForecast } from '../../../../contract/preview.ts';
import type { PushedRef } from '../../../../contract/undo.ts';
import { LIMITS } from './limits.ts';
import type { Entry } from './paths.ts';

/** What is gone afterwards, gathered over all parts, for what can be said of undoing it. */
export class Losses {
  /** Files as they are now, by path; `git`: the commit's tree has the same content. */
  readonly files = new Map<
    string,
    { bytes: number; kind: Entry['kind']; git: { top: string; commit: string } | null }
  >();
  readonly pushes: PushedRef[] = [];
  /** Files that the command makes or replaces: to undo it, they have to be as it left them. */
  readonly made = new Set<string>();
  /** What cannot be put back, as sentences. */
  readonly never: string[] = [];
  changes = false;

  file(entry: Entry, git: { top: string; commit: string } | null): void {
    this.changes = true;
    if (!this.files.has(entry.path)) this.files.set(entry.path, { bytes: entry.bytes, kind: entry.kind, git });
  }

  cannot(sentence: string): void {
    this.changes = true;
    if (this.never.length < LIMITS.lines && !this.never.includes(sentence)) this.never.push(sentence);
  }
}

export function part(
  tone: PreviewPart['tone'],
  sentence: string,
  lines: readonly string[] = [],
  count = lines.length,
): PreviewPart {
  const shown = lines.slice(0, LIMITS.lines).map((line) => (line.length > 300 ? `${line.slice(0, 300)}…` : line));
  return { tone, sentence: sentence.slice(0, 500), lines: shown, more: Math.max(0, count - shown.length) };
}

export function bytesOf(bytes: number): string {
  if (bytes < 1000) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let [value, unit] = [bytes / 1000, 0];
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString('en-US').replaceAll(',', ' ')} ${n === 1 ? one : many}`;

/** The files whose content has to be kept to put them back, and what is said of it before. */
export function forecastOf(losses: Losses): { undo: UndoForecast; keep: string[]; git: string[] } {
  const all = [...losses.files].filter(([, { kind }]) => kind !== 'folder');
  const size = (list: typeof all) => list.reduce((sum, [, { bytes }]) => sum + bytes, 0);
  const fits = (list: typeof all) => list.length <= LIMITS.keptFiles && size(list) <= LIMITS.keptBytes;
  const others = all.filter(([, { kind }]) => kind === 'other');
  const plain = all.filter(([, { kind }]) => kind !== 'other');
  const tracked = plain.filter(([, { git }]) => git !== null);
  const rest = plain.filter(([, { git }]) => git === null);
  const keep = fits(plain) ? plain : fits(rest) ? rest : [];
  const git = keep === plain ? [] : tracked;
  const lost = plain.length - keep.length - git.length;
  const never = [...losses.never];
  if (others.length > 0) never.push(`${count(others.length, 'device, pipe or socket', 'devices, pipes or sockets')}`);
  if (lost > 0)
    never.push(
      `${count(lost, 'file')} with ${bytesOf(size(rest))}, more than the ${bytesOf(LIMITS.keptBytes)} in ${count(LIMITS.keptFiles, 'file')} that are kept`,
    );
  const fresh = [...losses.made].filter((path) => !losses.files.has(path));
  const ways = [
    ...(fresh.length > 0
      ? [`${count(fresh.length, 'new file')} ${fresh.length === 1 ? 'is' : 'are'} removed again`]
      : []),
    ...(keep.length > 0 ? [`a copy of ${count(keep.length, 'file')} (${bytesOf(size(keep))}) is kept`] : []),
    ...(git.length > 0 ? [`${count(git.length, 'file')} come from Git`] : []),
    ...losses.pushes.map((one) => wayBack(one)),
  ];
  return {
    undo: sentenceOf(ways, never, losses.changes),
    keep: keep.map(([path]) => path),
    git: git.map(([path]) => path),
  };
}

function wayBack({ ref, before }: PushedRef): string {
  const name = ref.replace(/^refs\/(heads|tags)\//, '');
  return before === null
    ? `${name} is removed from the server again while it is still what was pushed`
    : `${name} goes back to ${before.slice(0, 8)} while it is still what was pushed`;
}

function sentenceOf(ways: readonly string[], never: readonly string[], changes: boolean): UndoForecast {
  const how = ways.slice(0, 4).join('; ').slice(0, 240);
  const not = never.slice(0, 4).join('; ').slice(0, 240);
  if (never.length === 0 && ways.length === 0)
    return changes
      ? { can: 'none', sentence: 'Cannot be undone by Countersign' }
      : { can: 'all', sentence: 'Nothing that it was looked at for is lost' };
  if (never.length === 0) return { can: 'all', sentence: `Can be undone: ${how}` };
  if (ways.length === 0) return { can: 'none', sentence: `Cannot be undone: ${not}` };
  return { can: 'part', sentence: `Can be undone in part: ${how}. Not: ${not}` };
}
