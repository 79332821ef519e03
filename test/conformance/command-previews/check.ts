import { restoreFile } from '../../../gateway/cli/undo/restore.ts';
import { keepFor } from '../../../gateway/protocols/terminal/preview/look/keep.ts';
import { folderOf, LOOK_MS, type Stage } from './stage.ts';

export interface Case {
  run: string;
  /** Tone and sentence of each part. */
  shows: string[];
  undo: 'all' | 'part' | 'none';
}

const ours = (path: string): boolean =>
  !/^(work\/\.git|server\.git|home|tree)(\/|$)|^work\/vendor\/lib\/\.git\//.test(path);
/** They change files to what Git has, and lose nothing. */
const GOES = /^git (reset --hard HEAD~1|checkout|switch|worktree|rm --cached|add|-c)/;

/** Looks, runs the command for real, and holds what was said against what happened; then undoes it. @returns what is wrong. */
export async function check(
  stage: Stage,
  command: string,
): Promise<{ shows: string[]; undo: string; wrong: string[] }> {
  const { preview, losses } = await stage.look(command);
  const root = `${folderOf(stage)}/`;
  const shows = preview.parts.map(({ tone, sentence }) => `${tone}: ${sentence}`.replaceAll(root, '/'));
  const undo = preview.undo?.can ?? 'none';
  const wrong: string[] = [];
  if (preview.parts.some(({ tone }) => tone === 'unknown') || /what .* does/.test(preview.undo?.sentence ?? ''))
    return { shows, undo, wrong };
  const kept = await keepFor(stage.wishes(command), new AbortController().signal, LOOK_MS);
  const before = stage.files();
  const { code } = stage.run(command);
  const after = stage.files();
  const said = new Set([...losses.files.keys()].map((path) => path.replace(root, '')));
  const made = new Set([...losses.made].map((path) => path.replace(root, '')));
  for (const [path, content] of before)
    if (ours(path) && after.get(path) !== content && !said.has(path) && !GOES.test(command))
      wrong.push(`not said: ${path}`);
  for (const path of after.keys())
    if (ours(path) && !before.has(path) && !made.has(path) && !GOES.test(command))
      wrong.push(`not said to be made: ${path}`);
  const same = [...said].filter((path) => before.has(path) && after.get(path) === before.get(path) && ours(path));
  if (code === 0 && !/ -n /.test(command) && same.length > 0) wrong.push(`said and not done: ${same.join(', ')}`);
  if (undo !== 'all' || losses.pushes.length > 0) return { shows, undo, wrong };
  for (const file of kept.files) restoreFile(file);
  const again = stage.files();
  for (const path of new Set([...before.keys(), ...again.keys()]))
    if (ours(path) && before.get(path) !== again.get(path) && !GOES.test(command)) wrong.push(`not put back: ${path}`);
  return { shows, undo, wrong };
}
