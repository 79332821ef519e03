import type { Call } from '../call.ts';
import { PRINTS } from '../call.ts';
import { type Parsed, parseOptions } from '../options.ts';
import { hasOption, type Row } from '../row.ts';

const READS =
  'status diff log show branch tag remote rev-parse rev-list describe blame shortlog ls-files ls-tree ls-remote cat-file reflog grep version help merge-base for-each-ref show-ref name-rev whatchanged cherry count-objects diff-tree diff-index diff-files check-ignore check-attr var annotate symbolic-ref stash worktree config submodule notes bisect fsck verify-commit verify-tag show-branch range-diff';
const WRITES =
  'add commit merge rebase cherry-pick revert mv init apply am restore checkout switch reset clean rm update-ref update-index gc prune replace filter-branch pack-refs repack format-patch archive bundle write-tree commit-tree hash-object read-tree rerere sparse-checkout maintenance';
const NETWORKED = 'push pull fetch clone lfs';

/** git and what stands before it. */
export const GIT: readonly Row[] = [
  {
    names: 'git',
    values: '-C -c --git-dir --work-tree --namespace --exec-path --config-env --super-prefix --attr-source',
    stops: true,
    does: git,
  },
  {
    names: 'gh glab hub',
    class: 'network',
    says: 'Acts on the Git server',
    only: 'pr view|pr list|pr diff|pr checks|pr status|issue view|issue list|issue status|run list|run view|repo view|release list|release view|status|auth status|search',
    worse: [
      {
        when: 'repo delete|release delete|issue delete|run delete|secret delete|gist delete|variable delete',
        class: 'destructive',
        says: 'Deletes {} on the Git server',
      },
      { when: 'auth token', class: 'secret-read', says: 'Shows the token of the Git server' },
      {
        when: 'auth login|auth logout|auth refresh|auth setup-git|ssh-key add|secret set|repo edit|repo deploy-key',
        class: 'privilege',
        says: 'Changes who may use the Git server',
      },
      {
        when: 'api|workflow run|extension install|extension exec|alias set|codespace',
        class: 'unknown',
        says: 'what it asks of the Git server is not followed',
      },
      {
        when: 'pr create|pr merge|pr close|pr comment|pr edit|pr review|pr ready|issue create|issue close|issue comment|issue edit|release create|gist create|pr checkout|repo clone|repo create|repo fork|repo sync',
        class: 'network',
        says: 'Changes {} on the Git server',
        flags: 'upload',
      },
    ],
  },
];

function git(call: Call, parsed: Parsed) {
  const { effects } = call;
  for (const { name, value } of parsed.options) {
    if (name === '-C' || /^--(git-dir|work-tree)/.test(name)) call.cd(value);
    if (name === '-c' || /^--(config-env|exec-path)/.test(name)) {
      if (
        name === '-c' &&
        /^(user\.(name|email)|color\.\w+|core\.(quotepath|autocrlf|abbrev)|advice\.\w+|init\.defaultbranch|commit\.gpgsign|pull\.rebase|log\.\w+)=/i.test(
          value?.text ?? '',
        )
      )
        continue;
      effects.worsen('execute', 'Gives git a setting, which can run programs');
      effects.unknown(`what the git setting ${value?.source ?? ''} does is not followed`);
    }
    if (/^--git-dir/.test(name)) effects.unknown('the settings of another repository can run programs');
  }
  const [sub, ...rest] = parsed.operands;
  const name = sub?.text ?? null;
  if (name === null) {
    if (!hasOption(parsed, '--version --help -v -h') || sub !== undefined)
      effects.unknown('the git subcommand is known only when it runs');
    return PRINTS;
  }
  const known = `${READS} ${WRITES} ${NETWORKED}`.split(' ').includes(name);
  if (!known) effects.unknown(`git ${name} is not known (an alias can run programs)`);
  const inner = parseOptions(rest, {
    values:
      '-m -F -C -c -n -b -B -o -u -S -G -L --message --file --author --date --since --until --after --before --format --pretty --grep --depth --branch --origin --output --upload-pack --receive-pack --exec --config --template --separate-git-dir --contents --ignore-revs-file',
  });
  for (const word of inner.uncertain)
    if (word.text === null && !word.prefix)
      effects.unknown(`what ${word.source} will be for git ${name} is known only when it runs`);
  if (WRITES.split(' ').includes(name)) effects.worsen('write', `Changes the repository (git ${name})`);
  if (/^(commit|merge|rebase|cherry-pick|revert|am|push|pull|checkout|switch|clone|worktree|gc)$/.test(name))
    effects.flag('hooks');
  if (NETWORKED.split(' ').includes(name) || name === 'ls-remote') {
    effects.worsen('network', `Speaks to the Git server (git ${name})`);
    for (const word of inner.operands) if (/:\/\/|^[\w.-]+@[\w.-]+:/.test(word.text ?? word.prefix)) call.host(word);
    if (inner.operands.some((word) => /^(ext|fd)::/.test(word.text ?? '')))
      effects.unknown('the address of the repository runs a program');
  }
  const has = (options: string) => hasOption(inner, options);
  special(name, call, inner);
  if (
    inner.options.some(
      (option) =>
        /^--(upload-pack|receive-pack|exec|ext-diff|open-files-in-pager|config|template|run|textconv|filters)/.test(
          option.name,
        ) ||
        option.name === '-O' ||
        (option.name === '-x' && name === 'rebase') ||
        (option.name === '-u' && /^(clone|fetch|ls-remote|pull)$/.test(name)) ||
        (option.name === '-c' && name === 'clone'),
    )
  )
    effects.unknown(`an option of git ${name} runs a program`);
  if (/^(commit|notes|tag|merge|hash-object|blame|ls-files|check-ignore)$/.test(name))
    for (const { name: option, value } of inner.options)
      if (/^(-F|-t|-X|--(file|template|contents|ignore-revs-file|exclude-from))$/.test(option) && value)
        call.read(value);
  if (name === 'hash-object') {
    for (const word of inner.operands) call.read(word);
    if (has('--stdin-paths')) effects.unknown('which files are read is known only when it runs');
  }
  for (const option of inner.options) if (/^--output$/.test(option.name) && option.value) call.write(option.value);
  if (/^(diff|show|log|cat-file|blame|grep)$/.test(name))
    for (const word of inner.operands)
      if (word.text !== null) call.read({ ...word, text: word.text.replace(/^[^:/]*:/, '') });
  return PRINTS;
}

function special(name: string, call: Call, inner: Parsed): void {
  const { effects } = call;
  const has = (options: string) => hasOption(inner, options);
  const first = inner.operands[0]?.text ?? null;
  const destroys = (says: string, ...flags: string[]) => {
    effects.worsen('destructive', says);
    effects.flag(...flags);
  };
  if (name === 'push') {
    effects.flag('upload');
    const refs = inner.operands.slice(1).map((word) => word.text ?? '');
    if (has('-f --force --force-with-lease --force-if-includes --mirror') || refs.some((ref) => ref.startsWith('+')))
      destroys('Overwrites commits on the Git server (push --force)', 'force-push');
    if (has('-d --delete --prune --mirror') || refs.some((ref) => ref.startsWith(':')))
      destroys('Deletes branches or tags on the Git server');
    if (has('--no-verify')) effects.flag('guard');
  } else if (name === 'reset' && has('--hard --merge --keep'))
    destroys('Throws away changes that are not committed (reset --hard)');
  else if (name === 'clean' && !has('-n --dry-run')) destroys('Removes files that Git does not know (clean)');
  else if (name === 'checkout' || name === 'restore' || name === 'switch') {
    const restores =
      name === 'restore'
        ? !has('--staged -S') || has('--worktree -W')
        : has('-f --force --discard-changes') || first === '.' || call.args.some((word) => word.text === '--');
    if (restores) destroys(`Throws away changes of files (git ${name})`);
  } else if (name === 'rm')
    for (const word of inner.operands) has('--cached') ? call.read(word) : call.remove(word, has('-r'));
  else if (name === 'mv') for (const word of inner.operands) call.write(word);
  else if (name === 'branch' || name === 'tag') {
    if (has('-d -D --delete')) destroys(`Deletes a ${name}`);
    else if (inner.operands.length > 0 && !has('-l --list --contains --merged --no-merged --points-at'))
      effects.worsen('write', `Makes or changes a ${name}`);
    if (has('-f --force -M -C --edit-description -m --move')) effects.worsen('write', `Moves a ${name}`);
  } else if (name === 'stash') {
    if (/^(drop|clear)$/.test(first ?? '')) destroys('Throws away stashed changes');
    else if (!/^(list|show)$/.test(first ?? '')) effects.worsen('write', 'Moves changes into or out of the stash');
  } else if (name === 'remote') {
    if (first !== null && !/^(show|get-url)$/.test(first))
      effects.worsen('privilege', 'Changes where the repository is sent to and got from');
    if (first === 'show' || first === 'update' || first === 'prune')
      effects.worsen('network', 'Speaks to the Git server');
  } else if (name === 'config') {
    const sets = inner.operands.length > 1 && !/^(get|list)$/.test(first ?? '');
    if (
      sets ||
      has('--unset --unset-all --add --replace-all -e --edit --rename-section --remove-section --global-set')
    ) {
      effects.worsen('execute', 'Changes Git settings, which can name programs and hooks to run');
      effects.flag('start-file');
    } else if (has('-l --list') || first === 'list' || /credential|token|password|extraheader|url/i.test(first ?? ''))
      effects.worsen('secret-read', 'Shows Git settings, which can hold credentials');
    if (has('-f --file --blob'))
      inner.options.forEach(({ name: option, value }) => {
        if (/^(-f|--file)$/.test(option) && value) {
          call.read(value);
          if (sets) call.write(value);
        }
      });
  } else if (name === 'reflog' && /^(expire|delete)$/.test(first ?? ''))
    destroys('Removes the record by which lost commits are found');
  else if (/^(filter-branch|replace)$/.test(name)) {
    destroys('Rewrites the history of the repository');
    effects.unknown('filters of git run commands');
  } else if (/^(gc|prune|update-ref|repack)$/.test(name))
    destroys('Removes objects or moves references of the repository');
  else if (name === 'rebase' && has('-i --interactive --exec'))
    effects.unknown('an interactive rebase runs an editor or commands');
  else if (name === 'bisect' && first === 'run') {
    effects.unknown('git bisect runs a command');
  } else if (name === 'submodule') {
    if (/^(foreach|add|update|sync|init|deinit|absorbgitdirs|set-url|set-branch)$/.test(first ?? ''))
      effects.unknown(`git submodule ${first} can run commands or load code`);
  } else if (name === 'worktree') {
    if (first === 'remove' || first === 'prune') destroys('Removes a worktree');
    else if (first !== 'list') effects.worsen('write', 'Makes a worktree');
  } else if (name === 'notes' || name === 'symbolic-ref' || name === 'bisect') {
    if (inner.operands.length > 1) effects.worsen('write', `Changes the repository (git ${name})`);
  } else if (name === 'clone') {
    effects.flag('downloads');
    const to = inner.operands[1];
    if (to) call.write(to);
    if (has('--recurse-submodules --recursive')) effects.flag('remote-code');
  } else if (name === 'pull') effects.worsen('write', 'Changes the working files to what the server has');
  else if (name === 'apply' || name === 'am' || name === 'add')
    inner.operands.forEach((word) => {
      call.read(word);
    });
  else if (name === 'commit' && has('--no-verify -n')) {
    effects.flag('guard');
    effects.worsen('privilege', 'Goes round the checks of the repository (--no-verify)');
  } else if (name === 'archive' && has('--remote --exec')) effects.unknown('git archive runs a program elsewhere');
  else if (name === 'lfs' && !/^(ls-files|status|env|version|track)$/.test(first ?? ''))
    effects.worsen('write', 'Changes large files');
}
