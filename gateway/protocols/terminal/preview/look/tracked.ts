import { dirname, join, relative } from 'node:path';
import { fields, type Git, gitIn } from './git.ts';
import { type Budget, type Entry, entryOf } from './paths.ts';

export type Standing = 'clean' | 'changed' | 'ignored' | 'untracked';

interface Repository {
  top: string;
  git: Git;
  head: string | null;
  tracked: Set<string>;
  changed: Set<string>;
  ignored: Set<string>;
}

/** How files stand with Git: looked up once a repository, for the paths in question. */
export class Tracking {
  readonly #budget: Budget;
  readonly #tops = new Map<string, Promise<{ git: Git; top: string } | null>>();
  readonly #known = new Map<string, Repository>();
  #listed: Entry[] = [];

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Asks Git about what is at and below these paths. */
  async load(paths: readonly string[]): Promise<void> {
    const byTop = new Map<string, { git: Git; paths: string[] }>();
    for (const path of paths) {
      const found = await this.#repositoryOf(path);
      if (found === null) continue;
      const one = byTop.get(found.top) ?? { git: found.git, paths: [] };
      one.paths.push(path);
      byTop.set(found.top, one);
    }
    for (const [top, { git, paths: wanted }] of byTop) await this.#load(top, git, wanted);
  }

  #repositoryOf(folder: string): Promise<{ git: Git; top: string } | null> {
    let at = folder;
    while (entryOf(at)?.kind !== 'folder' && dirname(at) !== at) at = dirname(at);
    const known = this.#tops.get(at);
    if (known !== undefined) return known;
    const found = gitIn(at, this.#budget);
    this.#tops.set(at, found);
    return found;
  }

  async #load(top: string, git: Git, paths: readonly string[]): Promise<void> {
    const one = this.#known.get(top) ?? {
      top,
      git,
      head: (await git(['rev-parse', '--verify', '-q', 'HEAD']))?.trim() || null,
      tracked: new Set<string>(),
      changed: new Set<string>(),
      ignored: new Set<string>(),
    };
    this.#known.set(top, one);
    const specs = [...new Set(paths.map((path) => relative(top, path) || '.'))].slice(0, 400);
    const add = (to: Set<string>, text: string | null) => {
      for (const name of fields(text)) to.add(join(top, name));
    };
    const at = ['-C', top, '--literal-pathspecs'];
    const difference = ['diff', '--name-only', '-z', '--no-ext-diff', one.head ?? '', '--', ...specs];
    const [tracked, changed, ignored] = await Promise.all([
      git([...at, 'ls-files', '-z', '--', ...specs]),
      one.head === null ? null : git([...at, ...difference]),
      git([...at, 'ls-files', '-z', '-o', '-i', '--exclude-standard', '--', ...specs]),
    ]);
    add(one.tracked, tracked);
    add(one.changed, changed);
    add(one.ignored, ignored);
  }

  /** null: it is in no repository that is known. */
  standing(path: string): { standing: Standing; top: string; head: string | null } | null {
    let best: Repository | null = null;
    for (const one of this.#known.values())
      if ((path === one.top || path.startsWith(`${one.top}/`)) && (best === null || one.top.length > best.top.length))
        best = one;
    if (best === null) return null;
    const { top, head, tracked, changed, ignored } = best;
    const standing = tracked.has(path)
      ? changed.has(path) || head === null
        ? 'changed'
        : 'clean'
      : ignored.has(path)
        ? 'ignored'
        : 'untracked';
    return { standing, top, head };
  }

  /** For its losses: where Git has the same content. */
  fromGit(path: string): { top: string; commit: string } | null {
    const found = this.standing(path);
    return found?.standing === 'clean' && found.head !== null ? { top: found.top, commit: found.head } : null;
  }

  /** Begins a new tally. */
  begin(): void {
    this.#listed = [];
  }

  add(entry: Entry): void {
    this.#listed.push(entry);
  }

  /** How the files of the tally stand with Git, in words; '' where none is in a repository. */
  words(): string {
    const counts = { clean: 0, changed: 0, ignored: 0, untracked: 0 };
    let known = 0;
    for (const { path } of this.#listed) {
      const found = this.standing(path);
      if (found === null) continue;
      counts[found.standing] += 1;
      known += 1;
    }
    if (known === 0) return this.#listed.length === 0 ? '' : 'not in a Git repository';
    const said: [number, string][] = [
      [counts.clean, 'as committed in Git'],
      [counts.changed, 'with changes that are not committed'],
      [counts.untracked, 'that Git does not have'],
      [counts.ignored, 'that Git ignores'],
      [this.#listed.length - known, 'outside of any Git repository'],
    ];
    const some = said.filter(([n]) => n > 0);
    return some.length === 1 ? (some[0]?.[1] ?? '') : some.map(([n, words]) => `${n} ${words}`).join(', ');
  }
}
