import type { Call } from '../call.ts';
import { PRINTS } from '../call.ts';
import type { Parsed } from '../options.ts';
import { hasOption, type Row } from '../row.ts';
import { literal, RUNS_AS_INDEX, runsAsIndex, unknownWord, type Word } from '../words.ts';

/** Programs that run the command in their arguments. */
export const WRAPPERS: readonly Row[] = [
  {
    names: 'nohup setsid command builtin noglob nocorrect coproc unbuffer',
    stops: true,
    does: (call, parsed) => {
      if (call.name === 'command' && hasOption(parsed, '-v -V')) return PRINTS;
      if (call.name === 'coproc' || call.name === 'nohup' || call.name === 'setsid') call.effects.flag('background');
      return inner(call, parsed, 0);
    },
  },
  {
    names: 'time',
    values: '-f -o --format --output',
    stops: true,
    writes: '-o --output',
    does: (call, parsed) => inner(call, parsed, 0),
  },
  {
    names: 'exec stdbuf nice ionice chrt caffeinate',
    values:
      '-n -i -o -e -a -t -w -T -P -D --adjustment --class --classdata --input --output --error --sched-runtime --sched-deadline --sched-period',
    stops: true,
    does: (call, parsed) => {
      // Their -c takes a value for ionice, and their -p ends what comes after.
      if (/^(ionice|chrt)$/.test(call.name) && hasOption(parsed, '-c -p'))
        call.effects.unknown(`which command ${call.name} runs is not followed`);
      // chrt's first operand is a priority.
      return inner(call, parsed, call.name === 'chrt' ? 1 : 0);
    },
  },
  {
    names: 'timeout',
    values: '-k -s --kill-after --signal',
    stops: true,
    does: (call, parsed) => inner(call, parsed, 1),
  },
  {
    names: 'flock',
    values: '-w -E --timeout --wait --conflict-exit-code',
    stops: true,
    does: (call, parsed) => {
      const [lock] = parsed.operands;
      if (lock) call.write(lock);
      const command = parsed.operands[1];
      if (command?.text === '-c') return parsed.operands[2] ? call.run(parsed.operands[2]) : PRINTS;
      return inner(call, parsed, 1);
    },
  },
  { names: 'taskset', values: '', stops: true, does: (call, parsed) => inner(call, parsed, 1) },
  {
    names: 'chroot unshare nsenter firejail bwrap systemd-run proot fakeroot strace ltrace gdb valgrind',
    class: 'privilege',
    says: 'Runs a command in other surroundings',
    does: ({ effects, name }) => {
      effects.unknown(`the command that ${name} runs is not followed`);
      return PRINTS;
    },
  },
  {
    names: 'watch',
    values: '-n -q --interval --equexit',
    stops: true,
    does: (call, parsed) => {
      const text = parsed.operands.every((word) => word.text !== null)
        ? parsed.operands.map((word) => word.text).join(' ')
        : null;
      return call.run(text === null ? unknownWord('its arguments') : literal(text));
    },
  },
  {
    names: 'script',
    values: '-c -I -O -B -T -t --command',
    does: (call, { options, operands }) => {
      for (const word of operands) call.write(word);
      for (const { name, value } of options) if (/^(-c|--co.*)$/.test(name) && value) call.run(value);
      if (options.every(({ name }) => !/^(-c|--co)/.test(name)))
        call.effects.unknown('a shell without a command is started');
      return PRINTS;
    },
  },
  {
    names: 'sudo doas pkexec run0',
    values: '-u -g -h -p -C -T -U -R -D -r -t --user --group --host --prompt --chdir --chroot --close-from',
    stops: true,
    class: 'privilege',
    says: 'Runs as another user, by default the administrator',
    flags: 'elevated',
    does: (call, parsed) => {
      if (hasOption(parsed, '-e --edit'))
        parsed.operands.forEach((word) => {
          call.write(word);
        });
      if (hasOption(parsed, '-i -s --login --shell') && parsed.operands.length === 0)
        call.effects.unknown('a shell of another user is started');
      if (hasOption(parsed, '-D --chdir -R --chroot -i --login')) call.cd(null);
      return assigned(call, parsed.operands);
    },
  },
  {
    names: 'su runuser',
    values: '-c -s -g -G -w --command --shell --group --session-command',
    class: 'privilege',
    says: 'Becomes another user',
    flags: 'elevated other-user',
    does: (call, { options }) => {
      const commands = options.filter(({ name }) => name === '-c' || /^--(c|ses)/.test(name));
      for (const { value } of commands) if (value) call.run(value);
      if (commands.length === 0) call.effects.unknown('a shell of another user is started');
      return PRINTS;
    },
  },
  {
    names: 'env',
    values: '-u -C -S -P --unset --chdir --split-string',
    stops: true,
    does: (call, parsed) => {
      for (const { name, value } of parsed.options) {
        if (name === '-C' || /^--c/.test(name)) call.cd(value);
        if (name === '-S' || /^--sp/.test(name)) {
          const rest = parsed.operands.map((word) =>
            word.text === null ? '"$unknown"' : `'${word.text.replaceAll("'", `'\\''`)}'`,
          );
          return call.run(value?.text == null ? unknownWord('its -S') : literal([value.text, ...rest].join(' ')));
        }
      }
      return assigned(call, parsed.operands);
    },
  },
  {
    names: 'xargs parallel',
    values:
      '-a -d -E -I -L -n -P -s --arg-file --delimiter --max-args --max-procs --max-chars --process-slot-var -j --jobs',
    stops: true,
    reads: '-a --arg-file',
    does: (call, parsed) => {
      if (call.name === 'parallel') call.effects.unknown('parallel builds commands from its input');
      const more = unknownWord('what xargs reads', '', true);
      const command = parsed.operands.length === 0 ? [literal('echo')] : parsed.operands;
      const replace = parsed.options.find(({ name }) => /^(-I|-i|--r.*)$/.test(name));
      // What follows -i, -e or -l at once is its value; the next word is not.
      const attached = call.args.map((word) => /^-i(.+)/.exec(word.text ?? '')?.[1]).find((text) => text !== undefined);
      const marker = attached ?? replace?.value?.text ?? '{}';
      const words = replace
        ? command.map((word) =>
            word.text?.includes(marker)
              ? unknownWord(word.source, word.text.slice(0, word.text.indexOf(marker)), false)
              : word,
          )
        : [...command, more];
      return call.invoke(words, { kind: 'none', text: null, remote: call.input.remote });
    },
  },
  {
    names: 'find gfind',
    single: true,
    values:
      '-name -iname -path -ipath -type -size -mtime -mmin -maxdepth -mindepth -newer -perm -user -group -regex -iregex -printf -fprint -fprintf -fls -exec -execdir -ok -okdir -regextype',
    does: find,
  },
  {
    names: 'fd fdfind',
    values: '-e -E -t -d -x -X --exec --exec-batch --extension --type --max-depth --exclude',
    worse: [{ when: '-x -X --exec --exec-batch', class: 'execute', says: 'Runs a command for each file it finds' }],
    does: (call, parsed) => {
      if (hasOption(parsed, '-x -X --exec --exec-batch'))
        call.effects.unknown('the command that fd runs is not followed');
      parsed.operands.slice(1).forEach((word) => {
        call.read(word);
      });
      return PRINTS;
    },
  },
];

function inner(call: Call, parsed: Parsed, skip: number) {
  const words = parsed.operands.slice(skip);
  return words.length === 0 ? PRINTS : call.invoke(words);
}

/** `NAME=value` words before the command. */
function assigned(call: Call, words: readonly Word[]) {
  let at = 0;
  for (; at < words.length; at += 1) {
    const [, name] = /^([A-Za-z_]\w*)=/.exec(words[at]?.text ?? words[at]?.prefix ?? '') ?? [];
    if (name === undefined) break;
    // The shell expanded the command before, so the value is for the program alone.
    call.assign(name, null);
    if (runsAsIndex(words[at]?.text ?? null)) call.effects.unknown(RUNS_AS_INDEX);
  }
  if (at < words.length) return call.invoke(words.slice(at));
  if (call.name === 'env') call.effects.worsen('secret-read', 'Shows environment variables, which can hold secrets');
  return PRINTS;
}

function find(call: Call, { options }: Parsed) {
  const { args, effects } = call;
  const isTest = (word: Word) => /^[-(!]/.test(word.text ?? '');
  const start = args.findIndex((word) => isTest(word) && !/^-[HLPDO]/.test(word.text ?? ''));
  const roots = args.slice(0, start < 0 ? args.length : start).filter((word) => !isTest(word));
  const runs = args.some((word) => /^-(exec|execdir|ok|okdir)$/.test(word.text ?? ''));
  const removes = args.some((word) => word.text === '-delete');
  for (const root of roots) {
    // Names alone are no content, so a folder of secrets is read only where a command opens what is found.
    if (removes) call.remove(root, true);
    else call.read(root, runs);
  }
  if (removes) {
    effects.worsen('destructive', 'Removes all files that it finds');
    if (roots.length === 0) call.remove(literal('.'), true);
  }
  for (const { name, value } of options) if (/^-(fprint|fprintf|fprint0|fls)/.test(name) && value) call.write(value);
  for (let i = 0; i < args.length; i += 1) {
    if (!/^-(exec|execdir|ok|okdir)$/.test(args[i]?.text ?? '')) continue;
    const end = args.findIndex((word, at) => at > i && (word.text === ';' || word.text === '+'));
    const words = args.slice(i + 1, end < 0 ? args.length : end);
    effects.flag('nested');
    call.invoke(words.map((word) => (word.text?.includes('{}') ? found(word, roots) : word)));
    if (end >= 0) i = end;
  }
  return PRINTS;
}

/** A found file is below one of the roots, and its name is not known; it never begins with a dash. */
function found(word: Word, roots: readonly Word[]): Word {
  if (roots.length === 1 && roots[0]?.text != null && word.text === '{}')
    return { text: `${roots[0].text}/**`, glob: true, prefix: '', splits: false, source: '{}' };
  return unknownWord(word.source, word.text === '{}' ? './' : '', false);
}
