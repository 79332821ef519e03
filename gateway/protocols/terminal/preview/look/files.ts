import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { PreviewPart } from '../../../../contract/preview.ts';
import type { PathWord, Wish } from '../wish.ts';
import { type Budget, type Entry, entryOf, expand, isSpent, patternOf, walk } from './paths.ts';
import { bytesOf, count, type Losses, part } from './report.ts';
import type { Tracking } from './tracked.ts';

export interface Look {
  budget: Budget;
  losses: Losses;
  tracking: Tracking;
}

type Of<K extends Wish['kind']> = Extract<Wish, { kind: K }>;

const shown = (path: string, cwd: string): string => {
  const from = relative(cwd, path);
  return from === '' ? '.' : from.startsWith('../../') ? path : from;
};
const written = (words: readonly PathWord[]) =>
  words
    .slice(0, 3)
    .map(({ text }) => text)
    .join(', ') + (words.length > 3 ? ' …' : '');
const lineOf = ({ path, kind, bytes }: Entry, cwd: string): string =>
  kind === 'file' ? `${shown(path, cwd)} (${bytesOf(bytes)})` : `${shown(path, cwd)} (${kind})`;

interface Counted {
  files: Entry[];
  folders: Entry[];
  bytes: number;
  /** Not all of it was counted. */
  cut: boolean;
  /** Folders that hold the history of a repository. */
  histories: string[];
}

/** Everything at and below paths, counted up to the budget. */
async function countAll(tops: readonly Entry[], budget: Budget, deep: boolean): Promise<Counted> {
  const out: Counted = { files: [], folders: [], bytes: 0, cut: false, histories: [] };
  for (const top of tops) {
    for await (const entry of deep ? walk(top, budget) : [top]) {
      if (entry.kind === 'folder') {
        out.folders.push(entry);
        if (basename(entry.path) === '.git') out.histories.push(entry.path);
      } else out.files.push(entry);
      out.bytes += entry.bytes;
    }
    if (isSpent(budget)) out.cut = true;
  }
  return out;
}

const total = ({ files, folders, bytes, cut }: Counted): string =>
  files.length === 0 && folders.length > 0
    ? count(folders.length, 'empty folder')
    : `${cut ? 'at least ' : ''}${count(files.length, 'file')}${folders.length > 0 ? ` in ${count(folders.length, 'folder')}` : ''}, ${bytesOf(bytes)}`;

async function gone(look: Look, counted: Counted, tops: readonly string[]): Promise<string> {
  const { losses, tracking } = look;
  await tracking.load(tops);
  tracking.begin();
  for (const file of counted.files) {
    // A repository that goes with its files has nothing to give back.
    const without = counted.histories.some((path) => file.path.startsWith(`${dirname(path)}/`));
    losses.file(file, without ? null : tracking.fromGit(file.path));
    if (!/\/\.git\//.test(file.path)) tracking.add(file);
  }
  for (const folder of counted.folders) losses.file(folder, null);
  if (counted.cut) losses.cannot('there is more than was counted');
  return tracking.words();
}

export async function lookAtRemoval(wish: Of<'remove'>, look: Look): Promise<PreviewPart[]> {
  const isSelf = ({ text }: PathWord) => /(^|\/)\.\.?\/*$|^\/+$/.test(text);
  const self = wish.paths.filter(isSelf);
  const named = wish.paths.filter((word) => !isSelf(word));
  const paths = await expand(named, wish.cwd, look.budget);
  const all = paths.map((path) => ({
    path: path,
    entry: entryOf(path),
  }));
  const missing = all.filter(({ entry }) => entry === null).map(({ path }) => shown(path, wish.cwd));
  const there = all.flatMap(({ entry }) => (entry === null ? [] : [entry]));
  const empty = await Promise.all(
    there.map(async (entry) => entry.kind === 'folder' && (await isEmpty(entry, look.budget))),
  );
  const taken = there.filter(({ kind }, at) => kind !== 'folder' || wish.deep || (wish.empty && empty[at]));
  const refused = there.filter((entry) => !taken.includes(entry));
  const out: PreviewPart[] = [];
  if (taken.length > 0) {
    const counted = await countAll(taken, look.budget, wish.deep);
    const words = await gone(
      look,
      counted,
      taken.map(({ path }) => path),
    );
    const listed = counted.files.length === 0 ? counted.folders : counted.files;
    out.push(
      part(
        'loss',
        `Removes ${total(counted)}${words === '' ? '' : `: ${words}`}`,
        listed.map((entry) => lineOf(entry, wish.cwd)),
      ),
    );
    if (counted.histories.length > 0) {
      const names = counted.histories.map((path) => shown(path, wish.cwd));
      out.push(
        part('loss', 'With them goes the history of a Git repository, and all commits that are only there', names),
      );
    }
  }
  if (refused.length > 0)
    out.push(
      part(
        'plain',
        `Does not remove ${count(refused.length, 'folder')}`,
        refused.map((one) => lineOf(one, wish.cwd)),
      ),
    );
  if (missing.length > 0) out.push(part('plain', `Not there: ${count(missing.length, 'name')}`, missing));
  if (self.length > 0) out.push(part('plain', `rm refuses to remove ${written(self)}`));
  if (paths.length === 0 && named.length > 0) out.push(part('plain', `Nothing matches ${written(named)}`));
  return out;
}

async function isEmpty(folder: Entry, budget: Budget): Promise<boolean> {
  for await (const entry of walk(folder, budget)) if (entry.path !== folder.path) return false;
  return true;
}

export async function lookAtFind(wish: Of<'find'>, look: Look): Promise<PreviewPart[]> {
  const { tests } = wish;
  const names = tests.names.map(({ pattern, fold }) => patternOf(pattern, fold ? 'i' : ''));
  // For find a star of -path stands for slashes too.
  const paths = tests.paths.map((pattern) => new RegExp(patternOf(pattern).source.replaceAll('[^/]', '.'), 's'));
  const letters = { file: 'f', folder: 'd', link: 'l', other: 'o' } as const;
  const found: Entry[] = [];
  const whole: string[] = [];
  for (const { text, glob } of wish.roots) {
    for (const root of await expand([{ text, glob }], wish.cwd, look.budget)) {
      const entry = entryOf(root);
      if (entry === null) continue;
      for await (const one of walk(entry, look.budget)) {
        if (one.depth < tests.min || one.depth > tests.max || whole.some((top) => one.path.startsWith(`${top}/`)))
          continue;
        const asPrinted = glob
          ? shown(one.path, wish.cwd)
          : join(text, relative(root, one.path)).replace(/^(?!\/)/, text.startsWith('./') || text === '.' ? './' : '');
        if (tests.types !== '' && !tests.types.includes(letters[one.kind])) continue;
        if (
          !names.every((pattern) => pattern.test(basename(one.path))) ||
          !paths.every((pattern) => pattern.test(asPrinted))
        )
          continue;
        if (
          tests.empty &&
          !(one.kind === 'folder' ? await isEmpty(one, look.budget) : one.kind === 'file' && one.bytes === 0)
        )
          continue;
        if (one.kind === 'folder' && wish.deep) whole.push(one.path);
        found.push(one);
      }
    }
  }
  if (found.length === 0 && !isSpent(look.budget))
    return [part('plain', `find finds nothing to remove in ${written(wish.roots)}`)];
  const counted = await countAll(found, look.budget, wish.deep);
  const words = await gone(
    look,
    counted,
    wish.roots.map(({ text }) => join(text.startsWith('/') ? '' : wish.cwd, text)),
  );
  return [
    part(
      'loss',
      `Removes ${total(counted)} that find finds now${words === '' ? '' : `: ${words}`}`,
      found.map((entry) => lineOf(entry, wish.cwd)),
    ),
  ];
}

export async function lookAtWrite(wish: Of<'write'>, look: Look): Promise<PreviewPart[]> {
  const out: PreviewPart[] = [];
  const there: Entry[] = [];
  const fresh: string[] = [];
  for (const path of await expand(wish.paths, wish.cwd, look.budget)) {
    const entry = fileBehind(path);
    if (entry === null) fresh.push(path);
    else if (entry.kind === 'file') there.push(entry);
    look.losses.made.add(entry?.path ?? path);
  }
  look.losses.changes = true;
  if (there.length > 0) {
    const counted = { files: there, folders: [], bytes: sum(there), cut: false, histories: [] };
    const words = await gone(
      look,
      counted,
      there.map(({ path }) => path),
    );
    const tone = wish.how === 'replaced' ? 'loss' : 'plain';
    out.push(
      part(
        tone,
        `${count(there.length, 'file')} with ${bytesOf(counted.bytes)} ${there.length === 1 ? 'is' : 'are'} ${wish.how}: ${words}`,
        there.map((entry) => lineOf(entry, wish.cwd)),
      ),
    );
  }
  if (fresh.length > 0)
    out.push(
      part(
        'plain',
        `Makes ${count(fresh.length, 'new file')}`,
        fresh.map((path) => shown(path, wish.cwd)),
      ),
    );
  return out;
}

const sum = (entries: readonly Entry[]) => entries.reduce((all, { bytes }) => all + bytes, 0);

/** What is written through a link is what it leads to. */
function fileBehind(path: string): Entry | null {
  const entry = entryOf(path);
  if (entry?.kind !== 'link') return entry;
  try {
    return entryOf(realpathSync(path));
  } catch {
    return null;
  }
}

export async function lookAtTransfer(wish: Of<'transfer'>, look: Look): Promise<PreviewPart[]> {
  const { cwd, moves } = wish;
  const verb = moves ? 'Moves' : 'Copies';
  const sources = (await expand(wish.sources, cwd, look.budget)).map((path) => path);
  const [to] = await expand([wish.target], cwd, look.budget);
  if (to === undefined) return [part('unknown', `Nothing matches ${wish.target.text}`)];
  const target = to;
  const isFolder = wish.folder ?? isFolderBehind(target);
  const there = sources.map(entryOf).flatMap((entry) => (entry === null ? [] : [entry]));
  const missing = sources.filter((path) => entryOf(path) === null);
  const out: PreviewPart[] = [];
  const replaced: Entry[] = [];
  const pairs: string[] = [];
  let skipped = 0;
  for (const source of there) {
    const end = isFolder ? join(target, basename(source.path)) : target;
    if (source.kind === 'folder' && !wish.deep) {
      skipped += 1;
      continue;
    }
    pairs.push(`${shown(source.path, cwd)} → ${shown(end, cwd)}`);
    for await (const one of source.kind === 'folder' ? walk(source, look.budget) : [source]) {
      const place = join(end, relative(source.path, one.path));
      const old = entryOf(place);
      if (one.kind !== 'folder' && (old === null || wish.replaces === 'all')) look.losses.made.add(place);
      if (moves && one.kind !== 'folder') look.losses.file(one, look.tracking.fromGit(one.path));
      // A folder that is moved goes as a whole, and only onto an empty one.
      const whole = moves && source.kind === 'folder';
      if (!whole && old !== null && old.kind !== 'folder' && place !== one.path) replaced.push(old);
    }
  }
  look.losses.changes ||= pairs.length > 0;
  if (pairs.length > 0) {
    const counted = await countAll(
      there.filter(({ kind }) => kind !== 'folder' || wish.deep),
      look.budget,
      true,
    );
    out.push(part('plain', `${verb} ${total(counted)}`, pairs));
  }
  if (replaced.length > 0 && wish.replaces === 'rest')
    out.push(
      part(
        'plain',
        `${count(replaced.length, 'file')} of the same name ${replaced.length === 1 ? 'is' : 'are'} there and kept, or asked about`,
        replaced.map((one) => lineOf(one, cwd)),
      ),
    );
  else if (replaced.length > 0) {
    const counted = { files: replaced, folders: [], bytes: sum(replaced), cut: false, histories: [] };
    const words = await gone(
      look,
      counted,
      replaced.map(({ path }) => path),
    );
    out.push(
      part(
        'loss',
        `${count(replaced.length, 'file')} with ${bytesOf(counted.bytes)} ${replaced.length === 1 ? 'is' : 'are'} replaced: ${words}`,
        replaced.map((one) => lineOf(one, cwd)),
      ),
    );
  }
  if (skipped > 0) out.push(part('plain', `Does not copy ${count(skipped, 'folder')}`));
  if (missing.length > 0)
    out.push(
      part(
        'plain',
        `Not there: ${count(missing.length, 'name')}`,
        missing.map((path) => shown(path, cwd)),
      ),
    );
  if (sources.length === 0) out.push(part('plain', `Nothing matches ${written(wish.sources)}`));
  return out;
}

function isFolderBehind(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

export async function lookAtMode(wish: Of<'mode'>, look: Look): Promise<PreviewPart[]> {
  const paths = await expand(wish.paths, wish.cwd, look.budget);
  const there = paths.map((path) => entryOf(path)).flatMap((entry) => (entry === null ? [] : [entry]));
  if (there.length === 0) return [part('plain', `Not there: ${written(wish.paths)}`)];
  const counted = await countAll(there, look.budget, wish.deep);
  look.losses.cannot('who may use the files, which is not kept');
  const { files, folders, cut } = counted;
  const what = [
    ...(files.length > 0 ? [count(files.length, 'file')] : []),
    ...(folders.length > 0 ? [count(folders.length, 'folder')] : []),
  ].join(' and ');
  const all = [...folders, ...files];
  return [
    part(
      'plain',
      `Changes who may use ${cut ? 'at least ' : ''}${what}, to ${wish.to}`,
      all.map((one) => shown(one.path, wish.cwd)),
    ),
  ];
}

export async function lookAtMention(wish: Of<'mention'>, look: Look): Promise<PreviewPart[]> {
  if (wish.does !== null) look.losses.cannot(`what ${wish.does} does`);
  const paths = await expand(wish.paths, wish.cwd, look.budget);
  const there = paths.map((path) => entryOf(path)).flatMap((entry) => (entry === null ? [] : [entry]));
  if (there.length === 0) return [];
  return [
    part(
      'plain',
      `Names ${count(there.length, 'file or folder', 'files or folders')} that ${there.length === 1 ? 'is' : 'are'} there`,
      there.map((one) => lineOf(one, wish.cwd)),
    ),
  ];
}
