import type { Call } from '../call.ts';
import { PRINTS } from '../call.ts';
import type { Parsed } from '../options.ts';
import { hasOption, type Row } from '../row.ts';
import { literal } from '../words.ts';

const code = (call: Call, flag: string) => {
  call.effects.worsen('execute', `Runs ${call.name} code given in the command`);
  call.effects.unknown(`what the ${call.name} code of ${flag} does is not followed`);
};

/** Programs that run code. */
export const INTERPRETERS: readonly Row[] = [
  {
    names: 'sh bash dash zsh ksh ash mksh rbash',
    values: '-o +o -O +O --rcfile --init-file',
    stops: true,
    does: shell,
  },
  {
    names: 'fish csh tcsh nu pwsh powershell xonsh elvish',
    class: 'execute',
    says: 'Runs another shell',
    does: ({ effects, name }) => {
      effects.unknown(`the language of ${name} is not followed`);
      return PRINTS;
    },
  },
  { names: 'python python2 python3 pypy pypy3 ipython', values: '-c -m -W -X', stops: true, does: interpreter },
  {
    names: 'node nodejs deno bun tsx ts-node',
    values: '-e -p -r --eval --print --require --import --loader --experimental-loader --env-file',
    stops: true,
    does: interpreter,
  },
  {
    names: 'ruby perl php lua luajit Rscript R julia groovy scala elixir erl ghc runghc swift',
    values: '-e -E -r -I -M -R -f',
    stops: true,
    does: interpreter,
  },
  {
    names: 'java javaw kotlin jshell dotnet mono wine osascript expect tclsh wish',
    class: 'execute',
    says: 'Runs a program',
    does: (call) => {
      call.effects.unknown(`what ${call.name} runs is not followed`);
      for (const word of call.args) if (/\.(jar|java|dll|exe|exp|tcl|scpt)$/.test(word.text ?? '')) call.script(word);
      return PRINTS;
    },
  },
  {
    names: 'awk gawk mawk nawk',
    skip: 1,
    values: '-F -v -f -i -e -E --exec --field-separator --assign --file --include --source -l --load',
    operands: 'reads',
    worse: [{ when: '-f --file -E --exec -i --include -l --load', class: 'execute', says: 'Runs an awk script' }],
    does: awk,
  },
  { names: 'sed gsed', values: '-e -f -l -E --expression --file --line-length', does: sed },
  {
    names: 'vi vim nvim nano emacs ed ex pico code cursor subl gedit',
    class: 'write',
    says: 'Opens {} in an editor',
    operands: 'writes',
    values: '-c -S -u --cmd',
    does: (call, { options, operands }) => {
      if (
        options.some(({ name }) => /^(-c|-S|-u|--cmd|--eval|-batch|--batch|--load|-es|-s|-e)$/.test(name)) ||
        call.args.some((word) => word.text?.startsWith('+')) ||
        call.input.kind !== 'none' ||
        /^(ed|ex)$/.test(call.name)
      )
        call.effects.unknown('the editor is told to run commands');
      for (const word of operands) call.read(word);
      if (/^(code|cursor)$/.test(call.name) && options.some(({ name }) => /extension|mcp/.test(name))) {
        call.effects.worsen('privilege', 'Changes the editor’s extensions or servers');
        call.effects.flag('guard');
      }
      return PRINTS;
    },
  },
];

function shell(call: Call, parsed: Parsed) {
  const { effects, input } = call;
  effects.flag('nested');
  const startFile = parsed.options.find(({ name }) => /^--(rcfile|init-file)$/.test(name));
  if (startFile?.value) call.script(startFile.value, true);
  const [first, ...rest] = parsed.operands;
  const inline = parsed.options.some(({ name }) => name === '-c');
  const reads = parsed.options.some(({ name }) => name === '-s');
  if (inline) {
    if (first === undefined) return PRINTS;
    return call.run(first, rest.slice(1));
  }
  if (first !== undefined && !reads && first.text !== '-') {
    if (/^\/dev\/(stdin|fd\/0)$|^\/proc\/self\/fd\/0$/.test(first.text ?? '')) return fed(call);
    if (first.source.startsWith('<(')) effects.flag('piped-to-shell');
    call.script(first, true, rest);
    return PRINTS;
  }
  if (parsed.options.length > 0 && hasOption(parsed, '--version --help')) return PRINTS;
  if (input.kind === 'none') {
    effects.unknown('a shell without a command is started');
    return PRINTS;
  }
  return fed(call);
}

/** A shell runs what it reads. */
function fed(call: Call) {
  const { effects, input } = call;
  effects.flag('piped-to-shell');
  if (input.text !== null) return call.run(literal(input.text), []);
  effects.worsen('execute', 'Runs whatever is sent to a shell');
  effects.unknown('what is sent to the shell is known only when it runs');
  if (input.remote) {
    effects.worsen('execute', 'Runs code that another machine sends');
    effects.flag('remote-code');
  }
  return PRINTS;
}

function interpreter(call: Call, parsed: Parsed) {
  const { effects, input, name } = call;
  const [first] = parsed.operands;
  const inline = parsed.options.find(
    (option) =>
      /^(-[ceEpr]|--(eval|print|run))$/.test(option.name) &&
      !(/^(node|tsx|ts-node|bun)/.test(name) && option.name === '-r'),
  );
  if (hasOption(parsed, '--version -V --help -h') && parsed.operands.length === 0 && inline === undefined)
    return PRINTS;
  const module = parsed.options.find((option) => option.name === '-m' && name.startsWith('py'));
  if (module) return pythonModule(call, module.value?.text ?? null, parsed);
  if (inline) {
    code(call, inline.name);
    return PRINTS;
  }
  effects.worsen('execute', `Runs ${name} code`);
  if (first === undefined || first.text === '-') {
    effects.unknown(`what ${name} reads and runs is not followed`);
    if (input.kind !== 'none') effects.flag('piped-to-shell');
    if (input.remote) effects.flag('remote-code');
  } else if (
    /^(run|test|task|x|install|add|upgrade|eval|serve|repl|compile|create|build|exec)$/.test(first.text ?? '') &&
    /^(deno|bun)$/.test(name)
  ) {
    effects.unknown(`what ${name} ${first.text} runs is not followed`);
    for (const word of parsed.operands.slice(1)) if (/\.\w+$/.test(word.text ?? '')) call.script(word);
  } else {
    effects.unknown(`what the ${name} script does is not followed`);
    call.script(first);
  }
  return PRINTS;
}

function pythonModule(call: Call, module: string | null, parsed: Parsed) {
  const { effects } = call;
  if (module === 'http.server' || module === 'SimpleHTTPServer' || module === 'smtpd') {
    effects.worsen('network', 'Listens for connections and gives out files of the directory');
    effects.flag('listener');
  } else if (module === 'pip') call.invoke([literal('pip'), ...parsed.operands]);
  else if (module === 'json.tool')
    parsed.operands.slice(0, 1).forEach((word) => {
      call.read(word);
    });
  else if (module === 'venv' || module === 'virtualenv') {
    effects.worsen('write', 'Makes a Python environment');
    parsed.operands.forEach((word) => {
      call.write(word);
    });
  } else {
    effects.worsen('execute', `Runs the Python module ${module ?? ''}`);
    if (module === null || !/^(pytest|unittest|mypy|ruff|black|build|compileall)$/.test(module))
      effects.unknown(`what the Python module ${module ?? ''} does is not known`);
  }
  return PRINTS;
}

function awk(call: Call, parsed: Parsed) {
  const { effects } = call;
  const file = parsed.options.find(({ name }) => /^(-f|--file|-E|--exec|-i|--include)$/.test(name));
  const inline = parsed.options.find(({ name }) => /^(-e|--source)$/.test(name));
  if (file?.value) call.script(file.value);
  const program = inline?.value?.text ?? parsed.operands[0]?.text ?? null;
  if (program === null) effects.unknown('the awk program is known only when it runs');
  else if (
    /system\s*\(|\||getline|@\s*\w+\s*\(|@load|@include|\/inet|ENVIRON|>/.test(
      program.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/[<>=!]=|\s>\s*\d+(\s*[){&]|$)/g, ' '),
    ) ||
    /\/inet/.test(program)
  )
    effects.unknown('the awk program can run commands or use files');
  return { text: null, remote: call.input.remote };
}

function sed(call: Call, parsed: Parsed) {
  const { effects } = call;
  const scripts = parsed.options.filter(({ name }) => name === '-e' || /^--e/.test(name)).map(({ value }) => value);
  const file = parsed.options.find(({ name }) => name === '-f' || /^--f/.test(name));
  if (file?.value) call.script(file.value);
  const own = scripts.length === 0 && file === undefined ? parsed.operands.slice(0, 1) : [];
  for (const word of [...scripts, ...own]) {
    const text = word?.text ?? null;
    // Only commands whose letters cannot run or write: s///gpI0-9, d, p, q, y, =, and addresses.
    if (text === null) effects.unknown('the sed script is known only when it runs');
    else if (!isPlainSed(text)) effects.unknown('the sed script can run commands or use files');
  }
  const inPlace = parsed.options.some(({ name }) => /^(-i|--in.*)$/.test(name));
  for (const word of own.length > 0 ? parsed.operands.slice(1) : parsed.operands)
    inPlace ? call.write(word) : call.read(word);
  return { text: null, remote: call.input.remote };
}

function isPlainSed(script: string): boolean {
  let rest = script.trim();
  for (let rounds = 0; rest !== '' && rounds < 100; rounds += 1) {
    const address =
      /^(?:(?:\d+|\$|\/(?:[^/\\\n]|\\.)*\/I?)(?:~\d+)?(?:\s*,\s*(?:[+~]?\d+|\$|\/(?:[^/\\\n]|\\.)*\/I?))?)?\s*!?\s*/.exec(
        rest,
      )?.[0] ?? '';
    rest = rest.slice(address.length);
    const substitute = /^s([^\w\s\\])/.exec(rest);
    if (substitute) {
      const d = substitute[1]!.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
      const whole = new RegExp(
        `^s${d}(?:[^${d}\\\\]|\\\\[\\s\\S])*${d}(?:[^${d}\\\\]|\\\\[\\s\\S])*${d}[gpIi0-9]*`,
      ).exec(rest);
      if (!whole) return false;
      rest = rest.slice(whole[0].length);
    } else if (/^[dpqDPNnGgHhx={}]/.test(rest)) rest = rest.replace(/^[dpqDPNnGgHhx={}]\s*\d*/, '');
    else if (rest !== '') return false;
    const end = /^\s*(;|\n|\}|$)\s*/.exec(rest);
    if (!end && !/^[a-zA-Z={}]/.test(rest)) return false;
    rest = rest.slice(end?.[0].length ?? 0);
  }
  return rest === '';
}
