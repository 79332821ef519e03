import type { PreviewPart } from '../../../../contract/preview.ts';
import type { Wish } from '../wish.ts';
import type { Look } from './files.ts';
import { fields, type Git, gitIn, linesOf } from './git.ts';
import { lookAtPush } from './git-push.ts';
import { entryOf, walk } from './paths.ts';
import { bytesOf, count, part } from './report.ts';

export type GitWish = Extract<Wish, { kind: 'git' }>;

/** A command of Git with the repository that it is for. */
export interface Asked {
  wish: GitWish;
  git: Git;
  top: string;
  look: Look;
  has(...names: string[]): boolean;
  /** Operands before `--`, and the paths after it. */
  before: string[];
  after: string[] | null;
}

export async function lookAtGit(wish: GitWish, look: Look): Promise<PreviewPart[]> {
  const found = await gitIn(wish.cwd, look.budget);
  if (found === null) return [part('plain', `git ${wish.command}: ${wish.cwd} is in no Git repository`)];
  const separator = wish.options.find(({ name }) => name === '--');
  const behind = Number(separator?.value ?? 0);
  const split = wish.operands.length - behind;
  const asked: Asked = {
    wish,
    ...found,
    look,
    has: (...names) => wish.options.some(({ name }) => names.some((one) => isNamed(name, one))),
    before: wish.operands.slice(0, split),
    after: separator === undefined ? null : wish.operands.slice(split),
  };
  const one = LOOKS[wish.command];
  if (one === undefined) look.losses.cannot(`what git ${wish.command} does`);
  return (await one?.(asked)) ?? [];
}

const isNamed = (written: string, name: string) =>
  written === name || (written.startsWith('--') && written.length > 4 && name.startsWith(written));

const LOOKS: Readonly<Record<string, (asked: Asked) => Promise<PreviewPart[]>>> = {
  push: lookAtPush,
  reset,
  clean,
  checkout,
  switch: switched,
  restore,
  rm: removed,
  branch,
  tag,
  stash,
  worktree,
};

/** Files that differ, by what Git's own difference says. */
async function changed({ git, top }: Asked, from: readonly string[], paths: readonly string[]): Promise<string[]> {
  const args = ['diff', '--numstat', '-z', '--no-ext-diff', '--no-textconv', '--no-renames', ...from, '--', ...paths];
  return fields(await git([...(paths.length === 0 ? ['-C', top] : []), ...args]));
}

const numstat = (line: string): string => {
  const [, added = '', removed = '', name = ''] = /^(\S+)\t(\S+)\t(.*)$/s.exec(line) ?? [];
  return added === '-' ? `${name} (binary)` : `${name} (+${added} −${removed})`;
};

const nameOf = (line: string): string => line.replace(/^\S+\t\S+\t/, '');

/** Changes that are nowhere but in the files. */
async function lost(asked: Asked, from: readonly string[], paths: readonly string[]): Promise<PreviewPart[]> {
  const lines = await changed(asked, from, paths);
  if (lines.length === 0) return [part('plain', 'No changes that are not committed are lost')];
  for (const line of lines) {
    const entry = entryOf(`${asked.top}/${nameOf(line)}`);
    if (entry !== null) asked.look.losses.file(entry, null);
  }
  asked.look.losses.changes = true;
  const unlike = from.length === 0 ? [] : await apartFromFiles(asked);
  if (unlike.length > 0)
    asked.look.losses.cannot(`what is staged of ${count(unlike.length, 'file')} and not in the file`);
  return [
    part('loss', `Throws away changes of ${count(lines.length, 'file')} that are not committed`, lines.map(numstat)),
  ];
}

/** Files of which another content is staged than they have. */
async function apartFromFiles({ git, top }: Asked): Promise<string[]> {
  const list = async (...more: string[]) => fields(await git(['-C', top, 'diff', '--name-only', '-z', ...more]));
  const [files, staged] = await Promise.all([list(), list('--cached')]);
  return staged.filter((name) => files.includes(name));
}

/** Subjects of commits, the latest first. */
export async function commits(git: Git, range: readonly string[]): Promise<{ lines: string[]; count: number } | null> {
  const counted = await git(['rev-list', '--count', ...range]);
  if (counted === null) return null;
  const lines = linesOf(await git(['log', '--format=%h %s', '--no-show-signature', '-n', '20', ...range]));
  return { lines, count: Number(counted) };
}

async function reset(asked: Asked): Promise<PreviewPart[]> {
  const { git, has, before, look } = asked;
  const target = before[0] ?? 'HEAD';
  const commit = (await git(['rev-parse', '--verify', '-q', `${target}^{commit}`]))?.trim();
  const out: PreviewPart[] = [];
  if (!commit) {
    if (has('--hard', '--merge', '--keep')) return [part('plain', `There is no commit ${target}`)];
    return [part('plain', 'Takes changes out of the index; files stay as they are')];
  }
  const left = await commits(git, [`${commit}..HEAD`]);
  if (left !== null && left.count > 0) {
    out.push(
      part(
        'loss',
        `${count(left.count, 'commit')} leave${left.count === 1 ? 's' : ''} the branch; Git's reflog still finds ${left.count === 1 ? 'it' : 'them'}`,
        left.lines,
        left.count,
      ),
    );
    look.losses.cannot('the branch moves; git reset to the commit before puts it back');
  }
  if (!has('--hard', '--merge', '--keep')) {
    if (out.length === 0) out.push(part('plain', 'Takes changes out of the index; files stay as they are'));
    look.losses.changes = true;
    return out;
  }
  return [...out, ...(await lost(asked, ['HEAD'], []))];
}

async function clean(asked: Asked): Promise<PreviewPart[]> {
  const { git, wish, has, look } = asked;
  if (has('-i', '--interactive')) return [part('unknown', 'git clean -i asks for each file')];
  if (!has('-f', '--force') && (await git(['config', '--bool', 'clean.requireForce']))?.trim() !== 'false')
    return [part('plain', 'git clean refuses without -f')];
  const options = wish.options.flatMap(({ name, value }) =>
    name === '--' ? [] : value === null ? [name] : name.startsWith('--') ? [`${name}=${value}`] : [name, value],
  );
  const printed = await git(['-c', 'core.quotePath=false', 'clean', '-n', ...options, '--', ...wish.operands]);
  const names = linesOf(printed).flatMap((line) => /^Would remove (.*)$/.exec(line)?.[1] ?? []);
  if (printed === null) return [part('unknown', 'Git did not tell what it would remove')];
  if (names.length === 0) return [part('plain', 'There is nothing that git clean removes')];
  let bytes = 0;
  let files = 0;
  for (const name of names) {
    const entry = entryOf(`${wish.cwd}/${name.replace(/\/$/, '')}`);
    if (entry === null) continue;
    for await (const one of walk(entry, look.budget)) {
      look.losses.file(one, null);
      if (one.kind === 'folder') continue;
      files += 1;
      bytes += one.bytes;
    }
  }
  return [part('loss', `Removes ${count(files, 'file')} that Git does not have, ${bytesOf(bytes)}`, names)];
}

async function checkout(asked: Asked): Promise<PreviewPart[]> {
  const { git, has, before, after } = asked;
  if (has('-b', '-B', '--orphan')) return [part('plain', 'Begins a branch; files stay as they are')];
  const [first] = before;
  const isCommit = first !== undefined && (await git(['rev-parse', '--verify', '-q', `${first}^{commit}`])) !== null;
  const paths = after ?? (isCommit ? before.slice(1) : before);
  if (paths.length > 0) return lost(asked, isCommit ? [first] : [], paths);
  if (has('-f', '--force')) return lost(asked, ['HEAD'], []);
  return first === undefined ? [] : goes(asked, first);
}

/** Git itself refuses where a switch would lose anything. */
async function goes(asked: Asked, target: string): Promise<PreviewPart[]> {
  const lines = await changed(asked, ['HEAD', target], []);
  asked.look.losses.changes = true;
  asked.look.losses.cannot('which branch is checked out; git switch - goes back');
  return [
    part(
      'plain',
      `Goes to ${target}: ${count(lines.length, 'file')} differ${lines.length === 1 ? 's' : ''}`,
      lines.map(numstat),
    ),
  ];
}

async function switched(asked: Asked): Promise<PreviewPart[]> {
  const { has, before } = asked;
  if (has('-c', '-C', '--create', '--force-create', '--orphan'))
    return [part('plain', 'Begins a branch; files stay as they are')];
  if (has('-f', '--force', '--discard-changes')) return lost(asked, ['HEAD'], []);
  return before[0] === undefined ? [] : goes(asked, before[0]);
}

async function restore(asked: Asked): Promise<PreviewPart[]> {
  const { wish, has } = asked;
  if (has('-S', '--staged') && !has('-W', '--worktree'))
    return [part('plain', 'Takes changes out of the index; files stay as they are')];
  const source = wish.options.find(({ name }) => name === '-s' || isNamed(name, '--source'))?.value;
  const from = source ?? (has('-S', '--staged') ? 'HEAD' : null);
  return lost(asked, from === null ? [] : [from], wish.operands);
}

async function removed(asked: Asked): Promise<PreviewPart[]> {
  const { git, wish, has, look, top } = asked;
  if (has('--cached')) return [part('plain', 'Takes files out of Git; they stay where they are')];
  const names = fields(await git(['ls-files', '-z', '--full-name', '--', ...wish.operands]));
  if (names.length === 0) return [part('plain', 'Git has no file of that name')];
  const entries = names.flatMap((name) => entryOf(`${top}/${name}`) ?? []);
  await look.tracking.load(entries.map(({ path }) => path));
  look.tracking.begin();
  for (const entry of entries) {
    look.losses.file(entry, look.tracking.fromGit(entry.path));
    look.tracking.add(entry);
  }
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const words = look.tracking.words();
  return [
    part('loss', `Removes ${count(names.length, 'file')}, ${bytesOf(bytes)}${words === '' ? '' : `: ${words}`}`, names),
  ];
}

async function branch(asked: Asked): Promise<PreviewPart[]> {
  const { git, has, before, look } = asked;
  if (!has('-d', '-D', '--delete')) return [];
  const out: PreviewPart[] = [];
  for (const name of before.slice(0, 20)) {
    const ref = `refs/${has('-r', '--remotes') ? 'remotes' : 'heads'}/${name}`;
    const at = (await git(['rev-parse', '--verify', '-q', '--short', ref]))?.trim();
    if (!at) {
      out.push(part('plain', `There is no branch ${name}`));
      continue;
    }
    const only = await commits(git, [ref, '--not', `--exclude=${name}`, '--branches', '--tags', '--remotes']);
    look.losses.cannot(`the branch ${name}; git branch ${name} ${at} puts it back`);
    out.push(
      only !== null && only.count > 0
        ? part(
            'loss',
            `Deletes the branch ${name} at ${at}, with ${count(only.count, 'commit')} that nothing else has`,
            only.lines,
            only.count,
          )
        : part('plain', `Deletes the branch ${name} at ${at}; all of its commits are elsewhere too`),
    );
  }
  return out;
}

async function tag(asked: Asked): Promise<PreviewPart[]> {
  const { git, has, before, look } = asked;
  if (!has('-d', '--delete')) return [];
  const out: PreviewPart[] = [];
  for (const name of before.slice(0, 20)) {
    const at = (await git(['rev-parse', '--verify', '-q', '--short', `refs/tags/${name}`]))?.trim();
    if (at) look.losses.cannot(`the tag ${name}; git tag ${name} ${at} puts it back`);
    out.push(part(at ? 'loss' : 'plain', at ? `Deletes the tag ${name} at ${at}` : `There is no tag ${name}`));
  }
  return out;
}

async function stash(asked: Asked): Promise<PreviewPart[]> {
  const { git, before, look } = asked;
  const [sub, which] = before;
  if (sub !== 'drop' && sub !== 'clear') return [];
  const all = linesOf(await git(['stash', 'list', '--format=%gd %h %s']));
  const wanted = sub === 'clear' ? all : all.filter((line) => line.startsWith(`${stashName(which)} `));
  if (wanted.length === 0) return [part('plain', 'There is no such stash')];
  look.losses.cannot('stashes; git stash store with the commit puts one back');
  return [part('loss', `Throws away ${count(wanted.length, 'stash', 'stashes')}`, wanted)];
}

const stashName = (which: string | undefined): string =>
  which === undefined ? 'stash@{0}' : /^\d+$/.test(which) ? `stash@{${which}}` : which;

async function worktree(asked: Asked): Promise<PreviewPart[]> {
  const { before, has, look, wish } = asked;
  if (before[0] !== 'remove' || before[1] === undefined) return [];
  const path = before[1].startsWith('/') ? before[1] : `${wish.cwd}/${before[1]}`;
  const inner = await gitIn(path, look.budget);
  if (inner === null) return [part('plain', `There is no worktree ${before[1]}`)];
  const status = fields(await inner.git(['status', '--porcelain', '-z', '-uall']));
  if (status.length === 0) {
    look.losses.cannot('the worktree; git worktree add makes it again');
    return [part('plain', `Removes the worktree ${before[1]}; all of it is committed`)];
  }
  if (!has('-f', '--force')) return [part('plain', 'git worktree refuses: it has changes that are not committed')];
  look.losses.cannot('the changes in the worktree');
  return [part('loss', `Removes the worktree ${before[1]} with changes of ${count(status.length, 'file')}`, status)];
}
