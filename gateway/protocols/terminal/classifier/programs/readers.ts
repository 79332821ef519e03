import { PRINTS } from '../call.ts';
import { hasOption, type Row } from '../row.ts';

const RUNS = 'Runs a program of the command’s choice for what it reads';

/** Programs that show what is there. */
export const READERS: readonly Row[] = [
  {
    names: 'cat tac nl',
    operands: 'reads',
    does: ({ input }, { operands, options }) =>
      operands.length === 0 && options.length === 0
        ? { text: input.text, remote: input.remote }
        : { text: null, remote: input.remote },
  },
  { names: 'head tail', values: '-n -c --lines --bytes -s --sleep-interval --pid', operands: 'reads', does: passes },
  {
    names: 'wc cksum sum md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum md5 shasum',
    values: '-a --algorithm',
    operands: 'reads',
    reads: '--files0-from',
  },
  {
    names: 'ls dir vdir exa eza',
    values: '-I --ignore -w --width -T --tabsize --block-size --color --sort --time --format',
    operands: 'reads',
  },
  { names: 'tree', values: '-L -P -I -o --filelimit --charset --gitfile --fromfile', operands: 'reads', writes: '-o' },
  {
    names: 'stat file readlink realpath',
    values: '-c --format -f -t --printf -m -M --magic-file -F',
    operands: 'reads',
    reads: '-f --files-from',
  },
  {
    names: 'du df',
    values: '-d --max-depth -t -x -X --exclude --exclude-from -B --block-size --threshold',
    operands: 'reads',
    reads: '--files0-from',
  },
  {
    names: 'basename dirname seq nproc arch uname uptime tty locale groups logname users',
    values: '-s --suffix -f --format',
    loose: true,
  },
  { names: 'whoami id pwd w who last', operands: 'reads' },
  { names: 'true false : sleep cal ncal factor', loose: true },
  {
    names: '[ test',
    loose: true,
    does: (call) => {
      // An index in an operand is evaluated, and runs what it substitutes.
      if (call.args.some((word) => /\$\(|`/.test(word.text ?? '')))
        call.effects.unknown('a comparison can run a command');
      return PRINTS;
    },
  },
  {
    names: 'grep egrep fgrep zgrep bzgrep xzgrep',
    skip: 1,
    values:
      '-e -f -m -A -B -C -D -d --regexp --file --max-count --include --exclude --exclude-dir --exclude-from --label --context --after-context --before-context --binary-files --directories --devices',
    operands: 'reads',
    reads: '-f --file --exclude-from',
    deep: '-r -R --recursive --dereference-recursive',
    does: searches,
  },
  {
    names: 'rg ag ack',
    skip: 1,
    values:
      '-e -f -g -m -A -B -C -t -T -j -d --glob --type --file --regexp --max-count --max-depth --type-add --pre --hostname-bin --pager --sort --replace -r',
    operands: 'reads',
    reads: '-f --file',
    // They go into folders by themselves, and into hidden ones where told.
    deep: '--hidden -. -u -uu -uuu --unrestricted --no-ignore --no-hidden',
    worse: [{ when: '--pre --hostname-bin --pager -z --search-zip', class: 'execute', says: RUNS }],
    does: searches,
  },
  {
    names: 'diff cmp comm diff3 sdiff colordiff',
    values: '-U -C -I -x -X --label --exclude --unified --context -i -n -o',
    operands: 'reads',
    writes: '-o --output',
    deep: '-r --recursive',
  },
  {
    names: 'cut paste join fold fmt column expand unexpand rev tr tsort pr nroff strings od hexdump hd',
    values: '-d -f --delimiter --fields --output-delimiter --characters',
    operands: 'reads',
    does: (call) => (call.name === 'tr' ? passes(call) : PRINTS),
  },
  {
    names: 'xxd',
    values: '-c -g -l -o -s -n',
    does: (call, { operands }) => {
      if (operands[0]) call.read(operands[0]);
      if (operands[1]) call.write(operands[1]);
      return passes(call);
    },
  },
  {
    names: 'base64 base32 basenc',
    values: '-w --wrap -i -o',
    operands: 'reads',
    reads: '-i',
    writes: '-o',
    does: passes,
  },
  {
    names: 'sort',
    values:
      '-k -t -o -S -T --key --field-separator --output --parallel --temporary-directory --compress-program --files0-from --batch-size --random-source',
    operands: 'reads',
    reads: '--files0-from --random-source',
    writes: '-o --output -T',
    worse: [{ when: '--compress-program', class: 'execute', says: RUNS }],
  },
  {
    names: 'uniq',
    values: '-f -s -w --skip-fields --skip-chars --check-chars',
    does: (call, { operands }) => {
      if (operands[0]) call.read(operands[0]);
      if (operands[1]) call.write(operands[1]);
      return passes(call);
    },
  },
  {
    names: 'less more most',
    values: '-p -o -O -P -t -T -k -x -y -z',
    operands: 'reads',
    reads: '-k --lesskey-src',
    writes: '-o -O --log-file',
    // +G and +F move about; a + before anything else is a command, and ! among them runs a program.
    does: ({ args, effects }) => {
      if (args.some((word) => /^\+(?!(\d*|G|F|\/[^!|]*)$)/.test(word.text ?? word.prefix)))
        effects.unknown('the pager is told to run commands');
      return PRINTS;
    },
  },
  {
    names: 'bat batcat',
    values:
      '-l -r -H --language --line-range --highlight-line --theme --style --pager --paging --color --decorations --wrap',
    operands: 'reads',
    worse: [{ when: '--pager', class: 'execute', says: RUNS }],
  },
  {
    names: 'jq yq',
    skip: 1,
    values: '-f --from-file --indent -L',
    operands: 'reads',
    reads: '-f --from-file --slurpfile --rawfile -L',
    worse: [{ when: '-i --inplace --in-place', class: 'write', says: 'Changes {} in place' }],
    does: (call, parsed) => {
      if (hasOption(parsed, '-i --inplace --in-place'))
        parsed.operands.slice(1).forEach((word) => {
          call.write(word);
        });
      if (hasOption(parsed, '-f --from-file')) call.effects.unknown('the program is in a file that is not followed');
      for (const word of parsed.operands.slice(0, 1)) {
        if (/\b(env|ENV)\b|\$__prog/.test(word.text ?? ''))
          call.effects.worsen('secret-read', 'Shows environment variables');
        // A library or a program in a file is not followed; it may show variables too.
        if (/\b(import|include)\b/.test(word.text ?? '') && call.name === 'jq')
          call.effects.unknown('the jq program takes in a file that is not followed');
        if (
          /\b(load\w*|input_filename|include|import|strenv|system|exec)\b/.test(word.text ?? '') &&
          call.name === 'yq'
        )
          call.effects.unknown('the yq expression reads or runs what is not followed');
      }
      return passes(call);
    },
  },
  {
    names: 'which type whereis hash',
    loose: true,
    does: (call, parsed) => {
      if (call.name === 'hash' && hasOption(parsed, '-p'))
        call.effects.unknown('a program name is given another program', 'lookup');
      return PRINTS;
    },
  },
  {
    names: 'man info apropos whatis',
    values: '-P --pager -H --html -C --config-file -M',
    worse: [{ when: '-P --pager -H --html -C --config-file', class: 'execute', says: RUNS }],
    // A name with a slash, and any with -l, is a file that is shown.
    does: (call, parsed) => {
      for (const word of parsed.operands)
        if (word.text === null || word.text.includes('/') || hasOption(parsed, '-l --local-file')) call.read(word);
      return PRINTS;
    },
  },
  {
    names: 'ps pgrep top htop free vmstat iostat lsof lsblk lscpu lsusb lspci pstree',
    values: '-p -u -o -C -g -t -U -G -d -n -a -i -c',
    does: (call) => {
      if (
        call.name === 'ps' &&
        call.args.some((word) => /^[a-zA-Z]*e[a-zA-Z]*$/.test(word.text ?? '') || word.text?.includes('environ'))
      )
        call.effects.worsen('secret-read', 'Shows the environment of processes');
      return PRINTS;
    },
  },
  { names: 'printenv', class: 'secret-read', says: 'Shows environment variables, which can hold secrets' },
  {
    names: 'date',
    values: '-d -f -r -s -I --date --file --reference --set -j -v',
    reads: '-f --file -r --reference',
    worse: [{ when: '-s --set', class: 'privilege', says: 'Sets the clock' }],
    does: ({ effects }, { operands }) => {
      if (operands.some(({ text }) => text !== null && !text.startsWith('+')))
        effects.worsen('privilege', 'Sets the clock');
      return PRINTS;
    },
  },
  {
    names: 'hostname',
    does: (call, { operands, options }) => {
      if (operands.length > 0 || options.some(({ name }) => /^-(F|b)/.test(name)))
        call.effects.worsen('privilege', 'Renames this computer');
      return PRINTS;
    },
  },
  { names: 'yes', loose: true },
  { names: 'zcat bzcat xzcat zstdcat', operands: 'reads' },
  {
    names: 'journalctl dmesg',
    values: '-u -n --unit --lines -S -U --since --until -o -p -g --grep -f',
    worse: [
      {
        when: '--vacuum-size --vacuum-time --vacuum-files --rotate -C --clear -c --read-clear',
        class: 'destructive',
        says: 'Removes logs',
      },
    ],
  },
];

function passes(call: Parameters<NonNullable<Row['does']>>[0]) {
  return { text: null, remote: call.input.remote };
}

function searches(call: Parameters<NonNullable<Row['does']>>[0], parsed: Parameters<NonNullable<Row['does']>>[1]) {
  // With -e or -f the first operand is a file as well.
  if (hasOption(parsed, '-e -f --regexp --file --files') && parsed.operands[0]) call.read(parsed.operands[0]);
  return passes(call);
}
