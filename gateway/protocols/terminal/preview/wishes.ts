import type { CommandClassifier, Seen } from '../classifier/index.ts';
import { isOption, parseOptions } from '../classifier/options.ts';
import type { Word } from '../classifier/words.ts';
import { findWish } from './find-wish.ts';
import { gitWish } from './git-wish.ts';
import { has, type Looking, pathsOf } from './looking.ts';
import { MAX_WISHES, type Wish } from './wish.ts';

/** Programs that change nothing that another one would be looked at for. */
const QUIET =
  /^(echo|printf|cd|pushd|popd|pwd|ls|cat|head|tail|less|more|wc|sort|uniq|cut|tr|grep|egrep|fgrep|rg|awk|date|whoami|id|uname|env|which|type|command|test|\[|true|false|:|sleep|export|set|local|read|xargs|sudo|doas|nice|nohup|time|timeout|bash|sh|dash|zsh|eval|if|find|stat|file|du|df|diff|cmp|seq|basename|dirname|realpath|readlink)$/;

const MAX_SEEN = 500;

/** What to look at for a command. */
export function commandWishes(
  classifier: CommandClassifier,
  text: string,
  context: { cwd: string | null; home: string; readScript?(path: string): string | null },
): Wish[] {
  const seen: Seen[] = [];
  classifier.classifyCommand(text, { ...context, seen: (one) => seen.length < MAX_SEEN && seen.push(one) });
  return wishesOf(seen);
}

const READERS = /^(cat|head|tail|less|more|diff|cmp|stat|file|sed)$/;

/** What to look at for a command, from what the classifier saw of it; what is not known is said to be. */
function wishesOf(seen: readonly Seen[]): Wish[] {
  const out: Wish[] = [];
  const known = new Set<string>();
  let changed = false;
  let early = false;
  for (const [at, one] of seen.entries()) {
    // find's own commands are part of what find is looked at for.
    const within = seen[at - 1]?.name === 'find' && one.words.some(({ source }) => source.includes('{}'));
    const wishes = within ? [] : wishesFor(one);
    for (const wish of wishes) {
      const key = JSON.stringify(wish);
      if (known.has(key)) continue;
      known.add(key);
      early ||= changed && wish.kind !== 'mention' && wish.kind !== 'unknown';
      if (out.length < MAX_WISHES) out.push(wish);
    }
    changed ||= wishes.some(({ kind }) => kind !== 'mention') || !QUIET.test(one.name);
  }
  if (known.size > out.length) out[MAX_WISHES - 1] = { kind: 'unknown', sentence: 'It does more than is looked at' };
  if (early)
    out.push({ kind: 'unknown', sentence: 'What comes first in the command can change what is there for the rest' });
  return out;
}

function wishesFor(one: Seen): Wish[] {
  if (one.cwd === null)
    return CHANGES.test(one.name)
      ? [{ kind: 'unknown', sentence: `In which folder ${one.name} works is known only when it runs` }]
      : [];
  const call: Looking = { name: one.name, words: one.words, cwd: one.cwd };
  switch (one.name) {
    case '>':
    case '&>':
    case '>|':
    case '>&':
      return written(call, one.words, 'replaced');
    case '>>':
    case '&>>':
      return written(call, one.words, 'added to');
    case '<>':
      return written(call, one.words, 'changed');
    case 'rm':
    case 'unlink':
    case 'rmdir':
    case 'shred':
      return removed(call);
    case 'mv':
    case 'cp':
    case 'install':
      return transferred(call);
    case 'ln':
      return linked(call);
    case 'chmod':
    case 'chown':
    case 'chgrp':
      return withMode(call);
    case 'tee': {
      const { operands, options } = parseOptions(call.words, {});
      return written(call, operands, has(options, '-a --append') ? 'added to' : 'replaced');
    }
    case 'truncate':
      return written(call, parseOptions(call.words, { values: '-s -r --size --reference' }).operands, 'changed');
    case 'sed':
      return edited(call);
    case 'dd': {
      const of = call.words.flatMap((word) => (word.text?.startsWith('of=') ? [part(word, 3)] : []));
      return written(call, of, 'replaced');
    }
    case 'find':
      return findWish(call);
    case 'git':
      return gitWish(call);
    default:
      return mentioned(call);
  }
}

const CHANGES =
  /^(>|&>|>\||>&|>>|&>>|<>|rm|unlink|rmdir|shred|mv|cp|install|ln|chmod|chown|chgrp|tee|truncate|dd|git)$/;

const part = (word: Word, from: number): Word => ({ ...word, text: (word.text ?? '').slice(from) });

const NOWHERE = /^\/dev\/(null|stdout|stderr|tty|fd\/\d+)$|^&?\d*$/;

function written(call: Looking, words: readonly Word[], how: 'replaced' | 'added to' | 'changed'): Wish[] {
  const { paths, unknown } = pathsOf(call, words, 'writes');
  const files = paths.filter(({ text }) => !NOWHERE.test(text));
  return [...(files.length === 0 ? [] : [{ kind: 'write' as const, cwd: call.cwd, paths: files, how }]), ...unknown];
}

function removed(call: Looking): Wish[] {
  const { operands, options } = parseOptions(call.words, { values: '-n -s --iterations --size --random-source' });
  if (call.name === 'shred' && !has(options, '-u --remove')) return written(call, operands, 'replaced');
  const { paths, unknown } = pathsOf(call, operands, 'removes');
  const deep = call.name === 'rm' && has(options, '-r -R --recursive');
  const empty = call.name === 'rmdir' || (call.name === 'rm' && has(options, '-d --dir'));
  return [...(paths.length === 0 ? [] : [{ kind: 'remove' as const, cwd: call.cwd, paths, deep, empty }]), ...unknown];
}

function transferred(call: Looking): Wish[] {
  const parsed = parseOptions(call.words, {
    values: `-S -t --suffix --target-directory${call.name === 'install' ? ' -m -o -g --mode --owner --group' : ''}`,
  });
  const { options } = parsed;
  if (call.name === 'install' && has(options, '-d --directory')) return [];
  const into = options.find((one) => isOption(one, '-t --target-directory'))?.value ?? null;
  const operands = [...parsed.operands];
  const last = into ?? operands.pop();
  if (last === undefined || operands.length === 0) return [];
  const target = pathsOf(call, [last], 'writes');
  const sources = pathsOf(call, operands, call.name === 'mv' ? 'moves' : 'copies');
  const unknown = [...sources.unknown, ...target.unknown];
  if (sources.paths.some(({ text }) => /(^|\/)\.\.?\/*$/.test(text)))
    return [{ kind: 'unknown', sentence: `What ${call.name} takes out of a folder is not looked at` }];
  const [to] = target.paths;
  if (to === undefined || sources.paths.length === 0) return unknown;
  const keeps = has(options, '-n --no-clobber -b --backup -S --suffix -u --update -i --interactive');
  return [
    {
      kind: 'transfer',
      cwd: call.cwd,
      moves: call.name === 'mv',
      sources: sources.paths,
      target: to,
      folder: into !== null ? true : has(options, '-T --no-target-directory') ? false : null,
      replaces: keeps ? 'rest' : 'all',
      deep: call.name === 'mv' || has(options, '-r -R -a --recursive --archive'),
    },
    ...unknown,
  ];
}

/** A link replaces what is there only where it is told to. */
function linked(call: Looking): Wish[] {
  const { operands, options } = parseOptions(call.words, { values: '-S -t --suffix --target-directory' });
  const [, target, more] = operands;
  if (target === undefined || more !== undefined || has(options, '-t --target-directory'))
    return [{ kind: 'unknown', sentence: 'Which links ln makes is not looked at' }];
  return written(call, [target], has(options, '-f --force') ? 'replaced' : 'changed');
}

function withMode(call: Looking): Wish[] {
  // -w, -x, -r and their like are modes, which begin as options do.
  const isMode = (word: Word) => call.name === 'chmod' && /^-[rwxXstugo]+$/.test(word.text ?? '');
  const mode = call.words.find(isMode);
  const { operands, options } = parseOptions(
    call.words.filter((word) => word !== mode),
    { values: '--reference --from' },
  );
  const reference = options.find((one) => isOption(one, '--reference'));
  const rest = mode !== undefined || reference !== undefined ? operands : operands.slice(1);
  const to = reference !== undefined ? `that of ${reference.value?.source}` : ((mode ?? operands[0])?.source ?? '');
  const { paths, unknown } = pathsOf(call, rest, 'changes');
  const deep = has(options, '-R --recursive');
  return [...(paths.length === 0 ? [] : [{ kind: 'mode' as const, cwd: call.cwd, to, paths, deep }]), ...unknown];
}

function edited(call: Looking): Wish[] {
  // What stands behind -i at once is a suffix, and no options.
  const plain = call.words.map((word) => (/^-i./.test(word.text ?? '') ? { ...word, text: '-i' } : word));
  const { operands, options } = parseOptions(plain, { values: '-e -f --expression --file -l --line-length' });
  if (!has(options, '-i --in-place')) return mentioned(call);
  const scripted = has(options, '-e -f --expression --file');
  const files = scripted ? operands : operands.slice(1);
  const suffix = call.words.map(({ text }) => /^(?:-i|--in-place=)(.+)$/.exec(text ?? '')?.[1]).find(Boolean);
  const copies = files.map((word) => ({ ...word, text: word.text === null ? null : `${word.text}${suffix}` }));
  return [...written(call, files, 'changed'), ...(suffix === undefined ? [] : written(call, copies, 'replaced'))];
}

/** Files that another program is given, if they are there. */
function mentioned(call: Looking): Wish[] {
  const { name, cwd } = call;
  const isQuiet = QUIET.test(name);
  if (isQuiet && !READERS.test(name)) return [];
  const words = call.words.filter(({ text }) => text !== null && !/^-|^https?:|^$/.test(text) && text.length < 1000);
  const { paths } = pathsOf(call, words, 'names');
  const program = name.includes('/') ? [{ text: name, glob: false }] : [];
  const all = [...program, ...paths].slice(0, 40);
  const does = isQuiet || READERS.test(name) ? null : name;
  return all.length === 0 && does === null ? [] : [{ kind: 'mention', cwd, paths: all, does }];
}
