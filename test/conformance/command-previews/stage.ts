import { execFileSync } from 'node:child_process';
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createCommandClassifier } from '../../../gateway/protocols/terminal/classifier/index.ts';
import { type Looked, lookAt } from '../../../gateway/protocols/terminal/preview/look/look.ts';
import type { Wish } from '../../../gateway/protocols/terminal/preview/wish.ts';
import { commandWishes } from '../../../gateway/protocols/terminal/preview/wishes.ts';

/** A developer's folder with a Git repository, its server, and files of every standing; copied for each case. */
export interface Stage {
  /** The repository. */
  work: string;
  home: string;
  run(command: string): { code: number; output: string };
  wishes(command: string): Wish[];
  look(command: string): Promise<Looked>;
  /** Every file below the stage by its path from there: its content, or where it leads. */
  files(): Map<string, string>;
  stop(): void;
}

/** What is found must not depend on how busy the machine is. */
export const LOOK_MS = 100_000;

const WHEN = '2026-01-05T10:00:00Z';
const ENV = {
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_AUTHOR_DATE: WHEN,
  GIT_COMMITTER_DATE: WHEN,
  LC_ALL: 'C',
};

let template: string | null = null;
const classifier = await createCommandClassifier();

function sh(cwd: string, home: string, command: string): string {
  return execFileSync('bash', ['-c', `set -e\n${command}`], {
    cwd,
    env: { ...ENV, HOME: home },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function makeTemplate(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'countersign-previews-')));
  const [work, home] = [join(root, 'work'), join(root, 'home')];
  mkdirSync(home);
  mkdirSync(join(root, 'outside'));
  writeFileSync(join(root, 'outside/precious.txt'), 'precious\n');
  sh(
    root,
    home,
    `git init -q --bare -b main server.git
git init -q -b main work
cd work
git remote add origin ../server.git
printf 'ignored/\\n*.tmp\\n.env\\n' > .gitignore
mkdir src docs; echo 'export const a = 1;' > src/a.ts; echo 'export const b = 2;' > src/b.ts
echo 'one' > src/changed.ts; echo '# Shop' > README.md; echo 'guide' > docs/guide.md
git add . ; git commit -qm first
echo two >> README.md; git commit -qam second
git tag v1
git push -q origin main v1
git branch -q side; git checkout -q side; echo side > side.txt; git add side.txt; git commit -qm 'only on side'; git checkout -q main
git branch -q merged HEAD~1
git push -q origin side:shared
git checkout -q -b diverged HEAD~1; echo theirs > theirs.txt; git add theirs.txt; git commit -qm theirs; git push -q origin diverged
git reset -q --hard HEAD~1; echo ours > ours.txt; git add ours.txt; git commit -qm ours; git checkout -q main
echo three >> README.md; git commit -qam third
git fetch -q origin
git branch -q --set-upstream-to=origin/main main
echo stashed > docs/guide.md; git stash -q
echo 'changed' >> src/changed.ts
echo staged > staged.txt; git add staged.txt
echo notes > notes.txt; echo spaced > 'with space.txt'
mkdir logs ignored empty; echo 1 > logs/one.log; echo 22 > logs/two.log; echo 333 > logs/.hidden.log
echo made > ignored/out.js; echo map > ignored/out.map; echo SECRET=1 > .env; : > zero.tmp
printf '#!/bin/sh\\necho hi\\n' > run.sh; chmod +x run.sh
git worktree add -q ../tree side`,
  );
  symlinkSync('src/a.ts', join(work, 'link.ts'));
  symlinkSync('../outside', join(work, 'away'));
  sh(
    root,
    home,
    'mkdir -p work/vendor/lib && cd work/vendor/lib && git init -q -b main && echo lib > lib.c && git add . && git commit -qm lib',
  );
  return root;
}

export function setStage(): Stage {
  template ??= makeTemplate();
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'countersign-preview-')));
  cpSync(template, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  const work = join(root, 'work');
  const home = join(root, 'home');
  // Worktrees know each other by absolute paths.
  for (const file of ['work/.git/worktrees/tree/gitdir', 'tree/.git'])
    writeFileSync(join(root, file), readFileSync(join(root, file), 'utf8').replaceAll(template, root));
  const readScript = (path: string) => readFileSync(path, 'utf8');
  const wishes = (command: string) => commandWishes(classifier, command, { cwd: work, home, readScript });
  return {
    work,
    home,
    run(command) {
      try {
        return {
          code: 0,
          output: execFileSync('bash', ['-c', command], {
            cwd: work,
            env: { ...ENV, HOME: home },
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'pipe'],
          }),
        };
      } catch (error) {
        const { status, stderr } = error as { status: number; stderr: string };
        return { code: status, output: stderr };
      }
    },
    wishes,
    look: (command) => lookAt(wishes(command), new AbortController().signal, () => {}, LOOK_MS),
    files() {
      const found = new Map<string, string>();
      const visit = (path: string) => {
        for (const name of readdirSync(join(root, path))) {
          const at = join(path, name);
          const stat = lstatSync(join(root, at));
          if (stat.isDirectory()) visit(at);
          else
            found.set(
              at,
              stat.isSymbolicLink() ? `→ ${readlinkSync(join(root, at))}` : readFileSync(join(root, at), 'latin1'),
            );
        }
      };
      visit('');
      return found;
    },
    stop: () => rmSync(root, { recursive: true, force: true }),
  };
}

export function removeTemplate(): void {
  if (template !== null) rmSync(template, { recursive: true, force: true });
  template = null;
}

export const folderOf = (stage: Stage): string => dirname(stage.work);
