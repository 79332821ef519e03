import { parseOptions } from '../classifier/options.ts';
import { resolvePath } from '../classifier/paths.ts';
import { has, type Looking } from './looking.ts';
import type { Wish } from './wish.ts';

/** What Git would be asked about; other commands lose nothing that is not in Git. */
const LOOKED_AT = 'push reset clean checkout restore switch rm mv branch tag stash commit pull merge rebase worktree';
const READS =
  /^(status|diff|log|show|rev-parse|rev-list|describe|blame|shortlog|ls-files|ls-tree|ls-remote|cat-file|grep|version|help|merge-base|for-each-ref|show-ref|name-rev|check-ignore|count-objects)$/;
const VALUES: Readonly<Record<string, string>> = {
  push: '-o --push-option --repo --receive-pack --exec',
  reset: '--pathspec-from-file',
  clean: '-e --exclude',
  checkout: '-b -B --orphan --conflict --pathspec-from-file',
  restore: '-s --source --conflict --pathspec-from-file',
  switch: '-c -C --create --force-create --orphan --conflict',
  commit: '-m -F -C -c -t --message --file --author --date --template --reuse-message --reedit-message --fixup',
  branch: '-u --set-upstream-to --sort --format --points-at',
  tag: '-m -F -u --message --file --local-user --sort --format',
  stash: '-m --message',
};

export function gitWish(call: Looking): Wish[] {
  const outer = parseOptions(call.words, {
    values: '-C -c --git-dir --work-tree --namespace --exec-path --config-env --super-prefix --attr-source',
    stops: true,
  });
  const [sub, ...rest] = outer.operands;
  const command = sub?.text ?? null;
  if (command === null || READS.test(command)) return [];
  if (!LOOKED_AT.split(' ').includes(command))
    return [{ kind: 'mention', cwd: call.cwd, paths: [], does: `git ${command}` }];
  const unknown = (why: string): Wish[] => [
    { kind: 'unknown', sentence: `What git ${command} would touch is not looked at: ${why}` },
  ];
  if (outer.options.some(({ name }) => !/^(-C|-c|--no-pager|-P|--no-optional-locks)$/.test(name)))
    return unknown('it names another repository or settings');
  let cwd = call.cwd;
  for (const { name, value } of outer.options) {
    if (name !== '-C') continue;
    if (value?.text == null) return unknown('its folder is known only when it runs');
    cwd = resolvePath(value.text, { cwd, home: '' });
  }
  if (rest.some(({ text, glob }) => text === null || glob)) return unknown('its arguments are known only when it runs');
  const { options, operands } = parseOptions(rest, { values: VALUES[command] ?? '' });
  if (has(options, '-n --dry-run') && /^(push|clean|rm|mv)$/.test(command)) return [];
  if (options.some(({ value }) => value !== null && value.text === null)) return unknown('an option is not known');
  const separator = rest.findIndex(({ text }) => text === '--');
  return [
    {
      kind: 'git',
      cwd,
      command,
      options: [
        ...options.map(({ name, value }) => ({ name, value: value?.text ?? null })),
        // Paths may look like branches: what stands behind it is none.
        ...(separator < 0 ? [] : [{ name: '--', value: String(rest.length - separator - 1) }]),
      ],
      operands: operands.map(({ text }) => text ?? ''),
    },
  ];
}
